package kept

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"gatehop/creds/secret"
	"gatehop/creds/store"
	"gatehop/idp"
	"gatehop/saml"
)

var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

const origin idp.Origin = "https://adfs.corp.example:443"

func alice() Who {
	return Who{Origin: origin, Kind: "adfs", User: `CORP\alice`, Trust: "t", Hosts: []idp.Origin{origin, "https://more.example:443"}}
}

func aRecord() Record {
	cookie := func(o idp.Origin, name string, expires time.Time) idp.Cookie {
		return idp.Cookie{Origin: o, Name: name, Value: secret.New("value of " + name), Quoted: true, Domain: "corp.example", Path: "/adfs",
			Secure: true, HttpOnly: true, SameSite: 4, Expires: expires, Created: start}
	}
	return Record{Identity: Identity{"i", "s", "n"}, Begun: start, Cookies: []idp.Cookie{
		cookie(origin, "session", time.Time{}), cookie(origin, "dated", start.Add(20*time.Hour)),
		cookie("https://more.example:443", "more", time.Time{}), cookie("https://other.example:443", "other", time.Time{}),
	}}
}

// put keeps aRecord for alice, and returns a book that reads it at now.
func put(t *testing.T, r Record) *Book {
	t.Helper()
	b := &Book{Store: store.NewMemory(), Now: func() time.Time { return start }}
	if err := b.Put(t.Context(), alice(), r); err != nil {
		t.Fatal(err)
	}
	return b
}

func names(r Record) string {
	var all []string
	for _, c := range r.Cookies {
		all = append(all, c.Name)
	}
	return strings.Join(all, " ")
}

// TestRoundTrip wants every attribute back, and the cookies of trusted hosts alone.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	want := aRecord()
	want.Spent = true
	got, ok := put(t, want).Get(t.Context(), alice())
	want.Cookies = want.Cookies[:3]
	if !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("Get = %+v, %v, want %+v", got, ok, want)
	}
	for field := range reflect.TypeFor[idp.Cookie]().Fields() { // else the comparison above says nothing
		if field.Name != "Expires" && reflect.ValueOf(want.Cookies[0]).FieldByIndex(field.Index).IsZero() {
			t.Errorf("the cookie of the test has no %s", field.Name)
		}
	}
}

// TestAge follows a record through a day and a clock that goes back.
func TestAge(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		after time.Duration
		want  string
	}{
		{0, "session dated more"}, {maxAge - time.Second, "session dated more"}, {maxAge, "dated"},
		{20*time.Hour - time.Second, "dated"}, {20 * time.Hour, ""}, {-time.Second, "dated"},
	} {
		b := put(t, aRecord())
		b.Now = func() time.Time { return start.Add(c.after) }
		if got, ok := b.Get(t.Context(), alice()); names(got) != c.want || ok != (c.want != "") {
			t.Errorf("after %v: %q, %v, want %q", c.after, names(got), ok, c.want)
		}
	}
}

// TestWho wants a record used for nobody and nothing but what it was made for.
func TestWho(t *testing.T) {
	t.Parallel()
	b := put(t, aRecord())
	for name, c := range map[string]struct {
		change func(*Who)
		found  bool
	}{
		"as it was":      {func(*Who) {}, true},
		"other case":     {func(w *Who) { w.User = `corp\ALICE ` }, true},
		"without domain": {func(w *Who) { w.User = "alice" }, false},
		"another form":   {func(w *Who) { w.User = "alice@corp" }, false},
		"another domain": {func(w *Who) { w.User = `DEV\alice` }, false},
		"nobody":         {func(w *Who) { w.User = "" }, false},
		"another port":   {func(w *Who) { w.Origin = "https://adfs.corp.example:8443" }, false},
		"another kind":   {func(w *Who) { w.Kind = "form" }, false},
		"other settings": {func(w *Who) { w.Trust = "u" }, false},
		"no settings":    {func(w *Who) { w.Trust = "" }, false},
		"no hosts":       {func(w *Who) { w.Hosts = nil }, false},
	} {
		who := alice()
		c.change(&who)
		if _, ok := b.Get(t.Context(), who); ok != c.found {
			t.Errorf("%s: found %v, want %v", name, ok, c.found)
		}
	}
}

// TestNoTrust: settings of which nobody can make a digest are nobody's, twice too.
func TestNoTrust(t *testing.T) {
	t.Parallel()
	b, who := put(t, aRecord()), alice()
	who.Trust = ""
	if err := b.Put(t.Context(), who, aRecord()); err != nil {
		t.Fatal(err)
	}
	if _, ok := b.Get(t.Context(), who); ok {
		t.Error("a record without settings is used")
	}
}

// TestFileIsChecked puts records in places that are not theirs: whatever the place
// says, the record's own word counts.
func TestFileIsChecked(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*file){
		"origin": func(f *file) { f.Origin = "https://evil.example:443" }, "kind": func(f *file) { f.Kind = "form" },
		"user": func(f *file) { f.User = `corp\bob` }, "trust": func(f *file) { f.Trust = "" },
		"identity": func(f *file) { f.Identity = Identity{} }, "version": func(f *file) { f.Version = 2 },
		"nothing": func(*file) {},
	} {
		f := fileOf(alice(), aRecord())
		change(&f)
		data, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		b := put(t, aRecord())
		if err := b.Store.Put(t.Context(), alice().Key(), data); err != nil {
			t.Fatal(err)
		}
		if _, ok := b.Get(t.Context(), alice()); ok != (name == "nothing") {
			t.Errorf("another %s: found %v", name, ok)
		}
	}
}

