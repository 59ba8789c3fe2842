package saml_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehop/saml"
	"gatehop/saml/samltest"
)

// TestDecodeShapes goes through every way in which a provider may write one and the
// same assertion: all of them are read alike.
func TestDecodeShapes(t *testing.T) {
	t.Parallel()
	values := []string{
		samltest.RoleValue("111111111111", "Gateway", "P", true),
		samltest.RoleValue("222222222222", "team/a,b/Ops,Night", "P", false),
	}
	shapes := []struct {
		name string
		edit func(*samltest.Response)
	}{
		{"as AD FS sends it", func(*samltest.Response) {}},
		{"samlp and saml", func(r *samltest.Response) { r.Prefixes = samltest.SAML }},
		{"saml2p and saml2", func(r *samltest.Response) { r.Prefixes = samltest.SAML2 }},
		{"default namespaces", func(r *samltest.Response) { r.Prefixes = samltest.Unprefixed }},
		{"pretty", func(r *samltest.Response) { r.Pretty = true }},
		{"pretty and prefixed", func(r *samltest.Response) { r.Pretty, r.Prefixes = true, samltest.SAML2 }},
		{"comments", func(r *samltest.Response) { r.Comments = true }},
		{"wrapped base64", func(r *samltest.Response) { r.WrapBase64 = true }},
		{"unsigned", func(r *samltest.Response) { r.Unsigned = true }},
		{"response signed", func(r *samltest.Response) { r.SignResponse = true }},
		{"SHA-1", func(r *samltest.Response) { r.SHA1 = true }},
		{"every role twice", func(r *samltest.Response) { r.Duplicates = true }},
		{"destination only in the subject", func(r *samltest.Response) { r.NoDestination = true }},
		{"session limit", func(r *samltest.Response) { r.SessionNotOnOrAfter = nine.Add(time.Hour) }},
		{"tags and source identity", func(r *samltest.Response) {
			r.Tags = map[string]string{"Team": "a", "Role": "b"}
			r.TransitiveTags = []string{"Team"}
			r.SourceIdentity = "alice"
		}},
	}
	for _, shape := range shapes {
		t.Run(shape.name, func(t *testing.T) {
			t.Parallel()
			r := samltest.Response{Roles: values, SessionDuration: "28800", Issued: nine}
			shape.edit(&r)
			encoded := issue(t, r)
			a, err := saml.Decode(encoded)
			if err != nil {
				t.Fatalf("Decode = %v", err)
			}
			for _, problem := range checkNormal(a, encoded) {
				t.Error(problem)
			}
		})
	}
}

// checkNormal says what of a is not as TestDecodeShapes issued it.
func checkNormal(a *saml.Assertion, encoded string) (problems []string) {
	roles := []saml.Role{
		pair("Gateway"),
		{ARN: "arn:aws:iam::222222222222:role/team/a,b/Ops,Night", Provider: "arn:aws:iam::222222222222:saml-provider/P"},
	}
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"Issuer", a.Issuer, entityID},
		{"Subject", a.Subject, "alice@corp.example"},
		{"Destination", a.Destination, "https://signin.aws.amazon.com/saml"},
		{"Issued", a.Issued, nine},
		{"NotBefore", a.NotBefore, nine},
		{"NotOnOrAfter", a.NotOnOrAfter, nine.Add(time.Hour)},
		{"SessionName", a.SessionName, "alice@corp.example"},
		{"SessionDuration", a.SessionDuration, 8 * time.Hour},
		{"Roles", fmt.Sprint(a.Roles), fmt.Sprint(roles)},
		{"Skipped", len(a.Skipped), 0},
		{"Encrypted", a.Encrypted, false},
		{"Encoded is byte for byte", a.Encoded().Reveal() == encoded, true},
	} {
		if c.got != c.want {
			problems = append(problems, fmt.Sprintf("%s = %v, want %v", c.name, c.got, c.want))
		}
	}
	return problems
}

