package profile

import (
	"errors"
	"slices"
	"strings"
	"time"

	"gatehop/cmd/gatehop/internal/awsfile"
	"gatehop/saml/iam"
)

// Gateways returns the profiles that sign in, in document order, those with errors
// included: what is wrong with one is better said than passed over.
func (c *Config) Gateways() []string {
	find, all := c.indexed()
	var names []string
	for _, name := range all {
		if found, ok := find[0](name); ok {
			for _, k := range found.Keys {
				if k.Name == prefix+"idp" || k.Name == prefix+"from" {
					names = append(names, name)
					break
				}
			}
		}
	}
	return names
}

// Names returns the gateways and every profile whose chain ends at one, in document
// order. Profiles whose chain has an error are left out.
func (c *Config) Names() []string {
	var names []string
	c.walk(anyName, func(n *node) { names = append(names, n.profile.Name) })
	return names
}

// Chains returns the chains of Names, in time linear in the lengths of the chains.
func (c *Config) Chains() []Chain {
	chains, _ := c.Matching(anyName)
	return chains
}

func anyName(string) bool { return true }

// Broken is a profile with keys of gatehop's that has no chain, and why: it names no
// gateway because of a mistake, and not because it is somebody else's.
type Broken struct {
	Name string
	Err  *Error
}

// Matching is Chains of the profiles whose names are right, and those among them that are
// broken, both in document order.
func (c *Config) Matching(right func(name string) bool) (chains []Chain, broken []Broken) {
	broken = c.walk(right, func(n *node) { chains = append(chains, n.chain()) })
	return chains, broken
}

// walk calls found for the profiles whose names are right and that a chain ends at, and
// returns the broken ones, in time linear in the configuration.
func (c *Config) walk(right func(name string) bool, found func(*node)) (broken []Broken) {
	find, all := c.indexed()
	w := newWalker(c, find)
	for _, name := range all {
		if !right(name) {
			continue
		}
		n, err := w.link(name, nil)
		var bad *Error
		switch {
		case err == nil:
			found(n)
		case errors.As(err, &bad) && !bad.elsewhere && hasOwn(find, name):
			broken = append(broken, Broken{Name: name, Err: bad})
		}
	}
	return broken
}

// hasOwn reports whether a profile has a key of gatehop's.
func hasOwn(find [2]finder, name string) bool {
	for _, found := range find {
		section, ok := found(name)
		if ok && slices.ContainsFunc(section.Keys, func(k awsfile.Key) bool { return isOwn(k.Name) }) {
			return true
		}
	}
	return false
}

// Chain returns the chain that ends at the profile called name. Everything on it has
// been checked: an error is an *Error.
func (c *Config) Chain(name string) (Chain, error) {
	n, err := newWalker(c, c.finders()).link(name, nil)
	if err != nil {
		return nil, err
	}
	return n.chain(), nil
}

// node is one profile and the way from it to its gateway.
type node struct {
	profile   Profile
	source    *node  // nil for a gateway
	partition string // of the roles so far; "" if none is known
}

// chain is the way from the gateway to n.
func (n *node) chain() Chain {
	var ch Chain
	for ; n != nil; n = n.source {
		ch = append(ch, n.profile)
	}
	slices.Reverse(ch)
	return ch
}

// walker follows source profiles to the gateway and remembers what it found. An error
// that it remembers may name another reference to the profile than the one at hand:
// one walker gives either one chain, or which of many have one at all.
type walker struct {
	c    *Config
	find [2]finder
	done map[string]linked
	path []string // the profiles being followed, the asked one first
	on   map[string]bool
}

type linked struct {
	node *node
	err  *Error
}

func newWalker(c *Config, find [2]finder) *walker {
	return &walker{c: c, find: find, done: map[string]linked{}, on: map[string]bool{}}
}

// reference is where one profile names another.
type reference struct {
	section *section
	key     string
}

// link returns the profile called name with its chain. by is the reference to it, nil
// for the asked profile.
func (w *walker) link(name string, by *reference) (*node, error) {
	if w.on[name] {
		circle := append(slices.Clone(w.path[slices.Index(w.path, name):]), name)
		return nil, by.section.failKey(by.key, "closes a circle of profiles: "+strings.Join(circle, " -> "))
	}
	if l, ok := w.done[name]; ok {
		return l.result()
	}
	w.path, w.on[name] = append(w.path, name), true
	n, err := w.follow(name, by)
	w.path, w.on[name] = w.path[:len(w.path)-1], false
	w.done[name] = linked{n, err}
	return w.done[name].result()
}

// result keeps a nil *Error from becoming an error that is not nil.
func (l linked) result() (*node, error) {
	if l.err != nil {
		return nil, l.err
	}
	return l.node, nil
}

func (w *walker) follow(name string, by *reference) (*node, *Error) {
	s, err := w.section(name, by)
	if err != nil {
		return nil, err
	}
	kept, err := own(s)
	if err != nil {
		return nil, err
	}
	source := s.pick("source_profile")
	switch {
	case s.has(prefix+"idp", prefix+"from") && source != "":
		return nil, s.failKey(source, "stands in a profile that signs in by itself (gatehop_idp)")
	case s.has(prefix+"idp", prefix+"from"):
		return w.gateway(s, kept)
	case source != "":
		return w.hop(s, kept, source)
	case by != nil:
		err = by.section.failKey(by.key, `leads to profile "`+name+`", which has neither gatehop_idp nor a source profile`)
	default:
		err = s.fail("has neither gatehop_idp nor a source profile")
	}
	err.elsewhere = true
	return nil, err
}

