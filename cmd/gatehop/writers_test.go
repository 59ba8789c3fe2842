package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// oddFile is a credentials file as people have them: other line ends, comments in every
// place, odd spacing, nested blocks, no line end at the end.
const oddFile = "# mine, by hand\r\n\r\n[beside]\r\naws_access_key_id=AKIA0\r\naws_secret_access_key   =  x  \r\n" +
	"\t; a comment\r\n[other] # a comment\r\n  output = json\r\n  credential_process = /bin/x \"a b\"\r\n      --more\r\n\r\n\r\n" +
	"s3 =\r\n    region = nested\r\n    aws_session_token = nested\r\n# the last line"

// witness watches one file that many programs write sections w0, w1, ... into.
type witness struct {
	path    string
	section *regexp.Regexp // one section of gatehop's, whole, with what separates it
	foreign *regexp.Regexp // everything before them
	patient bool           // another program empties the file now and then

	stop  chan struct{}
	done  sync.WaitGroup
	reads int
	err   error
}

// watch begins to read the file in a loop. eol is the file's.
func watch(path, foreign, eol string) *witness {
	key := func(name, value string) string { return name + " = " + value + eol }
	w := &witness{path: path, stop: make(chan struct{}), foreign: regexp.MustCompile(`^` + foreign)}
	w.section = regexp.MustCompile(`^(?:` + eol + `)?` + eol + `\[(w\d+)\]` + eol + key("x_gatehop_profile", `(?:gateway|dev)`) +
		key("aws_access_key_id", `ASIA\w+`) + key("aws_secret_access_key", `\S{20,}`) + key("aws_session_token", `\S{20,}`) +
		key("region", "eu-west-1") + strings.TrimSuffix(key("x_security_token_expires", `[-\d:T]+Z`), eol))
	return w
}

func (w *witness) start() {
	w.done.Go(func() {
		most := 0
		for w.err == nil {
			select {
			case <-w.stop:
				return
			default:
			}
			n, err := w.read()
			if err == nil && n < most && !w.patient {
				err = fmt.Errorf("a reader sees %d sections after %d", n, most)
			}
			w.err, most = err, max(n, most)
			w.reads++
			time.Sleep(time.Millisecond) // leaves the processors to the writers
		}
	})
}

// finish ends the watch and returns what was wrong, in the end too: all of want sections
// must be there.
func (w *witness) finish(want int) error {
	close(w.stop)
	w.done.Wait()
	if w.err != nil {
		return w.err
	}
	n, err := w.read()
	if err == nil && n != want {
		err = fmt.Errorf("%d of %d sections in the end", n, want)
	}
	if err == nil && w.reads < 20 {
		err = fmt.Errorf("only %d reads", w.reads)
	}
	return err
}

// read reads the file once. What is not whole must become whole in the same file, if
// another program may be at it: what gatehop puts in its place is whole at once.
func (w *witness) read() (int, error) {
	f, err := os.Open(w.path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for waited := time.Duration(0); ; waited += 5 * time.Millisecond {
		data, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<20))
		if err != nil {
			return 0, err
		}
		n, err := w.sections(data)
		if err == nil || !w.patient || waited > 20*time.Second {
			return n, err
		}
		time.Sleep(5 * time.Millisecond) // until the other program goes on
	}
}

// sections counts the sections of a whole version.
func (w *witness) sections(data []byte) (int, error) {
	at := w.foreign.FindIndex(data)
	if at == nil {
		return 0, fmt.Errorf("a reader sees other bytes than were there: %q", data)
	}
	seen := map[string]bool{}
	for rest := data[at[1]:]; ; {
		m := w.section.FindSubmatchIndex(rest)
		if m == nil {
			if len(bytes.TrimRight(rest, "\r\n")) != 0 {
				return 0, fmt.Errorf("a reader sees less than a section: %q", rest)
			}
			return len(seen), nil
		}
		name := string(rest[m[2]:m[3]])
		if seen[name] {
			return 0, fmt.Errorf("a reader sees %s twice", name)
		}
		seen[name] = true
		rest = rest[m[1]:]
	}
}

// writers is how many there are at once.
const writers = 30

// atOnce runs n things at once and returns the first error.
func atOnce(n int, do func(i int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = do(i) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// writersWorld is a world with a credentials file that says content.
func writersWorld(t *testing.T, content string) (path string, login func(profile string, i int) error) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "aws")
	path = filepath.Join(dir, "credentials")
	if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(path, []byte(content), 0o600)); err != nil {
		t.Fatal(err)
	}
	_, _, run := realWorldWith(t, realOptions{vars: []string{"AWS_SHARED_CREDENTIALS_FILE=" + path}})
	if out, err := run("login", "dev"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path, func(profile string, i int) error {
		out, err := run("login", profile, fmt.Sprintf("--write=w%d", i))
		if err != nil {
			return fmt.Errorf("gatehop login %s: %w\n%s", profile, err, out)
		}
		return nil
	}
}

