//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// signedIn starts a sandbox with that many profiles and fills the cache.
func (t tools) signedIn(profiles int) (*sandbox, error) {
	s, err := t.sandbox("--accounts", fmt.Sprint(max(profiles-4, 0))) // it has four of its own
	if err != nil {
		return nil, err
	}
	if profiles == 1 {
		err = s.keepOne()
	}
	cmd := exec.Command(t.gatehop, "login", "gateway")
	cmd.Env = append(plainEnvironment(), s.env...)
	if err == nil {
		var words []byte
		if words, err = cmd.CombinedOutput(); err != nil {
			err = fmt.Errorf("login: %w: %s", err, words)
		}
	}
	if err != nil {
		s.stop()
	}
	return s, err
}

// keepOne takes all profiles but the first out of the configuration.
func (s *sandbox) keepOne() error {
	data, err := os.ReadFile(s.vars["AWS_CONFIG_FILE"])
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(data), "\n\n")
	return os.WriteFile(s.vars["AWS_CONFIG_FILE"], []byte(first+"\n"), 0o600)
}

// command is gatehop in the sandbox.
func (t tools) command(s *sandbox, name string, args ...string) row {
	return row{name, append(append(append([]string{}, s.env...), t.gatehop), args...)}
}

// floorRow is floor with the sandbox's answer, made as long as those of AWS are.
func (t tools) floorRow(s *sandbox) (row, error) {
	cmd := exec.Command(t.gatehop, "credential-process", "gateway")
	cmd.Env = append(plainEnvironment(), s.env...)
	out, err := cmd.Output()
	if err != nil {
		return row{}, err
	}
	var c map[string]any
	if err := json.Unmarshal(out, &c); err != nil {
		return row{}, err
	}
	c["SessionToken"] = strings.Repeat("FwoGZXIvYXdzEJr", 58)
	c["Expiration"] = time.Now().Add(12 * time.Hour).UTC().Format(time.RFC3339)
	data, err := json.Marshal(c)
	if err != nil {
		return row{}, err
	}
	path := filepath.Join(t.dir, "credentials.json")
	return row{"floor", []string{t.floor, path}}, os.WriteFile(path, append(data, '\n'), 0o600)
}

func (t tools) warm(runs int) error {
	s, err := t.signedIn(1)
	if err != nil {
		return err
	}
	defer s.stop()
	floor, err := t.floorRow(s)
	if err != nil {
		return err
	}
	return t.table("From the cache, 1 profile", runs, []row{
		floor, t.command(s, "credential-process", "credential-process", "gateway"),
		t.command(s, "env", "env", "gateway"), t.command(s, "status --short", "status", "gateway", "--short"),
	})
}

func (t tools) flat(runs int) error {
	one, err := t.signedIn(1)
	if err != nil {
		return err
	}
	defer one.stop()
	many, err := t.signedIn(1000)
	if err != nil {
		return err
	}
	defer many.stop()
	for _, words := range [][]string{{"credential-process", "gateway"}, {"env", "gateway"}, {"status", "gateway", "--short"}} {
		name := strings.TrimSpace(strings.Replace(strings.Join(words, " "), "gateway", "", 1))
		if err := t.table(name+", 1 and 1,000 profiles", runs, []row{
			t.command(one, "1 profile", words...), t.command(many, "1,000 profiles", words...),
		}); err != nil {
			return err
		}
	}
	return nil
}
