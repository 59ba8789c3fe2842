package awsfile

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehop/creds/secret"
)

// hopEdit is what configure writes: a section of the config file without a mark.
func hopEdit(section string) Edit {
	return Edit{Kind: Config, Section: section, Remove: []string{"gatehop_external_id"}, Set: settings(
		"gatehop_role_arn", "arn:aws:iam::333333333333:role/Admins", "gatehop_source_profile", "gateway",
		"credential_process", `"/opt/gatehop" credential-process w`, "region", "eu-west-1")}
}

const hopSection = "[profile w]\ngatehop_role_arn       = arn:aws:iam::333333333333:role/Admins\ngatehop_source_profile = gateway\n" +
	"credential_process     = \"/opt/gatehop\" credential-process w\nregion                 = eu-west-1\n"

func TestApplyConfig(t *testing.T) {
	t.Parallel()
	keys := strings.TrimPrefix(hopSection, "[profile w]\n")
	plain := regexp.MustCompile(` +=`).ReplaceAllString(keys, " =")
	for _, tt := range []struct{ name, data, want string }{
		{"no file", "", hopSection},
		{"behind another", "[profile a]\nregion = x\n", "[profile a]\nregion = x\n\n" + hopSection},
		{"behind a blank line", "[profile a]\nregion = x\n\n", "[profile a]\nregion = x\n\n" + hopSection},
		{"behind a blank line of CRLF", "[profile a]\r\n\r\n", "[profile a]\r\n\r\n" + strings.ReplaceAll(hopSection, "\n", "\r\n")},
		{"without a last line end", "[profile a]", "[profile a]\n\n" + strings.TrimSuffix(hopSection, "\n")},
		{"the same again", hopSection, hopSection},
		{"an empty section", "[profile w]\n", "[profile w]\n" + plain},
		{"somebody's region and output", "[profile w]\nregion = x\noutput = json\n",
			"[profile w]\nregion = eu-west-1\noutput = json\n" + strings.TrimSuffix(plain, "region = eu-west-1\n")},
		{"another value, a comment and a key of somebody's",
			strings.Replace(hopSection, "gateway\n", "old\n# why\ncli_pager =\n", 1),
			strings.Replace(hopSection, "gateway\n", "gateway\n# why\ncli_pager =\n", 1)},
		{"a key of gatehop's that the edit does not know", hopSection + "gatehop_tags = a=b\n", hopSection + "gatehop_tags = a=b\n"},
		{"a key to take away", hopSection + "gatehop_external_id    = x\n\n[profile b]\n", hopSection + "\n[profile b]\n"},
		{"a key that stands in the column of the others", strings.Replace(hopSection, "gatehop_source_profile = gateway\n", "", 1),
			strings.Replace(hopSection, "gatehop_source_profile = gateway\n", "", 1) + "gatehop_source_profile = gateway\n"},
		{"comments behind values, one of them another one",
			strings.NewReplacer("gateway\n", "gateway  ; mine\n", ":role/Admins\n", ":role/Old # old\n").Replace(hopSection),
			strings.NewReplacer("gateway\n", "gateway  ; mine\n", ":role/Admins\n", ":role/Admins # old\n").Replace(hopSection)},
		{"a short key in the column of the others", strings.Replace(hopSection, "region                 = eu-west-1\n", "", 1), hopSection},
	} {
		out, err := apply([]byte(tt.data), hopEdit("w"))
		if err != nil || string(out) != tt.want {
			t.Errorf("%s: Apply =\n%s%v, want\n%s", tt.name, out, err, tt.want)
		}
	}
}

