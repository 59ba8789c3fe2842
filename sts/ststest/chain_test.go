package ststest

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"gatehop/saml/samltest"
)

func formOf(f url.Values, change ...func(url.Values)) url.Values {
	for _, c := range change {
		c(f)
	}
	return f
}

// hopCase is one thing that AWS refuses in AssumeRole, and beside it the nearest that
// it accepts (nil: Admins without anything).
type hopCase struct {
	name    string
	login   func(*samltest.Response) // what the first session is of
	role    string                   // "" is Admins
	form    func(url.Values)
	near    func(url.Values)
	status  int
	code    string
	message string
}

func hopRefusals() []hopCase {
	const denied, bad, user = "AccessDenied", "ValidationError", "=User: arn:aws:sts::111111111111:assumed-role/Gateway/alice is not authorized to perform: "
	tagged := func(r *samltest.Response) {
		r.Tags, r.TransitiveTags = map[string]string{"team": "a"}, []string{"team"}
	}
	sourced := func(r *samltest.Response) { r.SourceIdentity = "alice" }
	many := func(n int) func(url.Values) {
		return func(f url.Values) {
			for i := 1; i <= n; i++ {
				f.Set(fmt.Sprintf("Tags.member.%d.Key", i), fmt.Sprint("k", i))
				f.Set(fmt.Sprintf("Tags.member.%d.Value", i), "")
			}
		}
	}
	tag := func(k, v string) func(url.Values) { return set("Tags.member.1.Key", k, "Tags.member.1.Value", v) }
	ok := set("RoleArn", admins)
	return []hopCase{
		{name: "no such role", role: admins + "2", near: ok, status: 403, code: denied, message: user + "sts:AssumeRole on resource: " + admins + "2"},
		{name: "role in other capitals", role: strings.ToLower(admins), near: ok, status: 403, code: denied, message: "sts:AssumeRole"},
		{name: "another role is trusted", role: closed, near: ok, status: 403, code: denied, message: user + "sts:AssumeRole on resource: " + closed},
		{name: "another partition", role: china, near: ok, status: 403, code: denied, message: "sts:AssumeRole"},
		{name: "no external ID", role: external, near: set("ExternalId", "example-7"), status: 403, code: denied, message: user + "sts:AssumeRole on resource: " + external},
		{name: "wrong external ID", role: external, form: set("ExternalId", "example-8"), near: set("ExternalId", "example-7"), status: 403, code: denied, message: "sts:AssumeRole"},
		{name: "role demands MFA", role: mfa, near: ok, status: 403, code: denied, message: "sts:AssumeRole"},
		{name: "serial number and code", form: set("SerialNumber", "arn:aws:iam::1:mfa/alice", "TokenCode", "123456"), status: 403, code: denied, message: "=" + mfaUnknown},
		{name: "serial number alone", form: set("SerialNumber", "arn:aws:iam::1:mfa/alice"), status: 403, code: denied, message: "=" + mfaIncomplete},
		{name: "code alone", form: set("TokenCode", "123456"), status: 403, code: denied, message: "=" + mfaIncomplete},

		{name: "more than an hour", form: set("DurationSeconds", "3601"), near: set("DurationSeconds", "3600"), status: 400, code: bad, message: "=" + chainedTooLong},
		{name: "more than 12 hours", form: set("DurationSeconds", "43201"), near: set("DurationSeconds", "3600"), status: 400, code: bad, message: "less than or equal to 43200"},
		{name: "less than 15 minutes", form: set("DurationSeconds", "899"), near: set("DurationSeconds", "900"), status: 400, code: bad, message: "greater than or equal to 900"},

		{name: "no session name", form: func(f url.Values) { f.Del("RoleSessionName") }, status: 400, code: bad, message: "=1 validation error detected: Value null at 'roleSessionName' failed to satisfy constraint: Member must not be null"},
		{name: "session name with a space", form: set("RoleSessionName", "a b"), near: set("RoleSessionName", "a_b"), status: 400, code: bad, message: `=1 validation error detected: Value 'a b' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*`},
		{name: "session name of one character", form: set("RoleSessionName", "a"), near: set("RoleSessionName", "ab"), status: 400, code: bad, message: "Member must have length greater than or equal to 2"},
		{name: "session name of 65", form: set("RoleSessionName", strings.Repeat("a", 65)), near: set("RoleSessionName", strings.Repeat("a", 64)), status: 400, code: bad, message: "Member must have length less than or equal to 64"},
		{name: "external ID with a space", form: set("ExternalId", "a b"), near: set("ExternalId", "a:/b"), status: 400, code: bad, message: "'externalId'"},
		{name: "code of letters", form: set("TokenCode", "12345"), near: ok, status: 400, code: bad, message: "'tokenCode'"},

		{name: "51 tags", form: many(51), near: many(50), status: 400, code: bad, message: "'tags' failed to satisfy constraint: Member must have length less than or equal to 50"},
		{name: "tag key of 129", form: tag(strings.Repeat("k", 129), ""), near: tag(strings.Repeat("k", 128), ""), status: 400, code: bad, message: "at 'tags.1.member.key'"},
		{name: "tag value of 257", form: tag("k", strings.Repeat("v", 257)), near: tag("k", strings.Repeat("v", 256)), status: 400, code: bad, message: "at 'tags.1.member.value'"},
		{name: "tag keys that differ in capitals", form: set("Tags.member.1.Key", "k", "Tags.member.1.Value", "", "Tags.member.2.Key", "K", "Tags.member.2.Value", ""), near: many(2), status: 400, code: "InvalidParameterValue", message: "Duplicate tag keys"},
		{name: "tags that the trust does not allow", role: strict, form: tag("k", "v"), near: set(), status: 403, code: denied, message: user + "sts:TagSession on resource: " + strict},
		{name: "inherited tags that the trust does not allow", login: tagged, role: strict, near: ok, status: 403, code: denied, message: user + "sts:TagSession on resource: " + strict},
		{name: "tag that was inherited", login: tagged, form: tag("TEAM", "b"), near: tag("other", "b"), status: 400, code: "InvalidParameterValue", message: "=" + tagInherited},
		{name: "transitive key that was not sent", form: set("TransitiveTagKeys.member.1", "k"), near: formFunc(tag("k", "v"), set("TransitiveTagKeys.member.1", "k")), status: 400, code: "InvalidParameterValue", message: "=" + tagNotSent},

		{name: "source identity that the trust does not allow", role: strict, form: set("SourceIdentity", "alice"), near: set(), status: 403, code: denied, message: user + "sts:SetSourceIdentity on resource: " + strict},
		{name: "inherited source identity that the trust does not allow", login: sourced, role: strict, near: ok, status: 403, code: denied, message: "sts:SetSourceIdentity"},
		{name: "another source identity", login: sourced, form: set("SourceIdentity", "bob"), near: set("SourceIdentity", "alice"), status: 403, code: denied, message: "sts:SetSourceIdentity"},
		{name: "source identity of AWS", form: set("SourceIdentity", "aws:a"), near: set("SourceIdentity", "aws-a"), status: 400, code: bad, message: "'sourceIdentity'"},

		{name: "unknown parameter", form: set("MFASerial", "x"), status: 400, code: bad, message: "knows no parameter"},
		{name: "number with a zero", form: set("Tags.member.01.Key", "x"), status: 400, code: bad, message: "knows no parameter"},
	}
}

