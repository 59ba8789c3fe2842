package profile

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehop/cmd/gatehop/internal/anyurl"
)

// identify names what an encoder is asked for: the i-th profile's credentials, and the
// sign-in.
type identify struct {
	cache  func(ch Chain, i int) string
	signIn func(s *SignIn) string
}

func actual() identify { return identify{Chain.CacheKey, (*SignIn).Key} }

// variants are, for the keys that valueTests has not two usable values of, what to set
// instead; "" leaves the key out.
var variants = map[string][]string{
	"idp": {"adfs", "form"}, "from": {"same1", "same2"}, "auth": {"ntlm", "kerberos"}, "source_profile": {"g", "same3"},
	"endpoint_url": {"https://a.example", "https://b.example"}, "services": {"s1", "s2"},
	"ignore_configured_endpoint_urls": {"false", "true"}, "ca_bundle": {"a.pem", "b.pem"},
}

// values returns two values of k that mean different things and fit into the chains of
// chainWith.
func values(k *key) []string {
	if v, ok := variants[k.name]; ok {
		return v
	}
	switch good := valueTests[k.name].good; {
	case k.name == "role_arn":
		return []string{"arn:aws:iam::111111111111:role/x", "arn:aws:iam::111111111111:role/y"}
	case k.name == "principal_arn":
		return []string{"arn:aws:iam::111111111111:saml-provider/x", "arn:aws:iam::111111111111:saml-provider/y"}
	case k.scope == scopeAWS:
		return []string{"x", "y"}
	case len(good) == 1:
		return []string{"", good[0]}
	default:
		return good[:2]
	}
}

// chainWith returns the chain of a hop behind a gateway, with line added to one of them.
func chainWith(t *testing.T, hop bool, name, value string) Chain {
	t.Helper()
	sections := map[bool]map[string]string{
		false: {"gatehop_idp": "adfs", "gatehop_role_arn": "arn:aws:iam::111111111111:role/G", "region": "eu-west-1"},
		true:  {"gatehop_role_arn": "arn:aws:iam::222222222222:role/H", "gatehop_source_profile": "g"},
	}
	if name == "gatehop_from" {
		delete(sections[false], "gatehop_idp")
	}
	if name == "ignore_configured_endpoint_urls" {
		sections[hop]["endpoint_url"] = "https://a.example"
	}
	if plain := strings.TrimPrefix(name, prefix); plain != name {
		delete(sections[hop], plain) // of a pair, gatehop's own is read
	} else {
		delete(sections[hop], prefix+name)
	}
	if sections[hop][name] = value; value == "" {
		delete(sections[hop], name)
	}
	text := "[services s1]\nsts =\n  endpoint_url = https://a.example\n[services s2]\nsts =\n  endpoint_url = https://a.example\n"
	for _, same := range []string{"same1", "same2"} {
		text += "[profile " + same + "]\ngatehop_idp = adfs\ngatehop_url = https://a.example\n"
	}
	text += "[profile same3]\ngatehop_idp = adfs\ngatehop_role_arn = arn:aws:iam::111111111111:role/G\nregion = eu-west-1\n"
	for isHop, header := range map[bool]string{false: "[profile g]\n", true: "[profile h]\n"} {
		text += header
		for _, k := range slices.Sorted(maps.Keys(sections[isHop])) {
			text += k + " = " + sections[isHop][k] + "\n"
		}
	}
	c, dir := configure(t, text, "")
	ch, err := c.Chain("h")
	if err != nil {
		t.Fatalf("%s = %q: %v", name, value, err)
	}
	for i := range ch { // relative paths are in it; each run has its own directory
		ch[i].AWSCABundle = strings.ReplaceAll(ch[i].AWSCABundle, dir, "")
		if s := ch[i].SignIn; s != nil {
			for _, path := range []*string{&s.CABundle, &s.ClientCert, &s.ClientKey, &s.Keytab, &s.CCache} {
				*path = strings.ReplaceAll(*path, dir, "")
			}
		}
	}
	return ch
}

