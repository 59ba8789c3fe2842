package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// asNobody is a copy of the gatehop binary and a command that runs it as a user who is
// not root, with a folder of its own for temporary files.
func asNobody(t *testing.T, args ...string) (cmd *exec.Cmd, tmp string) {
	t.Helper()
	from, err := exec.LookPath("gatehop")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "gatehop-test-") // t.TempDir lies below a folder of root's
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	exe, tmp := filepath.Join(dir, "gatehop"), filepath.Join(dir, "tmp")
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	// A program started meanwhile would inherit the open file, which nobody could run then.
	syscall.ForkLock.RLock()
	err = os.WriteFile(exe, data, 0o755)
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(tmp, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(exe, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + tmp, "TMPDIR=" + tmp}
	if os.Getuid() == 0 {
		const nobody = 65534
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		for path, mode := range map[string]os.FileMode{dir: 0o755, exe: 0o755, tmp: 0o700} {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chown(tmp, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	return cmd, tmp
}

// TestProcessIsHidden wants a running gatehop, and not the program that it runs, closed
// to other processes of its user: the kernel shows that by who owns its files in /proc.
func TestProcessIsHidden(t *testing.T) {
	t.Parallel()
	cmd, _ := asNobody(t, "sandbox", "--", "sh", "-c", "echo $$; exec sleep 60")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Signal(syscall.SIGTERM); _ = cmd.Wait() }()
	child, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	owner := func(pid string) uint32 {
		info, err := os.Stat(filepath.Join("/proc", strings.TrimSpace(pid), "environ"))
		if err != nil {
			t.Fatal(err)
		}
		return info.Sys().(*syscall.Stat_t).Uid
	}
	if got := owner(strconv.Itoa(cmd.Process.Pid)); got != 0 {
		t.Errorf("gatehop can be read by its user (%d)", got)
	}
	if got := owner(child); got == 0 {
		t.Error("the program that gatehop runs is closed too")
	}
}

// TestWindowCloses ends a sandbox as closing its window, or a shutdown, does: the
// program is told, and nothing is left.
func TestWindowCloses(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGHUP, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			cmd, tmp := asNobody(t, "sandbox", "--", "sh", "-c", "echo up; exec sleep 60")
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			if got := len(files(t, tmp)); got < 4 {
				t.Fatalf("only %d files while it runs: the check looks in the wrong place", got)
			}
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, out)
			_ = cmd.Wait()
			if got := cmd.ProcessState.ExitCode(); got != 128+int(signal) {
				t.Errorf("status %d, want %d", got, 128+int(signal))
			}
			if left := files(t, tmp); len(left) != 1 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// TestNohup wants a sandbox that was started to outlive its window to do so.
func TestNohup(t *testing.T) {
	t.Parallel()
	cmd, _ := asNobody(t, "sandbox", "--", "sh", "-c", "echo up; kill -HUP $PPID; echo still; exit 3")
	cmd.Args = append([]string{"sh", "-c", `trap "" HUP; exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
	out, err := cmd.Output()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 3 || string(out) != "up\nstill\n" {
		t.Errorf("under nohup: %q, %v; want it to go on to status 3", out, err)
	}
}