func formFunc(all ...func(url.Values)) func(url.Values) {
	return func(f url.Values) { formOf(f, all...) }
}

func (tc hopCase) run(t *testing.T, mutate bool) reply {
	s := New(options(t, &clock{t: start}))
	r := response(start)
	if tc.login != nil {
		tc.login(&r)
	}
	role, form := tc.role, tc.form
	if !mutate {
		form = tc.near
	}
	if role == "" {
		role = admins
	}
	f := assumeForm(role)
	if form != nil {
		form(f)
	}
	return send(t, s, signed(t, f, login(t, s, r), start))
}

func TestAssumeRoleRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range hopRefusals() {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			checkPair(t, tc.run(t, false), tc.run(t, true), tc.status, tc.code, tc.message)
		})
	}
}

func TestAssumeRole(t *testing.T) {
	t.Parallel()
	s := New(options(t, &clock{t: start}))
	r := response(start)
	r.Tags, r.TransitiveTags, r.SourceIdentity = map[string]string{"team": "a", "own": "b"}, []string{"team"}, "alice"
	first := login(t, s, r)
	got := send(t, s, signed(t, assumeForm(admins), first, start))
	if got.Assume == nil {
		t.Fatalf("answer = %d %s %s", got.Status, got.Code, got.Message)
	}
	if got.Assume.User.Arn != "arn:aws:sts::222222222222:assumed-role/Admins/alice" || got.Assume.SourceIdentity != "alice" ||
		got.Assume.Creds.Expiration != start.Add(time.Hour).Format(time.RFC3339) {
		t.Errorf("answer = %+v", *got.Assume)
	}
	// Only what is transitive is inherited, and it is inherited again.
	if tags := s.session(got.Assume.Creds.AccessKeyId).tags; len(tags) != 1 || tags["team"] != "a" {
		t.Errorf("inherited tags = %v", tags)
	}
	if next := send(t, s, signed(t, assumeForm(closed), got.Assume.Creds, start)); next.Code != "AccessDenied" || !strings.Contains(next.Message, "sts:TagSession") {
		t.Errorf("second hop = %d %s", next.Status, next.Message)
	}
	id := send(t, s, signed(t, url.Values{"Action": {opIdentity}, "Version": {apiVersion}}, got.Assume.Creds, start))
	if id.Identity == nil || id.Identity.Arn != got.Assume.User.Arn || id.Identity.Account != "222222222222" || id.Identity.UserId != got.Assume.User.AssumedRoleId {
		t.Errorf("identity = %+v", id)
	}
}

