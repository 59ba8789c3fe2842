package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehop/creds/store"
	"gatehop/creds/store/keyring"
)

// TestLogoutPasswordAlways: what is stored can be thrown away whatever would keep it from
// being used.
func TestLogoutPasswordAlways(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(w *world){
		"an override":     func(w *world) { w.vars = []string{"GATEHOP_PROXY=none"} },
		"no store now":    func(w *world) { w.vars = []string{"GATEHOP_STORE=none"} },
		"a locked ring":   func(w *world) { w.ring.is(keyring.Locked) },
		"a file instead":  func(w *world) { w.vars = []string{"GATEHOP_STORE=file"} },
		"nothing special": func(*world) {},
	} {
		w := ringWorld(t, worldOptions{})
		w.answer = typed(worldPassword, "yes")
		w.run("login", "gateway").want(t, 0)
		w.answer = nil
		w.run("logout", "gateway").want(t, 0, `the password of CORP\alice at adfs.corp.example stays stored`)
		change(w)
		w.run("logout", "gateway", "--password").want(t, 0, `forgot the password of CORP\alice at adfs.corp.example`)
		w.vars = nil
		w.ring.is("")
		w.signsAlone(t, statusHuman, 0)
		if out := w.run("logout", "gateway", "--password"); strings.Contains(out.stderr, "password of") {
			t.Errorf("%s: forgotten twice: %s", name, out.stderr)
		}
	}
}

// TestStoredPasswordOutOfUse: the old one is not sent again after the person's was the right
// one, also if they want the new one not kept.
func TestStoredPasswordOutOfUse(t *testing.T) {
	t.Parallel()
	w := ringWorld(t, worldOptions{})
	w.answer = typed(worldPassword, "yes")
	w.run("login", "gateway").want(t, 0)
	w.adfs.SetPassword(`CORP\alice`, "changed")
	w.answer = typed("changed", "no")
	w.run("login", "gateway", "--force").want(t, 0)
	w.run("logout", "gateway").want(t, 0)
	w.signsAlone(t, statusHuman, 0)
}

// TestStorePasswordSays: who asks for it to be stored hears that it was not.
func TestStorePasswordSays(t *testing.T) {
	t.Parallel()
	w := ringWorld(t, worldOptions{})
	w.ring.is(keyring.Locked)
	for range 2 {
		w.answer = typed(worldPassword, "")
		w.run("login", "gateway", "--force", "--store-password").want(t, statusFailed, "not stored: the keyring is locked", "assumed-role/Gateway/alice")
	}
	w.ring.is("")
	w.vars = []string{"GATEHOP_STORE=none"}
	w.answer = typed(worldPassword, "")
	w.run("login", "gateway", "--force", "--store-password").want(t, statusFailed, "gatehop_store is none")
}

// TestHeldKeyLock: somebody who holds the lock of the key keeps nobody's credentials.
func TestHeldKeyLock(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]*world{"keyring.lock": ringWorld(t, worldOptions{}), "secret.key.lock": newWorld(t, worldOptions{})} {
		dir, err := store.OpenDir(filepath.Join(w.home, "state"), true)
		if err != nil {
			t.Fatal(err)
		}
		unlock, err := store.LockFile(t.Context(), filepath.Join(dir.Path(), name))
		if err != nil {
			t.Fatal(err)
		}
		w.runWith([]string{password(worldPassword)}, "credential-process", "gateway").want(t, 0, `"Version"`)
		unlock()
	}
}

// TestLongEnough: a session that cannot be renewed serves whoever needs no more than it has.
func TestLongEnough(t *testing.T) {
	t.Parallel()
	config := strings.ReplaceAll(worldConfig, "gatehop_store = file\n", "gatehop_store = file\ngatehop_keep_session = no\ngatehop_session_duration = 1h\n")
	w := newWorld(t, worldOptions{config: config})
	w.runWith([]string{password(worldPassword)}, "login", "dev").want(t, 0)
	w.now = w.now.Add(45 * time.Minute)
	w.run("refresh", "dev", "--at-least", "50m").want(t, 0) // from the gateway's last minutes
	w.now = w.now.Add(45 * time.Minute)                     // those are over, and the hop has 15
	w.run("refresh", "dev", "--at-least", "10m").want(t, 0, "cached")
	w.run("exec", "dev", "--at-least", "10m", "--", "true").want(t, 0)
	w.run("each", "dev", "--", "true").want(t, 0)
	w.run("refresh", "dev", "--at-least", "20m").want(t, statusHuman)
	w.now = w.now.Add(15 * time.Minute)
	w.run("each", "dev", "--", "true").want(t, statusHuman)
}

// TestEmptyName names what is wrong with a variable that was not set.
func TestEmptyName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.run("refresh", "").want(t, statusUsage, "an empty name")
	w.run("each", "", "--", "true").want(t, statusUsage, "an empty name")
}
