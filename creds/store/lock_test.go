package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

// soon is how long a test lets somebody wait for a lock that must not come free. A
// correct lock makes the test wait this long; it never makes it fail.
const soon = 150 * time.Millisecond

func mustLock(t *testing.T, dir Dir, key string) (unlock func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	unlock, err := Locker(dir.path)(ctx, key)
	if err != nil {
		t.Fatalf("lock %q = %v, want it", key, err)
	}
	return unlock
}

// wantLocked also shows that the context ends the waiting, and is named as the reason.
func wantLocked(t *testing.T, dir Dir, key string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	unlock, err := Locker(dir.path)(ctx, key)
	if !errors.Is(err, context.DeadlineExceeded) || unlock != nil {
		t.Errorf("lock %q = %v, want context.DeadlineExceeded", key, err)
	}
}

func TestLocker(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	unlock := mustLock(t, dir, "key")
	wantLocked(t, dir, "key")
	mustLock(t, dir, "KEY")() // another key's lock is free
	unlock()
	again := mustLock(t, dir, "key")
	unlock() // of a lock that is another's by now
	wantLocked(t, dir, "key")
	again()
	if got := len(files(t, dir.path)); got != 2 {
		t.Errorf("%d lock files, want 2: one per key, never deleted", got)
	}
}

func TestLockerEndedContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Locker(tempDir(t).path)(ctx, "key"); !errors.Is(err, context.Canceled) {
		t.Errorf("lock of a free key with a context that has ended = %v, want context.Canceled", err)
	}
}

// TestLockerWaits: who waits gets the lock soon after it came free.
func TestLockerWaits(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	unlock := mustLock(t, dir, "key")
	got := make(chan func())
	go func() {
		second, err := Locker(dir.path)(t.Context(), "key")
		if err != nil {
			t.Errorf("waiting lock = %v, want it", err)
			second = func() {}
		}
		got <- second
	}()
	select {
	case <-got:
		t.Fatal("two have the lock")
	case <-time.After(soon):
	}
	unlock()
	(<-got)()
}

// TestIsCurrent: a file that was deleted is not current, nor is a new one of its name.
func TestIsCurrent(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	mustWrite(t, path, "")
	f, err := os.Open(path) // keeps its number from being given to the next file
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	opened, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if !isCurrent(path, opened) {
		t.Error("isCurrent of a file that is there = false, want true")
	}
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	if isCurrent(path, opened) {
		t.Error("isCurrent of a file that is gone = true, want false")
	}
	mustWrite(t, path, "")
	if isCurrent(path, opened) {
		t.Error("isCurrent of another file of the name = true, want false")
	}
}

// TestLockerReplacedFile: a lock on a file that was deleted meanwhile, which only a person
// does, excludes nobody, so it is taken on the new one.
func TestLockerReplacedFile(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	path := filepath.Join(dir.path, hashName("key")+".lock")
	unlock := mustLock(t, dir, "key")
	old, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	waiting := make(chan func())
	go func() {
		second, err := Locker(dir.path)(t.Context(), "key")
		if err != nil {
			t.Errorf("waiting lock = %v, want it", err)
			second = func() {}
		}
		waiting <- second
	}()
	time.Sleep(20 * time.Millisecond) // lets the other begin to wait; either order must do
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	second := <-waiting
	wantLocked(t, dir, "key")
	unlock()
	wantLocked(t, dir, "key")
	second()
	mustLock(t, dir, "key")()
}

// TestLockerKilled: the lock of a process that is killed is free.
func TestLockerKilled(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	holder, output := helper(t, "hold", dir.path, "key")
	if line, err := output.ReadString('\n'); err != nil || line != "locked\n" {
		t.Fatalf("the other process said %q, %v", line, err)
	}
	wantLocked(t, dir, "key")
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	mustLock(t, dir, "key")()
}

// TestLockerExcludes counts in a file, from goroutines and processes at once. The
// control counts without the lock, and must lose.
func TestLockerExcludes(t *testing.T) {
	t.Parallel()
	const processes, goroutines, rounds = 2, 3, 20
	t.Run("with the lock", func(t *testing.T) {
		t.Parallel()
		dir := tempDir(t)
		file := filepath.Join(t.TempDir(), "count")
		var others []*exec.Cmd
		for range processes {
			cmd, _ := helper(t, "count", dir.path, "key", file, strconv.Itoa(rounds))
			others = append(others, cmd)
		}
		count(t, goroutines, rounds, Locker(dir.path), file)
		for _, cmd := range others {
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
		}
		if got, want := readCount(t, file), (processes+goroutines)*rounds; got != want {
			t.Errorf("count = %d, want %d", got, want)
		}
	})
	t.Run("without", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "count")
		mustWrite(t, file, "0")
		// Every goroutine is in before any is let go on, so that the loss does not depend on timing.
		var inside sync.WaitGroup
		inside.Add(goroutines)
		free := func(context.Context, string) (func(), error) { return func() {}, nil }
		var all sync.WaitGroup
		for range goroutines {
			all.Go(func() {
				number := readCount(t, file)
				inside.Done()
				inside.Wait()
				unlock, _ := free(t.Context(), "key")
				defer unlock()
				_ = os.WriteFile(file, fmt.Append(nil, number+1), 0o600)
			})
		}
		all.Wait()
		if got := readCount(t, file); got != 1 {
			t.Errorf("count without the lock = %d, want 1 of %d: what the other test would show", got, goroutines)
		}
	})
}

func count(t *testing.T, goroutines, rounds int, lock func(context.Context, string) (func(), error), file string) {
	t.Helper()
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for range rounds {
				if err := addOne(lock, "key", file); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

func readCount(t *testing.T, file string) (number int) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err == nil {
		_, err = fmt.Sscan(string(data), &number)
	}
	if err != nil {
		t.Error(err)
	}
	return number
}
