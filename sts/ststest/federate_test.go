package ststest

import (
	"crypto/x509"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehop/saml/samltest"
)

// samlCase is one thing that AWS refuses. What is nil is left as it is in an accepted
// request; near makes, in place of form, the nearest request that is accepted.
type samlCase struct {
	name    string
	issue   func(*samltest.Response)
	xml     func(string) string // tampers with the signed document
	form    func(url.Values)
	near    func(url.Values)
	opts    func(*Options)
	after   time.Duration
	status  int
	code    string
	message string // a part of it; all of it if it begins with "="
}

func set(pairs ...string) func(url.Values) {
	return func(f url.Values) {
		for i := 0; i < len(pairs); i += 2 {
			f.Set(pairs[i], pairs[i+1])
		}
	}
}

func replace(old, new string) func(string) string {
	return func(s string) string {
		if !strings.Contains(s, old) {
			return "tampering did nothing: no " + old
		}
		return strings.ReplaceAll(s, old, new)
	}
}

// decrypting gives the provider its private key.
func decrypting(o *Options) {
	both, _ := idps()
	o.Providers[0].Decrypt = both[0].Key
}

const (
	bad   = "InvalidIdentityToken"
	no    = "AccessDenied"
	never = "=" + notAuthorized
	plain = "arn:aws:iam::111111111111:role/Plain"
)

func samlRefusals() []samlCase {
	return slices.Concat(documentRefusals(), timeRefusals(), trustRefusals(), formRefusals())
}

func documentRefusals() []samlCase {
	return []samlCase{
		{name: "not base64", form: set("SAMLAssertion", "%%%%"), status: 400, code: bad, message: "base64"},
		{name: "not XML", form: set("SAMLAssertion", encode("hello")), status: 400, code: bad, message: "not XML"},
		{name: "not a response", form: set("SAMLAssertion", encode("<html/>")), status: 400, code: bad, message: "not a SAML"},
		{name: "unsigned", issue: func(r *samltest.Response) { r.Unsigned = true }, status: 400, code: bad, message: "=Response signature invalid"},
		{name: "changed after signing", xml: replace("alice", "alicf"), status: 400, code: bad, message: "=Response signature invalid"},
		{name: "issuer of another provider", xml: replace("adfs.corp.example/adfs/services", "adfs.corp.example/adfs/other"), status: 400, code: bad, message: "Issuer not present in specified provider (Service: AWSOpenIdDiscoveryService; Status Code: 400; Error Code: AuthSamlInvalidSamlResponseException; Request ID: "},
		{name: "status is not success", issue: func(r *samltest.Response) {
			r.StatusCode, r.Assertions = "urn:oasis:names:tc:SAML:2.0:status:Responder", 1
		}, status: 400, code: bad, message: "status"},
		{name: "two assertions", issue: func(r *samltest.Response) { r.Assertions = 2 }, status: 400, code: bad, message: "exactly one"},
		{name: "no assertion", issue: func(r *samltest.Response) { r.Assertions = samltest.None }, status: 400, code: bad, message: "exactly one"},
		{name: "encrypted to a provider without a key", issue: func(r *samltest.Response) { r.Encrypted = true }, status: 400, code: bad, message: "decrypted"},
		{name: "document type", xml: func(s string) string { return "<!DOCTYPE x>" + s }, status: 400, code: bad, message: "document type"},
		{name: "declaration inside", xml: replace("<samlp:Status>", "<!ENTITY a 'b'><samlp:Status>"), status: 400, code: bad, message: "declaration"},
		{name: "attribute twice", xml: replace(" Consent=", ` Consent="a" Consent=`), status: 400, code: bad, message: "attribute twice"},
		{name: "too deep", xml: replace("<samlp:Status>", strings.Repeat("<x>", 300)+strings.Repeat("</x>", 300)+"<samlp:Status>"), status: 400, code: bad, message: "nested"},
		{name: "encrypted and unsigned", issue: func(r *samltest.Response) { r.Encrypted, r.Unsigned = true, true }, opts: decrypting, status: 400, code: bad, message: "=Response signature invalid"},
		{name: "too long", opts: func(o *Options) { o.AssertionLimit = 1000 }, status: 400, code: "ValidationError", message: "Member must have length less than or equal to 1000"},
	}
}

