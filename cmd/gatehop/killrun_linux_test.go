//go:build linux && (amd64 || arm64)

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"gatehop/cmd/gatehop/internal/flow"
	"gatehop/creds/store"
)

// killScenario is one leader that is killed and others that want the same.
type killScenario struct {
	name      string
	prepare   [][]string // commands that are run to their end before, as the leader's
	leader    []string   // the program and its arguments
	followers []string   // four of these wait when the leader is killed
	warm      []string   // what costs nothing when all is over; nil: nothing is asked
	// How many passwords and calls to AWS all of them may cost, and how many more if the
	// leader was killed.
	costs, more map[string]int
	// judge looks at whatever else must hold, right after the kill and at the end.
	judge func(r *killRun) error
}

// killRun is one run of a scenario in a state directory of its own.
type killRun struct {
	*killScenario
	company *realCompany
	state   string // name of the state directory in the home
	at      int    // the call to kill at
	mode    string // "entry", "exit"

	calls     []killerCall // of the leader, up to its end
	killed    bool
	waited    bool // the followers were there before the end
	spent     map[string]int
	temps     []string // temporary files that were left
	followers []*follower
	problems  []error
}

// killerCall is one call that the killer counted.
type killerCall struct{ name, class string }

// follower is an ordinary gatehop beside the leader.
type follower struct {
	cmd       *exec.Cmd
	out, errs bytes.Buffer
}

const followerCount = 4

// errUntraceable reports a system that lets nobody trace a process.
var errUntraceable = errors.New("ptrace is not permitted here")

func (r *killRun) dir() string { return filepath.Join(r.company.home, r.state) }

func (r *killRun) problem(format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf(format, args...))
}

