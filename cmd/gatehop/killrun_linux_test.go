//go:build linux && (amd64 || arm64)

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
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
	writes      string // the section that the leader may add to the credentials file
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

// credentials is this run's credentials file.
func (r *killRun) credentials() string { return r.dir() + ".credentials" }

func (r *killRun) command(args []string) *exec.Cmd {
	cmd := r.company.command(r.state, args[0], args[1:]...)
	cmd.Env = append(cmd.Env, "AWS_SHARED_CREDENTIALS_FILE="+r.credentials())
	return cmd
}

func (r *killRun) problem(format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf(format, args...))
}

// run does it all. What it returns is trouble with the experiment; what is wrong with
// gatehop is in problems.
func (r *killRun) run() error {
	if err := os.WriteFile(r.credentials(), []byte(foreignCredentials), 0o600); err != nil {
		return err
	}
	for _, args := range r.prepare {
		if out, err := r.command(args).CombinedOutput(); err != nil {
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

// answer is the file that holds the leader's standard output.
func (r *killRun) answer() string { return r.dir() + ".out" }

// lead runs the leader under the killer until it has ended. If it was killed, the
// followers stand still.
func (r *killRun) lead() error {
	errs := r.dir() + ".err"
	cmd := r.command(append([]string{"killer", fmt.Sprint(r.at), r.mode, r.answer(), errs}, r.leader...))
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
	status, err := r.listen(lines, in)
	_ = in.Close() // a killer that still asks ends, and its tracee with it
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

// listen does what the killer waits for and returns its last word.
func (r *killRun) listen(lines io.Reader, in io.Writer) (status string, err error) {
	for scanner := bufio.NewScanner(lines); err == nil && scanner.Scan(); {
		switch fields := strings.Fields(scanner.Text()); fields[0] {
		case "locked":
			err = errors.Join(r.startFollowers(), r.untilFollowersWait())
		case "at":
			err = r.freeze()
		case "call":
			r.calls = append(r.calls, killerCall{name: fields[2], class: fields[3]})
			continue
		default:
			status = scanner.Text()
			continue
		}
		if err == nil {
			_, err = io.WriteString(in, "go\n")
		}
	}
	return status, err
}

func (r *killRun) startFollowers() error {
	for range followerCount {
		f := &follower{cmd: r.command(r.killScenario.followers)}
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
		if out, err := r.command(r.warm).CombinedOutput(); err != nil {
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
	again := []string{"gatehop", "login", "dev", "--force"}
	if r.writes != "" {
		again = append(again, "--write="+r.writes)
	}
	if out, err := r.command(again).CombinedOutput(); err != nil {
		r.problem("login when all is over: %w: %s", err, out)
	}
	for _, name := range r.temps {
		if _, err := os.Lstat(filepath.Join(r.dir(), name)); err == nil {
			r.problem("temporary file %s is not swept", name)
		}
	}
	return nil
}
