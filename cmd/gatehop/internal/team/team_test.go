package team

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"gatehop/cmd/gatehop/internal/anyurl"
	"gatehop/cmd/gatehop/internal/awsfile"
	"gatehop/cmd/gatehop/internal/profile"
)

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

func good(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "good.config"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// text is a draft as it stands in a file.
func text(d profile.Draft) string {
	var b strings.Builder
	fmt.Fprintf(&b, "[profile %s]\n", d.Name)
	for _, v := range d.Values() {
		fmt.Fprintf(&b, "%s = %s\n", v.Name, v.Value)
	}
	return b.String()
}

func TestParse(t *testing.T) {
	t.Parallel()
	f, err := Parse("/team", good(t))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, d := range f.Drafts {
		b.WriteString(text(d))
	}
	for _, n := range f.Notes {
		fmt.Fprintln(&b, n)
	}
	golden(t, filepath.Join("testdata", "good.golden"), b.String())
	if err := sound(f); err != nil {
		t.Error(err)
	}
}

// refusals are files of which nothing may be taken: good ones with one thing more.
func refusals() []struct{ name, data, want string } {
	const gateway = "[profile gateway]\ngatehop_idp = adfs\ngatehop_url = https://adfs.corp.example\n"
	const hop = "[profile prod]\nrole_arn = arn:aws:iam::222222222222:role/Admins\nsource_profile = gateway\n"
	all := []struct{ name, data, want string }{
		{"nothing", "", "the file holds no profile"},
		{"only a comment", "# x\n", "the file holds no profile"},
		{"default", gateway + "[default]\nregion = x\n", `line 4: profile "default" is what every tool uses`},
		{"profile default", gateway + "[profile default]\nregion = x\n", `line 4: profile "default" is what every tool uses`},
		{"DEFAULT", gateway + "[DEFAULT]\nregion = x\n", `line 4: profile "DEFAULT" is no profile`},
		{"services", gateway + "[services x]\nsts =\n  endpoint_url = https://evil.example\n", `profile "services x" is no profile`},
		{"single sign-on", gateway + "[sso-session x]\nsso_region = r\n", "is no profile"},
		{"a header of the credentials file", gateway + "[prod]\n", "is no profile"},
		{"an odd name", gateway + "[profile a b]\n", "has a name"},
		{"an escape in a name", gateway + "[profile \x1b[2J]\n", `profile "?[2J" has a name`},
		{"a section twice", gateway + gateway, "line 4: the file holds a section that stands twice"},
		{"a byte order mark", "\ufeff" + gateway, "byte order mark"},
		{"junk", gateway + "junk\n", "neither section, key nor comment"},
		{"a key before any section", "k = v\n" + gateway, "before any section"},
		{"a bare CR", gateway + "k = v\rl = w\n", "carriage return"},
		{"a hidden header", gateway + "  [profile x]\n", "indented section header"},
		{"not UTF-8", gateway + "k = \xff\n", "UTF-8"},
		{"a key twice", gateway + "region = a\nregion = a\n", "has the key region twice"},
		{"a key twice, once plain", gateway + "region = a-1\ngatehop_region = a-1\n", "gatehop_region stands twice"},
		{"neither gateway nor hop", gateway + "[profile x]\nregion = a\n", `profile "x" neither signs in`},
		{"both", gateway + "gatehop_source_profile = x\n", "and has a source profile"},
		{"no address", "[profile g]\ngatehop_idp = adfs\n", "has no gatehop_url"},
		{"no role", gateway + "[profile x]\nsource_profile = gateway\n", "has a source profile and no role_arn"},
		{"a gateway's plain role", gateway + "role_arn = arn:aws:iam::222222222222:role/Admins\n", "role_arn has no effect"},
		{"a hop's proxy", gateway + hop + "gatehop_proxy = none\n", "gatehop_proxy has no effect in this profile: it is for one that signs in"},
		{"a gateway's external id", gateway + "external_id = abc\n", "external_id has no effect"},
		{"another kind", "[profile g]\ngatehop_idp = plugin\ngatehop_url = https://x.example\n", "gatehop_idp is neither adfs nor form"},
		{"clear text", "[profile g]\ngatehop_idp = form\ngatehop_url = http://x.example\n", "gatehop_url is not an https URL"},
		{"a password in the address", "[profile g]\ngatehop_idp = form\ngatehop_url = https://a:SECRET@x.example\n", "gatehop_url holds a user name or password"},
		{"a password of the proxy", gateway + "gatehop_proxy = http://a:SECRET@proxy.example\n", "gatehop_proxy holds a user name or password"},
		{"a value of two lines", gateway + "gatehop_note = a\n  b\n", "gatehop_note has a value of more than one line"},
		{"an escape in a value", gateway + "gatehop_note = \x1b[2J\n", "gatehop_note holds a character that cannot be seen"},
		{"no value", gateway + "gatehop_note =\n", "gatehop_note has no value"},
		{"a colour by name", gateway + "gatehop_color = red\n", "gatehop_color is not six hexadecimal digits"},
		{"a domain for another kind", "[profile g]\ngatehop_idp = form\ngatehop_url = https://x.example\ngatehop_adfs_domain = CORP\n", "gatehop_adfs_domain has no effect"},
		{"an unknown key", gateway + "gatehop_colour = ff0000\n", "gatehop_colour is not a key that gatehop knows"},
		{"a secret of somebody's", gateway + "corp_api_token = SECRET\n", "corp_api_token is a secret"},
		{"sso", gateway + "sso_account_id = 1\n", "sso_account_id gives credentials otherwise"},
		{"an endpoint of a service", gateway + "endpoint_url_sts = https://evil.example\n", "endpoint_url_sts would decide where AWS is asked"},
		{"a circle", gateway + strings.ReplaceAll(hop, "source_profile = gateway", "source_profile = prod"), "leads back to the profile"},
		{"a circle of two", gateway + strings.ReplaceAll(hop, "source_profile = gateway", "source_profile = two") +
			"[profile two]\nsource_profile = prod\nrole_arn = arn:aws:iam::222222222222:role/Admins\n", `profile "two": gatehop_source_profile leads back`},
	}
	for _, r := range rows() {
		if r.fate == refused {
			all = append(all, struct{ name, data, want string }{"the key " + r.name, gateway + r.name + " = SECRET\n", r.name + " " + r.why})
		}
	}
	return all
}

type parse func(path string, data []byte) (*Fragment, error)

// judge wants every refusal made, by name and without a value, and the good file read.
func judge(p parse, good []byte) error {
	for _, tt := range refusals() {
		f, err := p("/team", []byte(tt.data))
		var refusal *Error
		if !errors.As(err, &refusal) || f != nil {
			return fmt.Errorf("%s: Parse = %v, %w, want an *Error alone", tt.name, f, err)
		}
		var words []string
		for _, problem := range refusal.Problems {
			words = append(words, problem.String())
		}
		said := strings.Join(append(words, err.Error()), "\n")
		if !strings.Contains(said, tt.want) || strings.Contains(said, "SECRET") || strings.Contains(said, "\x1b") {
			return fmt.Errorf("%s: Parse says %q, want %q and no value", tt.name, said, tt.want)
		}
	}
	f, err := p("/team", good)
	if err != nil {
		return err
	}
	return sound(f)
}

// carriedKeys are the only ones that may come out of a team file.
var carriedKeys = strings.Fields(`gatehop_idp gatehop_url gatehop_adfs_domain gatehop_home_realm gatehop_relying_party gatehop_proxy gatehop_user_agent
	gatehop_timeout gatehop_session_duration gatehop_principal_arn gatehop_role_arn gatehop_source_profile gatehop_external_id
	region gatehop_alias gatehop_color gatehop_note`)

// sound says what is wrong with a fragment whatever the file was.
func sound(f *Fragment) error {
	names := map[string]bool{}
	for _, d := range f.Drafts {
		if names[d.Name] || d.Name == "default" || awsfile.NameProblem(d.Name) != "" || (d.Kind == "") == (d.Source == "") {
			return fmt.Errorf("profile %q: %+v", d.Name, d)
		}
		names[d.Name] = true
		for _, v := range d.Values() {
			if !slices.Contains(carriedKeys, v.Name) {
				return fmt.Errorf("profile %q has %s", d.Name, v.Name)
			}
			if problem := new(profile.Draft).Set(v.Name, v.Value, profile.Place{URLs: anyurl.Read}); problem != "" {
				return fmt.Errorf("profile %q: %s %s", d.Name, v.Name, problem)
			}
		}
	}
	for _, n := range f.Notes {
		if strings.ContainsFunc(n.String(), func(r rune) bool { return !unicode.IsPrint(r) }) {
			return fmt.Errorf("the note %q is not for a terminal", n)
		}
	}
	return nil
}

func TestParseRefusals(t *testing.T) {
	t.Parallel()
	if err := judge(Parse, good(t)); err != nil {
		t.Error(err)
	}
}

// TestParseControls gives the judge parsers that each forgive one thing, or take too much.
func TestParseControls(t *testing.T) {
	t.Parallel()
	data := good(t)
	after := func(change func(f *Fragment)) parse {
		return func(path string, data []byte) (*Fragment, error) {
			f, err := Parse(path, data)
			if err == nil {
				change(f)
			}
			return f, err
		}
	}
	mutants := map[string]parse{
		"takes a bundle":       after(func(f *Fragment) { f.Drafts[0].CABundle = "/corp.pem" }),
		"takes a store":        after(func(f *Fragment) { f.Drafts[0].Store = "file" }),
		"takes a user name":    after(func(f *Fragment) { f.Drafts[0].Username = "alice" }),
		"takes a program":      after(func(f *Fragment) { f.Drafts[0].Helper = "/tmp/evil" }),
		"takes clear text":     after(func(f *Fragment) { f.Drafts[0].URL = "http://adfs.corp.example" }),
		"takes two lines":      after(func(f *Fragment) { f.Drafts[0].Note = "a\nb" }),
		"takes a name twice":   after(func(f *Fragment) { f.Drafts[1].Name = f.Drafts[0].Name }),
		"takes default":        after(func(f *Fragment) { f.Drafts[0].Name = "default" }),
		"notes an escape":      after(func(f *Fragment) { f.Notes[0].Key = "\x1b[2J" }),
		"makes a gateway hop":  after(func(f *Fragment) { f.Drafts[0].Source = "x" }),
		"refuses the good one": func(path string, data []byte) (*Fragment, error) { return Parse(path, append(data, "\njunk"...)) },
		"tells values": func(path string, data []byte) (*Fragment, error) {
			f, err := Parse(path, data)
			if err != nil {
				err = fmt.Errorf("%w: %s", err, data)
			}
			return f, err
		},
	}
	for _, skip := range refusals() {
		mutants["does not refuse "+skip.name] = func(path string, data []byte) (*Fragment, error) {
			if string(data) == skip.data {
				return &Fragment{}, nil
			}
			return Parse(path, data)
		}
	}
	for name, mutant := range mutants {
		if err := judge(mutant, data); err == nil {
			t.Errorf("a parser that %s passes", name)
		}
	}
}

// TestKeys: every key of gatehop's table stands in the table of team files, so that a new
// one is a decision and not "unknown".
func TestKeys(t *testing.T) {
	t.Parallel()
	table := keys()
	for _, name := range profile.Known() {
		r, ok := table[name]
		switch {
		case !ok && (!strings.HasPrefix(name, "sso_") || table.find(name).fate != refused):
			t.Errorf("no row says what becomes of %s in a team file", name)
		case ok && r.fate == carried && !slices.Contains(carriedKeys, r.as):
			t.Errorf("%s is carried as %s", name, r.as)
		}
	}
	for want, names := range map[fate]string{
		refused: `gatehop_username gatehop_from gatehop_password_command gatehop_otp_command gatehop_notify_command
			gatehop_plugin_name gatehop_trusted_hosts gatehop_acs gatehop_tls gatehop_client_cert gatehop_client_key
			gatehop_keytab gatehop_ccache gatehop_keep_session mfa_serial role_session_name gatehop_tags ca_bundle
			endpoint_url endpoint_url_sts services aws_access_key_id aws_secret_access_key aws_session_token
			credential_source sso_session sso_start_url web_identity_token_file login_session gatehop_password password`,
		left: "gatehop_ca_bundle gatehop_store credential_process output cli_pager s3",
	} {
		for _, name := range strings.Fields(names) {
			if got := table.find(name).fate; got != want {
				t.Errorf("the fate of %s is %d, want %d", name, got, want)
			}
		}
	}
	for _, r := range rows() {
		if (r.fate == carried) != (r.as != "") || (r.fate == carried) == (r.why != "") {
			t.Errorf("the row of %s is %+v", r.name, r)
		}
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "team.config")
	if err := os.WriteFile(file, good(t), 0o644); err != nil {
		t.Fatal(err)
	}
	if f, err := Read(file); err != nil || len(f.Drafts) != 3 {
		t.Errorf("Read = %v, %v", f, err)
	}
	long := filepath.Join(dir, "long.config")
	if err := os.WriteFile(long, append(good(t), strings.Repeat("#", maxFile)...), 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		long:                         "is longer than 1 MiB",
		"https://corp.example/team":  "is an address",
		"file:///etc/team":           "is an address",
		dir:                          "is not a regular file",
		filepath.Join(dir, "absent"): ": no such file or directory",
	} {
		f, err := Read(path)
		var refusal *Error
		if !errors.As(err, &refusal) || f != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Read(%s) = %v, %v, want %q", path, f, err, want)
		}
	}
}

// FuzzParse reads anything: what is not refused is sound, and merges with anything.
func FuzzParse(f *testing.F) {
	f.Add(good(f), good(f))
	for _, tt := range refusals() {
		f.Add([]byte(tt.data), []byte(tt.data))
	}
	for _, tt := range merges() {
		f.Add(good(f), []byte(tt.config))
	}
	f.Fuzz(func(t *testing.T, data, config []byte) {
		fragment, err := Parse("/team", data)
		if err != nil {
			var refusal *Error
			if !errors.As(err, &refusal) || strings.ContainsFunc(err.Error(), func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Fatalf("Parse = %q", err)
			}
			return
		}
		if err := sound(fragment); err != nil {
			t.Fatal(err)
		}
		if err := fair(fragment, config, fragment.Merge(awsfile.Scan(config))); err != nil {
			t.Fatal(err)
		}
	})
}
