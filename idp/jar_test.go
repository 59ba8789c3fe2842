package idp

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehop/creds/secret"
)

// still is a clock that stands, but for what a test adds to it.
type still struct{ now time.Time }

func newStill() *still               { return &still{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }
func (s *still) read() time.Time     { return s.now }
func (s *still) add(d time.Duration) { s.now = s.now.Add(d) }

// set gives a jar one Set-Cookie line as http.Client would.
func set(t testing.TB, j http.CookieJar, from string, lines ...string) {
	t.Helper()
	resp := http.Response{Header: http.Header{"Set-Cookie": lines}}
	j.SetCookies(mustURL(t, from), resp.Cookies())
}

// shown is the Cookie header of a request.
func shown(t testing.TB, j http.CookieJar, to string) string {
	t.Helper()
	req := http.Request{Header: http.Header{}}
	for _, c := range j.Cookies(mustURL(t, to)) {
		req.AddCookie(c)
	}
	return req.Header.Get("Cookie")
}

func TestJar(t *testing.T) {
	t.Parallel()
	const ls = homeURL + "/adfs/ls/"
	for _, c := range []struct {
		name  string
		from  string
		lines []string
		to    string
		want  string
	}{
		{"kept", ls, []string{"a=1; Path=/adfs; Secure; HttpOnly"}, ls, "a=1"},
		{"default path", ls, []string{"a=1"}, ls + "wia", "a=1"},
		{"default path, outside", ls, []string{"a=1"}, homeURL + "/adfs", ""},
		{"default path of a path without slash", homeURL + "/adfs", []string{"a=1"}, homeURL + "/x", "a=1"},
		{"path not absolute", ls, []string{"a=1; Path=x"}, ls, "a=1"},
		{"path is case-sensitive", ls, []string{"a=1; Path=/adfs"}, homeURL + "/ADFS/ls/", ""},
		{"path ends at a segment", ls, []string{"a=1; Path=/adfs"}, homeURL + "/adfsx", ""},
		{"path with slash", ls, []string{"a=1; Path=/adfs/"}, homeURL + "/adfs", ""},
		{"longer path first, then older", ls, []string{"a=1; Path=/", "b=2; Path=/adfs/ls", "c=3; Path=/", "d=4; Path=/adfs/ls"}, ls, "b=2; d=4; a=1; c=3"},
		{"replaced in its place", ls, []string{"a=1", "b=2", "a=3"}, ls, "a=3; b=2"},
		{"same name, two paths", ls, []string{"a=1; Path=/", "a=2; Path=/adfs"}, ls, "a=2; a=1"},
		{"empty, then value", ls, []string{"a=; Path=/", "a=1; Path=/"}, ls, "a=1"},
		{"deleted by age", ls, []string{"a=1; Path=/", "a=; Path=/; Max-Age=0"}, ls, ""},
		{"deleted by date", ls, []string{"a=1; Path=/", "a=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"}, ls, ""},
		{"deletion of another path", ls, []string{"a=1; Path=/", "a=; Path=/adfs; Max-Age=0"}, ls, "a=1"},
		{"age over date", ls, []string{"a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT"}, ls, "a=1"},
		{"age past counting", ls, []string{"a=1; Max-Age=9223372036854775807"}, ls, "a=1"},
		{"year 9999", ls, []string{"a=1; Expires=Fri, 31 Dec 9999 23:59:59 GMT"}, ls, "a=1"},
		{"quoted", ls, []string{`a="1 2"`}, ls, `a="1 2"`},
		{"quoted without need", ls, []string{`a="1"`}, ls, `a="1"`},
		{"other port", ls, []string{"a=1; Path=/"}, homeURL + ":49443/", ""},
		{"default port written", ls, []string{"a=1; Path=/"}, homeURL + ":443/", "a=1"},
		{"upper case host", ls, []string{"a=1; Path=/"}, "https://ADFS.corp.example/", "a=1"},
		{"http", ls, []string{"a=1; Path=/"}, "http://adfs.corp.example:443/", ""},
		{"sub-domain", ls, []string{"a=1; Path=/"}, "https://a.adfs.corp.example/", ""},
		{"parent domain is kept at home", ls, []string{"a=1; Path=/; Domain=.corp.example"}, ls, "a=1"},
		{"parent domain does not widen", ls, []string{"a=1; Path=/; Domain=corp.example"}, "https://sso.corp.example/", ""},
		{"parent domain is not the parent's", ls, []string{"a=1; Path=/; Domain=corp.example"}, "https://corp.example/", ""},
		{"own domain", ls, []string{"a=1; Path=/; Domain=ADFS.corp.example"}, ls, "a=1"},
		{"foreign domain", ls, []string{"a=1; Path=/; Domain=evil.example"}, ls, ""},
		{"domain of a sub-domain", ls, []string{"a=1; Path=/; Domain=a.adfs.corp.example"}, ls, ""},
		{"suffix that is no label", ls, []string{"a=1; Path=/; Domain=orp.example"}, ls, ""},
		{"domain of an address", "https://10.0.0.1/", []string{"a=1; Domain=10.0.0.1"}, "https://10.0.0.1/", "a=1"},
		{"part of an address", "https://10.0.0.1/", []string{"a=1; Domain=0.0.1"}, "https://10.0.0.1/", ""},
		{"secure over http", "http://adfs.corp.example/", []string{"a=1; Secure"}, "http://adfs.corp.example/", ""},
		{"secure over loopback", "http://127.0.0.1:1/", []string{"a=1; Secure"}, "http://127.0.0.1:1/", "a=1"},
		{"as large as may be", ls, []string{"a=" + strings.Repeat("x", 4095)}, ls, "a=" + strings.Repeat("x", 4095)},
		{"too large", ls, []string{"a=" + strings.Repeat("x", 4096)}, ls, ""},
		{"path too long", ls, []string{"a=1; Path=/" + strings.Repeat("x", 1024)}, ls, "a=1"},
		{"no origin", "urn:x", []string{"a=1"}, "urn:x", ""},
	} {
		j := NewJar(newStill().read)
		set(t, j, c.from, c.lines...)
		if got := shown(t, j, c.to); got != c.want {
			t.Errorf("%s: %.60q, want %.60q", c.name, got, c.want)
		}
	}
}

func TestJarExpiry(t *testing.T) {
	t.Parallel()
	clock := newStill()
	j := NewJar(clock.read)
	set(t, j, homeURL, "age=1; Max-Age=60", "date=1; Expires=Sun, 01 Mar 2026 12:02:00 GMT", "long=1; Max-Age=99999999999", "far=1; Expires=Fri, 31 Dec 9999 23:59:59 GMT", "session=1")
	for _, c := range []struct {
		add  time.Duration
		want string
	}{
		{59 * time.Second, "age=1; date=1; long=1; far=1; session=1"},
		{time.Second, "date=1; long=1; far=1; session=1"},
		{time.Minute, "long=1; far=1; session=1"},
		{400 * 24 * time.Hour, "session=1"},
	} {
		clock.add(c.add)
		if got := shown(t, j, homeURL); got != c.want {
			t.Errorf("at %v: %q, want %q", clock.now, got, c.want)
		}
	}
}

// Without a clock nothing runs out, and what is deleted the two usual ways is gone.
func TestJarWithoutClock(t *testing.T) {
	t.Parallel()
	j := NewJar(nil)
	set(t, j, homeURL, "a=1", "b=1", "c=1; Max-Age=1", "d=1; Expires=Sun, 01 Mar 2026 12:00:00 GMT")
	set(t, j, homeURL, "a=; Max-Age=0", "b=; Expires=Thu, 01 Jan 1970 00:00:00 GMT")
	if got := shown(t, j, homeURL); got != "c=1; d=1" {
		t.Errorf("got %q, want the two that nobody deleted", got)
	}
}

func TestJarEntries(t *testing.T) {
	t.Parallel()
	clock := newStill()
	j := NewJar(clock.read)
	set(t, j, homeURL+"/adfs/ls/", `MSISAuth="x y"; Path=/adfs; Domain=corp.example; Secure; HttpOnly; SameSite=None; Max-Age=60`, "s=1")
	set(t, j, "https://other.example/", "o=1")
	got := j.Entries(home)
	want := []Cookie{{
		Origin: home, Name: "MSISAuth", Value: secret.New("x y"), Quoted: true, Domain: "corp.example", Path: "/adfs",
		Secure: true, HttpOnly: true, SameSite: http.SameSiteNoneMode, Expires: clock.now.Add(time.Minute), Created: clock.now,
	}, {Origin: home, Name: "s", Value: secret.New("1"), Path: "/adfs/ls", Created: clock.now}}
	same := func(a, b Cookie) bool {
		values := a.Value.Equal(b.Value)
		a.Value, b.Value = secret.Text{}, secret.Text{}
		return values && a == b
	}
	if !slices.EqualFunc(got, want, same) {
		t.Errorf("Entries = %+v, want %+v", got, want)
	}
	if text := fmt.Sprintf("%v %+v %#v", got, got, j); strings.Contains(text, "x y") {
		t.Errorf("a value is printed: %s", text)
	}
	clock.add(30 * time.Second)
	fresh := NewJar(clock.read)
	fresh.Restore(got)
	if a, b := shown(t, j, homeURL+"/adfs/ls/"), shown(t, fresh, homeURL+"/adfs/ls/"); a != b || a == "" {
		t.Errorf("restored: %q, want %q", b, a)
	}
	if !slices.EqualFunc(fresh.Entries(home), want, same) {
		t.Errorf("restored: %+v, want %+v", fresh.Entries(home), want)
	}
	set(t, fresh, homeURL+"/adfs/ls/", "s=2") // replaced, but not newly made
	if s := fresh.Entries(home)[1]; !s.Created.Equal(got[1].Created) || s.Value.Reveal() != "2" {
		t.Errorf("replaced: created %v, want %v", s.Created, got[1].Created)
	}
	clock.add(31 * time.Second)
	late := NewJar(clock.read)
	late.Restore(got)
	if names := shown(t, late, homeURL+"/adfs/ls/"); names != "s=1" {
		t.Errorf("restored after a minute: %q, want the session cookie alone", names)
	}
}

func TestJarRestoreRefuses(t *testing.T) {
	t.Parallel()
	good := Cookie{Origin: home, Name: "a", Value: secret.New("1"), Path: "/"}
	for name, change := range map[string]func(*Cookie){
		"good":            func(*Cookie) {}, // the control
		"no origin":       func(c *Cookie) { c.Origin = "" },
		"origin as a URL": func(c *Cookie) { c.Origin = "https://adfs.corp.example/" },
		"upper case":      func(c *Cookie) { c.Origin = "https://ADFS.corp.example:443" },
		"not an origin":   func(c *Cookie) { c.Origin = "::" },
		"no name":         func(c *Cookie) { c.Name = "" },
		"header in name":  func(c *Cookie) { c.Name = "a\r\nb" },
		"header in value": func(c *Cookie) { c.Value = secret.New("1\r\nX: y") },
		"semicolon":       func(c *Cookie) { c.Value = secret.New("1; b=2") },
		"no path":         func(c *Cookie) { c.Path = "" },
		"too large":       func(c *Cookie) { c.Value = secret.New(strings.Repeat("x", 5000)) },
		"expired":         func(c *Cookie) { c.Expires = time.Unix(0, 0) },
		"secure on http":  func(c *Cookie) { c.Origin, c.Secure = "http://adfs.corp.example:80", true },
	} {
		c := good
		change(&c)
		j := NewJar(newStill().read)
		j.Restore([]Cookie{c})
		if kept := len(j.origin) == 1; kept != (name == "good") {
			t.Errorf("%s: kept %v", name, kept)
		}
	}
}

func TestJarDrop(t *testing.T) {
	t.Parallel()
	j := NewJar(newStill().read)
	set(t, j, homeURL, "SamlSession=1", "MSISAuth=2", "MSISSignOut=3")
	set(t, j, homeURL+":8443", "SamlSession=1")
	j.Drop(home, "SamlSession", "MSISSignOut", "absent")
	if got := shown(t, j, homeURL); got != "MSISAuth=2" {
		t.Errorf("after dropping two: %q", got)
	}
	j.Drop(home)
	if got := shown(t, j, homeURL); got != "" {
		t.Errorf("after dropping all: %q", got)
	}
	if got := shown(t, j, homeURL+":8443"); got != "SamlSession=1" {
		t.Errorf("another origin: %q", got)
	}
}

func TestJarLimits(t *testing.T) {
	t.Parallel()
	j := NewJar(newStill().read)
	for i := range 200 {
		set(t, j, homeURL, fmt.Sprintf("c%d=1", i))
	}
	got := j.Entries(home)
	if len(got) != maxCookies || got[0].Name != "c20" || got[maxCookies-1].Name != "c199" {
		t.Errorf("of 200 cookies %d are kept, %s to %s, want the last 180", len(got), got[0].Name, got[len(got)-1].Name)
	}
	j = NewJar(newStill().read)
	for i := range 20 {
		set(t, j, homeURL, fmt.Sprintf("c%02d=%s", i, strings.Repeat("x", 4000)))
	}
	if got = j.Entries(home); len(got) != 16 || got[0].Name != "c04" {
		t.Errorf("of 20 cookies of 4,003 bytes %d are kept, want the last 16", len(got))
	}
	set(t, j, homeURL, "c04="+strings.Repeat("y", 4093), "c05="+strings.Repeat("y", 4093), "c19="+strings.Repeat("y", 4093))
	for i := 6; i < 19; i++ { // the others grow, too; the one that grew last is spared
		set(t, j, homeURL, fmt.Sprintf("c%02d=%s", i, strings.Repeat("y", 4093)))
	}
	if got = j.Entries(home); len(got) != 16 {
		t.Errorf("16 cookies that grew to 64 KiB in all: %d are kept", len(got))
	}
	set(t, j, homeURL, "new=1")
	if got = j.Entries(home); len(got) != 16 || got[15].Name != "new" || got[0].Name != "c05" {
		t.Errorf("one more: %d are kept, from %s to %s", len(got), got[0].Name, got[len(got)-1].Name)
	}
	full := NewJar(newStill().read)
	for i := range 17 { // the last one is small, and the first, before it grows
		set(t, full, homeURL, fmt.Sprintf("c%02d=%s", i, strings.Repeat("x", 4092*min(i%16, 1)+1)))
	}
	set(t, full, homeURL, "c00="+strings.Repeat("x", 4093))
	if got = full.Entries(home); len(got) != 16 || got[0].Name != "c00" || got[1].Name != "c02" {
		t.Errorf("the oldest grows: %d are kept, first %s and %s, want it and not the next", len(got), got[0].Name, got[1].Name)
	}
	for i := range 100 {
		set(t, j, fmt.Sprintf("https://h%d.example/", i), "a=1")
	}
	if len(j.origin) != maxCookieOrigins || len(j.Entries(home)) != 16 {
		t.Errorf("cookies of %d origins are kept, %d of home", len(j.origin), len(j.Entries(home)))
	}
}

func TestJarConcurrent(t *testing.T) {
	t.Parallel()
	j := NewJar(newStill().read)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 50 {
				set(t, j, homeURL, fmt.Sprintf("c%d=1", i))
				shown(t, j, homeURL)
				j.Restore(j.Entries(home))
				j.Drop(home, "c0")
			}
		})
	}
	all.Wait()
	if n := len(j.Entries(home)); n < 7 || n > 8 {
		t.Errorf("%d cookies, want 7 or 8", n)
	}
}