// coverage goes over the table of keys and returns each key whose value changes what it
// should not, or does not change what it should.
func coverage(t *testing.T, id identify) (wrong []string) {
	note := func(k *key, what string, changed bool, reason string) {
		if changed != (reason == "") {
			wrong = append(wrong, fmt.Sprintf("%s: changed %s: %v, reason not to: %q", k.full(), what, changed, reason))
		}
	}
	for i := range keys {
		k := &keys[i]
		if !k.isBuilt() || k.name == "mfa_serial" {
			if k.notHop == "" && k.notGateway == "" {
				wrong = append(wrong, k.full()+": refused without a reason")
			}
			continue
		}
		names := []string{k.full()}
		if k.plain {
			names = append(names, k.name)
		}
		for _, name := range names {
			v := values(k)
			if k.scope != scopeHop && !(k.name == "role_arn" && name == k.name) { // a gateway's role is gatehop_role_arn only
				a, b := chainWith(t, false, name, v[0]), chainWith(t, false, name, v[1])
				note(k, "the gateway's key", id.cache(a, 0) != id.cache(b, 0), k.notGateway)
				note(k, "the hop's key", id.cache(a, 1) != id.cache(b, 1), k.notGateway)
				note(k, "the sign-in's key", id.signIn(a[0].SignIn) != id.signIn(b[0].SignIn), k.notSignIn)
			}
			if k.scope != scopeSignIn {
				a, b := chainWith(t, true, name, v[0]), chainWith(t, true, name, v[1])
				note(k, "the hop's key", id.cache(a, 1) != id.cache(b, 1), k.notHop)
				note(k, "the gateway's key", id.cache(a, 0) != id.cache(b, 0), "a hop is not the gateway's")
			}
		}
	}
	return wrong
}

// TestEveryKeyCounts changes every key of the table: it changes what names the
// credentials, or it has a written reason not to.
func TestEveryKeyCounts(t *testing.T) {
	t.Parallel()
	if wrong := coverage(t, actual()); len(wrong) > 0 {
		t.Errorf("%s", strings.Join(wrong, "\n"))
	}
}

// TestEveryKeyCountsControl runs the same check over encoders that forget something or
// take in too much.
func TestEveryKeyCountsControl(t *testing.T) {
	t.Parallel()
	without := func(forget func(p *Profile)) identify {
		id := actual()
		id.cache = func(ch Chain, i int) string {
			ch = slices.Clone(ch)
			for j := range ch {
				if s := ch[j].SignIn; s != nil {
					c := *s
					ch[j].SignIn = &c
				}
				forget(&ch[j])
			}
			return ch.CacheKey(i)
		}
		return id
	}
	with := func(add func(p Profile) string) identify {
		id := actual()
		id.cache = func(ch Chain, i int) string {
			key := ch.CacheKey(i)
			for _, p := range ch[:i+1] {
				key += add(p)
			}
			return key
		}
		return id
	}
	mutants := map[string]identify{
		"external_id":      without(func(p *Profile) { p.ExternalID = "" }),
		"tags":             without(func(p *Profile) { p.Tags = nil }),
		"endpoint_url":     without(func(p *Profile) { p.Endpoint = "" }),
		"duration_seconds": without(func(p *Profile) { p.Duration = 0 }),
		"trusted_hosts": without(func(p *Profile) {
			if p.SignIn != nil {
				p.SignIn.TrustedHosts = nil
			}
		}),
		"alias":  with(func(p Profile) string { return p.Alias }),
		"color":  with(func(p Profile) string { return p.Color }),
		"note":   with(func(p Profile) string { return p.Note }),
		"region": with(func(p Profile) string { return p.Region }),
		"store": with(func(p Profile) string {
			if p.SignIn == nil {
				return ""
			}
			return p.SignIn.Store
		}),
	}
	mutants["username"] = identify{Chain.CacheKey, func(s *SignIn) string { c := *s; c.Username = ""; return c.Key() }}
	for name, id := range mutants {
		if wrong := coverage(t, id); !slices.ContainsFunc(wrong, func(w string) bool { return strings.Contains(w, name+":") }) {
			t.Errorf("%s is not missed: %q", name, wrong)
		}
	}
}