// run does it all. What it returns is trouble with the experiment; what is wrong with
// gatehop is in problems.
func (r *killRun) run() error {
	for _, args := range r.prepare {
		if out, err := r.company.command(r.state, args[0], args[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("prepare with %q: %v\n%s", args, err, out)
		}
	}
	if err := r.company.quiet(); err != nil {
		return err
	}
	before := r.company.calls()
	if err := r.lead(); err != nil {
		return err
	}
	r.judgeFiles("after the end of the leader")
	if r.followers == nil {
		if err := r.startFollowers(); err != nil {
			return err
		}
	}
	r.finishFollowers()
	if err := r.company.quiet(); err != nil {
		return err
	}
	r.spent = map[string]int{}
	for name, n := range r.company.calls() {
		r.spent[name] = n - before[name]
		if most := r.costs[name]; !r.killed && r.spent[name] > most {
			r.problem("%d times %s, want at most %d", r.spent[name], name, most)
		} else if most += r.more[name]; r.spent[name] > most {
			r.problem("%d times %s, want at most %d", r.spent[name], name, most)
		}
	}
	r.judgeFiles("at the end")
	return r.judgeWarm()
}

// lead runs the leader under the killer until it has ended. If it was killed, the
// followers stand still.
func (r *killRun) lead() error {
	out, errs := r.dir()+".out", r.dir()+".err"
	args := append([]string{fmt.Sprint(r.at), r.mode, out, errs}, r.leader...)
	cmd := r.company.command(r.state, "killer", args...)
	var words bytes.Buffer
	cmd.Stderr = &words
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	lines, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer in.Close()
	status := ""
	for scanner := bufio.NewScanner(lines); scanner.Scan(); {
		switch line := scanner.Text(); {
		case line == "locked":
			err = errors.Join(r.startFollowers(), r.untilFollowersWait())
		case line == "at":
			err = r.freeze()
		case strings.HasPrefix(line, "call "):
			fields := strings.Fields(line)
			r.calls = append(r.calls, killerCall{name: fields[2], class: fields[3]})
			continue
		default:
			status = line
			continue
		}
		if err != nil {
			_ = in.Close()
			break
		}
		if _, err = io.WriteString(in, "go\n"); err != nil {
			break
		}
	}
	_, _ = io.Copy(io.Discard, lines)
	if ended := cmd.Wait(); ended != nil {
		if cmd.ProcessState.ExitCode() == untraceable {
			return errUntraceable
		}
		return errors.Join(err, fmt.Errorf("killer: %w: %s", ended, words.String()))
	}
	if err != nil {
		return err
	}
	r.killed = status == "killed"
	if !r.killed && status != "exit 0" {
		said, _ := os.ReadFile(errs)
		r.problem("the leader was not killed and ended with %q: %s", status, said)
	}
	return nil
}

func (r *killRun) startFollowers() error {
	for range followerCount {
		f := &follower{cmd: r.company.command(r.state, r.killScenario.followers[0], r.killScenario.followers[1:]...)}
		f.cmd.Stdout, f.cmd.Stderr = &f.out, &f.errs
		if err := f.cmd.Start(); err != nil {
			return err
		}
		r.followers = append(r.followers, f)
	}
	return nil
}

// processState is the letter of proc(5): T is stopped, Z has ended.
func processState(pid int) (byte, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, ok := bytes.Cut(data, []byte(") "))
	if err != nil || !ok || len(rest) == 0 {
		return 0, fmt.Errorf("the state of process %d: %q, %w", pid, data, err)
	}
	return rest[0], nil
}

// running is how many followers have not ended.
func (r *killRun) running() (n int, err error) {
	for _, f := range r.followers {
		state, err := processState(f.cmd.Process.Pid)
		if err != nil {
			return 0, err
		}
		if state != 'Z' {
			n++
		}
	}
	return n, nil
}

// untilFollowersWait returns when those followers that have not ended wait for a lock.
// The leader stands still meanwhile, and a follower that waits opens the lock file
// again and again with growing pauses: so many openings are those of all.
func (r *killRun) untilFollowersWait() error {
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if _, err := unix.InotifyAddWatch(fd, filepath.Join(r.dir(), "locks"), unix.IN_OPEN); err != nil {
		return err
	}
	buffer := make([]byte, 64<<10)
	for opened := 0; ; time.Sleep(2 * time.Millisecond) {
		n, err := unix.Read(fd, buffer)
		if err != nil && err != unix.EAGAIN && err != unix.EINTR {
			return err
		}
		if n > 0 {
			opened += bytes.Count(buffer[:n], []byte(".lock\x00"))
		}
		left, err := r.running()
		if err != nil || left == 0 || opened >= 6*left {
			r.waited = left > 0
			return err
		}
	}
}

// freeze stops the followers, so that nobody touches what a killed leader left before
// it has been looked at.
func (r *killRun) freeze() error {
	for _, f := range r.followers {
		if err := f.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			return err
		}
		for state := byte(0); state != 'T' && state != 'Z'; time.Sleep(time.Millisecond) {
			var err error
			if state, err = processState(f.cmd.Process.Pid); err != nil {
				return err
			}
		}
	}
	return nil
}

// finishFollowers lets the followers go on and wants one good answer from all.
func (r *killRun) finishFollowers() {
	for _, f := range r.followers {
		_ = f.cmd.Process.Signal(syscall.SIGCONT)
	}
	for i, f := range r.followers {
		timer := time.AfterFunc(time.Minute, func() { _ = f.cmd.Process.Kill() })
		if err := f.cmd.Wait(); err != nil {
			r.problem("follower %d: %w: %s", i, err, f.errs.String())
		}
		timer.Stop()
		if a, b := f.out.String(), r.followers[0].out.String(); a != b || a == "" {
			r.problem("followers 0 and %d were given different or no answers, of %d and %d bytes", i, len(b), len(a))
		}
	}
}

