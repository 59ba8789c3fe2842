package saml

import (
	"errors"
	"fmt"
	"strings"
)

// ARN is a role ARN taken apart: arn:PARTITION:iam::ACCOUNT:role/[PATH/]NAME.
type ARN struct {
	Partition string // one of Partitions
	Account   string // twelve digits
	Path      string // "/" or "/team/a/", at most 512 bytes of ASCII "!" to "~", no whole ARN among them
	Name      string // [\w+=,.@-]{1,64}
}

// String puts the ARN together again.
func (a ARN) String() string {
	return "arn:" + a.Partition + ":iam::" + a.Account + ":role" + a.Path + a.Name
}

// ParseRoleARN reads a role ARN as IAM writes it, nothing around it. Alphabets and
// lengths are those of the IAM API reference ("Role").
func ParseRoleARN(arn string) (ARN, error) {
	a, err := parseRoleARN(arn)
	if err != nil {
		return ARN{}, fmt.Errorf("read role ARN %q: %w", clean(arn), err)
	}
	return a, nil
}

func parseRoleARN(arn string) (ARN, error) {
	partition, account, resource, err := splitARN(arn)
	if err != nil {
		return ARN{}, err
	}
	rest, ok := strings.CutPrefix(resource, "role/")
	if !ok {
		return ARN{}, errors.New("it names no role")
	}
	slash := strings.LastIndexByte(rest, '/')
	a := ARN{Partition: partition, Account: account, Path: "/" + rest[:slash+1], Name: rest[slash+1:]}
	switch {
	case len(a.Name) < 1 || len(a.Name) > 64 || !only(a.Name, isRoleNameByte):
		return ARN{}, errors.New("the role name is not 1 to 64 of letters, digits and _+=,.@-")
	case len(a.Path) > 512 || a.Path == "//" || !only(a.Path, func(c byte) bool { return c >= '!' && c <= '~' }):
		return ARN{}, errors.New("the role path is not 1 to 512 of visible ASCII characters")
	case holdsARN(a.Path):
		return ARN{}, errors.New("there is a second ARN in it")
	}
	return a, nil
}

// holdsARN reports whether a whole ARN of IAM stands behind a comma in a path. By its
// alphabet alone "role/A,arn:aws:iam::111111111111:saml-provider/P" would be the role
// P on a long path; it is always a pair taken for one ARN.
func holdsARN(path string) bool {
	for rest := path; ; {
		_, after, ok := strings.Cut(rest, ",")
		if !ok {
			return false
		}
		if _, _, _, err := splitARN(after); err == nil {
			return true
		}
		rest = after
	}
}

// ParseRole reads one value of the Role attribute: a role ARN and a SAML provider ARN
// of the same account in either order, a comma between them, white space anywhere
// around them. Both names and paths of roles may hold commas, so the cut is at a comma
// that "arn:" follows, and which half is the role is decided by its resource type.
func ParseRole(attr string) (Role, error) {
	text := strings.TrimSpace(attr)
	first, last := cuts(text)
	if first < 0 {
		return Role{}, roleError(attr, errors.New("it is not two ARNs with a comma between them"))
	}
	// A provider ARN holds no comma. If it comes first the cut is the first comma that
	// will do, if it comes last the last one; whatever is between belongs to a role path.
	cut := last
	if isProvider(text) {
		cut = first
	}
	r, err := pair(text, cut)
	if err != nil {
		return Role{}, roleError(attr, err)
	}
	return r, nil
}

func roleError(attr string, why error) error {
	return fmt.Errorf("read role value %q: %w", clean(attr), why)
}

// cuts returns the first and the last comma that is followed, after white space, by
// "arn:"; -1 for none.
func cuts(text string) (first, last int) {
	first, last = -1, -1
	for i := range len(text) {
		if text[i] != ',' || !strings.HasPrefix(strings.TrimSpace(text[i+1:]), "arn:") {
			continue
		}
		if first < 0 {
			first = i
		}
		last = i
	}
	return first, last
}

// pair reads the ARNs on both sides of the comma at cut.
func pair(text string, cut int) (Role, error) {
	one, two := strings.TrimSpace(text[:cut]), strings.TrimSpace(text[cut+1:])
	if isProvider(one) {
		one, two = two, one
	}
	role, err := parseRoleARN(one)
	if err != nil {
		return Role{}, err
	}
	partition, account, resource, err := splitARN(two)
	if err != nil {
		return Role{}, err
	}
	name, ok := strings.CutPrefix(resource, "saml-provider/")
	switch {
	case !ok:
		return Role{}, errors.New("neither ARN names a SAML provider")
	case len(name) < 1 || len(name) > 128 || !only(name, func(c byte) bool { return isWord(c) || c == '.' || c == '-' }):
		return Role{}, errors.New("the provider name is not 1 to 128 of letters, digits and _.-")
	case role.Partition != partition || role.Account != account:
		return Role{}, errors.New("role and provider are of different accounts")
	}
	return Role{ARN: one, Provider: two}, nil
}

// isProvider reports whether text begins with the ARN of a SAML provider.
func isProvider(text string) bool {
	_, _, resource, err := splitARN(text)
	return err == nil && strings.HasPrefix(resource, "saml-provider/")
}

// splitARN takes apart an ARN of IAM: arn:PARTITION:iam::ACCOUNT:RESOURCE.
func splitARN(arn string) (partition, account, resource string, err error) {
	f := strings.SplitN(arn, ":", 6)
	if len(f) != 6 || f[0] != "arn" || f[2] != "iam" || f[3] != "" {
		return "", "", "", errors.New("it is not arn:PARTITION:iam::ACCOUNT:RESOURCE")
	}
	if _, ok := partitionByID(f[1]); !ok {
		return "", "", "", errors.New("its partition is unknown")
	}
	if len(f[4]) != 12 || !only(f[4], func(c byte) bool { return c >= '0' && c <= '9' }) {
		return "", "", "", errors.New("its account is not twelve digits")
	}
	return f[1], f[4], f[5], nil
}

func isRoleNameByte(c byte) bool { return isWord(c) || strings.IndexByte("+=,.@-", c) >= 0 }
