package sts

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"

	"gatehop/creds"
	"gatehop/creds/secret"
	"gatehop/saml/samltest"
	"gatehop/sts/ststest"
)

func TestError(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	_, err := w.client.AssumeWithSAML(t.Context(), w.assertion(t, func(r *samltest.Response) { r.NoSubject = true }), gatewayRole, time.Hour)
	var e *Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	if e.Hop != "AssumeRoleWithSAML" || e.Role != gateway || e.Caller != "" || e.Code != "AccessDenied" || e.Status != 403 || e.Retryable || len(e.Causes) < 5 {
		t.Errorf("Error = %+v", *e)
	}
	if got, want := err.Error(), "assume "+gateway+": AccessDenied: Not authorized to perform sts:AssumeRoleWithSAML"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	gw := w.login(t)
	_, err = w.client.Assume(fixed(gw), Hop{RoleARN: closed})(t.Context())
	if !errors.As(err, &e) || e.Hop != "AssumeRole" || e.Caller != gw.Identity || e.Role != closed {
		t.Errorf("Error = %+v", *e)
	}
	bad := without(gw, func(c *creds.Credentials) { c.AccessKeyID = "ASIAZZZZZZZZZZZZZZZZ" })
	_, err = w.client.CallerIdentity(t.Context(), bad)
	if !errors.As(err, &e) || e.Hop != "GetCallerIdentity" || e.Role != "" || e.Code != "InvalidClientTokenId" || len(e.Causes) == 0 {
		t.Errorf("Error = %+v", *e)
	}
	if got, want := err.Error(), "GetCallerIdentity: InvalidClientTokenId: The security token included in the request is invalid."; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
}

// TestErrorMessage is about AWS's words: one line, 200 characters, nothing that turns a
// terminal around, nothing of the assertion, which AWS quotes when it is too long.
func TestErrorMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour, func(o *ststest.Options) { o.AssertionLimit = 900 })
	a := w.assertion(t, nil)
	_, err := w.client.AssumeWithSAML(t.Context(), a, gatewayRole, time.Hour)
	var e *Error
	if !errors.As(err, &e) || e.Code != "ValidationError" || len([]rune(e.Message)) > 200 {
		t.Fatalf("err = %v", err)
	}
	if run := leaked(err.Error(), a.Encoded().Reveal()); run != "" {
		t.Errorf("%q holds %q of the assertion", err, run)
	}
	if !strings.Contains(e.Message, secret.Redacted) || !strings.Contains(e.Message, "at 'sAMLAssertion'") || len(e.Causes) == 0 {
		t.Errorf("message = %q, causes %q", e.Message, e.Causes)
	}
	// The control: the SDK's error does hold it.
	plain := awssts.New(awssts.Options{Region: "eu-west-1", BaseEndpoint: &w.client.Endpoint})
	_, err = plain.AssumeRoleWithSAML(t.Context(), &awssts.AssumeRoleWithSAMLInput{
		RoleArn: aws.String(gateway), PrincipalArn: aws.String(provider), SAMLAssertion: aws.String(a.Encoded().Reveal()),
	})
	if leaked(err.Error(), a.Encoded().Reveal()) == "" {
		t.Error("control: the plain error holds nothing of the assertion")
	}
}

// leaked returns a run of 16 characters of secret that text holds, "" for none.
func leaked(text, secret string) string {
	for i := 0; i+16 <= len(secret); i++ {
		if strings.Contains(text, secret[i:i+16]) {
			return secret[i : i+16]
		}
	}
	return ""
}

