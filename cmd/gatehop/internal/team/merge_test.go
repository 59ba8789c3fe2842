package team

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehop/cmd/gatehop/internal/anyurl"
	"gatehop/cmd/gatehop/internal/awsfile"
	"gatehop/cmd/gatehop/internal/profile"
)

const fragment = `[profile prod]
role_arn = arn:aws:iam::222222222222:role/Admins
source_profile = gateway
external_id = example-7
gatehop_alias = Production
[profile gateway]
gatehop_idp = adfs
gatehop_url = https://adfs.corp.example
gatehop_role_arn = arn:aws:iam::111111111111:role/Gateway
gatehop_proxy = none
region = eu-west-1
`

const (
	mineGateway = "[profile gateway]\ngatehop_idp = adfs\ngatehop_url = https://adfs.corp.example # ours\ngatehop_username = CORP\\alice\n" +
		"gatehop_role_arn = arn:aws:iam::111111111111:role/Gateway\ngatehop_proxy = none\nregion = eu-west-1\n" +
		"credential_process = \"/usr/bin/gatehop\" credential-process gateway\n"
	mineProd = "[profile prod]\ngatehop_role_arn = arn:aws:iam::222222222222:role/Admins\ngatehop_source_profile = gateway\n" +
		"gatehop_external_id = example-7\ngatehop_alias = Production\n"
)

type merging struct{ name, config string }

func merges() []merging {
	without := func(config, line string) string {
		var kept []string
		for l := range strings.Lines(config) {
			if !strings.HasPrefix(l, line) {
				kept = append(kept, l)
			}
		}
		return strings.Join(kept, "")
	}
	with := func(from, to string) string { return strings.Replace(mineGateway+mineProd, from, to, 1) }
	return []merging{
		{"nothing there", ""},
		{"others there", "[profile other]\nregion = x\n"},
		{"all the same", mineGateway + mineProd},
		{"an alias less", mineGateway + without(mineProd, "gatehop_alias")},
		{"a proxy less, which decides where a password goes", without(mineGateway, "gatehop_proxy") + mineProd},
		{"only a region there", "[profile gateway]\nregion = us-east-1\noutput = json\n" + mineProd},
		{"another address and region", strings.Replace(with("adfs.corp.example", "old.corp.example"), "eu-west-1", "us-east-1", 1)},
		{"the person's own keys", with("gatehop_proxy = none", "gatehop_proxy = http://p.example:3128\ngatehop_ca_bundle = corp.pem\ngatehop_store = file\ngatehop_timeout = 1m\ngatehop_password_command = /bin/pw")},
		{"another role and source", mineGateway + strings.NewReplacer("Admins", "Readers", "= gateway", "= other").Replace(mineProd)},
		{"a plain hop", mineGateway + "[profile prod]\nrole_arn = arn:aws:iam::222222222222:role/Admins\nsource_profile = gateway\nexternal_id = example-7\n"},
		{"a plain hop elsewhere", mineGateway + "[profile prod]\nrole_arn = arn:aws:iam::222222222222:role/Readers\nsource_profile = gateway\n"},
		{"a plain external id", mineGateway + strings.Replace(mineProd, "gatehop_external_id = example-7", "external_id = other-8", 1)},
		{"a region of gatehop's", with("region = eu-west-1", "gatehop_region = us-east-1")},
		{"a hop of that name", "[profile gateway]\ngatehop_role_arn = arn:aws:iam::222222222222:role/Admins\ngatehop_source_profile = other\n"},
		{"a gateway of that name", mineGateway + strings.ReplaceAll(mineGateway, "gateway", "prod")},
		{"static keys", "[profile gateway]\naws_access_key_id = AKIA\n"},
		{"single sign-on", "[profile gateway]\nsso_session = x\n"},
		{"another process", with(`"/usr/bin/gatehop" credential-process gateway`, "/usr/bin/other gateway")},
		{"gatehop for another profile", with("credential-process gateway", "credential-process other")},
		{"gatehop under another name", with(`"/usr/bin/gatehop"`, `'/opt/it'\''s/gh'`)},
		{"gatehop alone", "[profile gateway]\ncredential_process = '/opt/$x/gatehop' credential-process gateway\n"},
		{"gatehop on Windows", with(`"/usr/bin/gatehop" credential-process gateway`, `"C:\Program Files\Gatehop.exe" credential-process gateway`)},
		{"keys copied from another", "[profile gateway]\ngatehop_from = other\n"},
		{"a key to be mended", with("https://adfs", "http://adfs")},
		{"another kind", with("= adfs\n", "= form\n")},
		{"an address less", without(mineGateway, "gatehop_url") + mineProd},
		{"a section twice", mineGateway + mineGateway},
		{"a section that only Go reads", "[ profile gateway ]\nregion = x\n"},
		{"a key that SDKs take for a block", with("region = eu-west-1", "s3 =\n  region")},
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	f, err := Parse("/team", []byte(fragment))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, tt := range merges() {
		fmt.Fprintf(&b, "== %s\n", tt.name)
		changes := f.Merge(awsfile.Scan([]byte(tt.config)))
		for _, c := range changes {
			b.WriteString(tell(c))
		}
		if err := fair(f, []byte(tt.config), changes); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		written(t, tt.name, changes)
	}
	golden(t, filepath.Join("testdata", "merge.golden"), b.String())
}

func tell(c Change) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s %s\n", c.Name, c.State, c.Why)
	for _, v := range c.Added {
		fmt.Fprintf(&b, "  + %s = %s\n", v.Name, v.Value)
	}
	for _, d := range c.Changed {
		fmt.Fprintf(&b, "  ~ %s: %q -> %q\n", d.Key, d.From, d.To)
	}
	if c.State == Changes || c.State == Adds {
		fmt.Fprintf(&b, "  keep %s", strings.ReplaceAll(text(c.Keep), "\n", "\n  ")+"\n")
	}
	return b.String()
}