func timeRefusals() []samlCase {
	return []samlCase{
		{name: "older than five minutes", after: 5*time.Minute + time.Second, status: 400, code: "ExpiredTokenException", message: "=" + tooLate},
		{name: "issued in the future", issue: func(r *samltest.Response) {
			r.NotBefore, r.Issued = r.Issued, r.Issued.Add(5*time.Minute+time.Second)
		}, status: 400, code: bad, message: "future"},
		{name: "not valid yet", issue: func(r *samltest.Response) { r.NotBefore = start.Add(time.Second) }, status: 400, code: bad, message: "not valid yet"},
		{name: "no longer valid", issue: func(r *samltest.Response) { r.NotOnOrAfter = start }, status: 400, code: "ExpiredTokenException", message: "expired"},
		{name: "confirmation expired", issue: func(r *samltest.Response) { r.ConfirmBefore = start }, status: 400, code: "ExpiredTokenException", message: "confirmation"},
		{name: "session at the provider ended", issue: func(r *samltest.Response) { r.SessionNotOnOrAfter = start }, status: 400, code: "ExpiredTokenException", message: "ended"},
		{name: "audience of somebody else", issue: func(r *samltest.Response) { r.Audience = "urn:example" }, status: 400, code: bad, message: "=Response does not contain the required audience."},
		{name: "no conditions", issue: func(r *samltest.Response) { r.NoConditions = true }, status: 400, code: bad, message: "=Response does not contain the required audience."},
		{name: "no session name", issue: func(r *samltest.Response) { r.NoSessionName = true }, status: 400, code: bad, message: "=RoleSessionName is required in AuthnResponse"},
		{name: "session name with a space", issue: func(r *samltest.Response) { r.SessionName = "alice smith" }, status: 400, code: bad, message: "=RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}"},
		{name: "session name of one character", issue: func(r *samltest.Response) { r.SessionName = "a" }, status: 400, code: bad, message: "RoleSessionName in"},
		{name: "source identity of AWS", issue: func(r *samltest.Response) { r.SourceIdentity = "aws:alice" }, status: 400, code: bad, message: `=Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with "aws:"`},
		{name: "tag too long", issue: func(r *samltest.Response) { r.Tags = map[string]string{"team": strings.Repeat("x", 257)} }, status: 400, code: bad, message: "session tag"},
	}
}

func trustRefusals() []samlCase {
	return []samlCase{
		{name: "no such provider", form: set("PrincipalArn", provider+"2"), status: 400, code: bad, message: "=Specified provider doesn't exist."},
		{name: "no such role", form: set("RoleArn", gateway+"2"), status: 403, code: no, message: never},
		{name: "role in other capitals", form: set("RoleArn", "arn:aws:iam::111111111111:role/gateway"), status: 403, code: no, message: never},
		{name: "role without its path", form: set("RoleArn", "arn:aws:iam::111111111111:role/Gateway"), status: 403, code: no, message: never},
		{name: "provider of another account", form: set("PrincipalArn", provider2), status: 403, code: no, message: never},
		{name: "provider is not trusted", form: set("RoleArn", "arn:aws:iam::111111111111:role/Other"), near: set("RoleArn", plain), status: 403, code: no, message: never},
		{name: "role is not in the assertion", issue: func(r *samltest.Response) { r.Roles = r.Roles[1:] }, status: 403, code: no, message: never},
		{name: "role of Identity Center", form: set("RoleArn", sso), near: set("RoleArn", plain), status: 403, code: no, message: never},
		{name: "role demands MFA", form: set("RoleArn", "arn:aws:iam::111111111111:role/Needs,MFA"), near: set("RoleArn", plain), status: 403, code: no, message: never},
		{name: "no NameID", issue: func(r *samltest.Response) { r.NoSubject = true }, status: 403, code: no, message: never},
		{name: "recipient of another partition", issue: func(r *samltest.Response) { r.Destination = "https://signin.amazonaws.cn/saml" }, status: 403, code: no, message: never},
		{name: "regional role, global recipient", form: set("RoleArn", "arn:aws:iam::111111111111:role/Regional"), near: set(), status: 403, code: no, message: never},
		{name: "tags that the trust does not allow", issue: func(r *samltest.Response) { r.Tags = map[string]string{"team": "a"} }, form: set("RoleArn", plain), near: set(), status: 403, code: no, message: never},
		{name: "source identity that the trust does not allow", issue: func(r *samltest.Response) { r.SourceIdentity = "alice" }, form: set("RoleArn", plain), near: set(), status: 403, code: no, message: never},
	}
}

