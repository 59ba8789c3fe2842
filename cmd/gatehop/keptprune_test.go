package main

import (
	"slices"
	"strings"
	"testing"

	"gatehop/idp/idptest"
)

// TestKeptNames has idp-pages 2.6: what is kept of AD FS's cookies, in every version, in one
// part or in several.
func TestKeptNames(t *testing.T) {
	t.Parallel()
	for _, flavour := range idptest.Flavours() {
		for _, big := range []bool{false, true} {
			w := keptWorld(t, worldOptions{adfs: func(o *idptest.Options) { o.Flavour, o.BigToken = flavour, big }})
			w.takes(t, flavour, 0) // the second assertion adds to what the first one set
			book, who := w.book(t)
			r, ok := book.Get(t.Context(), who)
			var names []string
			for _, c := range r.Cookies {
				names = append(names, c.Name)
			}
			want := []string{"MSISAuth", "MSISAuthenticated"}
			if big {
				want = []string{"MSISAuth", "MSISAuth1", "MSISAuthenticated"}
			}
			if slices.Sort(names); !ok || !slices.Equal(names, want) {
				t.Errorf("%s, in parts %v: kept %q, want %q", flavour, big, names, want)
			}
		}
	}
}

// TestKeptOfMistakes: what the provider says about one gateway, or about a choice, costs
// nobody their session; what may be about the cookies does.
func TestKeptOfMistakes(t *testing.T) {
	t.Parallel()
	w := keptWorld(t, worldOptions{config: worldConfig + "\n[profile other]\ngatehop_from = gateway\ngatehop_relying_party = urn:x\ngatehop_role_arn = arn:aws:iam::111111111111:role/Gateway\n"})
	w.run("roles", "other").want(t, statusUsage, "relying party")
	w.takes(t, "after another gateway's mistake", 0)
}

// TestMutePassword: a password that led back to the page without a word is not sent again,
// and nobody is told that it was wrong.
func TestMutePassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{adfs: func(o *idptest.Options) { o.DropCookies = true }})
	w.vars = []string{password(worldPassword)}
	w.run("login", "gateway").want(t, statusUsage, "without an explanation")
	out := w.run("login", "gateway").want(t, statusUsage, "the password from GATEHOP_PASSWORD led back to the sign-in page", "cookies were lost")
	if strings.Contains(out.stderr, "refused") || strings.Contains(out.stderr, "correct the password") {
		t.Errorf("it says that the password was wrong: %s", out.stderr)
	}
	if w.logins() != 1 {
		t.Errorf("%d passwords were sent, want 1", w.logins())
	}
	// The control: one that was refused is said to be.
	w = newWorld(t, worldOptions{})
	w.vars = []string{password("wrong")}
	w.run("login", "gateway").want(t, statusRefused)
	w.run("login", "gateway").want(t, statusRefused, "was refused", "correct the password")
}