// signatureCase changes one thing of a request that is accepted as it is.
type signatureCase struct {
	name         string
	request      func(t *testing.T, c credentials) *http.Request
	status       int
	code, has    string
	clockChanged time.Duration
}

func signatureRefusals() []signatureCase {
	identity := url.Values{"Action": {opIdentity}, "Version": {apiVersion}}
	return []signatureCase{
		{name: "none", request: func(t *testing.T, c credentials) *http.Request { return post(identity.Encode()) }, status: 403, code: "MissingAuthenticationToken", has: noToken},
		{name: "no algorithm", request: with("Authorization", "Credential=a/20261122/r/sts/aws4_request, SignedHeaders=host, Signature=00"), status: 400, code: "IncompleteSignature"},
		{name: "no signature", request: with("Authorization", "AWS4-HMAC-SHA256 Credential=a/20261122/r/sts/aws4_request, SignedHeaders=host"), status: 400, code: "IncompleteSignature", has: "Signature"},
		{name: "no scope", request: with("Authorization", "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=00"), status: 400, code: "IncompleteSignature", has: "slash"},
		{name: "no date", request: with("X-Amz-Date", ""), status: 400, code: "IncompleteSignature", has: "Date"},
		{name: "unknown key", request: func(t *testing.T, c credentials) *http.Request {
			c.AccessKeyId = "ASIAZZZZZZZZZZZZZZZZ"
			return signed(t, identity, c, start)
		}, status: 403, code: "InvalidClientTokenId", has: unknownToken},
		{name: "wrong secret", request: func(t *testing.T, c credentials) *http.Request {
			c.SecretAccessKey = strings.Repeat("A", 40)
			return signed(t, identity, c, start)
		}, status: 403, code: "SignatureDoesNotMatch", has: badSignature},
		{name: "no token", request: func(t *testing.T, c credentials) *http.Request {
			c.SessionToken = ""
			return signed(t, identity, c, start)
		}, status: 403, code: "InvalidClientTokenId", has: unknownToken},
		{name: "wrong token", request: func(t *testing.T, c credentials) *http.Request {
			c.SessionToken += "A"
			return signed(t, identity, c, start)
		}, status: 403, code: "InvalidClientTokenId"},
		{name: "token is not signed", request: func(t *testing.T, c credentials) *http.Request {
			token := c.SessionToken
			c.SessionToken = ""
			r := signed(t, identity, c, start)
			r.Header.Set("X-Amz-Security-Token", token)
			return r
		}, status: 403, code: "SignatureDoesNotMatch", has: "x-amz-security-token"},
		{name: "host is not signed", request: func(t *testing.T, c credentials) *http.Request {
			r := signed(t, identity, c, start)
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), ";host;", ";", 1))
			return r
		}, status: 403, code: "SignatureDoesNotMatch", has: "'host' must be a 'SignedHeader'"},
		{name: "body changed", request: func(t *testing.T, c credentials) *http.Request {
			r := signed(t, identity, c, start)
			changed := post(identity.Encode() + "&")
			changed.Header, changed.ContentLength = r.Header, r.ContentLength
			return changed
		}, status: 403, code: "SignatureDoesNotMatch", has: badSignature},
		{name: "another host", request: func(t *testing.T, c credentials) *http.Request {
			r := signed(t, identity, c, start)
			r.Host = "sts.other.test"
			return r
		}, status: 403, code: "SignatureDoesNotMatch", has: badSignature},
		{name: "signed header changed", request: with("Content-Type", "application/x-www-form-urlencoded"), status: 403, code: "SignatureDoesNotMatch", has: badSignature},
		{name: "another service", request: func(t *testing.T, c credentials) *http.Request {
			return signedFor(t, identity, c, start, "iam", "eu-west-1")
		}, status: 403, code: "SignatureDoesNotMatch", has: "correct service"},
		{name: "another region", request: func(t *testing.T, c credentials) *http.Request {
			return signedFor(t, identity, c, start, "sts", "us-east-1")
		}, status: 403, code: "SignatureDoesNotMatch", has: "valid region"},
		{name: "date of another day", request: with("X-Amz-Date", "20261123T090000Z"), status: 403, code: "SignatureDoesNotMatch", has: "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20261122' != '20261123', from '20261123T090000Z'."},
		{name: "clock behind", clockChanged: -15*time.Minute - time.Second, status: 403, code: "SignatureDoesNotMatch", has: "Signature expired: 20261122T084459Z is now earlier than 20261122T084500Z (20261122T090000Z - 15 min.)"},
		{name: "clock ahead", clockChanged: 15*time.Minute + time.Second, status: 403, code: "SignatureDoesNotMatch", has: "Signature not yet current: 20261122T091501Z is still later than 20261122T091500Z (20261122T090000Z + 15 min.)"},
	}
}