func formRefusals() []samlCase {
	return []samlCase{
		{name: "more than the role's maximum", form: set("DurationSeconds", "14401"), near: set("DurationSeconds", "14400"), status: 400, code: "ValidationError", message: "=" + tooLong},
		{name: "more than the default maximum", form: set("RoleArn", plain, "DurationSeconds", "3601"), near: set("RoleArn", plain, "DurationSeconds", "3600"), status: 400, code: "ValidationError", message: "=" + tooLong},
		{name: "the limit in the message", opts: func(o *Options) { o.ShowLimit = true }, form: set("DurationSeconds", "14401"), near: set("DurationSeconds", "14400"), status: 400, code: "ValidationError", message: "=" + tooLong + " The limit is 14400 seconds."},
		{name: "more than 12 hours", form: set("DurationSeconds", "43201"), near: set("DurationSeconds", "3600"), status: 400, code: "ValidationError", message: "=1 validation error detected: Value '43201' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 43200"},
		{name: "less than 15 minutes", form: set("DurationSeconds", "899"), near: set("DurationSeconds", "900"), status: 400, code: "ValidationError", message: "=1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"},
		{name: "not a number", form: set("DurationSeconds", "1h"), near: set("DurationSeconds", "900"), status: 400, code: "MalformedInput", message: "durationSeconds"},
		{name: "no assertion parameter", form: func(f url.Values) { f.Del("SAMLAssertion") }, status: 400, code: "ValidationError", message: "=1 validation error detected: Value null at 'sAMLAssertion' failed to satisfy constraint: Member must not be null"},
		{name: "no provider parameter", form: func(f url.Values) { f.Del("PrincipalArn") }, status: 400, code: "ValidationError", message: "at 'principalArn'"},
		{name: "session name as a parameter", form: set("RoleSessionName", "alice"), status: 400, code: "ValidationError", message: "knows no parameter"},
		{name: "parameter twice", form: func(f url.Values) { f.Add("RoleArn", gateway) }, status: 400, code: "ValidationError", message: "twice"},
		{name: "no action", form: set("Action", ""), status: 400, code: "MissingAction"},
		{name: "unknown action", form: set("Action", "AssumeRoot"), status: 400, code: "InvalidAction"},
		{name: "unknown version", form: set("Version", "2010-05-08"), status: 400, code: "InvalidAction"},
	}
}

func (tc samlCase) run(t *testing.T, mutate bool) reply {
	c := &clock{t: start}
	o := options(t, c)
	r, f := response(start), func(url.Values) {}
	if mutate {
		if tc.issue != nil {
			tc.issue(&r)
		}
		if tc.opts != nil {
			tc.opts(&o)
		}
		c.add(tc.after)
		if tc.form != nil {
			f = tc.form
		}
	} else if tc.near != nil {
		f = tc.near
	}
	encoded := issue(t, r)
	if mutate && tc.xml != nil {
		encoded = encode(tc.xml(decode(t, encoded)))
	}
	form := samlForm(encoded)
	f(form)
	return send(t, New(o), post(form.Encode()))
}

func TestAssumeRoleWithSAMLRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range samlRefusals() {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			checkPair(t, tc.run(t, false), tc.run(t, true), tc.status, tc.code, tc.message)
		})
	}
}

