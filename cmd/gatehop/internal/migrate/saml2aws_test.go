package migrate

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"

	"gatehop/cmd/gatehop/internal/anyurl"
	"gatehop/cmd/gatehop/internal/awsfile"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/creds/secret"
)

// show is all that came of a file, for a golden file.
func show(accounts []Account) string {
	var b strings.Builder
	for _, a := range accounts {
		fmt.Fprintf(&b, "account %q, line %d, keys under %q\n", a.Name, a.Line, a.Keys)
		if a.Draft == nil {
			fmt.Fprintf(&b, "  no profile: the account %s\n", a.Why)
		} else {
			fmt.Fprintf(&b, "  profile %s\n", a.Draft.Name)
			for _, v := range a.Draft.Values() {
				fmt.Fprintf(&b, "    %s = %s\n", v.Name, v.Value)
			}
		}
		for _, n := range a.Notes {
			fmt.Fprintf(&b, "  %d %s\n", n.Line, n)
		}
	}
	return b.String()
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

func files(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", dir, "*.ini"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files in testdata/%s: %v", dir, err)
	}
	found := map[string][]byte{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found[path] = data
	}
	return found
}

func TestSaml2aws(t *testing.T) {
	t.Parallel()
	for path, data := range files(t, "saml2aws") {
		accounts, err := Saml2aws(data)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		golden(t, strings.TrimSuffix(path, ".ini")+".golden", show(accounts))
		if err := sound(accounts); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if err := readable(t, accounts); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// allowed are the keys that a draft of an import may have: none that adds a host, a
// program, a root of trust or a way around the server's certificate.
var allowed = []string{"gatehop_idp", "gatehop_url", "gatehop_auth", "gatehop_mfa", "gatehop_username", "gatehop_relying_party", "gatehop_role_arn", "gatehop_session_duration", "region"}

// sound says what is wrong with the accounts whatever the file was.
func sound(accounts []Account) error {
	names := map[string]bool{}
	for _, a := range accounts {
		switch {
		case (a.Draft == nil) != (a.Why != ""):
			return fmt.Errorf("account %q has a draft %v and a reason %q", a.Name, a.Draft, a.Why)
		case unseen(a.Name + a.Why):
			return fmt.Errorf("account %q is not for a terminal", a.Name)
		}
		for _, n := range a.Notes {
			if err := soundNote(a, n); err != nil {
				return fmt.Errorf("account %q: note %q: %w", a.Name, n.Key, err)
			}
		}
		if a.Draft == nil {
			continue
		}
		if names[a.Draft.Name] || awsfile.NameProblem(a.Draft.Name) != "" {
			return fmt.Errorf("profile %q is named twice or not at all", a.Draft.Name)
		}
		names[a.Draft.Name] = true
		if err := soundDraft(a.Draft); err != nil {
			return fmt.Errorf("profile %q: %w", a.Draft.Name, err)
		}
	}
	return nil
}

func unseen(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar })
}

func soundNote(a Account, n Note) error {
	switch {
	case unseen(n.String()):
		return errors.New("it is not for a terminal")
	case n.Fate != Taken && (n.As != "" || n.Value != "" || n.Why == ""):
		return fmt.Errorf("it is %s, with the value %q and the reason %q", n.Fate, n.Value, n.Why)
	case n.Fate == Taken && n.As == "" && (a.Draft == nil || n.Value != a.Draft.Name):
		return fmt.Errorf("it names the profile %q", n.Value)
	case n.Fate == Taken && n.As != "" && a.Draft != nil && n.Value != a.Draft.Get(n.As):
		return fmt.Errorf("it is taken as %q, and the draft has %q", n.Value, a.Draft.Get(n.As))
	}
	return nil
}

func soundDraft(d *profile.Draft) error {
	if d.Helper != "" || d.Kind == "" || d.URL == "" {
		return fmt.Errorf("helper %q, kind %q, url %q", d.Helper, d.Kind, d.URL)
	}
	edit := awsfile.Edit{Kind: awsfile.Config, Section: d.Name, Owner: d.Name}
	for _, v := range d.Values() {
		if !slices.Contains(allowed, v.Name) {
			return fmt.Errorf("it has %s", v.Name)
		}
		if v.Name == "gatehop_auth" && v.Value != profile.AuthNTLM && v.Value != profile.AuthKerberos { // which keep the password here
			return fmt.Errorf("it signs in by %q", v.Value)
		}
		if problem := new(profile.Draft).Set(v.Name, v.Value, profile.Place{URLs: anyurl.Read}); problem != "" {
			return fmt.Errorf("%s %s", v.Name, problem)
		}
		edit.Set = append(edit.Set, awsfile.Setting{Name: v.Name, Value: secret.New(v.Value)})
	}
	_, err := awsfile.Scan(nil).Apply(edit)
	return err
}