func TestSignatureRefuses(t *testing.T) {
	t.Parallel()
	identity := url.Values{"Action": {opIdentity}, "Version": {apiVersion}}
	for _, tc := range signatureRefusals() {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o := options(t, &clock{t: start})
			o.Region = "eu-west-1"
			s := New(o)
			c := login(t, s, response(start))
			near := start.Add(tc.clockChanged.Truncate(time.Minute)) // exactly 15 minutes is accepted
			control := send(t, s, signed(t, identity, c, near))
			request := tc.request
			if request == nil {
				request = func(t *testing.T, c credentials) *http.Request {
					return signed(t, identity, c, start.Add(tc.clockChanged))
				}
			}
			checkPair(t, control, send(t, s, request(t, c)), tc.status, tc.code, tc.has)
		})
	}
}

// with signs a good request and then sets a header; "" takes it out.
func with(name, value string) func(*testing.T, credentials) *http.Request {
	return func(t *testing.T, c credentials) *http.Request {
		r := signed(t, url.Values{"Action": {opIdentity}, "Version": {apiVersion}}, c, start)
		r.Header.Set(name, value)
		if value == "" {
			r.Header.Del(name)
		}
		return r
	}
}

// TestSignPublishedExample checks the signing key of the one example that AWS publishes
// with all intermediate values ("Examples of how to derive a signing key").
func TestSignPublishedExample(t *testing.T) {
	t.Parallel()
	key := []byte("AWS4" + "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
	for _, part := range []string{"20150830", "us-east-1", "iam", "aws4_request"} {
		key = mac(key, part)
	}
	const want = "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"
	if got := hex.EncodeToString(key); got != want {
		t.Errorf("signing key = %s, want %s", got, want)
	}
}