// checkPair checks that the control was accepted and the case refused as it should be.
func checkPair(t *testing.T, control, got reply, status int, code, message string) {
	t.Helper()
	if control.Status != 200 {
		t.Errorf("control = %d %s %s, want it accepted", control.Status, control.Code, control.Message)
	}
	if got.Status != status || got.Code != code {
		t.Errorf("answer = %d %s %q, want %d %s", got.Status, got.Code, got.Message, status, code)
	}
	if exact, ok := strings.CutPrefix(message, "="); ok && got.Message != exact || !strings.Contains(got.Message, strings.TrimPrefix(message, "=")) {
		t.Errorf("message = %q, want %q", got.Message, message)
	}
	if got.Type != "Sender" || got.Header.Get("X-Amzn-Requestid") == "" {
		t.Errorf("type %q, request id %q", got.Type, got.Header.Get("X-Amzn-Requestid"))
	}
}

// TestAssumeRoleWithSAMLImpostor is a provider that has everything right but the key.
func TestAssumeRoleWithSAMLImpostor(t *testing.T) {
	t.Parallel()
	good, impostor := testIDPs(t)
	s := New(options(t, &clock{t: start}))
	for idp, want := range map[*samltest.IDP]int{good: 200, impostor: 400} {
		encoded, err := idp.Issue(response(start))
		if err != nil {
			t.Fatal(err)
		}
		got := send(t, s, post(samlForm(encoded).Encode()))
		if got.Status != want || want != 200 && got.Message != "Response signature invalid" {
			t.Errorf("answer = %d %s, want %d", got.Status, got.Message, want)
		}
	}
}

// TestAssumeRoleWithSAMLOldCertificate: IAM takes no notice of a certificate's dates.
func TestAssumeRoleWithSAMLOldCertificate(t *testing.T) {
	t.Parallel()
	idp, err := samltest.New(entityID, nil, start.AddDate(-30, 0, 0)) // good for ten years
	if err != nil {
		t.Fatal(err)
	}
	o := options(t, &clock{t: start})
	o.Providers[0].Certs = []*x509.Certificate{idp.Cert}
	encoded, err := idp.Issue(response(start))
	if err != nil {
		t.Fatal(err)
	}
	if got := send(t, New(o), post(samlForm(encoded).Encode())); got.Status != 200 {
		t.Errorf("answer = %d %s", got.Status, got.Message)
	}
}

// TestAssumeRoleWithSAMLAccepts are the ways in which real providers write the same.
func TestAssumeRoleWithSAMLAccepts(t *testing.T) {
	t.Parallel()
	idp, _ := testIDPs(t)
	for name, change := range map[string]func(*samltest.Response, *Options){
		"AD FS":                       func(r *samltest.Response, o *Options) {},
		"saml prefixes":               func(r *samltest.Response, o *Options) { r.Prefixes = samltest.SAML },
		"saml2 prefixes":              func(r *samltest.Response, o *Options) { r.Prefixes = samltest.SAML2 },
		"no prefixes":                 func(r *samltest.Response, o *Options) { r.Prefixes = samltest.Unprefixed },
		"pretty":                      func(r *samltest.Response, o *Options) { r.Pretty = true },
		"comments":                    func(r *samltest.Response, o *Options) { r.Comments = true },
		"duplicates":                  func(r *samltest.Response, o *Options) { r.Duplicates = true },
		"SHA-1":                       func(r *samltest.Response, o *Options) { r.SHA1 = true },
		"both signed":                 func(r *samltest.Response, o *Options) { r.SignResponse = true },
		"both signed, saml":           func(r *samltest.Response, o *Options) { r.SignResponse, r.Prefixes = true, samltest.SAML },
		"wrapped base64":              func(r *samltest.Response, o *Options) { r.WrapBase64 = true },
		"sign-in address as audience": func(r *samltest.Response, o *Options) { r.Audience = "https://signin.aws.amazon.com/saml" },
		"several certificates": func(r *samltest.Response, o *Options) {
			_, impostor := testIDPs(t)
			o.Providers[0].Certs = append([]*x509.Certificate{impostor.Cert}, o.Providers[0].Certs...)
		},
		"encrypted": func(r *samltest.Response, o *Options) { r.Encrypted, o.Providers[0].Decrypt = true, idp.Key },
		"encrypted, saml": func(r *samltest.Response, o *Options) {
			r.Encrypted, o.Providers[0].Decrypt, r.Prefixes = true, idp.Key, samltest.SAML
		},
		"encrypted, both signed": func(r *samltest.Response, o *Options) {
			r.Encrypted, o.Providers[0].Decrypt, r.SignResponse = true, idp.Key, true
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, o := response(start), options(t, &clock{t: start})
			change(&r, &o)
			got := send(t, New(o), post(samlForm(issue(t, r)).Encode()))
			if got.SAML == nil {
				t.Fatalf("answer = %d %s %s", got.Status, got.Code, got.Message)
			}
			want := "arn:aws:sts::111111111111:assumed-role/Gateway/alice"
			if got.SAML.User.Arn != want || got.SAML.Subject != "alice@corp.example" || got.SAML.SubjectType != "persistent" ||
				got.SAML.Audience != "https://signin.aws.amazon.com/saml" || got.SAML.Issuer != entityID || len(got.SAML.NameQualifier) != 28 {
				t.Errorf("answer = %+v", *got.SAML)
			}
		})
	}
}