// configRefusals are sections that get their credentials elsewhere. mended is one that is
// taken: the control.
var configRefusals = []struct{ name, data, mended, key string }{
	{"static keys", "[profile w]\naws_access_key_id = AKIA\n", "[profile w]\n", "aws_access_key_id"},
	{"a role of aws's", "[profile w]\nrole_arn = x\nregion = y\n", "[profile w]\nregion = y\n", "role_arn"},
	{"single sign-on", "[profile w]\nsso_session = x\n", "[profile w]\noutput = x\n", "sso_session"},
	{"old single sign-on", "[profile w]\nsso_start_url = x\n", "[profile w]\noutput = x\n", "sso_start_url"},
	{"a login session", "[profile w]\nlogin_session = x\n", "[profile w]\noutput = x\n", "login_session"},
	{"a web identity", "[profile w]\nweb_identity_token_file = x\n", "[profile w]\noutput = x\n", "web_identity_token_file"},
	{"another helper", "[profile w]\ncredential_process = x\n", "[profile w]\ngatehop_role_arn = y\ncredential_process = x\n", "credential_process"},
	{"static keys beside gatehop's", hopSection + "aws_access_key_id = AKIA\n", hopSection, "aws_access_key_id"},
	{"a role of aws's beside gatehop's", hopSection + "role_arn = x\n", hopSection, "role_arn"},
}

func TestConfigRefusals(t *testing.T) {
	t.Parallel()
	for _, tt := range configRefusals {
		_, err := apply([]byte(tt.data), hopEdit("w"))
		var refusal *RefusalError
		if !errors.As(err, &refusal) || !refusal.Foreign || refusal.Key != tt.key {
			t.Errorf("%s: Apply = %v, want it refused because of %s", tt.name, err, tt.key)
		}
		if _, err := apply([]byte(tt.mended), hopEdit("w")); err != nil {
			t.Errorf("%s, mended: Apply = %v", tt.name, err)
		}
	}
	commented := strings.Replace(hopSection, "eu-west-1\n", "eu-west-1 # x\n", 1) // other tools read it too
	if _, err := apply([]byte(commented), hopEdit("w")); err == nil {
		t.Error("a region with a comment behind it is written")
	}
	over := hopEdit("w")
	over.Overwrite = true
	if _, err := apply(nil, over); err == nil {
		t.Error("an edit without a mark overwrites")
	}
	marked := hopEdit("w")
	marked.Owner = "p"
	if _, err := apply([]byte(hopSection), marked); err == nil {
		t.Error("an edit with a mark takes a section without one")
	}
	noMark := hopEdit("w")
	noMark.Kind = Credentials
	if _, err := apply(nil, noMark); err == nil {
		t.Error("an edit of the credentials file leaves no mark")
	}
}

// judgeConfig edits files that generate makes, their section called w one of the config
// file, and says what an editor does wrong: a foreign line that is not as it was, values
// that are not there, a second edit that changes something.
func judgeConfig(edit func([]byte, Edit) ([]byte, error), rounds int) error {
	r := rand.New(rand.NewPCG(4, 2))
	e := hopEdit("w")
	keys := slices.Clone(e.Remove)
	for _, s := range e.Set {
		keys = append(keys, s.Name)
	}
	header := regexp.MustCompile(`(?m)^\[w\]`)
	for range rounds {
		m, _ := generate(r)
		data := header.ReplaceAll(m.bytes(), []byte("[profile w]"))
		for from, to := range map[string]string{OwnerKey: "gatehop_alias", "aws_access_key_id": "credential_process",
			"aws_secret_access_key": "gatehop_role_arn", "aws_session_token": "gatehop_external_id"} {
			data = bytes.ReplaceAll(data, []byte(from), []byte(to))
		}
		out, err := edit(data, e)
		if err != nil {
			return fmt.Errorf("Apply to %q: %w", data, err)
		}
		shown := func(data []byte) []string {
			return foreignLines(bytes.ReplaceAll(data, []byte("[profile w]"), []byte("[w]")), keys)
		}
		if a, b := shown(data), shown(out); !slices.Equal(a, b) {
			return fmt.Errorf("foreign lines of %q\n = %q\nafter %q\n = %q", data, a, out, b)
		}
		s, ok := Scan(out).Section(Config, "w")
		if !ok || s.Differs != "" {
			return fmt.Errorf("section of %q = %v, %q", out, ok, s.Differs)
		}
		for _, set := range e.Set {
			if i := slices.IndexFunc(s.Keys, func(k Key) bool { return k.Name == set.Name }); i < 0 || s.Keys[i].Value != set.Value.Reveal() {
				return fmt.Errorf("%s is not as set in %q", set.Name, out)
			}
		}
		for _, k := range s.Keys {
			if slices.Contains(e.Remove, k.Name) || k.Name == OwnerKey {
				return fmt.Errorf("%s stands in %q", k.Name, out)
			}
		}
		if again, err := edit(out, e); err != nil || !bytes.Equal(again, out) {
			return fmt.Errorf("twice: %q, %v, want %q", again, err, out)
		}
	}
	return nil
}

