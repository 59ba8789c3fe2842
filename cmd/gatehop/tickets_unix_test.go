//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestDefaultTickets: a cache that kinit left is used where nothing else is named and no
// password was given, if it is nobody else's.
func TestDefaultTickets(t *testing.T) {
	t.Parallel()
	w := ticketWorld(t, "gatehop_auth = kerberos")
	cache := filepath.Join(w.home, ".aws", "cc")
	w.tickets = func() string { return cache }
	w.run("credential-process", "gateway").want(t, 0)
	w.run("logout", "--all").want(t, 0)
	w.runWith([]string{"KRB5CCNAME=" + filepath.Join(w.home, ".aws", "old")}, "credential-process", "gateway").want(t, statusHuman, "has expired")
	w.runWith([]string{password("wrong")}, "credential-process", "gateway").want(t, statusHuman, "nobody to ask for the user name")
	w.tickets = func() string { return "" }
	w.run("login", "gateway", "--no-input").want(t, statusHuman, "nobody to ask for the password")

	dir := t.TempDir()
	mine := filepath.Join(dir, "krb5cc_7")
	if got := ticketsOf(dir, os.Getuid()); got != "" {
		t.Errorf("no file: %q", got)
	}
	path := filepath.Join(dir, fmt.Sprintf("krb5cc_%d", os.Getuid()))
	for _, p := range []string{mine, path} {
		if err := os.WriteFile(p, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := ticketsOf(dir, os.Getuid()); got != path {
		t.Errorf("a file of one's own: %q", got)
	}
	if got := ticketsOf(dir, 7); got != "" {
		t.Errorf("somebody else's: %q", got)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(mine, path); err != nil {
		t.Fatal(err)
	}
	if got := ticketsOf(dir, os.Getuid()); got != "" {
		t.Errorf("a link: %q", got)
	}
}