// TestParallelWriters: thirty processes write a section each into one file, then again
// in place, while somebody reads.
func TestParallelWriters(t *testing.T) {
	t.Parallel()
	rarelyRaced(t, "what processes have in common is a file")
	path, login := writersWorld(t, oddFile)
	w := watch(path, regexp.QuoteMeta(oddFile), "\r\n")
	w.start()
	for _, profile := range []string{"gateway", "dev"} {
		if err := atOnce(writers, func(i int) error { return login(profile, i) }); err != nil {
			t.Error(err)
		}
	}
	if err := w.finish(writers); err != nil {
		t.Error(err)
	}
	data, err := os.ReadFile(path)
	if err != nil || bytes.Count(data, []byte("x_gatehop_profile = dev")) != writers {
		t.Errorf("%d sections of the second round, %v, want %d", bytes.Count(data, []byte("x_gatehop_profile = dev")), err, writers)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 2 {
		t.Errorf("left beside the file and its lock: %v, %v", entries, err)
	}
}

// TestParallelWritersControl gives the witness writers that read, change, empty and
// write without a lock, as other tools do, and others that each break one thing.
func TestParallelWritersControl(t *testing.T) {
	t.Parallel()
	section := func(i int) string {
		return strings.ReplaceAll(fmt.Sprintf("\n\n[w%d]\nx_gatehop_profile = dev\naws_access_key_id = ASIAX\naws_secret_access_key = %s\n"+
			"aws_session_token = %[2]s\nregion = eu-west-1\nx_security_token_expires = 2026-03-01T10:00:00Z", i, strings.Repeat("x", 40)), "\n", "\r\n")
	}
	replace := func(path string, data []byte) error {
		return errors.Join(os.WriteFile(path+"~", data, 0o600), os.Rename(path+"~", path))
	}
	naive := func(change func(data []byte, i int) []byte, put func(string, []byte) error) func(string) error {
		return func(path string) error {
			for i := range writers {
				data, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				if err := put(path, change(data, i)); err != nil {
					return err
				}
			}
			return nil
		}
	}
	add := func(data []byte, i int) []byte { return append(data, section(i)...) }
	for name, write := range map[string]func(path string) error{
		"lose each other's": func(path string) error {
			return atOnce(writers, func(i int) error {
				data, err := os.ReadFile(path)
				time.Sleep(5 * time.Millisecond) // long enough for the others to read the same
				return errors.Join(err, os.WriteFile(path, add(data, i), 0o600))
			})
		},
		"empty the file first": naive(add, func(path string, data []byte) error {
			err := os.Truncate(path, 0)
			time.Sleep(5 * time.Millisecond)
			return errors.Join(err, os.WriteFile(path, data, 0o600))
		}),
		"tidy line ends": naive(func(data []byte, i int) []byte {
			return bytes.Replace(add(data, i), []byte("\r\n"), []byte("\n"), 1)
		}, replace),
		"drop the last comment": naive(func(data []byte, i int) []byte {
			return bytes.Replace(add(data, i), []byte("# the last line"), nil, 1)
		}, replace),
		"append twice": naive(func(data []byte, i int) []byte { return add(add(data, i), i) }, replace),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "credentials")
			if err := os.WriteFile(path, []byte(oddFile), 0o600); err != nil {
				t.Fatal(err)
			}
			w := watch(path, regexp.QuoteMeta(oddFile), "\r\n")
			w.start()
			if err := write(path); err != nil {
				t.Fatal(err)
			}
			if err := w.finish(writers); err == nil || strings.Contains(err.Error(), "only") {
				t.Errorf("writers that %s pass: %v", name, err)
			}
		})
	}
	t.Run("none of that", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "credentials")
		if err := os.WriteFile(path, []byte(oddFile), 0o600); err != nil {
			t.Fatal(err)
		}
		w := watch(path, regexp.QuoteMeta(oddFile), "\r\n")
		w.start()
		if err := naive(add, replace)(path); err != nil {
			t.Fatal(err)
		}
		if err := w.finish(writers); err != nil && !strings.Contains(err.Error(), "only") {
			t.Errorf("careful writers: %v", err)
		}
	})
}