func TestRedact(t *testing.T) {
	t.Parallel()
	w := &wire{secrets: []secret.Text{secret.New("abcdefghijklmnop/rstuvwxyz+012345=="), {}, secret.New("")}}
	for in, want := range map[string]string{
		"key abcdefghijklmnop/rstuvwxyz+012345==":              "key [secret]",
		"part 'cdefghijklmnop/rstuvw' of it":                   "part '[secret]' of it",
		"short cdefghij is no secret":                          "short cdefghij is no secret",
		"more 99abcdefghijklmnop/rstuvwxyz+012345==99":         "more [secret]",
		"arn:aws:iam::111111111111:role/team/a/GatewayGateway": "arn:aws:iam::111111111111:role/team/a/GatewayGateway",
	} {
		if got := w.redact(in); got != want {
			t.Errorf("redact(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestTidy(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain":                         "plain",
		"two\nlines\r\n\tand tabs ":     "two lines and tabs",
		"\x1b[31mred\x1b[0m":            "[31mred[0m",
		"a\u202eb\u2066c\u200fd\u061ce": "abcde",
		"nul\x00 c1\u009b31m":           "nul c131m",
		"bad\xffutf8":                   "badutf8",
		"zero\u200bwidth\ufeff":         "zerowidth",
		"line\u2028sep":                 "line sep",
		"größe":                         "größe",
	} {
		if got := tidy(in); got != want {
			t.Errorf("tidy(%q) = %q, want %q", in, got, want)
		}
	}
	if got := []rune(tidy(strings.Repeat("ä", 500))); len(got) != 200 || got[199] != '…' {
		t.Errorf("long text has %d characters", len(got))
	}
	if got := tidy(strings.Repeat("ä", 199)); len([]rune(got)) != 199 {
		t.Errorf("text of 199 characters became %q", got)
	}
}

// TestNothingSecretIsPrinted formats every kind of error and the credentials with every
// verb that could reach inside.
func TestNothingSecretIsPrinted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	a, gw := w.assertion(t, nil), w.login(t)
	var all []string
	note := func(values ...any) {
		for _, v := range values {
			all = append(all, fmt.Sprintf("%v %+v %#v %s", v, v, v, v))
		}
	}
	_, refused := w.client.Assume(fixed(gw), Hop{RoleARN: closed})(t.Context())
	w.tamper = swap("assumed-role/", "assumed-role/x/")
	_, other := w.client.AssumeWithSAML(t.Context(), a, gatewayRole, time.Hour)
	w.tamper = func(r *http.Response, _ string) string { return "<html>" + gw.SessionToken.Reveal() }
	_, odd := w.client.AssumeWithSAML(t.Context(), a, gatewayRole, time.Hour)
	note(refused, other, odd, gw)
	text := strings.Join(all, "\n")
	for name, s := range map[string]secret.Text{"assertion": a.Encoded(), "secret key": gw.SecretAccessKey, "token": gw.SessionToken} {
		if run := leaked(text, s.Reveal()); run != "" {
			t.Errorf("%s was printed: %q", name, run)
		}
	}
	// The control: what is printed without its type is found.
	if leaked(fmt.Sprint(gw.SessionToken.Reveal()), gw.SessionToken.Reveal()) == "" {
		t.Error("control: a printed token was not found")
	}
}

func TestIdentityError(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:sts::111111111111:assumed-role/Gateway/alice"
	for name, tc := range map[string]struct {
		got string
		ok  bool
	}{
		"as it was":        {arn, true},
		"another session":  {"arn:aws:sts::111111111111:assumed-role/Gateway/bob", true},
		"another role":     {"arn:aws:sts::111111111111:assumed-role/Gatewax/alice", false},
		"other capitals":   {"arn:aws:sts::111111111111:assumed-role/gateway/alice", false},
		"another account":  {"arn:aws:sts::111111111112:assumed-role/Gateway/alice", false},
		"another place":    {"arn:aws-cn:sts::111111111111:assumed-role/Gateway/alice", false},
		"with the path":    {"arn:aws:sts::111111111111:assumed-role/team/a/Gateway/alice", false},
		"a longer name":    {"arn:aws:sts::111111111111:assumed-role/Gateway2/alice", false},
		"a user":           {"arn:aws:iam::111111111111:user/Gateway", false},
		"the root":         {"arn:aws:iam::111111111111:root", false},
		"no session":       {"arn:aws:sts::111111111111:assumed-role/Gateway/", false},
		"shell in session": {"arn:aws:sts::111111111111:assumed-role/Gateway/$(id)", false},
		"more slashes":     {"arn:aws:sts::111111111111:assumed-role/Gateway/a/b", false},
		"nothing":          {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := directWorld(t, time.Hour)
			w.tamper = swap("<Arn>"+arn+"</Arn>", "<Arn>"+tc.got+"</Arn>")
			c, err := w.client.AssumeWithSAML(t.Context(), w.assertion(t, nil), gatewayRole, time.Hour)
			var other *IdentityError
			if errors.As(err, &other) == tc.ok || tc.ok != (err == nil) {
				t.Fatalf("err = %v", err)
			}
			if other != nil && (other.Asked != gateway || other.Got != tc.got || c != (creds.Credentials{})) {
				t.Errorf("err = %+v, credentials %+v", other, c)
			}
		})
	}
	w := directWorld(t, time.Hour)
	gw := w.login(t)
	w.tamper = swap("222222222222:assumed-role/Admins", "111111111111:assumed-role/Gateway")
	var other *IdentityError
	if _, err := w.client.Assume(fixed(gw), Hop{RoleARN: admins})(t.Context()); !errors.As(err, &other) {
		t.Errorf("chained: %v", err)
	}
}

