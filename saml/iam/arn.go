// Package iam reads the ARNs of roles and knows the partitions that they belong to.
//
// It is a leaf, and what it imports costs no start anything.
package iam

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
	a, err := ReadRoleARN(arn)
	if err != nil {
		return ARN{}, fmt.Errorf("read role ARN %q: %w", Clean(arn), err)
	}
	return a, nil
}

// ReadRoleARN is ParseRoleARN with an error that does not name the ARN.
func ReadRoleARN(arn string) (ARN, error) {
	partition, account, resource, err := SplitARN(arn)
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
	case len(a.Name) < 1 || len(a.Name) > 64 || !Only(a.Name, isRoleNameByte):
		return ARN{}, errors.New("the role name is not 1 to 64 of letters, digits and _+=,.@-")
	case len(a.Path) > 512 || a.Path == "//" || !Only(a.Path, func(c byte) bool { return c >= '!' && c <= '~' }):
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
		if _, _, _, err := SplitARN(after); err == nil {
			return true
		}
		rest = after
	}
}

// SplitARN takes apart an ARN of IAM: arn:PARTITION:iam::ACCOUNT:RESOURCE.
func SplitARN(arn string) (partition, account, resource string, err error) {
	f := strings.SplitN(arn, ":", 6)
	if len(f) != 6 || f[0] != "arn" || f[2] != "iam" || f[3] != "" {
		return "", "", "", errors.New("it is not arn:PARTITION:iam::ACCOUNT:RESOURCE")
	}
	if _, ok := partitionByID(f[1]); !ok {
		return "", "", "", errors.New("its partition is unknown")
	}
	if len(f[4]) != 12 || !Only(f[4], func(c byte) bool { return c >= '0' && c <= '9' }) {
		return "", "", "", errors.New("its account is not twelve digits")
	}
	return f[1], f[4], f[5], nil
}

func isRoleNameByte(c byte) bool { return IsWord(c) || strings.IndexByte("+=,.@-", c) >= 0 }