// TestKeysAreOfContent has the same chain under other names, in another order, with
// plain keys and with gatehop's own.
func TestKeysAreOfContent(t *testing.T) {
	t.Parallel()
	a, _ := configure(t, "[profile g]\ngatehop_idp = adfs\ngatehop_url = https://a.example\n[profile h]\nrole_arn = arn:aws:iam::111111111111:role/x\nsource_profile = g\nexternal_id = e1\nregion = x\n", "")
	b, _ := configure(t, "[profile H]\n# c\ngatehop_external_id = e1 # d\ngatehop_source_profile = G\ngatehop_role_arn = arn:aws:iam::111111111111:role/x\n[profile G]\ngatehop_store = none\ngatehop_account_names = iam\ngatehop_keep_session = no\ngatehop_from = F\n[profile F]\ngatehop_url = https://a.example\ngatehop_idp = adfs\n", "")
	x, errA := a.Chain("h")
	y, errB := b.Chain("H")
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	if x.CacheKey(1) != y.CacheKey(1) || x[0].SignIn.Key() != y[0].SignIn.Key() {
		t.Errorf("keys differ:\n%s\n%s", x.CacheKey(1), y.CacheKey(1))
	}
	if x.CacheKey(0) == x.CacheKey(1) {
		t.Error("the gateway and the hop have one key")
	}
}

// grid is chains that differ from each other in what a careless encoder runs together:
// separators inside values, values moved between neighbouring keys, elements of lists.
func grid() []Chain {
	texts := []string{"", "ab", "a,b", "ab,cd", `a"`, "ab\xff", "ab\xfe"}
	tags := []map[string]string{nil, {"a": "b"}, {"a": "b,c"}, {"a": "b", "c": ""}, {"a,b": "c"}, {"a": "b=c"}, {"a=b": "c"}}
	transitive := [][]string{nil, {"a"}, {"a", "b"}, {"a,b"}}
	gateway := Profile{SignIn: &SignIn{Kind: "adfs"}}
	var chains []Chain
	for _, role := range []string{"arn:aws:iam::1:role/a,b/c", "arn:aws:iam::1:role/a/b,c"} {
		for _, external := range texts {
			for _, session := range texts {
				for _, source := range texts[:4] {
					hop := Profile{RoleARN: role, ExternalID: external, SessionName: session, SourceIdentity: source}
					chains = append(chains, Chain{gateway, hop})
				}
			}
		}
		for _, m := range tags {
			for _, keys := range transitive {
				hop := Profile{RoleARN: role, Tags: m, TransitiveTags: keys}
				chains = append(chains, Chain{gateway, hop}, Chain{gateway, hop, {RoleARN: role}}, Chain{gateway, {RoleARN: role}, hop})
			}
		}
	}
	for _, url := range texts {
		for _, user := range texts {
			for _, hosts := range [][]string{nil, {"a"}, {"a", "b"}} {
				for _, acs := range [][]string{nil, {"a"}, {"b"}} {
					for _, d := range []time.Duration{0, time.Hour} {
						s := &SignIn{Kind: "adfs", URL: url, Username: user, TrustedHosts: hosts, ACS: acs, SessionDuration: d}
						chains = append(chains, Chain{{SignIn: s}})
					}
				}
			}
		}
	}
	return chains
}

// collision returns two different chains with one key, or "".
func collision(chains []Chain, encode func(ch Chain) string) string {
	seen := map[string]string{}
	for _, ch := range chains {
		text := ""
		for _, p := range ch {
			s := p.SignIn
			p.SignIn = nil
			text += fmt.Sprintf("%#v %#v;", p, s)
			if s != nil {
				text += fmt.Sprintf("%#v", *s)
			}
		}
		text = pointers(text)
		k := encode(ch)
		if was, ok := seen[k]; ok && was != text {
			return was + "\n" + text
		}
		seen[k] = text
	}
	return ""
}

// pointers takes out the addresses that %#v prints.
func pointers(text string) string {
	parts := strings.Split(text, "(*profile.SignIn)(0x")
	for i := 1; i < len(parts); i++ {
		_, parts[i], _ = strings.Cut(parts[i], ")")
	}
	return strings.Join(parts, "")
}

