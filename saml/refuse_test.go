package saml_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"gatehop/saml"
	"gatehop/saml/samltest"
)

func TestDecodeCapturesRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file string
		want error
	}{
		{"wrapped.xml", saml.ErrSeveralAssertions},
		{"mixed.xml", saml.ErrSeveralAssertions},
		{"none.xml", &saml.SyntaxError{Problem: saml.NoAssertion}},
		{"dtd.xml", &saml.SyntaxError{Problem: saml.HasDTD}},
		{"saml1.xml", &saml.SyntaxError{Problem: saml.NotResponse}},
	} {
		if a, err := saml.Decode(encode(capture(t, c.file))); !errors.Is(err, c.want) || a != nil {
			t.Errorf("Decode(%s) = %v, %v, want %v", c.file, a, err, c.want)
		}
	}
}

func TestDecodeStatus(t *testing.T) {
	t.Parallel()
	_, err := saml.Decode(encode(capture(t, "denied.xml")))
	var status *saml.StatusError
	if !errors.As(err, &status) {
		t.Fatalf("Decode = %v, want *StatusError", err)
	}
	const urn = "urn:oasis:names:tc:SAML:2.0:status:"
	want := saml.StatusError{Code: urn + "Responder", SubCode: urn + "RequestDenied", Message: "The request was denied."}
	if *status != want {
		t.Errorf("status = %+v, want %+v", *status, want)
	}
	if got, want := err.Error(), `read SAML response: its status is Responder, RequestDenied: "The request was denied."`; got != want {
		t.Errorf("Error = %s, want %s", got, want)
	}
	for _, c := range []struct {
		name string
		r    samltest.Response
		want saml.StatusError
	}{
		{"code alone", samltest.Response{StatusCode: urn + "Requester"}, saml.StatusError{Code: urn + "Requester"}},
		{"with an assertion", samltest.Response{StatusCode: urn + "Requester", Assertions: 1}, saml.StatusError{Code: urn + "Requester"}},
		{"pretty", samltest.Response{StatusCode: urn + "Responder", StatusSubCode: urn + "AuthnFailed", StatusMessage: "no", Pretty: true},
			saml.StatusError{Code: urn + "Responder", SubCode: urn + "AuthnFailed", Message: "no"}},
		{"long message", samltest.Response{StatusCode: urn + "Responder", StatusMessage: strings.Repeat("ä", 500)},
			saml.StatusError{Code: urn + "Responder", Message: strings.Repeat("ä", 200) + "…"}},
		{"not quite success", samltest.Response{StatusCode: urn + "Success:x"}, saml.StatusError{Code: urn + "Success:x"}},
	} {
		_, err := saml.Decode(issue(t, c.r))
		if !errors.As(err, &status) || *status != c.want {
			t.Errorf("%s: Decode = %+v, want %+v", c.name, err, c.want)
		}
	}
	// A message beside success is no refusal.
	if _, err := saml.Decode(issue(t, samltest.Response{StatusMessage: "welcome"})); err != nil {
		t.Errorf("success with a message: Decode = %v", err)
	}
}

func TestDecodeSeveral(t *testing.T) {
	t.Parallel()
	one := plain(t, samltest.Response{})
	inner := one[strings.Index(one, "<Assertion"):strings.Index(one, "</samlp:Response>")]
	prefixed := plain(t, samltest.Response{Prefixes: samltest.SAML2})
	for name, xml := range map[string]string{
		"two":                           plain(t, samltest.Response{Assertions: 2}),
		"two encrypted":                 plain(t, samltest.Response{Assertions: 2, Encrypted: true}),
		"plain and encrypted":           plain(t, samltest.Response{AlsoEncrypted: true}),
		"the same twice":                edit(t, one, inner, inner+inner),
		"in Extensions":                 edit(t, one, "<samlp:Status>", "<samlp:Extensions>"+inner+"</samlp:Extensions><samlp:Status>"),
		"in another assertion":          edit(t, one, "</Assertion>", inner+"</Assertion>"),
		"in a value":                    edit(t, one, "</AttributeValue>", inner+"</AttributeValue>"),
		"in a signature":                edit(t, one, "</ds:Signature>", "<ds:Object>"+inner+"</ds:Object></ds:Signature>"),
		"in another namespace":          edit(t, one, "<samlp:Status>", `<a:Assertion xmlns:a="urn:example"/><samlp:Status>`),
		"of an undeclared prefix":       edit(t, one, "<samlp:Status>", `<b:Assertion/><samlp:Status>`),
		"encrypted, empty":              edit(t, prefixed, "<saml2p:Status>", `<EncryptedAssertion/><saml2p:Status>`),
		"after one of a failed status":  plain(t, samltest.Response{StatusCode: "x", Assertions: 2}),
		"three hundred, to be counted":  plain(t, samltest.Response{Assertions: 300, Unsigned: true}),
		"one in the status, one not":    edit(t, one, "</samlp:Status>", inner+"</samlp:Status>"),
		"one wrapped in the other kind": edit(t, one, inner, "<EncryptedAssertion>"+inner+"</EncryptedAssertion>"),
	} {
		if a, err := saml.Decode(encode(xml)); err != saml.ErrSeveralAssertions || a != nil {
			t.Errorf("%s: Decode = %v, %v, want ErrSeveralAssertions", name, a, err)
		}
	}
	// Words that are no elements do not count.
	for name, xml := range map[string]string{
		"one":               one,
		"in a comment":      edit(t, one, "<samlp:Status>", "<!-- <Assertion></Assertion> --><samlp:Status>"),
		"in CDATA":          edit(t, one, "alice@corp.example", "alice@corp.example<![CDATA[<Assertion/>]]>"),
		"as an attribute":   edit(t, one, "<samlp:Status>", `<samlp:Status Assertion="Assertion">`),
		"longer names":      edit(t, one, "<samlp:Status>", `<samlp:Extensions><Assertions xmlns="urn:oasis:names:tc:SAML:2.0:assertion"/></samlp:Extensions><samlp:Status>`),
		"as an instruction": edit(t, one, "<samlp:Status>", `<?Assertion Assertion?><samlp:Status>`),
	} {
		if _, err := saml.Decode(encode(xml)); err != nil {
			t.Errorf("%s: Decode = %v", name, err)
		}
	}
}

