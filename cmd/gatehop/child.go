package main

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"gatehop/cmd/gatehop/internal/environ"
)

// lookPath finds a program in the PATH of the given environment, as a shell does: what
// may not be run is passed over while anything else fits. A name without a slash is
// never taken from the current directory.
func lookPath(name string, env []string) (string, error) {
	if strings.ContainsRune(name, filepath.Separator) || strings.Contains(name, "/") {
		return exec.LookPath(name)
	}
	problem := exec.ErrNotFound
	for _, dir := range filepath.SplitList(environ.Vars(env).Get("PATH")) {
		if !filepath.IsAbs(dir) {
			continue
		}
		path, err := exec.LookPath(filepath.Join(dir, name))
		if err == nil {
			return path, nil
		}
		if info, statErr := os.Stat(filepath.Join(dir, name)); errors.Is(err, fs.ErrPermission) && statErr == nil && info.Mode().IsRegular() {
			problem = fs.ErrPermission
		}
	}
	return "", problem
}

// endSignals are the signals that ask to end. One that this process was started to
// ignore, as nohup does with SIGHUP, stays ignored.
func endSignals() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// runChild runs c in this process group and reports its exit status as a *childExit.
// Ctrl-C and Ctrl-\ reach the child by themselves; other requests to end are passed on.
func (a *app) runChild(c command) error {
	cmd := &exec.Cmd{Path: c.path, Args: c.args, Env: c.env, Stdin: a.stdin, Stdout: a.stdout, Stderr: a.stderr}
	if f := fileOf(a.stderr); f != nil {
		cmd.Stderr = f // the child writes there itself
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, endSignals()...)
	defer signal.Stop(signals)
	start := func() (func(), error) { return func() {}, cmd.Start() }
	if c.tied != nil {
		runtime.LockOSThread() // which must not end before the child does
		defer runtime.UnlockOSThread()
		start = func() (func(), error) { return startTied(cmd) }
	}
	release, err := start()
	if err != nil {
		return startProblem(c.args[0], err)
	}
	defer release()
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			if s == syscall.SIGTERM || s == syscall.SIGHUP {
				_ = cmd.Process.Signal(s)
			}
		case <-c.tied:
			_ = cmd.Process.Kill()
			c.tied = nil
		case err := <-done:
			return exitOf(cmd, err)
		}
	}
}

func exitOf(cmd *exec.Cmd, err error) error {
	var failed *exec.ExitError
	if err == nil {
		return nil
	}
	if !errors.As(err, &failed) {
		return err
	}
	if status, ok := failed.Sys().(syscall.WaitStatus); ok && runtime.GOOS != "windows" && status.Signaled() {
		return &childExit{status: 128 + int(status.Signal())}
	}
	return &childExit{status: cmd.ProcessState.ExitCode()}
}