// TestReplyError is a server whose values would reach shells and files.
func TestReplyError(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ element, value, field string }{
		"as it was":         {"AccessKeyId", "ASIAAAAAAAAAAAAAAAAA", ""},
		"small letters":     {"AccessKeyId", "asiaaaaaaaaaaaaaaaaa", "AccessKeyId"},
		"short":             {"AccessKeyId", "ASIAAAAAAAAAAAA", "AccessKeyId"},
		"long":              {"AccessKeyId", strings.Repeat("A", 129), "AccessKeyId"},
		"no key":            {"AccessKeyId", "", "AccessKeyId"},
		"command":           {"SecretAccessKey", "$(id)", "SecretAccessKey"},
		"quote":             {"SecretAccessKey", "a'b", "SecretAccessKey"},
		"double quote":      {"SecretAccessKey", "a&quot;b", "SecretAccessKey"},
		"back quote":        {"SecretAccessKey", "a`id`", "SecretAccessKey"},
		"no secret":         {"SecretAccessKey", "", "SecretAccessKey"},
		"base64":            {"SecretAccessKey", "a/b+c==", ""},
		"new line":          {"SessionToken", "a&#10;b", "SessionToken"},
		"space":             {"SessionToken", "a b", "SessionToken"},
		"outside ASCII":     {"SessionToken", "ä", "SessionToken"},
		"delete":            {"SessionToken", "a&#127;b", "SessionToken"},
		"no token":          {"SessionToken", "", "SessionToken"},
		"long token":        {"SessionToken", strings.Repeat("ab+/", 1024), ""},
		"past":              {"Expiration", "2020-01-01T00:00:00Z", "Expiration"},
		"before all time":   {"Expiration", "0001-01-01T00:00:00Z", "Expiration"},
		"after all time":    {"Expiration", "9999-01-01T00:00:00Z", "Expiration"},
		"parts of a second": {"Expiration", time.Now().Add(time.Hour).UTC().Format("2006-01-02T15:04:05.999Z"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := directWorld(t, time.Hour)
			w.tamper = func(_ *http.Response, s string) string {
				begin, rest, ok := strings.Cut(s, "<"+tc.element+">")
				_, end, ok2 := strings.Cut(rest, "</"+tc.element+">")
				if !ok || !ok2 {
					t.Errorf("no %s in %s", tc.element, s)
				}
				return begin + "<" + tc.element + ">" + tc.value + "</" + tc.element + ">" + end
			}
			c, err := w.client.AssumeWithSAML(t.Context(), w.assertion(t, nil), gatewayRole, time.Hour)
			var odd *ReplyError
			if errors.As(err, &odd) != (tc.field != "") || odd != nil && odd.Field != tc.field || odd == nil && err != nil {
				t.Errorf("err = %v, want %q", err, tc.field)
			}
			if odd != nil && (c != (creds.Credentials{}) || tc.value != "" && strings.Contains(err.Error(), tc.value)) {
				t.Errorf("err = %v with %+v", err, c)
			}
		})
	}
}

// TestReplyErrorWhole runs in fake time, because a 5xx is tried again.
func TestReplyErrorWhole(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		isErr  bool // *Error, as 5xx are
	}{
		"page":             {200, "<html><body>Welcome to the hotel</body></html>", false},
		"nothing":          {200, "", false},
		"JSON":             {200, `{"Credentials":{}}`, false},
		"no credentials":   {200, "<AssumeRoleWithSAMLResponse><AssumeRoleWithSAMLResult/></AssumeRoleWithSAMLResponse>", false},
		"keys, no user":    {200, "<AssumeRoleWithSAMLResponse><AssumeRoleWithSAMLResult><Credentials/></AssumeRoleWithSAMLResult></AssumeRoleWithSAMLResponse>", false},
		"user, no keys":    {200, "<AssumeRoleWithSAMLResponse><AssumeRoleWithSAMLResult><AssumedRoleUser/></AssumeRoleWithSAMLResult></AssumeRoleWithSAMLResponse>", false},
		"half":             {200, "<AssumeRoleWithSAMLResponse><AssumeRoleWithSAMLResult><Credentials><AccessKeyId>A", false},
		"error page":       {403, "<html><body>Blocked by policy</body></html>", false},
		"error text":       {407, "proxy authentication required", false},
		"error nothing":    {404, "", false},
		"server page":      {502, "<html>bad", true},
		"error and 200":    {200, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>", false},
		"error no code":    {403, "<ErrorResponse><Error><Message>x</Message></Error></ErrorResponse>", false},
		"not modified 304": {304, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &Client{Region: "eu-west-1", Now: time.Now, HTTP: &http.Client{Transport: always(tc.status, tc.body)}}
				_, err := c.AssumeWithSAML(t.Context(), directWorld(t, time.Hour).assertion(t, nil), gatewayRole, time.Hour)
				var odd *ReplyError
				var e *Error
				if errors.As(err, &odd) == tc.isErr || errors.As(err, &e) != tc.isErr {
					t.Fatalf("err = %T %v", err, err)
				}
				if odd != nil && (odd.Host != "sts.eu-west-1.amazonaws.com" || odd.Status != tc.status || odd.Hop != opSAML) {
					t.Errorf("err = %+v", odd)
				}
				if strings.Contains(err.Error(), "hotel") || strings.Contains(err.Error(), "Blocked") {
					t.Errorf("%q quotes the page", err)
				}
			})
		})
	}
}
