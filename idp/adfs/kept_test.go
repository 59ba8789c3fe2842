package adfs_test

import (
	"slices"
	"strings"
	"testing"

	"gatehop/creds/secret"
	"gatehop/idp"
	"gatehop/idp/adfs"
	"gatehop/idp/idptest"
)

// keptOf is what is kept of a sign-in: without drop, all of it.
func keptOf(t *testing.T, r *rig, drop []string) []idp.Cookie {
	t.Helper()
	jar := r.session.HTTP.Jar.(*idp.Jar)
	return slices.DeleteFunc(jar.Entries(r.session.Trust.Origins[0]), func(c idp.Cookie) bool { return slices.Contains(drop, c.Name) })
}

// later is another run: a new client with what was kept, at the same AD FS.
func (r *rig) later(t *testing.T, cookies []idp.Cookie) {
	t.Helper()
	jar := idp.NewJar(clock)
	jar.Restore(cookies)
	client := *r.session.HTTP
	client.Jar = jar
	r.session = &idp.Session{HTTP: &client, Trust: r.session.Trust, Prompt: idptest.NewAnswers(nil)}
}

// TestKept has T14: what is kept of one sign-in gives the next one without a question,
// for as many as one likes.
func TestKept(t *testing.T) {
	t.Run("T14", func(t *testing.T) {
		each(t, func(t *testing.T, v version) {
			r := newRig(t, idptest.Options{Flavour: v.flavour, Paginated: v.paginated}, person(alice, idptest.AlicePassword))
			if _, err := r.login(t, adfs.Config{}); err != nil {
				t.Fatal(err)
			}
			for range 5 {
				r.later(t, keptOf(t, r, adfs.NotKept()))
				if _, err := r.login(t, adfs.Config{}); err != nil {
					t.Fatal(err)
				}
			}
			if got := r.p.Stats().Logins; got != 1 {
				t.Errorf("%d passwords were sent, want 1", got)
			}
		})
	})
	t.Run("T15 loop", func(t *testing.T) {
		t.Parallel()
		// AD FS counts the sign-ins of one client: six within 20 seconds are a loop. The
		// count is in a cookie that is not kept; kept, it would grow.
		count := func(drop []string) int {
			r := newRig(t, idptest.Options{}, person(alice, idptest.AlicePassword))
			longest := 0
			for range 8 {
				if _, err := r.login(t, adfs.Config{}); err != nil {
					return -1
				}
				size := 0
				for _, c := range keptOf(t, r, nil) {
					size += len(c.Name) + len(c.Value.Reveal())
				}
				longest = size
				r.later(t, keptOf(t, r, drop))
			}
			return longest
		}
		pruned, whole := count(adfs.NotKept()), count(nil)
		if pruned < 0 || whole >= 0 && whole <= pruned {
			t.Errorf("bytes of cookies after eight sign-ins: %d pruned, %d not; want them not to grow", pruned, whole)
		}
	})
	t.Run("T15 header limit", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, idptest.Options{HeaderLimit: 16384}, person(alice, idptest.AlicePassword))
		if _, err := r.login(t, adfs.Config{}); err != nil {
			t.Fatal(err)
		}
		cookies := keptOf(t, r, adfs.NotKept())
		big := cookies[0]
		for _, name := range strings.Split("abcdefghijklmnopqrst", "") {
			big.Name, big.Value = name, secret.New(strings.Repeat("x", 1000))
			cookies = append(cookies, big)
		}
		r.later(t, cookies)
		r.session.Prompt = idptest.NewAnswers(person(alice, idptest.AlicePassword))
		if _, err := r.login(t, adfs.Config{}); err != nil {
			t.Errorf("Login = %v, want the cookies dropped once and the form answered", err)
		}
		if got := r.p.Stats().Logins; got != 2 {
			t.Errorf("%d passwords were sent, want 2", got)
		}
	})
}