// The check of TestDecodeShapes must see each of its fields go wrong.
func TestDecodeShapesControl(t *testing.T) {
	t.Parallel()
	mutants := map[string]func(*saml.Assertion){
		"Issuer":          func(a *saml.Assertion) { a.Issuer += "x" },
		"Subject":         func(a *saml.Assertion) { a.Subject = "alice" },
		"Destination":     func(a *saml.Assertion) { a.Destination = "" },
		"Issued":          func(a *saml.Assertion) { a.Issued = a.Issued.Add(1) },
		"NotBefore":       func(a *saml.Assertion) { a.NotBefore = time.Time{} },
		"NotOnOrAfter":    func(a *saml.Assertion) { a.NotOnOrAfter = a.NotOnOrAfter.Add(-1) },
		"SessionName":     func(a *saml.Assertion) { a.SessionName = "\n" + a.SessionName },
		"SessionDuration": func(a *saml.Assertion) { a.SessionDuration /= time.Second },
		"Roles":           func(a *saml.Assertion) { slices.Reverse(a.Roles) },
		"Skipped":         func(a *saml.Assertion) { a.Skipped = []error{errors.New("one")} },
		"Encrypted":       func(a *saml.Assertion) { a.Encrypted = true },
	}
	r := samltest.Response{SessionDuration: "28800", Issued: nine, Roles: []string{
		samltest.RoleValue("111111111111", "Gateway", "P", true),
		samltest.RoleValue("222222222222", "team/a,b/Ops,Night", "P", true),
	}}
	encoded := issue(t, r)
	for field, mutate := range mutants {
		a, err := saml.Decode(encoded)
		if err != nil {
			t.Fatal(err)
		}
		if got := checkNormal(a, encoded); len(got) != 0 {
			t.Fatalf("before: %v", got)
		}
		mutate(a)
		if got := checkNormal(a, encoded); len(got) != 1 || !strings.HasPrefix(got[0], field+" = ") {
			t.Errorf("%s broken: the check says %q", field, got)
		}
	}
	a, _ := saml.Decode(encoded)
	if got := checkNormal(a, encoded+"\n"); len(got) != 1 {
		t.Errorf("document changed by a line end: the check says %q", got)
	}
}

func TestDecodeCaptures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file, issuer, subject, destination, session string
		roles                                       []string
		skipped                                     int
		encrypted                                   bool
	}{
		{file: "adfs.xml", issuer: entityID, subject: `CORP\alice`, destination: "https://signin.aws.amazon.com/saml",
			session: "alice@corp.example", roles: []string{"1/Gateway", "2/ReadOnly"}},
		{file: "saml2p.xml", issuer: "https://idp.example/entity", subject: "alice@corp.example",
			destination: "https://eu-west-1.signin.aws.amazon.com/saml/acs/SAMLSPEXAMPLE0000000000",
			session:     "alice", roles: []string{"1/Ops,Night", "1/Ops", "2/Ops"}, skipped: 1},
		{file: "odd-prefixes.xml", issuer: "https://idp.example/entity", subject: "alice@corp.example",
			destination: "https://signin.aws.amazon.com/saml", roles: []string{"1/Gateway"}},
		{file: "encrypted.xml", issuer: entityID, encrypted: true,
			destination: "https://signin.aws.amazon.com/saml/acs/SAMLSPEXAMPLE0000000000"},
		{file: "no-roles.xml", issuer: "https://idp.example/entity", subject: "alice", destination: "https://signin.amazonaws.cn/saml"},
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			a, err := saml.Decode(encode(capture(t, c.file)))
			if err != nil {
				t.Fatalf("Decode = %v", err)
			}
			got := []any{a.Issuer, a.Subject, a.Destination, a.SessionName, names(a.Roles), len(a.Skipped), a.Encrypted, a.Issued.Truncate(time.Second)}
			want := []any{c.issuer, c.subject, c.destination, c.session, c.roles, c.skipped, c.encrypted, nine}
			if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
				t.Errorf("Decode = %q, want %q", got, want)
			}
		})
	}
}

// White space may stand anywhere in the base64, and none of it is lost from Encoded.
func TestDecodeEncoded(t *testing.T) {
	t.Parallel()
	encoded := issue(t, samltest.Response{})
	for _, received := range []string{
		encoded,
		"\r\n" + encoded + "\r\n",
		encoded[:5] + " \t\r\n" + encoded[5:7] + "\n\n" + encoded[7:],
		strings.Join(strings.Split(encoded, ""), "\n"),
	} {
		a, err := saml.Decode(received)
		if err != nil {
			t.Fatalf("Decode = %v", err)
		}
		if got := a.Encoded().Reveal(); got != received {
			t.Errorf("Encoded has %d bytes, want the %d received", len(got), len(received))
		}
		if text := fmt.Sprintf("%v %+v %#v %s", a, a, *a, a.Encoded()); strings.Contains(text, encoded[:20]) {
			t.Error("a printed Assertion shows the document")
		}
	}
}