func FuzzSetCookie(f *testing.F) {
	for _, line := range []string{
		"MSISAuth=AAEAAL; path=/adfs; HttpOnly; Secure; SameSite=None",
		"MSISLoopDetectionCookie=MjAxOS0wNi0yODowODo1NTowMlpcMQ==; path=/adfs; secure; HttpOnly",
		"SamlSession=; expires=Thu, 01 Jan 1970 00:00:00 GMT; path=/adfs/ls",
		`a="x y"; Domain=.corp.example; Max-Age=99999999999999999999`,
		"a=1; Path=/%61dfs; Max-Age=1", "=x", "a\x00=1", "a=1;;;=;Path", "a=\x7f",
	} {
		f.Add(line, homeURL+"/adfs/ls/?x=1", "https://a.adfs.corp.example:8443/")
	}
	f.Add("a=1", "http://[::1]:1", "http://[::1]:1/x")
	f.Fuzz(func(t *testing.T, line, from, to string) {
		u, err := url.Parse(from)
		if err != nil {
			return
		}
		v, err := url.Parse(to)
		if err != nil {
			return
		}
		clock := newStill()
		j := NewJar(clock.read)
		resp := http.Response{Header: http.Header{"Set-Cookie": {line}}}
		j.SetCookies(u, resp.Cookies())
		if got := j.Cookies(v); len(got) > 0 && (OriginOf(u) != OriginOf(v) || OriginOf(u) == "") {
			t.Errorf("%q from %s goes to %s", line, from, to)
		}
		kept := j.Entries(OriginOf(u))
		if len(kept) > 1 {
			t.Fatalf("%q gives %d cookies", line, len(kept))
		}
		again := NewJar(clock.read)
		again.Restore(kept)
		for _, c := range kept {
			if !strings.HasPrefix(c.Path, "/") || len(c.Name)+len(c.Value.Reveal()) > maxCookieSize || c.Expires.After(clock.now.Add(maxCookieLife)) {
				t.Errorf("%q is kept as %+v", line, c)
			}
			probe := *u
			probe.Path, probe.RawPath, probe.Opaque = c.Path, "", ""
			if a, b := j.Cookies(&probe), again.Cookies(&probe); len(a) != len(b) {
				t.Errorf("%q: %d cookies at %s, restored %d", line, len(a), &probe, len(b))
			}
			if a, b := c, again.Entries(c.Origin); len(b) != 1 || !a.Value.Equal(b[0].Value) || a.Path != b[0].Path || !a.Expires.Equal(b[0].Expires) {
				t.Errorf("%q: restored as %+v, want %+v", line, b, a)
			}
		}
		clock.add(maxCookieLife)
		for _, c := range j.Entries(OriginOf(u)) {
			if !c.Expires.IsZero() {
				t.Errorf("%q lives longer than %v", line, maxCookieLife)
			}
		}
		j.Drop(OriginOf(u))
		if len(j.origin) != 0 {
			t.Errorf("%q: left after Drop: %v", line, j.origin)
		}
	})
}
