package saml_test

import (
	"encoding/xml"
	"fmt"
	"strings"
	"testing"
	"time"

	crewjam "github.com/crewjam/saml"

	"gatehop/saml"
	"gatehop/saml/samltest"
)

// other is what another implementation, written by other people, reads of a document
// with one plain assertion. It takes the last of several assertions silently, knows no
// comments-in-the-middle rule of ours and does not trim; what it is asked for is what
// both must see alike.
func other(t *testing.T, document string) map[string]string {
	t.Helper()
	var r crewjam.Response
	if err := xml.Unmarshal([]byte(document), &r); err != nil {
		t.Fatalf("the other implementation: %v", err)
	}
	a := r.Assertion
	read := map[string]string{
		"issuer":      a.Issuer.Value,
		"destination": r.Destination,
		"issued":      a.IssueInstant.Format(time.RFC3339Nano),
	}
	if a.Subject != nil && a.Subject.NameID != nil {
		read["subject"] = a.Subject.NameID.Value
	}
	if a.Subject != nil && r.Destination == "" {
		for _, c := range a.Subject.SubjectConfirmations {
			read["destination"] = c.SubjectConfirmationData.Recipient
		}
	}
	if a.Conditions != nil && !a.Conditions.NotOnOrAfter.IsZero() {
		read["until"] = a.Conditions.NotOnOrAfter.Format(time.RFC3339Nano)
		read["from"] = a.Conditions.NotBefore.Format(time.RFC3339Nano)
	}
	seen := map[string]bool{}
	for _, statement := range a.AttributeStatements {
		for _, attribute := range statement.Attributes {
			for _, v := range attribute.Values {
				value := strings.TrimSpace(v.Value)
				switch attribute.Name {
				case "https://aws.amazon.com/SAML/Attributes/Role":
					if !seen[value] {
						read["roles"] += plainPair(value)
						seen[value] = true
					}
				case "https://aws.amazon.com/SAML/Attributes/RoleSessionName":
					read["session"] = value
				case "https://aws.amazon.com/SAML/Attributes/SessionDuration":
					read["duration"] = value + "s"
				}
			}
		}
	}
	for k, v := range read {
		read[k] = strings.TrimSpace(v)
	}
	return read
}

// plainPair is the pair of a value that has one comma, in which each half says what it
// is; "" for any other.
func plainPair(value string) string {
	one, two, ok := strings.Cut(value, ",")
	one, two = strings.TrimSpace(one), strings.TrimSpace(two)
	switch {
	case !ok:
		return ""
	case strings.Contains(one, ":saml-provider/"):
		return two + " " + one + "\n"
	default:
		return one + " " + two + "\n"
	}
}

// ours puts an Assertion into the same words.
func ours(a *saml.Assertion) map[string]string {
	read := map[string]string{
		"issuer":      a.Issuer,
		"destination": a.Destination,
		"issued":      a.Issued.Format(time.RFC3339Nano),
	}
	for k, v := range map[string]string{"subject": a.Subject, "session": a.SessionName} {
		if v != "" {
			read[k] = v
		}
	}
	if !a.NotOnOrAfter.IsZero() {
		read["until"], read["from"] = a.NotOnOrAfter.Format(time.RFC3339Nano), a.NotBefore.Format(time.RFC3339Nano)
	}
	if a.SessionDuration != 0 {
		read["duration"] = fmt.Sprintf("%ds", int(a.SessionDuration.Seconds()))
	}
	var roles string
	for _, r := range a.Roles {
		roles += r.ARN + " " + r.Provider + "\n"
	}
	if roles != "" {
		read["roles"] = strings.TrimSpace(roles)
	}
	return read
}

// differences says on what the two readings do not agree.
func differences(ours, other map[string]string) (lines []string) {
	for _, k := range []string{"issuer", "destination", "issued", "subject", "until", "from", "session", "duration", "roles"} {
		if ours[k] != other[k] {
			lines = append(lines, fmt.Sprintf("%s: ours %q, the other's %q", k, ours[k], other[k]))
		}
	}
	return lines
}

func TestDecodeDifferential(t *testing.T) {
	t.Parallel()
	var documents []string
	base := samltest.Response{Issued: nine.Add(1234 * time.Millisecond), Roles: samltest.RoleValues(7, "P")}
	for _, prefixes := range []samltest.Prefixes{samltest.ADFS, samltest.SAML, samltest.SAML2, samltest.Unprefixed} {
		for bits := range 1 << 7 {
			r := base
			r.Prefixes = prefixes
			on := func(bit int) bool { return bits&(1<<bit) != 0 }
			r.Pretty, r.Duplicates, r.NoSubject, r.NoConditions = on(0), on(1), on(2), on(3)
			r.NoSessionName, r.NoDestination, r.Comments = on(4), on(5), on(6)
			if on(1) {
				r.SessionDuration = "3600"
			}
			if on(4) {
				r.Roles = nil
			}
			r.Unsigned = bits%8 != 0 // signing is most of the time
			documents = append(documents, plain(t, r))
		}
	}
	documents = append(documents, capture(t, "adfs.xml"), capture(t, "no-roles.xml"))
	for i, document := range documents {
		a, err := saml.Decode(encode(document))
		if err != nil {
			t.Fatalf("document %d: Decode = %v", i, err)
		}
		if lines := differences(ours(a), other(t, document)); len(lines) > 0 {
			t.Errorf("document %d:\n%s\n%s", i, strings.Join(lines, "\n"), document)
		}
	}
}

// Two documents that differ in one thing are different in that line and no other.
func TestDecodeDifferentialControl(t *testing.T) {
	t.Parallel()
	r := samltest.Response{Issued: nine, Roles: samltest.RoleValues(2, "P"), SessionDuration: "900"}
	document := plain(t, r)
	for line, change := range map[string]func(*samltest.Response){
		"destination": func(r *samltest.Response) { r.Destination += "x" },
		"subject":     func(r *samltest.Response) { r.Subject = "bob" },
		"until":       func(r *samltest.Response) { r.NotOnOrAfter = nine.Add(time.Second) },
		"from":        func(r *samltest.Response) { r.NotBefore = nine.Add(time.Second) },
		"session":     func(r *samltest.Response) { r.SessionName = "bob" },
		"duration":    func(r *samltest.Response) { r.SessionDuration = "901" },
		"roles":       func(r *samltest.Response) { r.Roles = samltest.RoleValues(3, "P") },
	} {
		changed := r
		change(&changed)
		a, err := saml.Decode(issue(t, changed))
		if err != nil {
			t.Fatal(err)
		}
		got := differences(ours(a), other(t, document))
		if len(got) != 1 || !strings.HasPrefix(got[0], line+": ") {
			t.Errorf("%s changed: the comparison says %q", line, got)
		}
	}
	// What the other one merges silently is refused here.
	several := plain(t, samltest.Response{Assertions: 2})
	if other(t, several)["issuer"] == "" {
		t.Error("the other implementation no longer merges two assertions: its note above is out of date")
	}
	if _, err := saml.Decode(encode(several)); err != saml.ErrSeveralAssertions {
		t.Errorf("Decode of two = %v", err)
	}
}