// readable writes the drafts and reads them as gatehop will.
func readable(t *testing.T, accounts []Account) error {
	var b strings.Builder
	for _, a := range accounts {
		if a.Draft != nil {
			fmt.Fprintf(&b, "[profile %s]\n", a.Draft.Name)
			for _, v := range a.Draft.Values() {
				fmt.Fprintf(&b, "%s = %s\n", v.Name, v.Value)
			}
		}
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "config")
	if err := os.WriteFile(config, []byte(b.String()), 0o600); err != nil {
		return err
	}
	c, err := profile.Read(profile.Files{Config: config, Credentials: filepath.Join(dir, "credentials")}, anyurl.Read)
	if err != nil {
		return err
	}
	for _, a := range accounts {
		if a.Draft == nil {
			continue
		}
		if _, err := c.Chain(a.Draft.Name); err != nil {
			return err
		}
	}
	return nil
}

// TestSoundControls breaks accounts in one way each.
func TestSoundControls(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("testdata", "saml2aws", "adfs.ini"))
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(all []Account){
		"a secret in a note":          func(all []Account) { all[0].Notes[5].Value = "hunter2" },
		"a note without a reason":     func(all []Account) { all[0].Notes[0].Why = "" },
		"another value than noted":    func(all []Account) { all[0].Draft.Username = "mallory" },
		"a value with a line end":     func(all []Account) { all[0].Draft.Region = "x\ngatehop_password_command = y" },
		"a comment in a value":        func(all []Account) { all[0].Draft.RelyingParty = "a #b" },
		"a key with an escape":        func(all []Account) { all[0].Notes[0].Key = "\x1b[2J" },
		"an account with an escape":   func(all []Account) { all[0].Name = "\x1b[2J" },
		"an address in clear text":    func(all []Account) { all[0].Draft.URL = "http://adfs.corp.example" },
		"a root of trust":             func(all []Account) { all[0].Draft.CABundle = "/tmp/ca.pem" },
		"a password in a header":      func(all []Account) { all[0].Draft.Auth = "basic" },
		"a proxy":                     func(all []Account) { all[0].Draft.Proxy = "http://proxy.example" },
		"a place for secrets":         func(all []Account) { all[0].Draft.Store = "file" },
		"a program":                   func(all []Account) { all[0].Draft.Helper = "/tmp/x" },
		"two profiles of one name":    func(all []Account) { all[0].Draft.Name = all[1].Draft.Name },
		"a name nobody can type":      func(all []Account) { all[1].Draft.Name = "a]b" },
		"no profile and no reason":    func(all []Account) { all[1].Draft = nil },
		"no kind":                     func(all []Account) { all[1].Draft.Kind = "" },
		"a profile named otherwise":   func(all []Account) { all[0].Draft.Name = "other" },
		"a draft that is only a hop":  func(all []Account) { all[1].Draft.Source = "china" },
		"a value that is not at hand": func(all []Account) { all[1].Draft.URL = "" },
	} {
		accounts, err := Saml2aws(data)
		if err != nil {
			t.Fatal(err)
		}
		if err := sound(accounts); err != nil {
			t.Fatal(err)
		}
		if spoil(accounts); sound(accounts) == nil {
			t.Errorf("accounts with %s are sound", name)
		}
	}
}

// canaries are the marked values that reach what is shown or written.
func canaries(accounts []Account) []string {
	var found []string
	for _, word := range strings.Fields(show(accounts)) {
		if strings.Contains(word, "CANARY") {
			found = append(found, word)
		}
	}
	return found
}

