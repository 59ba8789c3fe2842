package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gatehop/cmd/gatehop/internal/anyurl"
	"gatehop/cmd/gatehop/internal/flow"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/creds/secret"
	"gatehop/idp"
	"gatehop/saml"
	"gatehop/sts"
)

// settings is one gateway as it is used in this run: its profile with the
// environment's overrides, and the AWS side of its chain.
type settings struct {
	SignIn   profile.SignIn
	User     string      // who signs in, as far as anything says
	Role     string      // ARN that was chosen before, where the profile names none
	Password secret.Text // GATEHOP_PASSWORD, if it is meant for this provider
	OTP      secret.Text
	Changed  []changed // what the environment redirects
	Region   string    // of the STS for all hops
	Endpoint string    // "" is AWS's own
	CABundle string    // for AWS; absolute path
}

// overrides are the variables that stand in for a key, and the fields that they set.
func (s *settings) overrides() map[string]*string {
	in := &s.SignIn
	return map[string]*string{
		"username": &in.Username, "url": &in.URL, "proxy": &in.Proxy, "user_agent": &in.UserAgent, "store": &in.Store,
		"ca_bundle": &in.CABundle, "auth": &in.Auth, "mfa": new(string), "timeout": new(string),
	}
}

// settings applies the environment to the chain's gateway, once per run.
func (a *app) settings(ch profile.Chain) (*settings, error) {
	if s := a.made[way(ch)]; s != nil {
		return s, nil
	}
	env := environ(a.env)
	s := &settings{SignIn: *ch[0].SignIn}
	if err := s.override(env); err != nil {
		return nil, err
	}
	s.User = s.SignIn.Username
	host := hostOf(s.SignIn.URL)
	if only := env.get("GATEHOP_IDP_HOST"); only == "" || strings.EqualFold(only, host) {
		s.Password, s.OTP = present(env.get("GATEHOP_PASSWORD")), present(env.get("GATEHOP_OTP"))
	}
	if s.Endpoint = env.get("AWS_ENDPOINT_URL_STS"); s.Endpoint == "" {
		s.Endpoint = ch[0].Endpoint
	}
	if s.CABundle = env.get("AWS_CA_BUNDLE"); s.CABundle == "" {
		s.CABundle = ch[0].AWSCABundle
	}
	if err := s.chooseRegion(env, ch); err != nil {
		return nil, err
	}
	if a.made == nil {
		a.made = map[string]*settings{}
	}
	a.made[way(ch)] = s
	return s, nil
}

// way tells chains apart whose settings may differ: by gateway, and by the partition
// where only the hops say which.
func way(ch profile.Chain) string { return ch[0].Name + "\n" + partitionOf(ch) }

// override reads the GATEHOP_ variables with the rules of the keys that they stand for.
func (s *settings) override(env environ) error {
	here, err := filepath.Abs(".")
	if err != nil {
		return err
	}
	fields := s.overrides()
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		variable := "GATEHOP_" + strings.ToUpper(name)
		text := env.get(variable)
		if text == "" {
			continue
		}
		kept, problem, nearest := profile.Check(name, text, profile.Place{Dir: here, URLs: anyurl.Read})
		if problem != "" {
			return &usageError{text: variable + " " + problem, near: nearest}
		}
		s.change(name, *fields[name], kept)
		*fields[name] = kept
	}
	if text := *fields["timeout"]; text != "" {
		s.SignIn.Timeout, err = time.ParseDuration(text)
	}
	return err
}

// remember adds what the file of choices knows where nothing else says it.
func (s *settings) remember(ch profile.Chain, known flow.Choice) {
	if s.User == "" {
		s.User = known.User
	}
	if ch[0].RoleARN == "" {
		s.Role = known.Role
	}
}

func present(value string) secret.Text {
	if value == "" {
		return secret.Text{}
	}
	return secret.New(value)
}

// chooseRegion is the gateway's region, else the environment's, else the partition's
// default. A region of another partition than the roles' is the gateway's mistake
// and an error; the environment's is meant for something else and is passed over.
func (s *settings) chooseRegion(env environ, ch profile.Chain) error {
	partition := partitionOf(ch)
	if s.Region = ch.Region(); s.Region != "" {
		if p, ok := sts.RegionPartition(s.Region); ok && partition != "" && p != partition {
			return &sts.MismatchError{Role: firstRole(ch), Other: "region " + s.Region, What: "partition"}
		}
		return nil
	}
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		region := env.get(name)
		if p, ok := sts.RegionPartition(region); ok && (partition == "" || p == partition) {
			s.Region = region
			return nil
		}
	}
	if partition == "" {
		partition = "aws"
	}
	s.Region = sts.DefaultRegion(partition)
	return nil
}

// firstRole is the first role that the chain names, or "".
func firstRole(ch profile.Chain) string {
	for _, p := range ch {
		if p.RoleARN != "" {
			return p.RoleARN
		}
	}
	return ""
}

// partitionOf is the partition of the first role that the chain names, or "".
func partitionOf(ch profile.Chain) string {
	arn, err := saml.ParseRoleARN(firstRole(ch))
	if err != nil {
		return ""
	}
	return arn.Partition
}

func accountOf(roleARN string) string {
	arn, err := saml.ParseRoleARN(roleARN)
	if err != nil {
		return ""
	}
	return arn.Account
}

func nameOf(roleARN string) string {
	arn, err := saml.ParseRoleARN(roleARN)
	if err != nil {
		return ""
	}
	return arn.Name
}

// digest identifies the trust settings of security.md 1.3: a session made under
// others is not used. The content of the CA file counts, not its name alone.
func (s *settings) digest() string {
	in := s.SignIn
	origin, err := idp.ParseOrigin(in.URL)
	if err != nil {
		origin = idp.Origin(in.URL)
	}
	ca := ""
	if in.CABundle != "" {
		if data, err := os.ReadFile(in.CABundle); err == nil {
			sum := sha256.Sum256(data)
			ca = hex.EncodeToString(sum[:])
		}
	}
	text, err := json.Marshal([]any{"trust 1", origin, in.URL, in.Kind, in.TrustedHosts, in.ACS, in.CABundle, ca, in.Proxy, in.Auth, s.Endpoint})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}
