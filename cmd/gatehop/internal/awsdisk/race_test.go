package awsdisk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehop/cmd/gatehop/internal/awsfile"
	"gatehop/creds/secret"
)

const raceFile = "# a comment\n[beside]\naws_access_key_id = AKIA0\nk = v\n"

// stage is one Update on a stage: before each of its steps the others may act.
type stage struct {
	path string
	step int
	now  time.Time              // stands still but for pauses, so that a slow machine changes nothing
	acts map[int][]func() error // by step
	torn bool                   // another program is in the middle of a write
	err  error
}

// tick is called before every step of the Update.
func (s *stage) tick() {
	s.look()
	for _, act := range s.acts[s.step] {
		if err := act(); err != nil && s.err == nil {
			s.err = err
		}
	}
	s.step++
}

// look is a reader that must never see less than a whole version, but for what another
// program does to the file by itself.
func (s *stage) look() {
	data, err := os.ReadFile(s.path)
	if err != nil || !s.torn && !strings.HasPrefix(string(data), "# a comment\n[beside]\n") {
		s.err = fmt.Errorf("in step %d a reader sees %q, %v", s.step, data, err)
	}
}

// direct puts the stage between the steps of u. Nothing waits.
func (s *stage) direct(u *updater) *updater {
	edit, fresh, late, held, rename := u.edit, u.fresh, u.late, u.held, u.rename
	u.edit = func(f *awsfile.File) ([]byte, error) { s.tick(); return edit(f) }
	u.fresh = func(path string, t *snapshot) (bool, error) { s.tick(); return fresh(path, t) }
	u.rename = func(from, to string) error { s.tick(); return rename(from, to) }
	u.late = func(t *snapshot) (bool, error) { s.tick(); return late(t) }
	u.held = func(path string, data []byte) (bool, error) { s.tick(); return held(path, data) }
	u.pause = func(ctx context.Context, d time.Duration) error {
		s.tick()
		s.now = s.now.Add(d)
		return ctx.Err()
	}
	return u
}

// careless is a program that knows no lock, as the AWS CLI writes: it reads in one step,
// empties the file in another and writes it in a third.
type careless struct {
	s    *stage
	data []byte
	f    *os.File
	done bool
}

func (c *careless) read() (err error) {
	c.data, err = os.ReadFile(c.s.path)
	return err
}

func (c *careless) open() (err error) {
	c.s.torn = true
	c.f, err = os.OpenFile(c.s.path, os.O_WRONLY|os.O_TRUNC, 0)
	return err
}

func (c *careless) write() error {
	_, err := c.f.Write(bytes.Replace(c.data, []byte("k = v\n"), []byte("k = w\n"), 1))
	c.done, c.s.torn = true, false
	return errors.Join(err, c.f.Close())
}

// sectionsEdit writes the session into one section after another.
func sectionsEdit(names ...string) func(*awsfile.File) ([]byte, error) {
	return func(f *awsfile.File) ([]byte, error) {
		for _, name := range names {
			data, err := f.Apply(sessionEdit(name, "1"))
			if err != nil {
				return nil, err
			}
			f = awsfile.Scan(data)
		}
		return f.Data, nil
	}
}

// newStage makes a file that nobody has touched for a while.
func newStage(t *testing.T, dir string) (*stage, *updater) {
	t.Helper()
	path := filepath.Join(dir, "credentials")
	old := time.Now().Add(-time.Hour)
	if err := errors.Join(os.WriteFile(path, []byte(raceFile), 0o600), os.Chtimes(path, old, old)); err != nil {
		t.Fatal(err)
	}
	u := newUpdater(path, Options{}, sectionsEdit("w"))
	u.backup = func(string, string, []byte) error { return nil }
	s := &stage{path: path, now: time.Now(), acts: map[int][]func() error{}}
	u.now = func() time.Time { return s.now }
	return s, u
}

func privateDir(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "home")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// undisturbed is how many steps an Update has that nothing comes between.
func undisturbed(t *testing.T) int {
	s, u := newStage(t, privateDir(t))
	if _, err := s.direct(u).run(t.Context()); err != nil || s.err != nil {
		t.Fatal(err, s.err)
	}
	return s.step
}