// nested returns a response with elements down to the given depth.
func nested(t *testing.T, depth int) string {
	t.Helper()
	n := depth - 1 // the response is the first
	return edit(t, plain(t, samltest.Response{}), "<samlp:Status>",
		strings.Repeat("<x>", n)+strings.Repeat("</x>", n)+"<samlp:Status>")
}

// sized returns the base64 of a response of size bytes.
func sized(t *testing.T, size int) string {
	t.Helper()
	encoded := issue(t, samltest.Response{})
	return encoded + strings.Repeat("\n", size-len(encoded))
}

func TestDecodeSyntax(t *testing.T) {
	t.Parallel()
	good := plain(t, samltest.Response{Roles: samltest.RoleValues(3, "P")})
	root := good[:strings.Index(good, ">")+1]
	elements := strings.Count(good, "<") - strings.Count(good, "</")
	attributes := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, ` a%d=""`, i)
		}
		return b.String()
	}
	// crowded returns a response of n equal signs, at most 100 of them to a tag.
	crowded := func(n int) string {
		n -= strings.Count(good, "=")
		tags := strings.Repeat("<x"+attributes(100)+"/>", n/100) + "<x" + attributes(n%100) + "/>"
		return edit(t, good, "<samlp:Status>", tags+"<samlp:Status>")
	}
	for _, c := range []struct {
		name, encoded string
		want          saml.Problem
	}{
		{"nothing", "", saml.Empty},
		{"white space", " \r\n\t", saml.Empty},
		{"not base64", "<samlp:Response>", saml.NotBase64},
		{"base64 of URLs", strings.Repeat("-_", 8), saml.NotBase64},
		{"cut base64", encode(good)[:41], saml.NotBase64},
		{"text", encode("hello, hello"), saml.NotXML},
		{"cut", encode(good[:len(good)-20]), saml.NotXML},
		{"cut to its root", encode(root), saml.NotXML},
		{"two roots", encode(good + good), saml.NotXML},
		{"a second root that is open", encode(good + "<x>"), saml.NotXML},
		{"an end after the end", encode(good + "</x>"), saml.NotXML},
		{"text after the end", encode(good + "x"), saml.NotXML},
		{"text before the start", encode("x" + good), saml.NotXML},
		{"crossed tags", encode(edit(t, good, "</Issuer>", "</Subject>")), saml.NotXML},
		{"unknown entity", encode(edit(t, good, "alice", "&who;")), saml.NotXML},
		{"not UTF-8", encode(edit(t, good, "alice", "al\xffce")), saml.NotXML},
		{"attribute twice", encode(edit(t, good, ` Version="2.0"`, ` Version="2.0" Version="2.0"`)), saml.NotXML},
		{"attribute without quotes", encode(edit(t, good, ` Version="2.0"`, ` Version=2.0`)), saml.NotXML},
		{"other encoding", encode(`<?xml version="1.0" encoding="utf-16"?>` + good), saml.NotXML},
		{"UTF-16", encode("\xff\xfe<\x00a\x00/\x00>\x00"), saml.NotXML},
		{"a page", encode("<html><body></body></html>"), saml.NotResponse},
		{"an assertion alone", encode(`<Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion"/>`), saml.NotResponse},
		{"a request", encode(`<a:AuthnRequest xmlns:a="urn:oasis:names:tc:SAML:2.0:protocol"/>`), saml.NotResponse},
		{"no namespace", encode(strings.ReplaceAll(good, "SAML:2.0:protocol", "SAML:2.0:protocols")), saml.NotResponse},
		{"root in lower case", encode(strings.ReplaceAll(good, "samlp:Response", "samlp:response")), saml.NotResponse},
		{"no status", encode(good[:strings.Index(good, "<samlp:Status>")] + good[strings.Index(good, "<Assertion"):]), saml.NoStatus},
		{"status without value", encode(edit(t, good, `Value="urn:oasis:names:tc:SAML:2.0:status:Success"`, "")), saml.NoStatus},
		{"no assertion", issue(t, samltest.Response{Assertions: samltest.None}), saml.NoAssertion},
		{"assertion elsewhere", encode(edit(t, edit(t, good, "<Assertion", "<samlp:Extensions><Assertion"), "</Assertion>", "</Assertion></samlp:Extensions>")), saml.NoAssertion},
		{"assertion of another namespace", encode(strings.ReplaceAll(good, "SAML:2.0:assertion", "SAML:1.0:assertion")), saml.NoAssertion},
		{"document type", encode("<!DOCTYPE x>" + good), saml.HasDTD},
		{"entity", encode(`<!DOCTYPE x [<!ENTITY who "alice">]>` + edit(t, good, "alice", "&who;")), saml.HasDTD},
		{"external entity", encode(`<!DOCTYPE x [<!ENTITY who SYSTEM "file:///etc/passwd">]>` + edit(t, good, "alice", "&who;")), saml.HasDTD},
		{"document type of a page", encode("<!doctype html><p>"), saml.HasDTD},
		{"declaration inside", encode(edit(t, good, "<samlp:Status>", `<!ENTITY a "b"><samlp:Status>`)), saml.HasDTD},
		{"too deep", encode(nested(t, 201)), saml.TooDeep},
		{"very deep", encode(strings.Repeat("<x>", 500_000)), saml.TooDeep},
		{"too large", sized(t, 5<<20+1), saml.TooLarge},
		{"50,001 elements", encode(edit(t, good, "<samlp:Status>", strings.Repeat("<x/>", 50_001-elements)+"<samlp:Status>")), saml.TooLarge},
		{"a tag of 257 attributes", encode(edit(t, good, "<samlp:Status", "<samlp:Status"+attributes(257))), saml.TooLarge},
		{"100,001 attributes", encode(crowded(100_001)), saml.TooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a, err := saml.Decode(c.encoded)
			var syntax *saml.SyntaxError
			if !errors.As(err, &syntax) || syntax.Problem != c.want || a != nil {
				t.Fatalf("Decode = %v, %v, want *SyntaxError %q", a, err, c.want)
			}
			if got := fmt.Sprintf("%v %+v %#v", err, syntax, *syntax); strings.Contains(got, "alice") || strings.Contains(got, "samlp") {
				t.Errorf("the error quotes the document: %s", got)
			}
		})
	}
	// One step inside each limit it is read.
	for name, encoded := range map[string]string{
		"200 deep":                nested(t, 200),
		"50,000 elements":         edit(t, good, "<samlp:Status>", strings.Repeat("<x/>", 50_000-elements)+"<samlp:Status>"),
		"100,000 attributes":      crowded(100_000),
		"256 attributes":          edit(t, good, "<samlp:Status", "<samlp:Status"+attributes(256)),
		"byte order mark":         "\ufeff" + good,
		"declaration":             `<?xml version="1.0" encoding="utf-8" standalone="yes"?>` + "\n" + good,
		"ASCII":                   `<?xml version="1.0" encoding="US-ASCII"?>` + good,
		"white space all around":  "\n " + good + "\r\n\t",
		"one prefix on two names": edit(t, good, ` Version="2.0"`, ` Version="2.0" samlp:Version="3.0"`),
	} {
		if _, err := saml.Decode(encode(encoded)); err != nil {
			t.Errorf("%s: Decode = %v", name, err)
		}
	}
	if _, err := saml.Decode(sized(t, 5<<20)); err != nil {
		t.Errorf("5 MiB: Decode = %v", err)
	}
}

func TestDecodeSyntaxLine(t *testing.T) {
	t.Parallel()
	_, err := saml.Decode(encode("<a>\n<b>\n</a>"))
	if got, want := fmt.Sprint(err), "read SAML response: it is not well-formed XML (line 3)"; got != want {
		t.Errorf("Error = %s, want %s", got, want)
	}
}

func TestSyntaxErrorIs(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("take assertion: %w", &saml.SyntaxError{Problem: saml.NotXML, Line: 3})
	if !errors.Is(err, &saml.SyntaxError{Problem: saml.NotXML}) {
		t.Error("one problem on different lines is not one problem")
	}
	if errors.Is(err, &saml.SyntaxError{Problem: saml.TooDeep}) || errors.Is(err, saml.ErrSeveralAssertions) {
		t.Error("two problems are one")
	}
}
