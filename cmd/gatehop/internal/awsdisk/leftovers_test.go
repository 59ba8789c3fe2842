//go:build unix

package awsdisk

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSweep: only old temporary files of gatehop's for this very file go.
func TestSweep(t *testing.T) {
	t.Parallel()
	p := newPlace(t, raceFile, 0o600)
	old := time.Now().Add(-time.Hour)
	for _, name := range []string{".credentials.gatehop-OLD", ".credentials.gatehop-NEW", ".config.gatehop-OLD", "credentials.gatehop-OLD"} {
		path := filepath.Join(p.dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, "NEW") {
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := p.update(t, p.path); err != nil {
		t.Fatal(err)
	}
	want := ".config.gatehop-OLD .credentials.gatehop-NEW .credentials.gatehop.lock credentials credentials.gatehop-OLD state"
	if got := dirNames(t, p.dir); got != want {
		t.Errorf("the folder holds %s, want %s", got, want)
	}
}

// TestBusyRename: a rename that cannot be is tried for two seconds, and then the file is
// as it was and nothing is left beside it.
func TestBusyRename(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		busy int
		err  error
		want bool
	}{{3, syscall.EBUSY, true}, {1000, syscall.EBUSY, false}, {1, syscall.EROFS, false}} {
		p := newPlace(t, raceFile, 0o600)
		u := newUpdater(p.path, Options{Backups: p.backups}, sectionsEdit("w"))
		var waited time.Duration
		rename := u.rename
		u.pause = pauseCounting(&waited)
		u.rename = func(from, to string) error {
			if tt.busy--; tt.busy >= 0 {
				return &os.LinkError{Op: "rename", Old: from, New: to, Err: tt.err}
			}
			return rename(from, to)
		}
		_, err := u.run(t.Context())
		if (err == nil) != tt.want || !tt.want && !errors.Is(err, tt.err) || waited > renamePatience+time.Second {
			t.Errorf("Update = %v after %v, want it done: %v", err, waited, tt.want)
		}
		if got := content(t, p.path); (got == raceFile) == tt.want {
			t.Errorf("the file = %q", got)
		}
		if got := dirNames(t, p.dir); got != ".credentials.gatehop.lock credentials state" {
			t.Errorf("the folder holds %s", got)
		}
	}
}