// raceWithCareless runs one Update with a careless program in every placement of its
// three steps between those of the Update, and returns what was lost first. change makes
// a mutant.
func raceWithCareless(t *testing.T, change func(*stage, *updater)) error {
	steps, dir, played := undisturbed(t), privateDir(t), 0
	for r := range steps {
		for o := r; o < steps; o++ {
			for w := o; w < steps; w++ {
				s, u := newStage(t, dir)
				c := &careless{s: s}
				s.acts[r] = append(s.acts[r], c.read)
				s.acts[o] = append(s.acts[o], c.open)
				s.acts[w] = append(s.acts[w], c.write)
				change(s, u)
				where := fmt.Sprintf("read before step %d, emptied before %d, written before %d", r, o, w)
				if _, err := s.direct(u).run(t.Context()); err != nil || s.err != nil {
					return fmt.Errorf("%s: %w", where, errors.Join(err, s.err))
				}
				if !c.done {
					return fmt.Errorf("%s: the Update was over before that", where)
				}
				played++
				data, err := os.ReadFile(s.path)
				if err != nil || !strings.Contains(string(data), "k = w\n") || !strings.Contains(string(data), "[w]\n"+awsfile.OwnerKey) {
					return fmt.Errorf("%s: in the end %q, %v", where, data, err)
				}
			}
		}
	}
	if played < 200 {
		return fmt.Errorf("only %d placements", played)
	}
	return nil
}

// raceWithAnother runs two Updates, the second of which begins between two steps of the
// first, or after it if the lock keeps it out.
func raceWithAnother(t *testing.T, change func(*stage, *updater)) error {
	steps, dir := undisturbed(t), privateDir(t)
	for at := range steps {
		s, u := newStage(t, dir)
		second := newUpdater(s.path, Options{}, sectionsEdit("z"))
		second.backup, second.pause = u.backup, func(context.Context, time.Duration) error { return nil }
		change(s, u)
		change(s, second)
		run := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			_, err := second.run(ctx)
			return err
		}
		var locked error
		s.acts[at] = append(s.acts[at], func() error { locked = run(); return nil })
		if _, err := s.direct(u).run(t.Context()); err != nil || s.err != nil {
			return fmt.Errorf("the second before step %d: %w", at, errors.Join(err, s.err))
		}
		if locked != nil {
			if _, err := second.run(t.Context()); err != nil {
				return fmt.Errorf("the second after the first: %w", err)
			}
		}
		data, err := os.ReadFile(s.path)
		if err != nil || !strings.Contains(string(data), "[w]\n"+awsfile.OwnerKey) || !strings.Contains(string(data), "[z]\n"+awsfile.OwnerKey) {
			return fmt.Errorf("the second before step %d: in the end %q, %v", at, data, err)
		}
	}
	return nil
}

// raceWithReplacer is raceWithCareless with a program that replaces the file by a rename,
// as editors do. Just before the Update's own rename nothing can see that any more.
func raceWithReplacer(t *testing.T, change func(*stage, *updater)) error {
	const beforeRename = 2
	steps, dir := undisturbed(t), privateDir(t)
	for r := range steps {
		for w := r; w < steps; w++ {
			if w == beforeRename {
				continue
			}
			s, u := newStage(t, dir)
			c := &careless{s: s}
			s.acts[r] = append(s.acts[r], c.read)
			s.acts[w] = append(s.acts[w], c.replace)
			change(s, u)
			where := fmt.Sprintf("read before step %d, replaced before %d", r, w)
			if _, err := s.direct(u).run(t.Context()); err != nil || s.err != nil {
				return fmt.Errorf("%s: %w", where, errors.Join(err, s.err))
			}
			data, err := os.ReadFile(s.path)
			if err != nil || !c.done || !strings.Contains(string(data), "k = w\n") || !strings.Contains(string(data), "[w]\n"+awsfile.OwnerKey) {
				return fmt.Errorf("%s: in the end %q, %v", where, data, err)
			}
		}
	}
	return nil
}

