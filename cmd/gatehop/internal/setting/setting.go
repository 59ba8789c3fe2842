// Package setting is one gateway as it is used in a run: its profile with the
// environment's overrides, and the AWS side of its chain.
package setting

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"gatehop/cmd/gatehop/internal/choices"
	"gatehop/cmd/gatehop/internal/environ"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/cmd/gatehop/internal/weburl"
	"gatehop/creds/store/paths"
	"gatehop/saml/iam"
)

// Settings are those of one run.
type Settings struct {
	SignIn   profile.SignIn
	User     string    // who signs in, as far as anything says
	Role     string    // ARN that was chosen before, where the profile names none
	Changed  []Changed // what the environment redirects
	Region   string    // of the STS for all hops
	Endpoint string    // "" is AWS's own
	CABundle string    // for AWS; absolute path
}

// Changed is a setting of trust that the environment overrides.
type Changed struct{ Variable, Was, Now string }

// OverrideError reports a variable whose value its key would not take.
type OverrideError struct {
	Variable, Problem string // the end of a sentence that begins with the variable
	Near              string // what was meant, "" if nothing is near
}

func (e *OverrideError) Error() string { return e.Variable + " " + e.Problem }

// RegionError reports a gateway whose region is of another partition than the roles.
type RegionError struct{ Role, Region string }

func (e *RegionError) Error() string {
	return "role " + e.Role + " and region " + e.Region + " are of different partitions"
}

// overrides are the variables that stand in for a key, and the fields that they set.
func (s *Settings) overrides() map[string]*string {
	in := &s.SignIn
	return map[string]*string{
		"username": &in.Username, "url": &in.URL, "proxy": &in.Proxy, "user_agent": &in.UserAgent, "store": &in.Store,
		"ca_bundle": &in.CABundle, "auth": &in.Auth, "mfa": &in.MFA, "timeout": new(string),
	}
}

// Of applies the environment to the chain's gateway. Errors: *OverrideError,
// *RegionError.
func Of(env environ.Vars, ch profile.Chain, urls weburl.Reader) (Settings, error) {
	s := Settings{SignIn: *ch[0].SignIn}
	if err := s.Override(env, urls); err != nil {
		return s, err
	}
	s.User = s.SignIn.Username
	if s.Endpoint = env.Get("AWS_ENDPOINT_URL_STS"); s.Endpoint == "" {
		s.Endpoint = ch[0].Endpoint
	}
	if s.CABundle = env.Get("AWS_CA_BUNDLE"); s.CABundle == "" {
		s.CABundle = ch[0].AWSCABundle
	}
	return s, s.chooseRegion(env, ch)
}

// Override reads the GATEHOP_ variables with the rules of the keys that they stand for.
func (s *Settings) Override(env environ.Vars, urls weburl.Reader) error {
	here, err := paths.Abs(".")
	if err != nil {
		return err
	}
	fields := s.overrides()
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		variable := "GATEHOP_" + strings.ToUpper(name)
		text := env.Get(variable)
		if text == "" {
			continue
		}
		kept, problem, nearest := profile.Check(name, text, profile.Place{Dir: here, URLs: urls})
		if problem != "" {
			return &OverrideError{Variable: variable, Problem: problem, Near: nearest}
		}
		s.Change(name, *fields[name], kept)
		*fields[name] = kept
	}
	if text := *fields["timeout"]; text != "" {
		s.SignIn.Timeout, err = time.ParseDuration(text)
	}
	return err
}

// Change notes that the environment sends the person's secrets another way than the
// file that names the commands for them.
func (s *Settings) Change(name, was, now string) {
	if was == now || name == "auth" && was == "" && now == "forms" ||
		!slices.Contains([]string{"url", "auth", "ca_bundle", "proxy"}, name) {
		return
	}
	s.Changed = append(s.Changed, Changed{Variable: "GATEHOP_" + strings.ToUpper(name), Was: was, Now: now})
}

// IsOpen reports whether the file of choices may say what nothing else does.
func (s *Settings) IsOpen(ch profile.Chain) bool {
	return s.SignIn.Username == "" || ch[0].RoleARN == ""
}

// Remember adds what the file of choices knows where nothing else says it.
func (s *Settings) Remember(ch profile.Chain, known choices.Choice) {
	if s.User == "" {
		s.User = known.User
	}
	if ch[0].RoleARN == "" {
		s.Role = known.Role
	}
}

// chooseRegion is the gateway's region, else the environment's, else the partition's
// default. A region of another partition than the roles' is the gateway's mistake
// and an error; the environment's is meant for something else and is passed over.
func (s *Settings) chooseRegion(env environ.Vars, ch profile.Chain) error {
	partition := Partition(ch)
	if s.Region = ch.Region(); s.Region != "" {
		if p, ok := iam.RegionPartition(s.Region); ok && partition != "" && p != partition {
			return &RegionError{Role: firstRole(ch), Region: s.Region}
		}
		return nil
	}
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		region := env.Get(name)
		if p, ok := iam.RegionPartition(region); ok && (partition == "" || p == partition) {
			s.Region = region
			return nil
		}
	}
	if partition == "" {
		partition = "aws"
	}
	s.Region = iam.DefaultRegion(partition)
	return nil
}

// RegionOf is the region for tools that use the chain's credentials.
func (s *Settings) RegionOf(ch profile.Chain) string {
	if region := ch[len(ch)-1].Region; region != "" {
		return region
	}
	return s.Region
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

// Partition is the partition of the first role that the chain names, or "".
func Partition(ch profile.Chain) string {
	arn, err := iam.ParseRoleARN(firstRole(ch))
	if err != nil {
		return ""
	}
	return arn.Partition
}

// CertificateSum identifies the content of the files of the client certificate: the same
// name may be another person's by now. "" is none.
func (s *Settings) CertificateSum() string {
	if s.SignIn.ClientCert == "" {
		return ""
	}
	sum := sha256.New()
	for _, file := range []string{s.SignIn.ClientCert, s.SignIn.ClientKey} {
		data, _ := os.ReadFile(file) // what cannot be read signs nobody in
		sum.Write(binary.BigEndian.AppendUint64(nil, uint64(len(data))))
		sum.Write(data)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// Digest identifies the trust settings of security.md 1.3: a session made under
// others is not used. The content of the CA file counts, not its name alone.
func (s *Settings) Digest() string {
	in, ca := s.SignIn, ""
	if in.CABundle != "" {
		if data, err := os.ReadFile(in.CABundle); err == nil {
			sum := sha256.Sum256(data)
			ca = hex.EncodeToString(sum[:])
		}
	}
	text, err := json.Marshal([]any{"trust 3", in.URL, in.Kind, in.TrustedHosts, in.ACS, in.CABundle, ca, in.Proxy, in.Auth, in.TLS, s.Endpoint})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}