// written reads what would be written as gatehop will.
func written(t *testing.T, name string, changes []Change) {
	t.Helper()
	for _, pick := range []func(Change) profile.Draft{func(c Change) profile.Draft { return c.Keep }, func(c Change) profile.Draft { return c.Take }} {
		var b strings.Builder
		ready := map[string]bool{}
		for _, c := range changes {
			if d := pick(c); d.Name != "" && (d.Source == "" || ready[d.Source]) {
				d.Color, d.Note = "", "" // may be known to this reader, or not yet
				b.WriteString(text(d))
				ready[d.Name] = true
			}
		}
		dir := t.TempDir()
		config := filepath.Join(dir, "config")
		if err := os.WriteFile(config, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := profile.Read(profile.Files{Config: config, Credentials: filepath.Join(dir, "credentials")}, anyurl.Read)
		if err != nil {
			t.Fatal(err)
		}
		for profile := range ready {
			if _, err := c.Chain(profile); err != nil {
				t.Errorf("%s: what is written reads as %v", name, err)
			}
		}
	}
}

// fair says what is wrong with a merge whatever the files were: nothing of the person's
// gets lost, nothing is taken without being told, and a host only when it is confirmed.
func fair(f *Fragment, config []byte, changes []Change) error {
	if len(changes) != len(f.Drafts) {
		return fmt.Errorf("%d changes for %d profiles", len(changes), len(f.Drafts))
	}
	team := map[string]profile.Draft{}
	for _, d := range f.Drafts {
		team[d.Name] = d
	}
	seen := map[string]bool{}
	for _, c := range changes {
		d, ok := team[c.Name]
		if !ok || seen[c.Name] {
			return fmt.Errorf("a change of %q, which is not in the fragment, or once more", c.Name)
		}
		if _, inside := team[d.Source]; inside && !seen[d.Source] {
			return fmt.Errorf("%q stands before its source %q", c.Name, d.Source)
		}
		seen[c.Name] = true
		if err := fairChange(d, config, c); err != nil {
			return fmt.Errorf("profile %q, %s: %w", c.Name, c.State, err)
		}
	}
	return nil
}

func fairChange(team profile.Draft, config []byte, c Change) error {
	none := profile.Draft{}
	s, _ := awsfile.Scan(config).Section(awsfile.Config, c.Name)
	have := map[string]string{}
	for _, k := range s.Keys {
		have[k.Name] = awsfile.StripComment(k.Value)
	}
	if c.State == Blocked || c.State == Same {
		if c.Keep != none || c.Take != none || (c.Why == "") == (c.State == Blocked) {
			return fmt.Errorf("why %q, keep %+v, take %+v", c.Why, c.Keep, c.Take)
		}
		return nil
	}
	told := map[string]string{}
	for _, v := range c.Added {
		told[v.Name] = "added"
	}
	for _, d := range c.Changed {
		told[d.Key] = "changed"
	}
	if (len(c.Changed) > 0) != (c.State == Changes) || len(told) == 0 {
		return fmt.Errorf("it tells of %v", told)
	}
	for _, key := range profile.Keys() {
		keep, take := c.Keep.Get(key), c.Take.Get(key)
		mine := have[key]
		if key == "gatehop_external_id" && mine == "" {
			mine = have["external_id"]
		}
		switch {
		case mine != "" && keep != mine:
			return fmt.Errorf("%s = %q of the person's becomes %q", key, mine, keep)
		case keep != mine && told[key] != "added", take != mine && told[key] == "":
			return fmt.Errorf("%s becomes %q or %q, and nothing tells of it", key, keep, take)
		case take != mine && take != team.Get(key):
			return fmt.Errorf("%s becomes %q, which is neither's", key, take)
		case decides(key) && have["gatehop_idp"] != "" && have["gatehop_url"] != "" && take != mine && told[key] != "changed":
			return fmt.Errorf("%s is not to be confirmed", key)
		}
	}
	return nil
}

// TestFairControls breaks merges in one way each.
func TestFairControls(t *testing.T) {
	t.Parallel()
	f, err := Parse("/team", []byte(fragment))
	if err != nil {
		t.Fatal(err)
	}
	config := []byte(strings.Replace(mineGateway, "adfs.corp.example", "old.corp.example", 1) + "[profile prod]\nregion = x\n")
	for name, spoil := range map[string]func(all []Change) []Change{
		"overrides an address":      func(all []Change) []Change { all[0].Keep.URL = all[0].Take.URL; return all },
		"loses the user name":       func(all []Change) []Change { all[0].Take.Username = ""; return all },
		"keeps no user name":        func(all []Change) []Change { all[0].Keep.Username = ""; return all },
		"adds what it does not say": func(all []Change) []Change { all[0].Keep.Timeout, all[0].Take.Timeout = "1m", "1m"; return all },
		"tells of no change":        func(all []Change) []Change { all[0].Changed, all[0].State = nil, Adds; return all },
		"calls a change an addition": func(all []Change) []Change {
			all[0].Changed, all[0].Added, all[0].State = nil, []profile.Value{{Name: "gatehop_url", Value: "x"}}, Adds
			return all
		},
		"takes a third value": func(all []Change) []Change { all[0].Take.URL = "https://third.example"; return all },
		"forgets a profile":   func(all []Change) []Change { return all[1:] },
		"tells one twice":     func(all []Change) []Change { all[1] = all[0]; return all },
		"turns the order":     func(all []Change) []Change { all[0], all[1] = all[1], all[0]; return all },
		"blocks with a draft": func(all []Change) []Change { all[0].State, all[0].Why = Blocked, "x"; return all },
		"blocks silently":     func(all []Change) []Change { all[0] = Change{Name: "gateway", State: Blocked}; return all },
	} {
		changes := f.Merge(awsfile.Scan(config))
		if err := fair(f, config, changes); err != nil {
			t.Fatal(err)
		}
		if fair(f, config, spoil(changes)) == nil {
			t.Errorf("a merge that %s is fair", name)
		}
	}
}

// TestMergeSources: a hop needs a profile that signs in, in the fragment or in the file.
func TestMergeSources(t *testing.T) {
	t.Parallel()
	const hop = "[profile prod]\nrole_arn = arn:aws:iam::222222222222:role/Admins\nsource_profile = gateway\n"
	const deep = "[profile deep]\nrole_arn = arn:aws:iam::222222222222:role/Deep\nsource_profile = prod\n"
	for _, tt := range []struct {
		name, team, config string
		want               string
	}{
		{"in the file", hop, mineGateway, "prod new "},
		{"in the file, copied", hop, "[profile gateway]\ngatehop_from = x\n", "prod new "},
		{"nowhere", hop, "", `prod blocked stands behind "gateway", which is not there or is no profile of gatehop's`},
		{"no profile of gatehop's", hop, "[profile gateway]\naws_access_key_id = AKIA\n", `prod blocked stands behind "gateway", which is not there or is no profile of gatehop's`},
		{"behind a blocked one", deep + hop, "", `prod blocked stands behind "gateway", which is not there or is no profile of gatehop's; deep blocked stands behind "prod", which is not there or is no profile of gatehop's`},
		{"a circle through the file", hop, "[profile gateway]\ngatehop_role_arn = arn:aws:iam::333333333333:role/X\ngatehop_source_profile = prod\n",
			"prod blocked would lead back to itself by its source profile"},
		{"a circle that is not its own", hop, "[profile gateway]\ngatehop_source_profile = gateway\n", "prod new "},
	} {
		f, err := Parse("/team", []byte(tt.team))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range f.Merge(awsfile.Scan([]byte(tt.config))) {
			got = append(got, fmt.Sprintf("%s %s %s", c.Name, c.State, c.Why))
		}
		if s := strings.Join(got, "; "); s != tt.want {
			t.Errorf("%s: Merge = %s, want %s", tt.name, s, tt.want)
		}
	}
}