func TestCacheKeyIsInjective(t *testing.T) {
	t.Parallel()
	chains := grid()
	last := func(ch Chain) string { return ch.CacheKey(len(ch) - 1) }
	if pair := collision(chains, last); pair != "" {
		t.Errorf("one key for two chains:\n%s", pair)
	}
	fields := func(p Profile) []string {
		f := []string{p.RoleARN, p.ExternalID, p.SessionName, p.SourceIdentity, fmt.Sprint(p.Tags), strings.Join(p.TransitiveTags, ",")}
		if s := p.SignIn; s != nil {
			f = append(f, s.Kind, s.URL, s.Username, strings.Join(s.TrustedHosts, ","), strings.Join(s.ACS, ","), s.SessionDuration.String())
		}
		return f
	}
	mutants := map[string]func(ch Chain) string{
		"joined by commas": func(ch Chain) string {
			var all []string
			for _, p := range ch {
				all = append(all, strings.Join(fields(p), ","))
			}
			return strings.Join(all, ",")
		},
		"without names, empty values left out": func(ch Chain) string {
			var all []string
			for _, p := range ch {
				all = append(all, slices.DeleteFunc(fields(p), func(s string) bool { return s == "" })...)
			}
			return strings.Join(all, "\x00")
		},
		"of the last profile alone": func(ch Chain) string { return ch[len(ch)-1:].CacheKey(0) },
		"of text that is not UTF-8 repaired": func(ch Chain) string {
			return strings.ReplaceAll(strings.ToValidUTF8(strings.Join(fields(ch[len(ch)-1]), "\x00"), "?"), "\x00", "|")
		},
	}
	for name, encode := range mutants {
		if collision(chains, encode) == "" {
			t.Errorf("an encoder %s is not caught", name)
		}
	}
}

func TestCacheKeyIsCanonical(t *testing.T) {
	t.Parallel()
	tags := map[string]string{}
	for i := range 30 {
		tags[fmt.Sprint("k", i)] = "v"
	}
	ch := Chain{{SignIn: &SignIn{Settings: tags}}, {RoleARN: "x", Tags: tags}}
	want, sign := ch.CacheKey(1), ch[0].SignIn.Key()
	for range 50 {
		ch[1].Tags, ch[0].SignIn.Settings = maps.Clone(tags), maps.Clone(tags)
		if got := ch.CacheKey(1); got != want || ch[0].SignIn.Key() != sign {
			t.Fatalf("CacheKey = %s, want %s", got, want)
		}
	}
	if filepath.Separator == '/' && strings.Contains(want, "\n") {
		t.Error("the key has more than one line")
	}
}

func TestNeeds(t *testing.T) {
	t.Parallel()
	c := parse(Files{Config: "/c"}, anyurl.Read, []byte(`[profile gw]
gatehop_idp = adfs
gatehop_url = https://adfs.corp.example
[profile a]
gatehop_role_arn = arn:aws:iam::222222222222:role/Admins
gatehop_source_profile = gw
[profile b]
gatehop_role_arn = arn:aws:iam::333333333333:role/Admins
gatehop_source_profile = a
[profile c]
gatehop_role_arn = arn:aws:iam::222222222222:role/AdminsToo
gatehop_source_profile = gw
`), nil)
	keys := map[string]string{}
	for _, name := range []string{"gw", "a", "b", "c"} {
		ch, err := c.Chain(name)
		if err != nil {
			t.Fatal(err)
		}
		keys[name], keys["sign-in"] = ch.CacheKey(len(ch)-1), ch[0].SignIn.Key()
	}
	needs := map[string]string{"gw": "sign-in", "a": "gw sign-in", "b": "a gw sign-in", "c": "gw sign-in"}
	for outer := range keys {
		for inner := range keys {
			want := slices.Contains(strings.Fields(needs[outer]), inner)
			if got := Needs(keys[outer], keys[inner]); got != want {
				t.Errorf("Needs(%s, %s) = %v, want %v", outer, inner, got, want)
			}
		}
	}
}
