package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehop/cmd/gatehop/internal/kept"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/cmd/gatehop/internal/setting"
	"gatehop/creds/secret"
	"gatehop/creds/store"
	"gatehop/idp/idptest"
)

// keptWorld is a world whose person has signed in once. `roles` signs in every time, so
// that it shows what a sign-in takes.
func keptWorld(t *testing.T, o worldOptions) *world {
	t.Helper()
	w := newWorld(t, o)
	w.runWith([]string{password(worldPassword)}, "roles", "gateway").want(t, 0)
	if w.logins() != 1 {
		t.Fatalf("%d passwords were sent, want 1", w.logins())
	}
	return w
}

// takes runs `roles gateway` with a password, and wants so many of them sent.
func (w *world) takes(t *testing.T, what string, passwords int, vars ...string) {
	t.Helper()
	before := w.logins()
	w.runWith(append(vars, password(worldPassword)), "roles", "gateway").want(t, 0)
	if got := w.logins() - before; got != passwords {
		t.Errorf("%s: %d passwords were sent, want %d", what, got, passwords)
	}
}

// edit changes the record of w's person by hand.
func (w *world) edit(t *testing.T, change func(*kept.Record)) {
	t.Helper()
	book, who := w.book(t)
	r, ok := book.Get(t.Context(), who)
	if !ok {
		t.Fatal("there is no record")
	}
	change(&r)
	if err := book.Put(t.Context(), who, r); err != nil {
		t.Fatal(err)
	}
}

