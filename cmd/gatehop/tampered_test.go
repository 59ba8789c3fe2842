package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// keptFiles reads every file of the state directory.
func keptFiles(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			all[path], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// fileChanges are what is done to one file: cut at lengths, bytes flipped, all of it another's.
func fileChanges(all map[string][]byte, path string) map[string][]byte {
	data, out := all[path], map[string][]byte{"gone": nil, "empty": {}}
	for n := 1; n < len(data); n += 1 + n/7 {
		out[fmt.Sprint("cut at ", n)] = data[:n]
		flipped := slices.Clone(data)
		flipped[n] ^= 1 << (n % 8)
		out[fmt.Sprint("flipped at ", n)] = flipped
	}
	for other, theirs := range all {
		if filepath.Dir(other) == filepath.Dir(path) && other != path {
			out["as "+filepath.Base(other)] = theirs
		}
	}
	return out
}

// TestStateTampered changes what is kept in every way that a disk, or somebody with access
// to it, may: nobody is ever taken for somebody else, and it costs one sign-in at most.
func TestStateTampered(t *testing.T) {
	t.Parallel()
	rarelyRaced(t, "one run after another")
	w := newWorld(t, worldOptions{config: stagingProfile + worldConfig})
	w.vars = []string{password(worldPassword)}
	keyOf := func(profile string) (key string, status int) {
		t.Helper()
		out := w.run("credential-process", profile)
		var answer struct{ AccessKeyId string }
		if out.status == 0 && json.Unmarshal([]byte(out.stdout), &answer) != nil {
			t.Fatalf("%s: no JSON", profile)
		}
		return answer.AccessKeyId, out.status
	}
	others := map[string]bool{}
	dev, _ := keyOf("dev")
	for _, profile := range []string{"staging", "gateway"} {
		key, status := keyOf(profile)
		if others[key] = true; status != 0 || key == dev {
			t.Fatalf("%s: status %d", profile, status)
		}
	}
	state := filepath.Join(w.home, "state")
	before := keptFiles(t, state)
	restore := func() {
		_ = filepath.WalkDir(state, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				err = os.Remove(path)
			}
			return err
		})
		for path, data := range before {
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	tried := 0
	try := func(what string) {
		t.Helper()
		tried++
		logins := w.logins()
		key, status := keyOf("dev")
		if others[key] {
			t.Errorf("%s: dev is answered with another profile's credentials", what)
		}
		if n := w.logins() - logins; n > 1 {
			t.Errorf("%s: %d sign-ins", what, n)
		}
		if status != 0 && status != statusUsage {
			t.Errorf("%s: status %d", what, status)
		}
		restore()
	}
	for _, path := range slices.Sorted(maps.Keys(before)) {
		for how, data := range fileChanges(before, path) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if data != nil {
				if err := os.WriteFile(path, data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			try(filepath.Base(path) + " " + how)
		}
		for other := range before {
			if filepath.Dir(other) == filepath.Dir(path) && other != path {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(other, path); err != nil {
					t.Skip("no links here")
				}
				try(filepath.Base(path) + " as a link to " + filepath.Base(other))
			}
		}
	}
	if tried < 200 { // the control of the list itself
		t.Errorf("only %d changes were tried", tried)
	}
	// An old copy of all of it, after the session has ended: it is renewed, not believed.
	w.now = w.now.Add(20 * 3600e9)
	key, status := keyOf("dev")
	if status != 0 || key == dev {
		t.Errorf("an old copy: status %d, and the old session: %v", status, key == dev)
	}
	// The control: what is not tampered with is answered as before.
	if again, _ := keyOf("dev"); again != key {
		t.Error("the control: a good session is not used")
	}
}
