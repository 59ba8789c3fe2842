//go:build unix

package askpass

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"gatehop/creds/secret"
)

// script writes a program and returns its path.
func script(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pw")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRun(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, script, want, problem string }{
		{"a line", "echo k4n4ry", "k4n4ry", ""},
		{"no end of line", "printf k4n4ry", "k4n4ry", ""},
		{"carriage return", `printf 'k4n4ry\r\nmore'`, "k4n4ry", ""},
		{"further lines", "echo k4n4ry; echo user: alice; printf '\\377'", "k4n4ry", ""},
		{"blanks", "echo ' k4n4ry '", " k4n4ry ", ""},
		{"a child that goes on", "echo k4n4ry; sleep 100 &", "k4n4ry", ""},
		{"its words", "echo noise >&2; echo k4n4ry", "k4n4ry", ""},
		{"arguments", `printf '%s,' "$@"`, "a b,$c,*,", ""},
		{"folder", "pwd", "/", ""},
		{"input", "printf 'n%s' $(wc -c)", "n0", ""},
		{"environment", `echo "$HOME|$LC_X|$XDG_Y|$AWS_PROFILE|$GATEHOP_PASSWORD|$LD_PRELOAD|$BASH_ENV"`, "/h|x|y||||", ""},
		{"nothing", ":", "", "an empty line"},
		{"an empty line", "echo; echo k4n4ry", "", "an empty line"},
		{"not UTF-8", `printf '\377k4n4ry\n'`, "", "not UTF-8"},
		{"a control character", `printf 'k4n\033[2J\n'`, "", "control characters"},
		{"too much", "yes k4n4ry", "", "more than 65536 bytes"},
		{"a failure", "echo k4n4ry; echo it is locked: k4n4ry >&2; exit 3", "", `exit status 3: "it is locked: [secret]"`},
		{"a failure with a screen", `printf '\033[2Jlocked\n' >&2; exit 1`, "", `"[2Jlocked"`},
		{"a failure that prints pages", "printf 'k4n4ry\033[2J\n'; echo k4n4ry >&2; exit 3", "", "ends with exit status 3"},
		{"a failure with further lines", "echo; echo k4n4ry; echo it was k4n4ry >&2; exit 3", "", `"it was [secret]"`},
		{"a page", "printf 'k4n4ry\033[2J\n'; echo k4n4ry >&2", "", "control characters"},
		{"no end", "while :; do sleep 0.1; done", "", "has not answered in 10s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			command := Command{Key: "key", Words: []string{script(t, c.script, 0o700), "a b", "$c", "*"}, limit: 10 * time.Second, Env: []string{
				"PATH=" + os.Getenv("PATH"), "HOME=/h", "LC_X=x", "XDG_Y=y", "AWS_PROFILE=p", "GATEHOP_PASSWORD=q", "LD_PRELOAD=", "BASH_ENV=/z"}}
			got, err := command.Run(t.Context())
			var failed *Error
			switch {
			case c.problem == "" && (err != nil || got.Reveal() != c.want):
				t.Errorf("Run = %q, %v, want %q", got.Reveal(), err, c.want)
			case c.problem != "" && (!errors.As(err, &failed) || !strings.Contains(err.Error(), c.problem) || failed.Config):
				t.Errorf("Run = %q, %v, want an error with %q", got.Reveal(), err, c.problem)
			}
			if err != nil && (strings.Contains(err.Error(), "k4n4ry") || strings.ContainsRune(err.Error(), 0x1b) || strings.Contains(err.Error(), "$c")) {
				t.Errorf("the error shows the answer, an argument or moves the cursor: %v", err)
			}
		})
	}
}

