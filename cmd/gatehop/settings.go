package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

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
	Password secret.Text // GATEHOP_PASSWORD, if it is meant for this provider
	OTP      secret.Text
	Region   string // of the STS for all hops
	Endpoint string // "" is AWS's own
	CABundle string // for AWS; absolute path
}

// unbuiltOverrides are known variables whose feature is not built yet.
var unbuiltOverrides = []string{"GATEHOP_MFA"}

// settings applies the environment to the chain's gateway.
func (a *app) settings(ch profile.Chain) (*settings, error) {
	env := environ(a.env)
	s := &settings{SignIn: *ch[0].SignIn}
	for _, name := range unbuiltOverrides {
		if env.get(name) != "" {
			return nil, &usageError{text: name + " is known, but what it sets is not built yet"}
		}
	}
	if auth := env.get("GATEHOP_AUTH"); auth != "" && auth != "forms" {
		return nil, &usageError{text: fmt.Sprintf("GATEHOP_AUTH=%q is not built yet (known: forms)", auth)}
	}
	for variable, field := range map[string]*string{
		"GATEHOP_USERNAME": &s.SignIn.Username, "GATEHOP_URL": &s.SignIn.URL, "GATEHOP_PROXY": &s.SignIn.Proxy,
		"GATEHOP_USER_AGENT": &s.SignIn.UserAgent, "GATEHOP_STORE": &s.SignIn.Store, "GATEHOP_CA_BUNDLE": &s.SignIn.CABundle,
	} {
		if v := env.get(variable); v != "" {
			*field = v
		}
	}
	if err := s.overrideParsed(env); err != nil {
		return nil, err
	}
	host := hostOf(s.SignIn.URL)
	if only := env.get("GATEHOP_IDP_HOST"); only == "" || strings.EqualFold(only, host) {
		s.Password, s.OTP = present(env.get("GATEHOP_PASSWORD")), present(env.get("GATEHOP_OTP"))
	}
	s.Endpoint = env.first("AWS_ENDPOINT_URL_STS")
	if s.Endpoint == "" {
		s.Endpoint = ch[0].Endpoint
	}
	if s.CABundle = env.get("AWS_CA_BUNDLE"); s.CABundle == "" {
		s.CABundle = ch[0].AWSCABundle
	}
	return s, s.chooseRegion(env, ch)
}

func present(value string) secret.Text {
	if value == "" {
		return secret.Text{}
	}
	return secret.New(value)
}

// overrideParsed checks the overrides that are more than text.
func (s *settings) overrideParsed(env environ) error {
	if text := env.get("GATEHOP_TIMEOUT"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			return &usageError{text: fmt.Sprintf("GATEHOP_TIMEOUT=%q is not a duration such as 45s", text)}
		}
		s.SignIn.Timeout = d
	}
	switch s.SignIn.Store {
	case "", "keyring", "file", "none":
	default:
		return &usageError{text: fmt.Sprintf("GATEHOP_STORE=%q is not one of keyring, file, none", s.SignIn.Store)}
	}
	if s.SignIn.CABundle != "" {
		path, err := filepath.Abs(s.SignIn.CABundle)
		if err != nil {
			return &usageError{text: fmt.Sprintf("GATEHOP_CA_BUNDLE=%q is not a path", s.SignIn.CABundle)}
		}
		s.SignIn.CABundle = path
	}
	return nil
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
	text, err := json.Marshal([]any{"trust 1", origin, in.Kind, in.TrustedHosts, in.ACS, in.CABundle, ca, in.Proxy, in.Auth, s.Endpoint})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}
