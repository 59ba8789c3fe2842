package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// watched is what the test binary does as gatehop-watched: it starts a child under watch,
// says its number, and waits to be killed. With an argument it releases the child first.
func watched() {
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	cmd := exec.Command("sh", "-c", `trap "" INT; exec sleep 300`)
	release, err := startWatched(cmd)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	if len(os.Args) > 1 {
		release()
	}
	for !childrenIgnoreInterrupt() {
		time.Sleep(time.Millisecond)
	}
	fmt.Println(cmd.Process.Pid)
	time.Sleep(5 * time.Minute)
}

// childrenIgnoreInterrupt reports whether every child of this process has come so far as to
// ignore SIGINT (proc_pid_status(5)); false while there is none.
func childrenIgnoreInterrupt() bool {
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	children := 0
	for _, list := range lists {
		pids, _ := os.ReadFile(list)
		for _, pid := range strings.Fields(string(pids)) {
			status, _ := os.ReadFile("/proc/" + pid + "/status")
			_, rest, _ := strings.Cut(string(status), "\nSigIgn:\t")
			line, _, _ := strings.Cut(rest, "\n")
			if set, err := strconv.ParseUint(line, 16, 64); err != nil || set&maskOf([]os.Signal{os.Interrupt}) == 0 {
				return false
			}
			children++
		}
	}
	return children > 0
}

// TestWatched kills the parent of a child under watch, and of one that has been released,
// which is the control. Ctrl-C, which is for the child, does not end the watch. Other
// systems need it, but this one can show that it works.
func TestWatched(t *testing.T) {
	t.Parallel()
	for _, released := range []bool{false, true} {
		cmd := exec.Command("gatehop-watched")
		if released {
			cmd.Args = append(cmd.Args, "released")
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		child := strings.TrimSpace(line)
		var pid int
		if _, scanErr := fmt.Sscan(child, &pid); err != nil || scanErr != nil || isOver(child) {
			t.Fatalf("it says %q, %v", line, err)
		}
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
		if isOver(child) {
			t.Error("Ctrl-C ends the child, which ignores it")
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		switch {
		case released:
			if time.Sleep(200 * time.Millisecond); isOver(child) {
				t.Error("a child that nobody watches over ends: the check shows nothing")
			}
		case !eventually(func() bool { return isOver(child) }):
			t.Error("the child goes on")
		}
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}
