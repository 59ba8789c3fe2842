package challenge

import (
	"path/filepath"
	"testing"
	"time"

	"gatehop/idp/idptest/kerberostest"
)

// TestReferrals goes from realm to realm to where the service is.
func TestReferrals(t *testing.T) {
	t.Parallel()
	const b, c = "B.EXAMPLE", "C.EXAMPLE"
	home, between, there := newRealm(t, realm), newRealm(t, b), newRealm(t, c, service)
	for _, pair := range [][2]*kerberostest.Realm{{home, between}, {between, there}} {
		if err := kerberostest.Meet(pair[0], pair[1]); err != nil {
			t.Fatal(err)
		}
	}
	first := &kerberostest.KDC{Realm: home, People: map[string]string{"alice": alicePassword}, Elsewhere: map[string]string{service: b, "krbtgt/" + c: b}}
	second := &kerberostest.KDC{Realm: between, Elsewhere: map[string]string{service: c}}
	third := &kerberostest.KDC{Realm: there}
	l := &journal{}
	kdcs := []string{realm + "=" + l.serve(t, "1", first.Answer), b + "=" + l.serve(t, "2", second.Answer), c + "=" + l.serve(t, "3", third.Answer)}
	token, err := signIn(t, Config{Conf: confFor(t, "", kdcs...)}, alicePassword)
	if wantAlice(t, there, token, err); l.String() != "1 1+ 1 2 3" {
		t.Errorf("asked %q", l)
	}
	l.seen = nil // where krb5.conf knows the realm of the server, it is asked for by name
	token, err = signIn(t, Config{Conf: confFor(t, "[domain_realm]\n .corp.example = "+c+"\n", kdcs...)}, alicePassword)
	if wantAlice(t, there, token, err); l.String() != "1 1+ 1 2 3" {
		t.Errorf("asked %q", l)
	}
	l.seen = nil
	second.Elsewhere = map[string]string{service: realm} // in circles
	_, err = signIn(t, Config{Conf: confFor(t, "", kdcs...)}, alicePassword)
	if wantKind(t, err, OtherError, "without end"); l.String() != "1 1+ 1 2 1 2 1 2" {
		t.Errorf("asked %q", l)
	}
}

// cacheFrom writes a cache of alice's, each with its time to live.
func cacheFrom(t *testing.T, r *kerberostest.Realm, life time.Duration, services ...string) string {
	t.Helper()
	data, err := r.Cache("alice", time.Now().Add(-2*time.Hour), time.Now().Add(life), services...)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, filepath.Join(t.TempDir(), "cc"), string(data))
}

// TestCachedTickets: what is in a cache is not asked for.
func TestCachedTickets(t *testing.T) {
	t.Parallel()
	const other = "OTHER.EXAMPLE"
	home, there := newRealm(t, realm, service), newRealm(t, other, service)
	if err := kerberostest.Meet(home, there); err != nil {
		t.Fatal(err)
	}
	toOther := "[domain_realm]\n adfs.corp.example = " + other + "\n"
	for _, c := range []struct {
		name, conf string
		cache      string
		at         *kerberostest.Realm
		want       string
	}{
		{"service", "", cacheFrom(t, home, time.Hour, service), home, ""},
		{"granting", "", cacheFrom(t, home, time.Hour), home, "1"},
		{"granting in another realm", toOther, cacheFrom(t, home, time.Hour, "krbtgt/"+other), there, "2"},
		{"granting in the own realm", toOther, cacheFrom(t, home, time.Hour), there, "1 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := &journal{}
			conf := confFor(t, c.conf, realm+"="+l.serve(t, "1", (&kerberostest.KDC{Realm: home}).Answer), other+"="+l.serve(t, "2", (&kerberostest.KDC{Realm: there}).Answer))
			token, err := signIn(t, Config{Cache: c.cache, Conf: conf}, "unused")
			if wantAlice(t, c.at, token, err); l.String() != c.want {
				t.Errorf("asked %q, want %q", l, c.want)
			}
		})
	}
	l := &journal{}
	conf := confFor(t, "", realm+"="+l.serve(t, "1", (&kerberostest.KDC{Realm: home}).Answer))
	_, err := signIn(t, Config{Cache: cacheFrom(t, home, -time.Hour, service), Conf: conf}, "unused")
	if wantKind(t, err, ExpiredTicket, "(at 20"); l.String() != "" {
		t.Errorf("asked %q", l)
	}
	// A ticket that is not valid yet is not used; what the KDC says of the other one counts.
	data, err := home.Cache("alice", time.Now().Add(time.Hour), time.Now().Add(2*time.Hour), service)
	if err != nil {
		t.Fatal(err)
	}
	tomorrow := write(t, filepath.Join(t.TempDir(), "cc"), string(data))
	if _, err := signIn(t, Config{Cache: tomorrow, Conf: conf}, "unused"); err == nil || l.String() != "1" {
		t.Errorf("%v, asked %q", err, l)
	}
}
