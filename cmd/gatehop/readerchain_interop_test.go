//go:build interop

package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatehop/cmd/gatehop/internal/anyurl"
	"gatehop/cmd/gatehop/internal/profile"
)

// hopKeys are the keys of a hop that every SDK reads too, with values of the right form.
var hopKeys = map[string][]string{
	"role_arn":          {"arn:aws:iam::222222222222:role/Admins", "arn:aws:iam::222222222222:role/path/to/R"},
	"source_profile":    {"gateway"},
	"external_id":       {"example-7", "a:b/c=d"},
	"role_session_name": {"alice", "a.b@c=d"},
	"region":            {"eu-west-1", "us-east-2"},
}

// hopPair makes a pair of files with a gateway and a hop behind it, whose keys stand in
// either file or in both.
func (g *fileGen) hopPair() (config, credentials string) {
	g.odd = pick(g, 0, 0.05, 0.1, 0.2)
	in := map[string]*strings.Builder{"config": {}, "credentials": {}}
	in["config"].WriteString("[profile gateway]\ngatehop_idp = adfs\ngatehop_url = https://adfs.corp.example\n" +
		"gatehop_role_arn = arn:aws:iam::111111111111:role/Gateway\n")
	for _, where := range []string{"config", "credentials"} {
		if g.where = where; where == "credentials" && g.is(0.4) {
			continue
		}
		if g.is(g.odd) {
			in[where].WriteString(g.header() + g.entry())
		}
		name := "profile hop"
		if where == "credentials" {
			name = "hop"
		}
		in[where].WriteString("[" + name + "]\n")
		for _, key := range []string{"role_arn", "source_profile", "external_id", "role_session_name", "region"} {
			if where == "credentials" && g.is(0.7) || g.is(0.05) {
				continue
			}
			value := pick(g, hopKeys[key]...)
			if g.isOdd() {
				value = pick(g, `"`+value+`"`, value+" # c", value+"\u2003; c", value+"#c", "\ufeff"+value, value+"\n  more", value+"\x0c", value+"\n\n", "")
			}
			if g.is(0.1) {
				in[where].WriteString(g.filler())
			}
			in[where].WriteString(g.line(key, value) + "\n")
		}
	}
	return g.lineEnds(in["config"].String()), g.lineEnds(in["credentials"].String())
}

// TestInteropReaderChain compares the hops that gatehop makes of two files together with
// what each SDK reads in them together.
func TestInteropReaderChain(t *testing.T) {
	t.Parallel()
	readers, dir := newSDKReaders(t), t.TempDir()
	var pairs []filePair
	for n := range setting(t, "INTEROP_FILES", readerFiles) {
		config, credentials := newFileGen(uint64(setting(t, "INTEROP_SEED", readerSeed)), uint64(n)).hopPair()
		p := filePair{filepath.Join(dir, fmt.Sprint("config", n)), filepath.Join(dir, fmt.Sprint("credentials", n))}
		for path, text := range map[string]string{p.Config: config, p.Credentials: credentials} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		pairs = append(pairs, p)
	}
	readings := readers.read(t, pairs)
	made, missed := 0, 0
	for i, p := range pairs {
		hop, ok := lastHop(p)
		if !ok {
			continue
		}
		made++
		if problems := judgeHop(hop, readings, i); len(problems) > 0 {
			t.Errorf("%s\nin %q\nand %q", strings.Join(problems, "\n"), readFile(t, p.Config), readFile(t, p.Credentials))
		}
		// The control: a reader that does not know the credentials file.
		if hop, ok := lastHop(filePair{p.Config, filepath.Join(dir, "none")}); ok && len(judgeHop(hop, readings, i)) > 0 {
			missed++
		}
	}
	t.Logf("%d pairs, %d hops, %d of which need the credentials file", len(pairs), made, missed)
	if made < len(pairs)/5 || missed == 0 {
		t.Errorf("%d hops of %d pairs, %d with keys in the credentials file: the test shows nothing", made, len(pairs), missed)
	}
}

func lastHop(p filePair) (profile.Profile, bool) {
	c, err := profile.Read(profile.Files{Config: p.Config, Credentials: p.Credentials}, anyurl.Read)
	if err != nil {
		return profile.Profile{}, false
	}
	chain, err := c.Chain("hop")
	if err != nil {
		return profile.Profile{}, false
	}
	return chain[len(chain)-1], true
}

func judgeHop(hop profile.Profile, readings map[string][]sdkReading, i int) (problems []string) {
	for sdk, all := range readings {
		if all[i].Error != "" {
			continue // what is wrong elsewhere stops nobody; TestInteropReader has that
		}
		theirs := all[i].Merged["hop"]
		for key, value := range map[string]string{
			"role_arn": hop.RoleARN, "external_id": hop.ExternalID, "role_session_name": hop.SessionName, "region": hop.Region, "source_profile": "gateway",
		} {
			if theirs[key] != value {
				problems = append(problems, fmt.Sprintf("%s is %q, to %s %q", key, value, sdk, theirs[key]))
			}
		}
	}
	slices.Sort(problems)
	return problems
}

// TestInteropReadBack reads one pair with all SDKs, as a test of the editor does.
func TestInteropReadBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config, credentials := filepath.Join(dir, "config"), filepath.Join(dir, "credentials")
	if err := os.WriteFile(config, []byte("[profile p]\nregion = a\ns3 =\n  addressing_style = virtual\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(credentials, []byte("[p]\nregion = b\naws_access_key_id = AKIA\naws_secret_access_key = s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	found := readBack(t, config, credentials)
	for _, sdk := range []string{botocore, goSDK, jsSDK} {
		p := found[sdk]["p"]
		for key, want := range map[string]string{"region": "b", "s3.addressing_style": "virtual", "aws_access_key_id": "AKIA"} {
			if p[key] != want {
				t.Errorf("%s reads %q as %s, want %q", sdk, p[key], key, want)
			}
		}
	}
}
