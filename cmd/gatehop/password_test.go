package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gatehop/creds/store/keyring"
)

// typed answers the questions of a login.
func typed(password, keep string) map[string]string {
	answers := map[string]string{"password": password}
	if keep != "" {
		answers["keep_password"] = keep
	}
	return answers
}

// signsAlone forces a sign-in that nobody is there for, without the provider's session.
func (w *world) signsAlone(t *testing.T, status, passwords int, words ...string) {
	t.Helper()
	w.answer = nil
	before := w.logins()
	w.run("login", "gateway", "--force", "--no-input").want(t, status, words...)
	if got := w.logins() - before; got != passwords {
		t.Errorf("%d passwords were sent, want %d", got, passwords)
	}
}

// TestStorePassword: a password is kept on a yes, after it was right, and serves a sign-in
// that nobody is there for, until it is refused or forgotten.
func TestStorePassword(t *testing.T) {
	t.Parallel()
	w := ringWorld(t, worldOptions{})
	w.signsAlone(t, statusHuman, 0) // the control
	w.answer = typed("wrong", "yes")
	w.run("login", "gateway").want(t, statusRefused)
	if w.askedFor("keep_password") != 0 {
		t.Error("asked to keep a password that was refused")
	}
	w.answer = typed(worldPassword, "yes")
	w.run("login", "gateway").want(t, 0)
	if w.askedFor("keep_password") != 1 {
		t.Fatalf("asked %d times, want once", w.askedFor("keep_password"))
	}
	if q := w.asked[len(w.asked)-1]; !q.Public || !strings.Contains(q.Label, `CORP\alice at adfs.corp.example in the keyring`) {
		t.Errorf("asked %+v", q)
	}
	w.signsAlone(t, 0, 1)
	w.asked, w.answer = nil, typed(worldPassword, "yes")
	w.run("login", "gateway", "--force").want(t, 0)
	if len(w.asked) > 0 {
		t.Errorf("asked %+v, want nothing: the password is known", w.asked)
	}
	for _, f := range files(t, w.home) {
		if strings.Contains(f, "secret.key") {
			t.Errorf("%s lies in the state directory", f)
		}
	}
	w.run("logout", "gateway").want(t, 0)
	w.signsAlone(t, 0, 1) // logout alone forgets sessions
	w.run("logout", "gateway", "--password").want(t, 0, `forgot the password of CORP\alice at adfs.corp.example`)
	w.signsAlone(t, statusHuman, 0)
}

// TestStorePasswordNo: who declines is not asked again, and nothing is kept.
func TestStorePasswordNo(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{"no", ""} { // "": the question is left
		w := ringWorld(t, worldOptions{})
		for range 2 {
			w.answer = typed(worldPassword, answer)
			w.run("login", "gateway", "--force").want(t, 0)
		}
		want := 1
		if answer == "" {
			want = 2
		}
		if got := w.askedFor("keep_password"); got != want {
			t.Errorf("%q: asked %d times, want %d", answer, got, want)
		}
		w.signsAlone(t, statusHuman, 0)
		w.answer = typed(worldPassword, "")
		w.run("login", "gateway", "--force", "--store-password").want(t, 0) // their mind changed
		w.signsAlone(t, 0, 1)
		w.run("logout", "--all").want(t, 0, "forgot the stored passwords")
		w.signsAlone(t, statusHuman, 0)
	}
}

// TestStoredPasswordRefused: it is sent once more, and then never again, whoever asks.
func TestStoredPasswordRefused(t *testing.T) {
	t.Parallel()
	w := ringWorld(t, worldOptions{})
	w.answer = typed(worldPassword, "yes")
	w.run("login", "gateway").want(t, 0)
	w.adfs.SetPassword(`CORP\alice`, "changed")
	w.signsAlone(t, statusRefused, 1, "the stored password is not used any more")
	w.signsAlone(t, statusHuman, 0)
	w.run("logout", "--all") // which forgets what was refused, and the password with it
	w.signsAlone(t, statusHuman, 0)
	w.answer = typed("changed", "yes")
	w.run("login", "gateway").want(t, 0)
	w.signsAlone(t, 0, 1)
}

// TestStoredPasswordReplaced: after a refusal the new one takes its place.
func TestStoredPasswordReplaced(t *testing.T) {
	t.Parallel()
	w := ringWorld(t, worldOptions{})
	w.answer = typed(worldPassword, "yes")
	w.run("login", "gateway").want(t, 0)
	w.adfs.SetPassword(`CORP\alice`, "changed")
	w.answer = typed("changed", "yes")
	w.asked = nil
	w.run("login", "gateway", "--force").want(t, 0) // the old one is sent, then the person is asked
	if w.askedFor("password") != 1 || w.askedFor("keep_password") != 1 {
		t.Errorf("asked %+v", w.asked)
	}
	w.signsAlone(t, 0, 1)
}

// TestStoredPasswordTrust: what was kept under other settings goes nowhere.
func TestStoredPasswordTrust(t *testing.T) {
	t.Parallel()
	w := ringWorld(t, worldOptions{})
	w.answer = typed(worldPassword, "yes")
	w.run("login", "gateway").want(t, 0)
	before := w.configFile()
	for _, line := range []string{"gatehop_trusted_hosts = other.example", "gatehop_user_agent = other", "gatehop_username = DEV\\alice", "gatehop_store = none", "gatehop_store = file"} {
		config := strings.Replace(before, "gatehop_idp", line+"\ngatehop_idp", 1)
		if strings.Contains(line, "username") {
			config = strings.Replace(before, `gatehop_username = CORP\alice`, line, 1)
		}
		w.write(".aws/config", config)
		w.signsAlone(t, statusHuman, 0)
	}
	w.write(".aws/config", before)
	w.vars = []string{"GATEHOP_PROXY=none"}
	w.signsAlone(t, statusHuman, 0)
	w.vars = nil
	w.signsAlone(t, 0, 1) // the control
}

// TestStorePasswordNowhere: nothing is offered where there is no keyring, or while it cannot
// be used; a file takes one on request alone.
func TestStorePasswordNowhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := ringWorld(t, worldOptions{bubble: true})
		w.ring.is(keyring.Locked)
		w.answer = typed(worldPassword, "yes")
		w.run("login", "gateway").want(t, 0)
		if w.askedFor("keep_password") != 0 {
			t.Error("asked although the keyring is locked")
		}
		w.ring.is("")
		w.signsAlone(t, statusHuman, 0)
		time.Sleep(time.Minute)
	})
	w := newWorld(t, worldOptions{})
	w.answer = typed(worldPassword, "yes")
	w.run("login", "gateway").want(t, 0)
	if w.askedFor("keep_password") != 0 {
		t.Error("asked although the person chose files")
	}
	w.signsAlone(t, statusHuman, 0)
	w.answer = typed(worldPassword, "")
	w.run("login", "gateway", "--force", "--store-password").want(t, 0)
	w.signsAlone(t, 0, 1)
	w.answer = nil
	w.run("login", "gateway", "--store-password").want(t, statusFailed, "no password was typed")
	w.run("logout", "--all", "--password").want(t, statusUsage)
}

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
