package main

import (
	"strings"
	"testing"
	"time"

	"gatehop/idp/idptest"
)

// TestUnattendedFactor: a provider that answers the password with a second factor is asked
// once. Then nothing is sent, or run for a password, while nobody is there.
func TestUnattendedFactor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{adfs: func(o *idptest.Options) { o.Users[0].MFA = true }})
	w.vars = []string{password(worldPassword)}
	w.run("credential-process", "gateway").want(t, statusPage, "second factor")
	w.now = w.now.Add(2 * 60e9) // past the record of the failure
	for range 3 {
		w.run("credential-process", "gateway").want(t, statusHuman, "something that only a person can do", "`gatehop login gateway`")
		w.now = w.now.Add(24 * 3600e9)
	}
	if n := w.logins(); n != 1 {
		t.Errorf("%d passwords were sent, want 1", n)
	}
	w.answer = map[string]string{"password": worldPassword}
	w.vars = nil
	w.run("login", "gateway").want(t, statusPage) // a person may try
	if n := w.logins(); n != 2 {
		t.Errorf("%d passwords were sent, want 2", n)
	}
}

// TestUnattendedHour: after a person has met the second factor, an hour of calls that
// nobody is there for sends no password, and so starts no push: that comes after it.
func TestUnattendedHour(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{adfs: func(o *idptest.Options) { o.Users[0].MFA = true }})
	w.answer = map[string]string{"password": worldPassword}
	w.run("login", "gateway").want(t, statusPage)
	w.answer, w.vars = nil, []string{password(worldPassword)}
	factors := func() (n int) {
		for _, r := range w.adfs.Requests() {
			if r.Page == "adfs/mfa.html" {
				n++
			}
		}
		return n
	}
	if before := factors(); before != 1 { // the control: the page is seen
		t.Fatalf("%d pages of the second factor, want 1", before)
	}
	for range 60 {
		w.run("credential-process", "dev").want(t, statusHuman)
		w.now = w.now.Add(time.Minute)
	}
	if n := factors(); n != 1 {
		t.Errorf("%d second factors were begun, want none after the person's", n-1)
	}
}

// TestUnattendedStepUp: a provider that knows the person and wants a second factor all the
// same shows it once, whatever there is to sign in with. The person's login ends that.
func TestUnattendedStepUp(t *testing.T) {
	t.Parallel()
	for _, own := range []string{"", password(worldPassword)} {
		w := keptWorld(t, worldOptions{})
		w.adfs.SetMFA(`CORP\alice`, true)
		pages := func() (n int) {
			for _, r := range w.adfs.Requests() {
				if r.Page == "adfs/mfa.html" {
					n++
				}
			}
			return n
		}
		if own != "" {
			w.vars = []string{own}
		}
		for range 10 {
			w.run("credential-process", "gateway").want(t, statusHuman)
			w.now = w.now.Add(2 * time.Minute)
		}
		if n := pages(); n != 1 {
			t.Errorf("%q: %d second factors were begun, want 1", own, n)
		}
		w.adfs.SetMFA(`CORP\alice`, false)
		w.answer, w.vars = map[string]string{"password": worldPassword}, nil
		w.run("login", "gateway").want(t, 0)
		w.run("logout", "gateway").want(t, 0)
		w.answer, w.vars = nil, []string{password(worldPassword)}
		w.run("credential-process", "gateway").want(t, 0)
	}
}

// TestPromptNames: a question that a tool may have caused names the command.
func TestPromptNames(t *testing.T) {
	t.Parallel()
	for command, named := range map[string]bool{"credential-process dev --prompt": true, "login dev": false} {
		w := newWorld(t, worldOptions{})
		w.answer = map[string]string{"password": worldPassword}
		w.run(strings.Fields(command)...).want(t, 0)
		if got := strings.Contains(w.asked[0].Label, "(for `gatehop "+command+"`)"); got != named {
			t.Errorf("%s asks %q", command, w.asked[0].Label)
		}
	}
}