// TestAssumeRoleWithSAMLDuration checks what bounds a session, through the clock.
func TestAssumeRoleWithSAMLDuration(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*samltest.Response)
		ask    string
		want   time.Duration
	}{
		"default":                       {func(r *samltest.Response) {}, "", time.Hour},
		"asked":                         {func(r *samltest.Response) {}, "7200", 2 * time.Hour},
		"SessionDuration shortens":      {func(r *samltest.Response) { r.SessionDuration = "1800" }, "7200", 30 * time.Minute},
		"SessionDuration never extends": {func(r *samltest.Response) { r.SessionDuration = "14400" }, "7200", 2 * time.Hour},
		"SessionNotOnOrAfter shortens":  {func(r *samltest.Response) { r.SessionNotOnOrAfter = start.Add(20 * time.Minute) }, "7200", 20 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &clock{t: start}
			s, r := New(options(t, c)), response(start)
			tc.change(&r)
			form := samlForm(issue(t, r))
			if tc.ask != "" {
				form.Set("DurationSeconds", tc.ask)
			}
			got := send(t, s, post(form.Encode()))
			if got.SAML == nil || got.SAML.Creds.Expiration != start.Add(tc.want).Format(time.RFC3339) {
				t.Fatalf("answer = %+v, want a session of %s", got, tc.want)
			}
			identity := func() reply {
				return send(t, s, signed(t, url.Values{"Action": {opIdentity}, "Version": {apiVersion}}, got.SAML.Creds, c.now()))
			}
			c.add(tc.want - time.Second)
			if r := identity(); r.Status != 200 {
				t.Errorf("a second before the end: %d %s", r.Status, r.Code)
			}
			c.add(time.Second)
			if r := identity(); r.Code != "ExpiredToken" || r.Status != 403 || r.Message != oldToken {
				t.Errorf("at the end: %d %s %s", r.Status, r.Code, r.Message)
			}
		})
	}
}

func TestAssumeRoleWithSAMLRoles(t *testing.T) {
	t.Parallel()
	for i, value := range []string{
		gateway + "," + provider,
		provider + "," + gateway,
		" \n" + provider + " ,\t" + gateway + "\n",
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			r := response(start)
			r.Roles = []string{value}
			login(t, New(options(t, &clock{t: start})), r)
		})
	}
	a := &assertion{attrs: map[string][]string{attrRole: {gateway + provider, gateway + "," + gateway, gateway, provider + ";" + gateway}}}
	if a.names(gateway, provider) {
		t.Error("values that are no pair were taken for one")
	}
}
