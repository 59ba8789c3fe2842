// Package destination reads the accounts behind a gateway as a person writes them.
package destination

import (
	"fmt"
	"strings"

	"gatehop/saml"
)

// Destination is one account, or one role in it, and the profile that is to lead there.
// What nobody said is "".
type Destination struct {
	Name    string // of the profile
	Account string
	RoleARN string
}

// Error is a destination that is none.
type Error struct {
	Text    string // as it was written
	Problem string // the end of a sentence that begins with Text
}

func (e *Error) Error() string { return fmt.Sprintf("destination %q %s", e.Text, e.Problem) }

// Parse reads ACCOUNT, NAME=ACCOUNT, ROLE_ARN or NAME=ROLE_ARN. An account may be
// written as the AWS console shows it: 2222-2222-2222. The error is an *Error.
func Parse(text string) (Destination, error) {
	name, what, named := strings.Cut(text, "=")
	if !named || strings.HasPrefix(text, "arn:") { // names of roles may hold an equals sign
		name, what, named = "", text, false
	}
	name, what = strings.TrimSpace(name), strings.TrimSpace(what)
	d := Destination{Name: name}
	switch {
	case named && name == "":
		return d, &Error{text, "has no name before its equals sign"}
	case strings.HasPrefix(what, "arn:"):
		arn, err := saml.ParseRoleARN(what)
		if err != nil {
			return d, &Error{text, "is not the ARN of a role (arn:PARTITION:iam::ACCOUNT:role/NAME)"}
		}
		d.RoleARN, d.Account = what, arn.Account
		return d, nil
	}
	if d.Account = account(what); d.Account == "" {
		return d, &Error{text, "is not an account: that is 12 digits, or the ARN of a role"}
	}
	return d, nil
}

// account reads 12 digits, written together or in three groups of four; "" if text is
// anything else.
func account(text string) string {
	if len(text) == 14 && text[4] == '-' && text[9] == '-' {
		text = text[:4] + text[5:9] + text[10:]
	}
	if len(text) != 12 || strings.Trim(text, "0123456789") != "" {
		return ""
	}
	return text
}

// ParseList reads destinations between commas and white space. A role's name may hold a
// comma: a text with one ARN in it and no white space is one destination.
func ParseList(text string) ([]Destination, error) {
	words := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '\t' })
	var all []Destination
	for _, word := range words {
		parts := []string{word}
		if strings.Count(word, "arn:") != 1 {
			parts = strings.FieldsFunc(word, func(r rune) bool { return r == ',' })
		} else {
			parts[0] = strings.Trim(word, ",")
		}
		for _, part := range parts {
			d, err := Parse(part)
			if err != nil {
				return nil, err
			}
			all = append(all, d)
		}
	}
	return all, nil
}

// In gives a destination without a role the one called role in its account. role is a
// name, with its path if it has one.
func (d Destination) In(partition, role string) (Destination, error) {
	if d.RoleARN != "" {
		return d, nil
	}
	arn := "arn:" + partition + ":iam::" + d.Account + ":role/" + strings.TrimPrefix(role, "/")
	if _, err := saml.ParseRoleARN(arn); err != nil {
		return d, &Error{role, "is not the name of a role: letters, digits and _+=,.@- alone"}
	}
	d.RoleARN = arn
	return d, nil
}

// Check says what is wrong with a destination behind a gateway whose roles are of
// partition.
func (d Destination) Check(partition string) error {
	arn, err := saml.ParseRoleARN(d.RoleARN)
	switch {
	case err != nil:
		return &Error{d.RoleARN, "is not the ARN of a role"}
	case arn.Partition != partition:
		return &Error{d.RoleARN, "is of partition " + arn.Partition + ", and the gateway's role of " + partition}
	}
	return nil
}

// Proposal is a name for the profile of a destination that has none: ROLE-ACCOUNT, as
// `aws configure sso` has it.
func (d Destination) Proposal() string {
	arn, err := saml.ParseRoleARN(d.RoleARN)
	if err != nil {
		return d.Account
	}
	role := strings.Map(func(r rune) rune {
		if strings.ContainsRune("+=,@", r) {
			return '-'
		}
		return r
	}, arn.Name)
	return strings.TrimLeft(role, "-.") + "-" + arn.Account
}