func TestSaml2awsHostile(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("testdata", "saml2aws", "hostile.ini"))
	if err != nil || strings.Count(string(data), "CANARY") < 15 {
		t.Fatalf("the file holds %d canaries, %v", strings.Count(string(data), "CANARY"), err)
	}
	accounts, err := Saml2aws(data)
	if err != nil {
		t.Fatal(err)
	}
	if found := canaries(accounts); len(found) > 0 {
		t.Errorf("the account tells %q", found)
	}
	accounts[0].Notes[0].Why += " CANARY-PLANTED"
	if found := canaries(accounts); !slices.Equal(found, []string{"CANARY-PLANTED"}) {
		t.Errorf("a planted canary is not seen: %q", found)
	}
}

// TestSaml2awsSettings: every setting of pkg/cfg/cfg.go and every provider of
// saml2aws.go at 65195ee has a row, and no row is of anything else.
func TestSaml2awsSettings(t *testing.T) {
	t.Parallel()
	settings := strings.Fields(`name app_id url username provider browser_type browser_executable_path browser_autofill
		mfa mfa_ip_address skip_verify timeout aws_urn aws_session_duration aws_profile resource_id subdomain role_arn
		policy_file policy_arn_list region http_attempts_count http_retry_delay credentials_file saml_cache saml_cache_file
		target_url disable_remember_device disable_sessions download_browser_driver browser_driver_dir headless prompter
		kc_auth_error_message kc_auth_error_element kc_broker`)
	var have []string
	for _, r := range rows() {
		have = append(have, r.key)
		if r.read == nil && r.why == "" && r.key != "aws_profile" {
			t.Errorf("%s has no reason", r.key)
		}
	}
	want := strings.Fields(`AzureAD ADFS ADFS2 Ping PingNTLM PingOne JumpCloud Okta OneLogin Authentik KeyCloak GoogleApps
		Shibboleth ShibbolethECP F5APM Akamai Shell NetIQ Browser Auth0`)
	var known []string
	for _, p := range providers() {
		known = append(known, p.name)
		if (p.kind == "") == (p.why == "") {
			t.Errorf("provider %s has kind %q and reason %q", p.name, p.kind, p.why)
		}
	}
	for _, list := range [][2][]string{{have, settings}, {known, want}} {
		slices.Sort(list[0])
		slices.Sort(list[1])
		if !reflect.DeepEqual(list[0], list[1]) {
			t.Errorf("rows for %q, want %q", list[0], list[1])
		}
	}
}

func TestSaml2awsSyntax(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		data, problem string
		line          int
	}{
		{"[a]\nurl = x\n[b\n", "section header without ]", 3},
		{"[]\n", "section without a name", 1},
		{"[a]\njunk\n", "neither section, key nor comment", 2},
		{"[a]\n= v\n", "neither section, key nor comment", 2},
		{"[a]\n\"\" = v\n", "key without a name", 2},
		{"[a]\n\"k = v\n", "neither section, key nor comment", 2},
		{"[a]\nk = `v\n\n", "quote is not closed", 4},
		{strings.Repeat("#\n", 1<<17) + "#", "longer than 256 KiB", 0},
	} {
		accounts, err := Saml2aws([]byte(tt.data))
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || syntax.Line != tt.line || !strings.Contains(err.Error(), tt.problem) || accounts != nil {
			t.Errorf("Saml2aws(%.20q) = %v, %v, want %q in line %d", tt.data, accounts, err, tt.problem, tt.line)
		}
	}
	if accounts, err := Saml2aws(nil); err != nil || len(accounts) != 0 {
		t.Errorf("Saml2aws of nothing = %v, %v", accounts, err)
	}
}

// FuzzSaml2aws reads anything: there is no panic, each setting has its note, and what
// comes of it is sound.
func FuzzSaml2aws(f *testing.F) {
	for _, dir := range []string{"saml2aws", "ini"} {
		for _, data := range files(f, dir) {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		accounts, err := Saml2aws(data)
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || unseen(err.Error()) {
				t.Fatalf("Saml2aws = %v", err)
			}
			return
		}
		if err := sound(accounts); err != nil {
			t.Fatal(err)
		}
		file, err := parseINI(data)
		if err != nil {
			t.Fatal(err)
		}
		i := 0
		for _, s := range file.sections {
			if len(s.keys) == 0 {
				continue
			}
			if len(accounts[i].Notes) < len(s.keys) {
				t.Fatalf("section %q has %d settings and %d notes", s.name, len(s.keys), len(accounts[i].Notes))
			}
			i++
		}
	})
}