func TestConfigModel(t *testing.T) {
	t.Parallel()
	if err := judgeConfig(apply, 3000); err != nil {
		t.Fatal(err)
	}
	mutants := map[string]func([]byte, Edit) ([]byte, error){
		"leaves a mark": func(data []byte, e Edit) ([]byte, error) {
			e.Owner = "p"
			return apply(data, e)
		},
		"does not take a key away": func(data []byte, e Edit) ([]byte, error) {
			e.Remove = nil
			return apply(data, e)
		},
		"forgets a value": func(data []byte, e Edit) ([]byte, error) {
			e.Set = e.Set[1:]
			return apply(data, e)
		},
		"takes another key away": func(data []byte, e Edit) ([]byte, error) {
			e.Remove = append(slices.Clone(e.Remove), "foreign1")
			return apply(data, e)
		},
		"writes the section anew": func(data []byte, e Edit) ([]byte, error) {
			f := Scan(data)
			if s, ok := f.Section(Config, "w"); ok {
				data = append(slices.Clone(data[:s.Header.Start]), data[s.Body.End:]...)
			}
			return apply(data, e)
		},
		"changes something each time": func(data []byte, e Edit) ([]byte, error) {
			e.Set = append(slices.Clone(e.Set), Setting{"gatehop_note", secret.New(fmt.Sprint(len(data)))})
			return apply(data, e)
		},
		"does nothing": func(data []byte, e Edit) ([]byte, error) { return data, nil },
	}
	for name, mutant := range mutants {
		if err := judgeConfig(mutant, 400); err == nil {
			t.Errorf("an editor that %s passes", name)
		}
	}
}

// FuzzApplyConfig edits any config file: what is not refused keeps every foreign line
// and does not change again.
func FuzzApplyConfig(f *testing.F) {
	for _, s := range seeds() {
		f.Add([]byte(s))
		f.Add([]byte(s + "\n[profile w]\ngatehop_alias = x\nregion = old\n"))
	}
	for _, tt := range configRefusals {
		f.Add([]byte(tt.data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e := hopEdit("w")
		out, err := apply(data, e)
		if err != nil {
			var refused *RefusalError
			if !errors.As(err, &refused) {
				t.Fatal(err)
			}
			return
		}
		if again, err := apply(out, e); err != nil || !bytes.Equal(again, out) {
			t.Fatalf("Apply twice to %q = %q, %v, want %q", data, again, err, out)
		}
		before, _ := Scan(data).Section(Config, "w")
		after, ok := Scan(out).Section(Config, "w")
		if !ok || after.Differs != "" {
			t.Fatalf("Section of %q = %v, %q", out, ok, after.Differs)
		}
		for _, k := range before.Keys { // what is not the edit's stands as it stood
			if e.sets(k.Name) || slices.Contains(e.Remove, k.Name) {
				continue
			}
			i := slices.IndexFunc(after.Keys, func(a Key) bool { return a.Name == k.Name })
			if i < 0 || after.Keys[i].Value != k.Value || !bytes.Contains(out, data[k.Lines.Start:k.Lines.End]) && k.Lines.End < len(data) {
				t.Fatalf("%s of %q is not as it was in %q", k.Name, data, out)
			}
		}
	})
}