// TestRunCancelled wants the program named where the caller's time was too short for it,
// and the error of the context where the caller left.
func TestRunCancelled(t *testing.T) {
	t.Parallel()
	c := Command{Key: "key", Words: []string{script(t, "sleep 100 & sleep 100", 0o700)}, Env: []string{"PATH=" + os.Getenv("PATH")}}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var late *Error
	if _, err := c.Run(ctx); !errors.As(err, &late) || late.Config || err.Error() != "key: pw has not answered in time" {
		t.Errorf("Run = %v, want an error that names key and program", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := c.Run(ctx); !errors.Is(err, context.Canceled) || errors.As(err, &late) {
		t.Errorf("Run = %v, want the context's error", err)
	}
}

// TestFind has programs and folders that others could change, each beside a control.
func TestFind(t *testing.T) {
	t.Parallel()
	folder := func(mode os.FileMode, fileMode os.FileMode) string {
		path := script(t, ":", fileMode)
		if err := os.Chmod(filepath.Dir(path), mode); err != nil {
			t.Fatal(err)
		}
		return filepath.Dir(path)
	}
	good, group, world, file := folder(0o700, 0o700), folder(0o770, 0o700), folder(0o777|os.ModeSticky, 0o700), folder(0o700, 0o722)
	link := filepath.Join(t.TempDir(), "pw")
	if err := os.Symlink(filepath.Join(file, "pw"), link); err != nil {
		t.Fatal(err)
	}
	goodLink := filepath.Join(t.TempDir(), "pw")
	if err := os.Symlink(filepath.Join(good, "pw"), goodLink); err != nil {
		t.Fatal(err)
	}
	folderLink := filepath.Join(t.TempDir(), "bin")
	if err := os.Symlink(group, folderLink); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, word string
		path       []string
		want       string // the path, or words of the problem
	}{
		{"absolute", filepath.Join(good, "pw"), nil, filepath.Join(good, "pw")},
		{"a link", goodLink, nil, goodLink},
		{"a link to a file that others can write", link, nil, "can be written by others (mode 0722)"},
		{"a file that others can write", filepath.Join(file, "pw"), nil, "can be written by others"},
		{"not there", filepath.Join(good, "no"), nil, "there is no such program"},
		{"a folder", good, nil, "cannot be run"},
		{"in PATH", "pw", []string{"relative", "", good}, filepath.Join(good, "pw")},
		{"the next in PATH", "pw", []string{group, world, folderLink, good}, filepath.Join(good, "pw")},
		{"for the group alone", "pw", []string{group}, "a folder of PATH that can be written by others (mode 0770)"},
		{"for everybody alone", "pw", []string{world}, "a folder of PATH that can be written by others"},
		{"a folder behind a link", "pw", []string{folderLink}, "a folder of PATH that can be written by others"},
		{"a file in PATH that others can write", "pw", []string{file, good}, "can be written by others (mode 0722)"},
		{"nowhere", "pw", []string{t.TempDir()}, "is in no folder of PATH"},
		{"relative", "./pw", []string{good}, "not absolute"},
	} {
		got, problem := find(c.word, []string{"PATH=" + strings.Join(c.path, ":")})
		if strings.HasPrefix(c.want, "/") && (got != c.want || problem != "") || !strings.HasPrefix(c.want, "/") && !strings.Contains(problem, c.want) {
			t.Errorf("%s: find = %q, %q, want %q", c.name, got, problem, c.want)
		}
	}
	c := Command{Key: "key", Words: []string{filepath.Join(file, "pw"), "arg-k4n4ry"}}
	var failed *Error
	if _, err := c.Run(t.Context()); !errors.As(err, &failed) || !failed.Config || strings.Contains(err.Error(), "k4n4ry") {
		t.Errorf("Run = %v, want an error about the configuration", err)
	}
}

// TestFindOwners wants programs of root and of the user, and nobody else's. As root it
// runs itself again as a user who is not.
func TestFindOwners(t *testing.T) {
	t.Parallel()
	const other, mine = "GATEHOP_TEST_OTHERS_PROGRAM", "GATEHOP_TEST_FOLDER"
	if path := os.Getenv(other); path != "" {
		if _, problem := find("sh", []string{"PATH=/bin:/usr/bin"}); problem != "" {
			t.Errorf("root's program: %s", problem)
		}
		if _, problem := find(path, nil); problem != "belongs to another user" {
			t.Errorf("another user's program: %q", problem)
		}
		if _, problem := find(filepath.Base(path), []string{"PATH=" + filepath.Dir(path)}); !strings.Contains(problem, "folder of PATH that belongs to another user") {
			t.Errorf("another user's folder: %q", problem)
		}
		own := filepath.Join(os.Getenv(mine), "pw")
		if err := os.WriteFile(own, []byte("#!/bin/sh\necho k4n4ry\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		if got, err := (Command{Key: "key", Words: []string{own}}).Run(t.Context()); err != nil || got.Reveal() != "k4n4ry" {
			t.Errorf("one's own program: %v", err)
		}
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can make files of another user")
	}
	dir, err := os.MkdirTemp("", "gatehop-askpass") // t.TempDir may lie where others cannot go
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"test": binary, "theirs/pw": []byte("#!/bin/sh\n"), "mine/x": nil} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o755), os.Chmod(filepath.Dir(path), 0o755), os.Chmod(path, 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	for name, uid := range map[string]int{"theirs": 1234, "theirs/pw": 1234, "mine": 65534} {
		if err := os.Chown(filepath.Join(dir, name), uid, uid); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(filepath.Join(dir, "test"), "-test.run=^TestFindOwners$", "-test.v")
	cmd.Dir, cmd.SysProcAttr = dir, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	cmd.Env = []string{other + "=" + filepath.Join(dir, "theirs", "pw"), mine + "=" + filepath.Join(dir, "mine"), "PATH=/bin:/usr/bin", "TMPDIR=" + filepath.Join(dir, "mine")}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS: TestFindOwners") {
		t.Errorf("as another user: %v\n%s", err, out)
	}
}

// TestAllowed wants nothing of AWS's or gatehop's, nor anything unknown, in any spelling.
func TestAllowed(t *testing.T) {
	t.Parallel()
	got := Allowed([]string{"HOME=/h", "AWS_X=1", "GATEHOP_PASSWORD=2", "LC_ALL=C", "HOMER=3", "LC=4", "nothing", "=5", "XDG_RUNTIME_DIR=/r", "PASSWORD_STORE_DIR=/p"})
	want := []string{"HOME=/h", "LC_ALL=C", "XDG_RUNTIME_DIR=/r", "PASSWORD_STORE_DIR=/p"}
	if !slices.Equal(got, want) {
		t.Errorf("Allowed = %q, want %q", got, want)
	}
	if got := Allowed(nil); got == nil { // which os/exec takes for everything
		t.Error("Allowed of nothing is nil")
	}
	for _, name := range slices.Concat(allowed, allowedOnWindows) {
		if strings.HasPrefix(name, "AWS") || strings.HasPrefix(name, "GATEHOP") {
			t.Errorf("%s is allowed", name)
		}
	}
}

func TestReadLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want, rest, problem string }{
		{"k4n4ry\nrest\n", "k4n4ry", "rest\n", ""},
		{"k4n4ry\r\nrest", "k4n4ry", "rest", ""},
		{"k4n4ry", "k4n4ry", "", ""},
		{" k4n4ry \n", " k4n4ry ", "", ""},
		{"", "", "", "nothing"},
		{"\nk4n4ry\n", "", "k4n4ry\n", "an empty line"},
		{"k4n\x00ry\n", "", "", "control characters"},
		{"\xff\n", "", "", "not UTF-8"},
		{strings.Repeat("x", maxOutput), strings.Repeat("x", maxOutput), "", ""},
		{strings.Repeat("x", maxOutput+1), "", "", "more than"},
	} {
		r := strings.NewReader(c.text)
		got, err := ReadLine(t.Context(), io.MultiReader(r)) // hides how many bytes there are
		var bad *LineError
		if c.problem == "" && (err != nil || !got.Equal(secret.New(c.want))) || c.problem != "" && (!errors.As(err, &bad) || !strings.Contains(bad.Problem, c.problem)) {
			t.Errorf("ReadLine(%.20q) = %v, want %q or %q", c.text, err, c.want, c.problem)
		}
		if rest, _ := io.ReadAll(r); string(rest) != c.rest {
			t.Errorf("ReadLine(%.20q) leaves %q, want %q", c.text, rest, c.rest)
		}
	}
	silent, _ := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ReadLine(ctx, silent); !errors.Is(err, context.Canceled) {
		t.Errorf("ReadLine of a stream that says nothing = %v, want the context's error", err)
	}
}

// FuzzLine: what is taken is one line of text that a form can carry.
func FuzzLine(f *testing.F) {
	for _, seed := range []string{"a\nb", "\r\n", "a\x00", "\xff", "ü\r\n", "a\u0085b\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := ReadLine(context.Background(), strings.NewReader(string(data)))
		if err != nil {
			return
		}
		first, _, _ := strings.Cut(string(data), "\n")
		if text := got.Reveal(); text == "" || strings.ContainsAny(text, "\r\n\x00\x1b") || !strings.HasPrefix(first, text) {
			t.Errorf("ReadLine(%q) = %q", data, text)
		}
	})
}