func (c *careless) replace() error {
	c.done = true
	data := bytes.Replace(c.data, []byte("k = v\n"), []byte("k = w\n"), 1)
	return errors.Join(os.WriteFile(c.s.path+"~", data, 0o600), os.Rename(c.s.path+"~", c.s.path))
}

func races(t *testing.T, change func(*stage, *updater)) error {
	for _, race := range []func(*testing.T, func(*stage, *updater)) error{raceWithReplacer, raceWithAnother, raceWithCareless} {
		if err := race(t, change); err != nil {
			return err
		}
	}
	return nil
}

func keep(*stage, *updater) {}

func TestRaces(t *testing.T) {
	t.Parallel()
	if err := races(t, keep); err != nil {
		t.Error(err)
	}
}

// TestRacesControls takes one step away at a time.
func TestRacesControls(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*stage, *updater){
		"does not read again before the rename":  func(_ *stage, u *updater) { u.fresh = func(string, *snapshot) (bool, error) { return true, nil } },
		"does not look into the replaced file":   func(_ *stage, u *updater) { u.late = func(*snapshot) (bool, error) { return false, nil } },
		"does not look at the new file":          func(_ *stage, u *updater) { u.held = func(string, []byte) (bool, error) { return true, nil } },
		"takes an emptied file for an empty one": func(_ *stage, u *updater) { u.now = func() time.Time { return time.Now().Add(time.Hour) } },
		"takes no lock": func(_ *stage, u *updater) {
			u.lock = func(context.Context, string) (func(), error) { return func() {}, nil }
		},
		"writes in place": func(_ *stage, u *updater) { u.rename = inPlace },
		"removes the file before it puts a new one": removeFirst,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := races(t, change); err == nil {
				t.Errorf("an Update that %s loses nothing", name)
			} else {
				t.Log(err)
			}
		})
	}
}

func inPlace(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(to, data, 0o600), os.Remove(from))
}

func removeFirst(s *stage, u *updater) {
	u.rename = func(from, to string) error {
		err := os.Remove(to)
		s.look()
		return errors.Join(err, os.Rename(from, to))
	}
}

// TestNeverQuiet: a program that writes all the time ends the Update with an error and
// a whole file.
func TestNeverQuiet(t *testing.T) {
	t.Parallel()
	s, u := newStage(t, privateDir(t))
	n := 0
	fresh := u.fresh
	u.fresh = func(path string, t *snapshot) (bool, error) {
		n++
		if err := os.WriteFile(path, fmt.Appendf(nil, "%s# %d\n", raceFile, n), 0o600); err != nil {
			return false, err
		}
		return fresh(path, t)
	}
	u.pause = func(context.Context, time.Duration) error { return nil }
	_, err := u.run(t.Context())
	var target *TargetError
	if !errors.As(err, &target) || target.Kind != TargetBusy || n != mostRounds {
		t.Errorf("Update = %v after %d rounds, want a *TargetError after %d", err, n, mostRounds)
	}
	if data, err := os.ReadFile(s.path); err != nil || string(data) != fmt.Sprintf("%s# %d\n", raceFile, n) {
		t.Errorf("the file = %q, %v, want the other program's last version", data, err)
	}
	if names := dirNames(t, filepath.Dir(s.path)); names != ".credentials.gatehop.lock credentials" {
		t.Errorf("the folder holds %s", names)
	}
}

func dirNames(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

// pauseCounting waits for nothing and adds up what it should have waited.
func pauseCounting(total *time.Duration) func(context.Context, time.Duration) error {
	return func(ctx context.Context, d time.Duration) error {
		*total += d
		return ctx.Err()
	}
}

// sessionEdit is what login writes.
func sessionEdit(section, id string) awsfile.Edit {
	e := awsfile.Edit{Kind: awsfile.Credentials, Section: section, Owner: "prod"}
	for _, pair := range [][2]string{
		{"aws_access_key_id", "ASIA" + id}, {"aws_secret_access_key", "s/e+c" + id}, {"aws_session_token", "to=ken#" + id + "=="},
		{"region", "eu-west-1"}, {"x_security_token_expires", "2026-03-01T10:00:00Z"},
	} {
		e.Set = append(e.Set, awsfile.Setting{Name: pair[0], Value: secret.New(pair[1])})
	}
	return e
}
