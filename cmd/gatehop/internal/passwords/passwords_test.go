package passwords

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gatehop/creds/secret"
	"gatehop/creds/store"
)

var alice = Who{Origin: "https://a.example:443", Kind: "adfs", User: `CORP\alice`}

// TestBook keeps a record for one person at one provider.
func TestBook(t *testing.T) {
	t.Parallel()
	b := Book{store.NewMemory()}
	if r := b.Get(t.Context(), alice); r != (Record{}) {
		t.Errorf("nothing: %+v", r)
	}
	if err := b.Put(t.Context(), alice, Record{Password: secret.New("kanarienvogel"), Trust: "t"}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		who  Who
		want bool
	}{
		"the same":           {alice, true},
		"another spelling":   {Who{alice.Origin, alice.Kind, " corp\\ALICE "}, true},
		"another domain":     {Who{alice.Origin, alice.Kind, `DEV\alice`}, false},
		"another kind":       {Who{alice.Origin, "form", alice.User}, false},
		"another port":       {Who{"https://a.example:8443", alice.Kind, alice.User}, false},
		"divided otherwise":  {Who{alice.Origin, alice.Kind + `","` + alice.User, ""}, false},
		"nobody in the book": {Who{}, false},
	} {
		if got := b.Get(t.Context(), c.who).Password.Reveal() == "kanarienvogel"; got != c.want {
			t.Errorf("%s: found %v, want %v", name, got, c.want)
		}
	}
	if err := b.Forget(t.Context(), alice); err != nil || b.Get(t.Context(), alice) != (Record{}) {
		t.Errorf("Forget: %v", err)
	}
}

// TestUsable has what may be sent.
func TestUsable(t *testing.T) {
	t.Parallel()
	good := Record{Password: secret.New("kanarienvogel"), Trust: "t"}
	for name, c := range map[string]struct {
		change func(*Record)
		trust  string
		want   bool
	}{
		"as it was": {func(*Record) {}, "t", true}, "other settings": {func(*Record) {}, "u", false},
		"no settings": {func(r *Record) { r.Trust = "" }, "", false}, "refused": {func(r *Record) { r.Refused = time.Unix(1, 0) }, "t", false},
		"none": {func(r *Record) { r.Password = secret.Text{} }, "t", false},
	} {
		r := good
		c.change(&r)
		if got := r.Usable(c.trust); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	if text := fmt.Sprintf("%+v %#v", good, good); strings.Contains(text, "kanarienvogel") {
		t.Errorf("the password is printed: %s", text)
	}
}

// FuzzRecord: whatever lies in the store, it is a record or nothing.
func FuzzRecord(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"version":1,"password":"x","trust":"t"}`, `{"version":2,"password":"x"}`, `{"version":1,"refused":"2026-03-01T00:00:00Z"}`, "[]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := store.NewMemory()
		if err := s.Put(t.Context(), alice.Key(), data); err != nil {
			t.Skip(err)
		}
		b := Book{s}
		r := b.Get(t.Context(), alice)
		if err := b.Put(t.Context(), alice, r); err != nil {
			t.Fatal(err)
		}
		again := b.Get(t.Context(), alice)
		if !again.Password.Equal(r.Password) || again.Trust != r.Trust || again.Declined != r.Declined || !again.Refused.Equal(r.Refused) {
			t.Errorf("%+v becomes %+v", r, again)
		}
	})
}