// section finds and checks a profile's section.
func (w *walker) section(name string, by *reference) (*section, *Error) {
	s, err := w.c.section(name, w.find)
	switch {
	case err != nil:
		return nil, err
	case s == nil && by == nil:
		return nil, w.c.missing(name)
	case s == nil:
		err := by.section.failKey(by.key, `names profile "`+name+`", which does not exist`)
		err.Near = w.c.near(name)
		return nil, err
	}
	return s, nil
}

func (w *walker) gateway(s *section, kept map[string]string) (*node, *Error) {
	if err := misplaced(s, scopeHop, "has no effect in a profile that signs in"); err != nil {
		return nil, err
	}
	if err := w.copyFrom(s, kept); err != nil {
		return nil, err
	}
	p, err := w.common(s, kept, "region")
	if err != nil {
		return nil, err
	}
	if p.Endpoint, err = w.endpoint(s); err != nil {
		return nil, err
	}
	p.RoleARN = kept["role_arn"]
	n := &node{profile: p, partition: partitionOf(p.RoleARN)}
	if provider := kept["principal_arn"]; provider != "" && p.RoleARN != "" && !sameAccount(provider, p.RoleARN) {
		return nil, s.failKey(prefix+"principal_arn", "is not of the account of gatehop_role_arn")
	}
	n.profile.SignIn = signIn(kept, n.partition, p.Region)
	return n, nil
}

func (w *walker) hop(s *section, kept map[string]string, source string) (*node, *Error) {
	if err := misplaced(s, scopeSignIn, "has no effect in a profile with a source profile"); err != nil {
		return nil, err
	}
	if err := w.plain(s, kept, "source_profile"); err != nil {
		return nil, err
	}
	from, e := w.link(kept["source_profile"], &reference{s, source})
	if e != nil {
		return nil, e.(*Error)
	}
	p, err := w.common(s, kept, "role_arn", "external_id", "duration_seconds", "role_session_name", "mfa_serial", "region")
	if err != nil {
		return nil, err
	}
	if p.RoleARN = kept["role_arn"]; p.RoleARN == "" {
		return nil, s.fail("has a source profile but no role")
	}
	n := &node{profile: p, source: from, partition: partitionOf(p.RoleARN)}
	if from.partition != "" && from.partition != n.partition {
		return nil, s.failKey(s.pick("role_arn"), "is of partition "+n.partition+", the roles before it of "+from.partition)
	}
	tags, transitive, problem := joinTags(kept["tags"], kept["transitive_tags"])
	if problem != "" {
		return nil, s.failKey(prefix+"transitive_tags", problem)
	}
	n.profile.Tags, n.profile.TransitiveTags = tags, transitive
	n.profile.ExternalID, n.profile.SessionName = kept["external_id"], kept["role_session_name"]
	n.profile.SourceIdentity = kept["source_identity"]
	n.profile.Duration = seconds(kept["duration_seconds"])
	return n, nil
}

// signIn puts the settings of a gateway together.
func signIn(kept map[string]string, partition, region string) *SignIn {
	if partition == "" {
		partition, _ = iam.RegionPartition(region)
	}
	if partition == "" {
		partition = "aws"
	}
	s := &SignIn{
		Kind: kept["idp"], URL: kept["url"], Username: kept["username"], RelyingParty: kept["relying_party"],
		Auth: kept["auth"], Keytab: kept["keytab"], CCache: kept["ccache"], Krb5Conf: kept["krb5_conf"], MFA: kept["mfa"], HomeRealm: kept["home_realm"], UserAgent: kept["user_agent"], CABundle: kept["ca_bundle"],
		ClientCert: kept["client_cert"], ClientKey: kept["client_key"], TLS: kept["tls"], Proxy: kept["proxy"],
		Store: kept["store"], PrincipalARN: kept["principal_arn"], AccountNames: kept["account_names"], KeepSession: kept["keep_session"],
		TrustedHosts: elements(kept["trusted_hosts"]), ACS: elements(kept["acs"]),
		PasswordCommand: commandWords(kept["password_command"]), OTPCommand: commandWords(kept["otp_command"]),
		NotifyCommand: commandWords(kept["notify_command"]),
		Max:           kept["session_duration"] == sessionMax, Settings: map[string]string{"partition": partition},
	}
	s.Timeout, _ = time.ParseDuration(kept["timeout"])
	s.SessionDuration, _ = time.ParseDuration(kept["session_duration"])
	for name, text := range kept {
		if _, ok := setting(name); ok && name != "idp" && name != "from" {
			s.Settings[name] = text
		}
	}
	return s
}

func partitionOf(role string) string {
	arn, err := iam.ParseRoleARN(role)
	if err != nil {
		return ""
	}
	return arn.Partition
}

// sameAccount compares partition and account of two ARNs that have passed their parsers.
func sameAccount(a, b string) bool {
	x, y := strings.SplitN(a, ":", 6), strings.SplitN(b, ":", 6)
	return x[1] == y[1] && x[4] == y[4]
}
