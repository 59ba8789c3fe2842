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
	w.run("credential-process", "gateway").want(t, statusHuman, "a code is needed", "GATEHOP_OTP or gatehop_otp_command")
	w.now = w.now.Add(2 * 60e9) // past the record of the failure
	for range 3 {
		w.run("credential-process", "gateway").want(t, statusHuman, "something that only a person can do", "`gatehop login gateway`")
		w.now = w.now.Add(24 * 3600e9)
	}
	if n := w.logins(); n != 1 {
		t.Errorf("%d passwords were sent, want 1", n)
	}
	w.answer = map[string]string{"password": worldPassword, "otp": idptest.CustomCode}
	w.vars = nil
	w.run("login", "gateway").want(t, 0) // a person may try
	if n := w.logins(); n != 2 {
		t.Errorf("%d passwords were sent, want 2", n)
	}
}

// TestUnattendedPushes: who denies the request on their phone gets no other one, whatever
// tools do in the next hour, until somebody types login.
func TestUnattendedPushes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{adfs: func(o *idptest.Options) {
		o.Users[0].MFA, o.Factors = true, []string{"AzureMfaAuthentication"}
	}})
	w.adfs.SetPhone(`CORP\alice`, idptest.PhoneDenies)
	tools := [][]string{
		{"credential-process", "dev"}, {"refresh", "--all"}, {"exec", "dev", "--", "true"},
		{"each", "dev", "--", "true"}, {"env", "gateway"}, {"login", "dev", "--no-input"},
	}
	hour := func(pushes int) {
		t.Helper()
		w.answer, w.vars = nil, []string{password(worldPassword)}
		minutes := 60
		if raceDetector {
			minutes = 12
		}
		for minute := range minutes {
			if o := w.run(tools[minute%len(tools)]...); o.status != statusHuman {
				t.Errorf("%q: status %d, want %d: %s", o.argv, o.status, statusHuman, o.stderr)
			}
			w.now = w.now.Add(time.Minute)
		}
		if n := w.adfs.Pushes(); n != pushes {
			t.Errorf("%d pushes, want %d", n, pushes)
		}
	}
	for login := 1; login <= 2; login++ {
		w.answer, w.vars = map[string]string{"password": worldPassword}, nil
		w.run("login", "gateway").want(t, statusRefused, "The request was denied.")
		hour(login)
	}
	// The control: whom nobody knows to push gets a password, and pushes.
	w.run("logout", "--all").want(t, 0)
	w.run(tools[0]...).want(t, statusHuman, "an approval on a phone may be needed", "answer there and on your phone")
	if n := w.adfs.Pushes(); n != 3 {
		t.Errorf("%d pushes by a provider that nobody knows, want 3", n)
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