func (w *world) book(t *testing.T) (kept.Book, kept.Who) {
	t.Helper()
	dir, err := store.OpenDir(filepath.Join(w.home, "state"), false)
	if err != nil {
		t.Fatal(err)
	}
	a := &app{process: process{env: []string{"HOME=" + w.home}, now: w.clock}}
	ch, err := a.chain(t.Context(), []string{"gateway"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := a.settings(ch)
	if err != nil {
		t.Fatal(err)
	}
	who, ok := a.whose(s, s.User)
	if !ok {
		t.Fatal("nothing is kept for the profile")
	}
	return kept.Book{Store: store.NewSealedUnder(dir, keptKind, store.SecretFile(dir), rand.Reader, nil), Now: w.clock}, who
}

// TestKept follows the provider's session through what people do.
func TestKept(t *testing.T) {
	t.Parallel()
	t.Run("T14: asks nobody", func(t *testing.T) {
		t.Parallel()
		w := keptWorld(t, worldOptions{})
		w.run("credential-process", "dev").want(t, 0, `"Version":1`) // without a password, and nobody there
		w.answer = map[string]string{}
		w.run("login", "dev").want(t, 0)
		if w.logins() != 1 || len(w.asked) > 0 {
			t.Errorf("%d passwords were sent and %v asked, want 1 and nothing", w.logins(), w.asked)
		}
	})
	t.Run("force", func(t *testing.T) {
		t.Parallel()
		w := keptWorld(t, worldOptions{})
		w.runWith([]string{password(worldPassword)}, "login", "gateway", "--force").want(t, 0)
		if w.logins() != 2 {
			t.Errorf("%d passwords were sent, want 2", w.logins())
		}
		w.run("login", "gateway", "--force", "--no-input").want(t, statusHuman)
		w.runWith([]string{password(worldPassword)}, "login", "gateway", "--duration", "1h").want(t, 0)
		if w.logins() != 2 {
			t.Errorf("--duration: %d passwords were sent, want 2", w.logins())
		}
	})
	t.Run("logout", func(t *testing.T) {
		t.Parallel()
		w := keptWorld(t, worldOptions{})
		w.run("logout", "gateway").want(t, 0, `forgot the session of CORP\alice at adfs.corp.example`)
		w.run("roles", "gateway").want(t, statusHuman)
		w.takes(t, "after logout", 1)
		w.run("logout", "--all").want(t, 0, "forgot the sessions at identity providers")
		w.takes(t, "after logout --all", 1)
	})
	t.Run("a command for the password", func(t *testing.T) {
		t.Parallel()
		config := strings.Replace(worldConfig, "gatehop_store", "gatehop_password_command = /nonexistent/pw\ngatehop_store", 1)
		w := keptWorld(t, worldOptions{config: config})
		w.run("roles", "gateway").want(t, 0)
		w.run("logout", "gateway").want(t, 0)
		if out := w.run("roles", "gateway"); out.status == 0 { // the control: it would have been run
			t.Error("without the session nothing is run")
		}
	})
	t.Run("twelve hours", func(t *testing.T) {
		t.Parallel()
		w := keptWorld(t, worldOptions{})
		w.now = w.now.Add(7 * time.Hour)
		w.takes(t, "after 7 hours", 0)
		book, who := w.book(t)
		w.now = w.now.Add(5*time.Hour - time.Second)
		_, before := book.Get(t.Context(), who)
		w.now = w.now.Add(time.Second)
		if _, after := book.Get(t.Context(), who); !before || after {
			t.Errorf("kept just before twelve hours: %v, after: %v; a sign-in by cookies begins no new day", before, after)
		}
	})
}

// TestKeptNowhere: what is not to be kept is not, and what is there is not touched.
func TestKeptNowhere(t *testing.T) {
	t.Parallel()
	with := func(line string) string { return strings.ReplaceAll(worldConfig, "gatehop_store = file\n", line) }
	for name, c := range map[string]struct {
		line string
		vars []string
		file bool
	}{
		"file": {line: "gatehop_store = file\n", file: true}, "yes": {line: "gatehop_store = file\ngatehop_keep_session = yes\n", file: true},
		"none": {line: "gatehop_store = none\n"}, "keyring": {line: "gatehop_store = keyring\n"}, "by default": {},
		"no":       {line: "gatehop_store = file\ngatehop_keep_session = no\n"},
		"override": {line: "gatehop_store = file\n", vars: []string{"GATEHOP_PROXY=none"}},
	} {
		w := newWorld(t, worldOptions{config: with(c.line)})
		for range 2 {
			w.runWith(append(c.vars, password(worldPassword)), "roles", "gateway").want(t, 0)
		}
		want := 2
		if c.file {
			want = 1
		}
		there := strings.Join(files(t, w.home), "\n")
		if w.logins() != want || strings.Contains(there, "secret.key") != c.file || strings.Contains(there, "cookies/") != c.file {
			t.Errorf("%s: %d passwords were sent, want %d; files:\n%s", name, w.logins(), want, there)
		}
	}
	w := keptWorld(t, worldOptions{})
	w.write(".aws/config", with("gatehop_store = file\ngatehop_keep_session = no\n"))
	w.takes(t, "no", 1)
	w.write(".aws/config", worldConfig)
	w.takes(t, "yes again", 0)
}

// TestKeptTrust changes one setting after another: the cookies go nowhere that they did
// not come from.
func TestKeptTrust(t *testing.T) {
	t.Parallel()
	w := keptWorld(t, worldOptions{})
	for _, line := range []string{
		"gatehop_trusted_hosts = more.example", "gatehop_acs = https://acs.example/saml", "gatehop_proxy = none",
		"gatehop_user_agent = another", "gatehop_adfs_domain = CORP", "gatehop_auth = forms", "endpoint_url = https://" + stsHost,
	} {
		w.write(".aws/config", worldConfig)
		w.takes(t, "before "+line, 0)
		w.write(".aws/config", strings.Replace(worldConfig, "gatehop_store", line+"\ngatehop_store", 1))
		w.takes(t, line, 1)
		w.write(".aws/config", worldConfig)
		w.takes(t, "after "+line, 1)
	}
	for _, line := range []string{
		"gatehop_relying_party = urn:amazon:webservices", "gatehop_timeout = 20s", "gatehop_session_duration = 1h",
		"gatehop_note = x", "gatehop_color = 00ff7f", "gatehop_alias = x", "gatehop_account_names = none", "gatehop_keep_session = yes",
	} {
		w.write(".aws/config", strings.Replace(worldConfig, "gatehop_store", line+"\ngatehop_store", 1))
		w.takes(t, line, 0)
	}
	for _, v := range []string{"GATEHOP_URL=https://adfs.corp.example/adfs/ls/IdpInitiatedSignOn.aspx", "GATEHOP_PROXY=none"} {
		w.takes(t, v, 1, v)
		w.takes(t, "without "+v, 0)
	}
}

// TestKeptTrustFields changes every field of a sign-in: each counts, or stands on the list.
func TestKeptTrustFields(t *testing.T) {
	t.Parallel()
	base := func() *settings {
		config := profile.SignIn{Kind: "adfs", URL: "https://a.example", Settings: map[string]string{"partition": "aws", "adfs_domain": "CORP"}}
		return &settings{Settings: setting.Settings{SignIn: config}}
	}
	counts := func(change func(*settings)) bool {
		s := base()
		change(s)
		return keptTrust(s) != keptTrust(base())
	}
	for name, want := range map[string]bool{
		"adfs_domain": true, "adfs_certificate_port": true,
		"plugin_name": true, "form_recipe": true, "a key that nobody thought of": true, "otp_command": false, "partition": false,
	} {
		if got := counts(func(s *settings) { s.SignIn.Settings[name] = "other" }); got != want {
			t.Errorf("%s counts: %v, want %v", name, got, want)
		}
	}
	for name, c := range map[string]struct {
		change func(*settings)
		want   bool
	}{
		"kind": {func(s *settings) { s.SignIn.Kind = "form" }, true}, "URL": {func(s *settings) { s.SignIn.URL += "/x" }, true},
		"auth": {func(s *settings) { s.SignIn.Auth = "ntlm" }, true}, "CA": {func(s *settings) { s.SignIn.CABundle = "/ca" }, true},
		"keytab": {func(s *settings) { s.SignIn.Keytab = "/me" }, true}, "ccache": {func(s *settings) { s.SignIn.CCache = "/me" }, true},
		"certificate": {func(s *settings) { s.SignIn.ClientCert = "/me" }, true}, "its key": {func(s *settings) { s.SignIn.ClientKey = "/me" }, true},
		"TLS": {func(s *settings) { s.SignIn.TLS = "legacy" }, true}, "home realm": {func(s *settings) { s.SignIn.HomeRealm = "b" }, true},
		"MFA": {func(s *settings) { s.SignIn.MFA = "rsa" }, false}, "proxy": {func(s *settings) { s.SignIn.Proxy = "none" }, true}, "hosts": {func(s *settings) { s.SignIn.TrustedHosts = []string{"b.example"} }, true},
		"ACS": {func(s *settings) { s.SignIn.ACS = []string{"https://b.example"} }, true}, "STS": {func(s *settings) { s.Endpoint = "https://b.example" }, true},
		"user": {func(s *settings) { s.SignIn.Username = "b" }, false}, "store": {func(s *settings) { s.SignIn.Store = "file" }, false},
		"keep": {func(s *settings) { s.SignIn.KeepSession = "yes" }, false}, "party": {func(s *settings) { s.SignIn.RelyingParty = "x" }, false},
	} {
		if got := counts(c.change); got != c.want {
			t.Errorf("%s counts: %v, want %v", name, got, c.want)
		}
	}
}

// TestKeptOthers: one person's session serves nobody else, however near the name.
func TestKeptOthers(t *testing.T) {
	t.Parallel()
	w := keptWorld(t, worldOptions{adfs: func(o *idptest.Options) {
		bob := o.Users[0]
		bob.Name, bob.SessionName = `DEV\alice`, "bob"
		o.Users = append(o.Users, bob)
	}})
	w.takes(t, "alice", 0)
	w.takes(t, "another", 1, `GATEHOP_USERNAME=DEV\alice`)
	w.takes(t, "another again", 0, `GATEHOP_USERNAME=dev\ALICE`)
	w.takes(t, "alice again", 0)
	// The record says that the cookies were another's: what they bring is not used.
	w.edit(t, func(r *kept.Record) { r.Identity.Subject = "bob@corp.example" })
	w.takes(t, "a record of another", 1)
	w.takes(t, "after it", 1) // nothing was kept of that
	w.takes(t, "and then", 0)
	w.edit(t, func(r *kept.Record) { r.Identity.Issuer = "http://evil.example" })
	w.run("roles", "gateway").want(t, statusHuman, "the provider's session has ended")
}

// TestKeptTooLong is T15's second half: cookies beyond what the server reads.
func TestKeptTooLong(t *testing.T) {
	t.Parallel()
	w := keptWorld(t, worldOptions{adfs: func(o *idptest.Options) { o.HeaderLimit = 16384 }})
	w.edit(t, func(r *kept.Record) {
		big := r.Cookies[0]
		for i := range 20 {
			big.Name, big.Value = fmt.Sprintf("Big%d", i), secret.New(strings.Repeat("x", 1000))
			r.Cookies = append(r.Cookies, big)
		}
	})
	before := w.adfs.Stats().Requests
	w.takes(t, "too long", 1)
	if n := w.adfs.Stats().Requests - before; n > 6 {
		t.Errorf("%d requests, want one more than a sign-in", n)
	}
	w.takes(t, "after it", 0)
}

// TestKeptCanaries looks for what opens the provider in every file, and for the cookies
// that are not kept in the record.
func TestKeptCanaries(t *testing.T) {
	t.Parallel()
	w := keptWorld(t, worldOptions{})
	w.takes(t, "again", 0)
	var record kept.Record
	w.edit(t, func(r *kept.Record) { record = *r })
	var plain strings.Builder
	if len(record.Cookies) < 2 {
		t.Fatalf("kept: %v", record.Cookies)
	}
	for _, c := range record.Cookies {
		if slices.Contains(notKept("adfs"), c.Name) {
			t.Errorf("%s is kept", c.Name)
		}
		data, err := json.Marshal(c.Value.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		plain.Write(data)
		for _, name := range files(t, w.home) {
			data, err := os.ReadFile(filepath.Join(w.home, name))
			if err == nil && leaks(string(data), c.Value.Reveal()) != nil {
				t.Errorf("%s is in %s", c.Name, name)
			}
		}
	}
	for _, c := range record.Cookies { // the control: not sealed, it would be seen
		if leaks(plain.String(), c.Value.Reveal()) == nil {
			t.Errorf("the search does not see %s", c.Name)
		}
	}
	sealed, key := filepath.Join(w.home, "state", "cookies"), filepath.Join(w.home, "state", "secret.key")
	entries, err := os.ReadDir(sealed)
	if err != nil || len(entries) != 1 {
		t.Fatalf("records: %v, %v", entries, err)
	}
	for _, path := range []string{key, filepath.Join(sealed, entries[0].Name())} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 && os.PathSeparator == '/' {
			t.Errorf("%s: %v, %v, want mode 0600", path, info.Mode(), err)
		}
	}
	// The other key does not open it.
	dir, err := store.OpenDir(filepath.Join(w.home, "state"), false)
	if err != nil {
		t.Fatal(err)
	}
	_, who := w.book(t)
	if _, err := store.NewSealed(dir, keptKind, rand.Reader, nil).Get(context.Background(), who.Key()); err == nil {
		t.Error("the key of sessions opens it")
	}
	w.write("state/cookies/"+entries[0].Name(), "x")
	out := w.runWith([]string{password(worldPassword)}, "roles", "gateway").want(t, 0)
	if strings.Count(out.stderr, "gatehop: warning: ") != 1 || w.logins() != 2 {
		t.Errorf("a broken record: %d passwords, stderr %s", w.logins(), out.stderr)
	}
}

// TestKeptBookIsOne: gateways of several providers are renewed at once, and all of them
// keep their sessions in one place.
func TestKeptBookIsOne(t *testing.T) {
	t.Parallel()
	a := &app{}
	books := make([]kept.Book, 20)
	var wg sync.WaitGroup
	for i := range books {
		wg.Go(func() { books[i] = a.keptBook(store.Dir{}, "keyring") })
	}
	wg.Wait()
	for i, b := range books {
		if b.Store != books[0].Store {
			t.Errorf("book %d is another one", i)
		}
	}
}
