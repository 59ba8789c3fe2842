package awsdisk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"gatehop/cmd/gatehop/internal/awsfile"
)

// dead is a program that empties a file, or writes only the beginning of it anew, and
// dies. It opened the file some time before.
type dead struct {
	s    *stage
	left int64 // how many bytes stay
	f    *os.File
	done bool
}

func (d *dead) open() (err error) {
	d.f, err = os.OpenFile(d.s.path, os.O_WRONLY, 0)
	return err
}

func (d *dead) die() error {
	d.done = true
	return errors.Join(d.f.Truncate(d.left), d.f.Close())
}

// raceWithDead runs an Update with a dead program in every placement. If the program
// harms what the Update replaces, nothing may be lost. If it harms the file in its place,
// the backup must keep what it was.
func raceWithDead(t *testing.T, left int64, replaced bool, change func(*updater)) error {
	const beforeRename = 2
	steps, dir, played := undisturbed(t), privateDir(t), 0
	for o := range steps {
		for d := o; d < steps; d++ {
			if replaced != (o <= beforeRename && d >= beforeRename) {
				continue
			}
			s, u := newStage(t, dir)
			var backup []byte
			u.backup = func(_, _ string, data []byte) error { backup = data; return nil }
			program := &dead{s: s, left: left}
			s.acts[o] = append(s.acts[o], program.open)
			s.acts[d] = append(s.acts[d], func() error { s.torn = !replaced; return program.die() })
			change(u)
			where := fmt.Sprintf("opened before step %d, cut before %d", o, d)
			if d == beforeRename { // between the last look and the rename a reader sees it too
				s.acts[d] = append(s.acts[d], func() error { s.torn = true; return nil })
				s.acts[d+1] = append(s.acts[d+1], func() error { s.torn = false; return nil })
			}
			pause := s.direct(u).pause
			u.pause = func(ctx context.Context, d time.Duration) error { // the dead do not mind how often they are looked at
				s.now = s.now.Add(20 * d)
				return pause(ctx, d)
			}
			if _, err := u.run(t.Context()); err != nil || s.err != nil {
				return fmt.Errorf("%s: %w", where, errors.Join(err, s.err))
			}
			if !program.done {
				return fmt.Errorf("%s: the Update was over before that", where)
			}
			played++
			data, err := os.ReadFile(s.path)
			if err != nil || !strings.Contains(string(data), "[w]\n"+awsfile.OwnerKey) || replaced && !strings.HasPrefix(string(data), raceFile) {
				return fmt.Errorf("%s: in the end %q, %v", where, data, err)
			}
			if !strings.HasPrefix(string(backup), raceFile) {
				return fmt.Errorf("%s: the backup is %q", where, backup)
			}
		}
	}
	if played < 10 {
		return fmt.Errorf("only %d placements", played)
	}
	return nil
}

// cuts are what a dead program leaves: nothing, half a line, a line, all but the last byte.
var cuts = []int64{0, 5, int64(strings.Index(raceFile, "\n") + 1), int64(len(raceFile) - 1)}

func TestDeadWriter(t *testing.T) {
	t.Parallel()
	for _, left := range cuts {
		for _, replaced := range []bool{true, false} {
			if err := raceWithDead(t, left, replaced, func(*updater) {}); err != nil {
				t.Errorf("%d bytes left, of the replaced file %v: %v", left, replaced, err)
			}
		}
	}
}

// TestDeadWriterControls takes the rule away: then what a dead program left counts, and
// replaces the file or its backup.
func TestDeadWriterControls(t *testing.T) {
	t.Parallel()
	mutant := func(u *updater) { u.cut = func(_, _ []byte) bool { return false } }
	for _, left := range cuts {
		for _, replaced := range []bool{true, false} {
			if err := raceWithDead(t, left, replaced, mutant); err == nil {
				t.Errorf("%d bytes left, of the replaced file %v: an Update without the rule loses nothing", left, replaced)
			}
		}
	}
}

// raceWithSlow runs an Update with a program that empties the file and writes it anew in
// two halves, the second long after the first.
func raceWithSlow(t *testing.T, change func(*updater)) error {
	steps, dir := undisturbed(t), privateDir(t)
	for o := range steps {
		s, u := newStage(t, dir)
		c := &careless{s: s}
		s.acts[o] = append(s.acts[o], c.read, c.open, func() error {
			half := bytes.Index(c.data, []byte("k = v\n"))
			_, err := c.f.Write(c.data[:half])
			c.data = c.data[half:]
			return err
		})
		s.acts[o+60] = append(s.acts[o+60], c.write)
		if o == 2 { // then the rename puts a whole file there
			s.acts[o+1] = append(s.acts[o+1], func() error { s.torn = false; return nil })
		}
		change(u)
		if _, err := s.direct(u).run(t.Context()); err != nil || s.err != nil {
			return fmt.Errorf("emptied before step %d: %w", o, errors.Join(err, s.err))
		}
		data, err := os.ReadFile(s.path)
		if err != nil || !c.done || !strings.HasPrefix(string(data), "# a comment\n[beside]\naws_access_key_id = AKIA0\nk = w\n") ||
			strings.Count(string(data), "[w]\n"+awsfile.OwnerKey) != 1 {
			return fmt.Errorf("emptied before step %d: in the end %q, %v", o, data, err)
		}
	}
	return nil
}

func TestSlowWriter(t *testing.T) {
	t.Parallel()
	if err := raceWithSlow(t, func(*updater) {}); err != nil {
		t.Error(err)
	}
	// The control: only an empty file is waited for.
	if err := raceWithSlow(t, func(u *updater) { u.cut = func(now, _ []byte) bool { return len(now) == 0 } }); err == nil {
		t.Error("an Update that takes half a file for whole loses nothing")
	} else {
		t.Log(err)
	}
}

// raceWithCancel ends the context of an Update in every placement while a careless
// program is in the middle of a write into the replaced file.
func raceWithCancel(t *testing.T, change func(*updater)) error {
	const beforeRename = 2
	steps, dir := undisturbed(t), privateDir(t)
	for end := range steps {
		for w := beforeRename + 1; w < steps; w++ {
			s, u := newStage(t, dir)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			c := &careless{s: s}
			s.acts[beforeRename] = append(s.acts[beforeRename], c.read, c.open)
			s.acts[beforeRename+1] = append(s.acts[beforeRename+1], func() error { s.torn = false; return nil })
			s.acts[w] = append(s.acts[w], c.write)
			s.acts[end] = append(s.acts[end], func() error { cancel(); return nil })
			change(u)
			where := fmt.Sprintf("ended before step %d, written before %d", end, w)
			if _, err := s.direct(u).run(ctx); err != nil && !errors.Is(err, context.Canceled) || s.err != nil {
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

// TestCancelledUpdate: what another program was seen to change is not dropped because
// somebody ends the Update.
func TestCancelledUpdate(t *testing.T) {
	t.Parallel()
	if err := raceWithCancel(t, func(*updater) {}); err != nil {
		t.Error(err)
	}
	// The control: an Update that ends at once.
	if err := raceWithCancel(t, func(u *updater) { u.finish = func(ctx context.Context) context.Context { return ctx } }); err == nil {
		t.Error("an Update that ends at once drops nothing")
	} else {
		t.Log(err)
	}
}