// judgeWarm wants that all is as if nothing had happened: the session is there, and
// what a dead process left is swept by and by.
func (r *killRun) judgeWarm() error {
	before := r.company.calls()
	if r.warm != nil {
		if out, err := r.company.command(r.state, r.warm[0], r.warm[1:]...).CombinedOutput(); err != nil {
			r.problem("%q when all is over: %w: %s", r.warm, err, out)
		}
		for name, n := range r.company.calls() {
			if n != before[name] {
				r.problem("%q when all is over costs %d times %s", r.warm, n-before[name], name)
			}
		}
	}
	if len(r.temps) == 0 {
		return nil
	}
	past := time.Now().Add(-2 * time.Hour)
	for _, name := range r.temps {
		if err := os.Chtimes(filepath.Join(r.dir(), name), past, past); err != nil {
			return err
		}
	}
	if out, err := r.company.command(r.state, "gatehop", "login", "dev", "--force").CombinedOutput(); err != nil {
		r.problem("login when all is over: %w: %s", err, out)
	}
	for _, name := range r.temps {
		if _, err := os.Lstat(filepath.Join(r.dir(), name)); err == nil {
			r.problem("temporary file %s is not swept", name)
		}
	}
	return nil
}

// fileRules says what every file of a state directory must be at any moment; the first
// that fits decides, and a file that none fits is a problem.
func fileRules() []struct {
	pattern string
	whole   func(r *killRun, dir store.Dir, name string) error
} {
	anything := func(*killRun, store.Dir, string) error { return nil }
	temp := func(r *killRun, dir store.Dir, name string) error {
		rel, err := filepath.Rel(r.dir(), filepath.Join(dir.Path(), name))
		r.temps = append(r.temps, rel)
		return err
	}
	return []struct {
		pattern string
		whole   func(r *killRun, dir store.Dir, name string) error
	}{
		{"*.lock", anything}, {"locks/*.lock", anything},
		{".tmp-*", temp}, {"*/.tmp-*", temp},
		{"session.key", func(_ *killRun, dir store.Dir, name string) error {
			key, err := store.ReadFile(dir, name)
			if err == nil && len(key) != 32 {
				err = fmt.Errorf("a key of %d bytes", len(key))
			}
			return err
		}},
		{"choices.json", func(_ *killRun, dir store.Dir, name string) error {
			data, err := store.ReadFile(dir, name)
			if err == nil && !json.Valid(data) {
				err = fmt.Errorf("no JSON: %q", data)
			}
			return err
		}},
		{"sessions/*", (*killRun).opensSession},
	}
}

// opensSession opens an entry as gatehop does, under the keys of the configuration.
func (r *killRun) opensSession(_ store.Dir, name string) (err error) {
	dir, err := store.OpenDir(r.dir(), false)
	if err != nil {
		return err
	}
	a := &app{process: process{env: r.company.command(r.state, "gatehop").Env}}
	for _, profile := range []string{"gateway", "dev"} {
		ch, err := a.chain(context.Background(), []string{profile})
		if err != nil {
			return err
		}
		key := ch.CacheKey(len(ch) - 1)
		if sum := sha256.Sum256([]byte(key)); hex.EncodeToString(sum[:]) != name {
			continue
		}
		var why error
		data, err := store.NewSealed(dir, "session", func(err error) { why = err }).Get(context.Background(), key)
		if err == nil {
			_, err = flow.DecodeSession(data)
		}
		return errors.Join(err, why)
	}
	return errors.New("is no profile's")
}

// judgeFiles reads every file with gatehop's own readers.
func (r *killRun) judgeFiles(when string) {
	r.temps = nil
	err := filepath.WalkDir(r.dir(), func(at string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && at == r.dir() {
			return nil // killed before there was one
		}
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, err := store.OpenDir(at, false)
			return err
		}
		return r.judgeFile(at)
	})
	if r.killScenario.judge != nil {
		err = errors.Join(err, r.killScenario.judge(r))
	}
	if err != nil {
		r.problem("%s: %w", when, err)
	}
}

func (r *killRun) judgeFile(at string) error {
	name, err := filepath.Rel(r.dir(), at)
	if err != nil {
		return err
	}
	for _, rule := range fileRules() {
		fits, err := path.Match(rule.pattern, name)
		if err != nil {
			return err
		}
		if !fits {
			continue
		}
		dir, err := store.OpenDir(filepath.Dir(at), false)
		if err == nil {
			err = rule.whole(r, dir, filepath.Base(at))
		}
		if err != nil {
			return fmt.Errorf("file %s is not whole: %w", name, err)
		}
		return nil
	}
	return fmt.Errorf("file %s: nobody knows what it is", name)
}