// A comment, a CDATA section or an instruction inside a value does not end it.
func TestDecodeComments(t *testing.T) {
	t.Parallel()
	good := plain(t, samltest.Response{Subject: "alice@corp.example.evil.example", SessionName: "s"})
	for _, between := range []string{"<!---->", "<!-- x -->", "<![CDATA[]]>", "<?x y?>", "<!----><!---->"} {
		xml := edit(t, good, "alice@corp.example.evil.example", "alice@corp.example"+between+".evil.example")
		a, err := saml.Decode(encode(xml))
		if err != nil {
			t.Fatalf("%s: Decode = %v", between, err)
		}
		if !wholeSubject(a) {
			t.Errorf("%s: Subject = %q: the rest is cut off", between, a.Subject)
		}
	}
	if wholeSubject(&saml.Assertion{Subject: "alice@corp.example"}) {
		t.Error("control: a subject cut at the comment passes")
	}
}

func wholeSubject(a *saml.Assertion) bool { return a.Subject == "alice@corp.example.evil.example" }

func TestDecodeRoles(t *testing.T) {
	t.Parallel()
	value := samltest.RoleValue
	for _, c := range []struct {
		name    string
		values  []string
		want    []saml.Role
		skipped []string
	}{
		{name: "none"},
		{name: "document order", values: []string{value("111111111111", "B", "P", true), value("111111111111", "A", "P", false)},
			want: []saml.Role{pair("B"), pair("A")}},
		{name: "duplicates in any order and spacing", values: []string{
			value("111111111111", "A", "P", true), value("111111111111", "A", "P", false), " " + value("111111111111", "A", "P", true) + "\n",
			value("111111111111", "a", "P", true)},
			want: []saml.Role{pair("A"), pair("a")}},
		{name: "one role, two providers", values: []string{value("111111111111", "A", "P", true), value("111111111111", "A", "Q", true)},
			want: []saml.Role{pair("A"), {ARN: pair("A").ARN, Provider: "arn:aws:iam::111111111111:saml-provider/Q"}}},
		{name: "others are skipped, not lost", values: []string{"first\u202e\x85", value("111111111111", "A", "P", true), "", "arn:aws:iam::111111111111:role/A"},
			want: []saml.Role{pair("A")},
			skipped: []string{
				`read role value "first": it is not two ARNs with a comma between them`,
				`read role value "": it is not two ARNs with a comma between them`,
				`read role value "arn:aws:iam::111111111111:role/A": it is not two ARNs with a comma between them`,
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a, err := saml.Decode(issue(t, samltest.Response{Roles: c.values}))
			if err != nil {
				t.Fatal(err)
			}
			equalRoles(t, a.Roles, c.want)
			var skipped []string
			for _, err := range a.Skipped {
				skipped = append(skipped, err.Error())
			}
			if !slices.Equal(skipped, c.skipped) {
				t.Errorf("skipped = %q, want %q", skipped, c.skipped)
			}
		})
	}
}

// However many values there are, none is lost and the list of reasons stays short.
func TestDecodeManyValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		bad, skipped int
		last         string
	}{
		{100, 100, `read role value "bad": it is not two ARNs with a comma between them`},
		{101, 101, "read role values: 1 more are not pairs of a role and a provider"},
		{5000, 101, "read role values: 4900 more are not pairs of a role and a provider"},
	} {
		values := append(slices.Repeat([]string{"bad"}, c.bad), samltest.RoleValues(2000, "P")...)
		a, err := saml.Decode(issue(t, samltest.Response{Roles: values, Unsigned: true}))
		if err != nil {
			t.Fatal(err)
		}
		if len(a.Roles) != 2000 || len(a.Skipped) != c.skipped || a.Skipped[len(a.Skipped)-1].Error() != c.last {
			t.Errorf("%d bad: %d roles, %d skipped, last %v; want 2000, %d, %s",
				c.bad, len(a.Roles), len(a.Skipped), a.Skipped[len(a.Skipped)-1], c.skipped, c.last)
		}
	}
}

func TestDecodeSessionDuration(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]time.Duration{
		"900": 15 * time.Minute, " 43200\n": 12 * time.Hour, "0": 0, "": 0, "-1": 0, "1h": 0, "3600.5": 0, "1e3": 0,
		"99999999999999999999": 0, "9223372036854775807": 0, "+900": 0,
	} {
		a, err := saml.Decode(issue(t, samltest.Response{SessionDuration: sent, Unsigned: true}))
		if err != nil {
			t.Fatal(err)
		}
		if a.SessionDuration != want {
			t.Errorf("SessionDuration %q = %v, want %v", sent, a.SessionDuration, want)
		}
	}
}

