//go:build linux && (amd64 || arm64)

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"gatehop/cmd/gatehop/internal/session"
	"gatehop/creds/store"
)

// fileRules says what every file of a state directory must be at any moment; the first
// that fits decides, and a file that none fits is a problem.
func fileRules() []struct {
	pattern string
	whole   func(r *killRun, dir store.Dir, name string) error
} {
	anything := func(*killRun, store.Dir, string) error { return nil }
	temp := func(r *killRun, dir store.Dir, name string) error {
		rel, err := filepath.Rel(r.dir(), filepath.Join(dir.Path(), name))
		r.temps = append(r.temps, rel)
		return err
	}
	return []struct {
		pattern string
		whole   func(r *killRun, dir store.Dir, name string) error
	}{
		{"*.lock", anything}, {"locks/*.lock", anything}, {"guard/*.lock", anything},
		{".tmp-*", temp}, {"*/.tmp-*", temp},
		{"session.key", wholeKey}, {"secret.key", wholeKey},
		{"choices.json", func(_ *killRun, dir store.Dir, name string) error {
			data, err := store.ReadFile(dir, name)
			if err == nil && !json.Valid(data) {
				err = fmt.Errorf("no JSON: %q", data)
			}
			return err
		}},
		{"backups/*", func(r *killRun, dir store.Dir, name string) error {
			data, err := store.ReadFile(dir, name)
			if err == nil && string(data) != foreignCredentials {
				err = fmt.Errorf("no whole version of the credentials file: %q", data)
			}
			return err
		}},
		{"sessions/*", (*killRun).opens}, {"failures/*", (*killRun).opens}, {"cookies/*", (*killRun).opens},
	}
}

func wholeKey(_ *killRun, dir store.Dir, name string) error {
	key, err := store.ReadFile(dir, name)
	if err == nil && len(key) != 32 {
		err = fmt.Errorf("a key of %d bytes", len(key))
	}
	return err
}

// opens opens a sealed entry as gatehop does, under the keys of the configuration.
func (r *killRun) opens(folder store.Dir, name string) error {
	dir, err := store.OpenDir(r.dir(), false)
	if err != nil {
		return err
	}
	keys, err := r.keys()
	if err != nil {
		return err
	}
	kind := strings.TrimSuffix(filepath.Base(folder.Path()), "s")
	for _, key := range keys {
		if sum := sha256.Sum256([]byte(key)); hex.EncodeToString(sum[:]) != name {
			continue
		}
		var why error
		sealed := store.NewSealed(dir, kind, rand.Reader, func(err error) { why = err })
		if kind == keptKind {
			sealed = store.NewSealedUnder(dir, kind, store.SecretFile(dir), rand.Reader, func(err error) { why = err })
		}
		data, err := sealed.Get(context.Background(), key)
		if err == nil && kind == "session" {
			_, err = session.Decode(data)
		}
		return errors.Join(err, why)
	}
	return errors.New("is no profile's")
}

// keys is what entries are kept under.
func (r *killRun) keys() (keys []string, err error) {
	a := &app{process: process{env: r.command([]string{"gatehop"}).Env}}
	for _, profile := range []string{"gateway", "dev"} {
		ch, err := a.chain(context.Background(), []string{profile})
		if err != nil {
			return nil, err
		}
		settings, err := a.settings(ch)
		if err != nil {
			return nil, err
		}
		who, ok := a.whose(settings, ch[0].SignIn.Username)
		if !ok {
			return nil, errors.New("nobody's cookies are kept")
		}
		keys = append(keys, ch.CacheKey(len(ch)-1), ch[0].SignIn.Key(), who.Key())
	}
	return keys, nil
}

// foreignCredentials is what somebody else has in the credentials file.
const foreignCredentials = "# mine\n[ other ]\naws_access_key_id=AKIAIOSFODNN7EXAMPLE ; no space\n\n  nested = 1\n;[w1]\nlast  =  line\n"

// judgeCredentials wants every foreign byte in its place and a section as a whole.
func (r *killRun) judgeCredentials() error {
	data, err := os.ReadFile(r.credentials())
	if err != nil {
		return err
	}
	added, ok := strings.CutPrefix(string(data), foreignCredentials)
	if !ok || added != "" && r.writes == "" {
		return fmt.Errorf("the credentials file was changed: %d bytes of what was %d", len(data), len(foreignCredentials))
	}
	if added == "" {
		return nil
	}
	for _, word := range []string{"\n[" + r.writes + "]\n", "\naws_access_key_id", "\naws_secret_access_key", "\naws_session_token"} {
		if strings.Count(added, word) != 1 || !strings.HasSuffix(added, "\n") {
			return fmt.Errorf("the credentials file holds %q not once, or no whole line", word)
		}
	}
	return nil
}

// judgeAnswer wants of an answer all or nothing.
func (r *killRun) judgeAnswer() error {
	data, err := os.ReadFile(r.answer())
	if err == nil && bytes.HasPrefix(data, []byte("{")) && !json.Valid(data) {
		err = fmt.Errorf("the leader's answer is cut short after %d bytes", len(data))
	}
	return err
}

// judgeFiles reads every file with gatehop's own readers, where it has one.
func (r *killRun) judgeFiles(when string) {
	r.temps = nil
	err := filepath.WalkDir(r.dir(), func(at string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && at == r.dir() {
			return nil // killed before there was one
		}
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, err := store.OpenDir(at, false)
			return err
		}
		return r.judgeFile(at)
	})
	if err = errors.Join(err, r.judgeCredentials(), r.judgeAnswer()); err != nil {
		r.problem("%s: %w", when, err)
	}
}

func (r *killRun) judgeFile(at string) error {
	name, err := filepath.Rel(r.dir(), at)
	if err != nil {
		return err
	}
	for _, rule := range fileRules() {
		fits, err := path.Match(rule.pattern, name)
		if err != nil {
			return err
		}
		if !fits {
			continue
		}
		dir, err := store.OpenDir(filepath.Dir(at), false)
		if err == nil {
			err = rule.whole(r, dir, filepath.Base(at))
		}
		if err != nil {
			return fmt.Errorf("file %s is not whole: %w", name, err)
		}
		return nil
	}
	return fmt.Errorf("file %s: nobody knows what it is", name)
}