// TestPutNothing: a record that could not be used removes the one that is there.
func TestPutNothing(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Record){
		"nobody": func(r *Record) { r.Identity = Identity{} }, "no cookies": func(r *Record) { r.Cookies = nil },
		"foreign cookies": func(r *Record) { r.Cookies = r.Cookies[3:] },
	} {
		b := put(t, aRecord())
		r := aRecord()
		change(&r)
		if err := b.Put(t.Context(), alice(), r); err != nil || b.Has(t.Context(), alice()) {
			t.Errorf("%s: Put = %v, and the record is there: %v", name, err, b.Has(t.Context(), alice()))
		}
	}
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{", "null", "[]", `{"version":2}`, `{"version":1,"cookies":[{"value":5}]}`, `{"version":"canary"}`} {
		var said []error
		b := put(t, aRecord())
		b.Warn = func(err error) { said = append(said, err) }
		if err := b.Store.Put(t.Context(), alice().Key(), []byte(text)); err != nil {
			t.Fatal(err)
		}
		_, ok := b.Get(t.Context(), alice())
		if ok || len(said) != 1 || !errors.As(said[0], new(*RecordError)) || strings.Contains(said[0].Error(), "canary") {
			t.Errorf("%q: found %v, said %v", text, ok, said)
		}
	}
}

func TestOf(t *testing.T) {
	t.Parallel()
	for want, a := range map[Identity]saml.Assertion{
		{}:              {Issuer: "i", Subject: "s", Encrypted: true},
		{"i", "s", ""}:  {Issuer: "i", Subject: "s"},
		{"i", "", "n"}:  {Issuer: "i", SessionName: "n"},
		{"i", "s", "n"}: {Issuer: "i", Subject: "s", SessionName: "n"},
	} {
		if got := Of(&a); got != want {
			t.Errorf("Of(%+v) = %+v, want %+v", a, got, want)
		}
	}
	if got := Of(&saml.Assertion{Issuer: "i"}); got != (Identity{}) {
		t.Errorf("Of an assertion about nobody = %+v", got)
	}
}

// TestTampering opens no record that was changed, cut, or put in another's place, on disk.
func TestTampering(t *testing.T) {
	t.Parallel()
	bob := alice()
	bob.User = `CORP\bob`
	tampered := map[string]func(data, other []byte) []byte{
		"nothing":   func(data, _ []byte) []byte { return data },
		"swapped":   func(_, other []byte) []byte { return other },
		"truncated": func(data, _ []byte) []byte { return data[:len(data)-1] },
		"empty":     func(_, _ []byte) []byte { return nil },
		"longer":    func(data, _ []byte) []byte { return append(bytes.Clone(data), 0) },
	}
	for _, at := range []int{0, 17, 30, 60, -1} {
		tampered[fmt.Sprintf("bit at %d", at)] = func(data, _ []byte) []byte {
			data = bytes.Clone(data)
			data[(at+len(data))%len(data)] ^= 1
			return data
		}
	}
	for name, change := range tampered {
		var said []error
		dir := folder(t)
		sealed := func() Book {
			return Book{Store: store.NewSealedUnder(dir, "cookie", store.SecretFile(dir), random(), func(err error) { said = append(said, err) }), Now: func() time.Time { return start }}
		}
		b := sealed()
		for _, who := range []Who{bob, alice()} {
			if err := b.Put(t.Context(), who, aRecord()); err != nil {
				t.Fatal(err)
			}
		}
		own, other := entry(t, dir, alice()), entry(t, dir, bob)
		rewrite(t, own, change(read(t, own), read(t, other)))
		b = sealed()
		for range 2 {
			if _, ok := b.Get(t.Context(), alice()); ok != (name == "nothing") {
				t.Errorf("%s: found %v", name, ok)
			}
		}
		if want := 1; name != "nothing" && len(said) != want || name == "nothing" && len(said) != 0 {
			t.Errorf("%s: said %v", name, said)
		}
	}
}

// FuzzDecode wants no record that what is read of it does not make again.
func FuzzDecode(f *testing.F) {
	good, err := json.Marshal(fileOf(alice(), aRecord()))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"version":1,"cookies":[{"origin":"https://adfs.corp.example:443","name":"a\r\nb","value":"c; d","path":"x"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		read, err := decode(data)
		if err != nil {
			return
		}
		who := Who{Origin: idp.Origin(read.Origin), Kind: read.Kind, User: read.User, Trust: read.Trust, Hosts: []idp.Origin{origin}}
		b := Book{Store: store.NewMemory(), Now: func() time.Time { return start }}
		if b.Store.Put(context.Background(), who.Key(), data) != nil {
			return
		}
		r, ok := b.Get(context.Background(), who)
		if !ok {
			return
		}
		jar := idp.NewJar(b.Now)
		jar.Restore(r.Cookies)
		for _, c := range jar.Entries(origin) {
			if strings.ContainsAny(c.Name+c.Value.Reveal(), "\r\n;") {
				t.Errorf("a cookie of two lines is restored: %q", c.Name)
			}
		}
		if err := b.Put(context.Background(), who, r); err != nil {
			return // too long
		}
		if again, ok := b.Get(context.Background(), who); !ok || !reflect.DeepEqual(again, r) {
			t.Errorf("%+v is kept as %+v", r, again)
		}
	})
}