func TestDecodeTimes(t *testing.T) {
	t.Parallel()
	good := plain(t, samltest.Response{Issued: nine, Unsigned: true})
	stamp := `IssueInstant="2026-11-20T09:00:00.000Z"`
	assertion := good[strings.Index(good, "<Assertion"):]
	for sent, want := range map[string]time.Time{
		"2026-11-20T09:00:30Z":          nine.Add(30 * time.Second),
		"2026-11-20T09:00:30.25Z":       nine.Add(30*time.Second + 250*time.Millisecond),
		"2026-11-20T09:00:30.1234567Z":  nine.Add(30*time.Second + 123456700),
		"2026-11-20T10:00:30.5+01:00":   nine.Add(30*time.Second + 500*time.Millisecond),
		"2026-11-20T09:00:30":           nine.Add(30 * time.Second),
		" 2026-11-20T09:00:30Z ":        nine.Add(30 * time.Second),
		"yesterday":                     nine, // the Response's
		"":                              nine,
		"2026-11-20T09:00:30.999999999": nine.Add(31*time.Second - 1),
	} {
		xml := edit(t, good, assertion, edit(t, assertion, stamp, `IssueInstant="`+sent+`"`))
		a, err := saml.Decode(encode(xml))
		if err != nil {
			t.Fatal(err)
		}
		if !a.Issued.Equal(want) || a.Issued.Location() != time.UTC {
			t.Errorf("Issued %q = %v, want %v", sent, a.Issued, want)
		}
	}
	a, err := saml.Decode(issue(t, samltest.Response{NoConditions: true, NoSubject: true, NoSessionName: true, NoDestination: true, Recipient: "https://r.example/"}))
	if err != nil || !a.NotBefore.IsZero() || !a.NotOnOrAfter.IsZero() || a.Subject != "" || a.SessionName != "" || a.Destination != "https://r.example/" {
		t.Errorf("without conditions and names: %+v, %v", a, err)
	}
}

// Of a plain assertion the issuer is its own: the Response's is not signed.
func TestDecodeIssuer(t *testing.T) {
	t.Parallel()
	xml := plain(t, samltest.Response{Unsigned: true})
	for edited, want := range map[string]string{
		edit(t, xml, entityID, "urn:other"):                                          entityID,
		edit(t, xml, "<Issuer>"+entityID, "<Issuer>\n urn:other \t"):                 "urn:other",
		edit(t, xml, "<Issuer>"+entityID+"</Issuer>", ""):                            "",
		edit(t, plain(t, samltest.Response{Encrypted: true}), entityID, "urn:other"): "urn:other",
	} {
		a, err := saml.Decode(encode(edited))
		if err != nil || a.Issuer != want {
			t.Errorf("Issuer = %+v, %v, want %q", a, err, want)
		}
	}
}

// The Recipient counts only of a bearer's confirmation.
func TestDecodeRecipient(t *testing.T) {
	t.Parallel()
	xml := plain(t, samltest.Response{NoDestination: true, Recipient: "https://one.example/saml", Unsigned: true})
	holder := `<SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"><SubjectConfirmationData Recipient="https://two.example/saml"/></SubjectConfirmation>`
	a, err := saml.Decode(encode(edit(t, xml, "<SubjectConfirmation ", holder+"<SubjectConfirmation ")))
	if err != nil || a.Destination != "https://one.example/saml" {
		t.Errorf("Destination = %v, %v, want that of the bearer", a, err)
	}
	a, err = saml.Decode(encode(edit(t, xml, "cm:bearer", "cm:sender-vouches")))
	if err != nil || a.Destination != "" {
		t.Errorf("Destination = %v, %v, want none", a, err)
	}
}

func TestDecodeEncrypted(t *testing.T) {
	t.Parallel()
	a, err := saml.Decode(issue(t, samltest.Response{Encrypted: true, Issued: nine, Roles: samltest.RoleValues(3, "P"), SessionDuration: "900"}))
	if err != nil {
		t.Fatal(err)
	}
	if !a.Encrypted || a.Issuer != entityID || !a.Issued.Equal(nine) || a.Destination != "https://signin.aws.amazon.com/saml" {
		t.Errorf("envelope: %+v", a)
	}
	if a.Subject != "" || a.SessionName != "" || a.SessionDuration != 0 || len(a.Roles) != 0 || !a.NotOnOrAfter.IsZero() {
		t.Errorf("something of an encrypted assertion was read: %+v", a)
	}
}
