package ststest

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

func TestServerRefusesRequests(t *testing.T) {
	t.Parallel()
	body := func() string { return samlForm(issue(t, response(start))).Encode() }
	for name, tc := range map[string]struct {
		change func(*http.Request)
		status int
		code   string
	}{
		"GET":             {func(r *http.Request) { r.Method = http.MethodGet }, 405, "MethodNotAllowed"},
		"path":            {func(r *http.Request) { r.URL.Path = "/sts" }, 404, "InvalidAction"},
		"query":           {func(r *http.Request) { r.URL.RawQuery = "Action=AssumeRole" }, 404, "InvalidAction"},
		"JSON":            {func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, 415, "UnsupportedMediaType"},
		"no content type": {func(r *http.Request) { r.Header.Del("Content-Type") }, 415, "UnsupportedMediaType"},
		"broken escape":   {func(r *http.Request) { *r = *post("Action=%zz") }, 400, "MalformedQueryString"},
		"endless":         {func(r *http.Request) { *r = *post("Action=" + strings.Repeat("a", 400000)) }, 413, "RequestEntityTooLarge"},
		"nothing":         {func(r *http.Request) { *r = *post("") }, 400, "MissingAction"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := post(body())
			tc.change(r)
			s := New(options(t, &clock{t: start}))
			checkPair(t, send(t, s, post(body())), send(t, s, r), tc.status, tc.code, "")
		})
	}
}

func TestServerCounts(t *testing.T) {
	t.Parallel()
	s := New(options(t, &clock{t: start}))
	c := login(t, s, response(start))
	send(t, s, signed(t, assumeForm(admins), c, start))
	send(t, s, signed(t, assumeForm(closed), c, start))
	send(t, s, signed(t, url.Values{"Action": {opIdentity}, "Version": {apiVersion}}, c, start))
	send(t, s, post("Action=Nonsense"))
	want := Counts{AssumeRoleWithSAML: 1, AssumeRole: 2, GetCallerIdentity: 1, Refused: 2}
	if got := s.Counts(); got != want {
		t.Errorf("Counts = %+v, want %+v", got, want)
	}
	var log []string
	for _, r := range s.Requests() {
		log = append(log, r.Op+" "+r.Code)
	}
	if got := strings.Join(log, ", "); got != "AssumeRoleWithSAML , AssumeRole , AssumeRole AccessDenied, GetCallerIdentity , Nonsense InvalidAction" {
		t.Errorf("Requests = %s", got)
	}
	if r := s.Requests()[1]; r.Get("RoleArn") != admins || r.Header.Get("Authorization") == "" || r.Host != "sts.test" {
		t.Errorf("request = %+v", r)
	}
}

func TestServerRequestsAreBounded(t *testing.T) {
	t.Parallel()
	s := New(options(t, &clock{t: start}))
	for range keptRequests + 5 {
		send(t, s, post("Action=Nonsense"))
	}
	if n, kept := s.Counts().Refused, len(s.Requests()); n != keptRequests+5 || kept != keptRequests {
		t.Errorf("refused %d, kept %d", n, kept)
	}
}

func TestServerKeepsDuplicates(t *testing.T) {
	t.Parallel()
	s := New(options(t, &clock{t: start}))
	send(t, s, post("Action=X&b=1&a=2&b=%2B+3"))
	got := s.Requests()[0].Form
	want := []Param{{"Action", "X"}, {"b", "1"}, {"a", "2"}, {"b", "+ 3"}}
	if len(got) != len(want) {
		t.Fatalf("form = %v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("form[%d] = %v, want %v", i, got[i], want[i])
		}
	}
}

func TestServerFail(t *testing.T) {
	t.Parallel()
	o := options(t, &clock{t: start})
	o.Fail = func(op string, n int) *Fault {
		switch {
		case op == opSAML && n == 1:
			return Throttled()
		case op == opSAML && n == 2:
			return &Fault{Status: 503, Code: "ServiceUnavailable", Message: "busy"}
		case op == opIdentity:
			return &Fault{Status: 502, Body: "<html>a proxy"}
		}
		return nil
	}
	s := New(o)
	form := samlForm(issue(t, response(start))).Encode()
	if got := send(t, s, post(form)); got.Status != 400 || got.Code != "Throttling" || got.Message != "Rate exceeded" || got.Type != "Sender" {
		t.Errorf("first = %+v", got)
	}
	if got := send(t, s, post(form)); got.Status != 503 || got.Type != "Receiver" {
		t.Errorf("second = %+v", got)
	}
	if got := send(t, s, post(form)); got.SAML == nil {
		t.Errorf("third = %+v", got)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, post("Action="+opIdentity))
	if w.Code != 502 || w.Body.String() != "<html>a proxy" {
		t.Errorf("raw = %d %s", w.Code, w.Body)
	}
	if got := s.Counts(); got.Refused != 3 || got.AssumeRoleWithSAML != 3 {
		t.Errorf("Counts = %+v", got)
	}
}

func TestServerNoClock(t *testing.T) {
	t.Parallel()
	if got := send(t, New(Options{}), post("Action=X")); got.Status != 500 || got.Code != "InternalFailure" {
		t.Errorf("answer = %+v", got)
	}
}

func TestServerNoRandom(t *testing.T) {
	t.Parallel()
	form := samlForm(issue(t, response(start))).Encode()
	// The request's id, then access key, secret and token, and the role's id.
	const all = 16 + 16 + 610 + 17
	for _, n := range []int{0, 15, 16, 31, 32, all - 18, all - 17, all - 1, all} {
		o := options(t, &clock{t: start})
		o.Rand = bytes.NewReader(make([]byte, n))
		got := send(t, New(o), post(form))
		if made := got.SAML != nil; made != (n == all) || !made && (got.Status != 500 || got.Code != "InternalFailure") {
			t.Errorf("with %d random bytes: %+v", n, got)
		}
	}
}

func TestServerDate(t *testing.T) {
	t.Parallel()
	got := send(t, New(options(t, &clock{t: start})), post("Action=X"))
	if d := got.Header.Get("Date"); d != "Sun, 22 Nov 2026 09:00:00 GMT" {
		t.Errorf("Date = %q", d)
	}
}

// TestServerLatency runs in fake time.
func TestServerLatency(t *testing.T) {
	o := options(t, &clock{t: start})
	o.Latency = 3 * time.Second
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		send(t, New(o), post("Action=X"))
		if d := time.Since(began); d != 3*time.Second {
			t.Errorf("answer after %s", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began = time.Now()
		w := httptest.NewRecorder()
		s := New(o)
		s.ServeHTTP(w, post("Action=X").WithContext(ctx))
		if d := time.Since(began); d != time.Second || s.Counts().Refused != 0 {
			t.Errorf("abandoned request took %s and was counted %d times", d, s.Counts().Refused)
		}
	})
}

// TestCredentialsLook checks shape and that two are never alike.
func TestCredentialsLook(t *testing.T) {
	t.Parallel()
	s := New(options(t, &clock{t: start}))
	seen := map[string]bool{}
	for range 20 {
		c := login(t, s, response(start))
		for field, re := range map[string]string{
			c.AccessKeyId:     `^ASIA[A-Z2-7]{16}$`,
			c.SecretAccessKey: `^[A-Za-z0-9+/]{40}$`,
			c.SessionToken:    `^[A-Za-z0-9+/]{700,1000}==$`,
		} {
			if !regexp.MustCompile(re).MatchString(field) {
				t.Errorf("%q does not match %s", field, re)
			}
			if seen[field] || seen[field[len(field)-16:]] {
				t.Errorf("%q came twice", field)
			}
			seen[field], seen[field[len(field)-16:]] = true, true
		}
		if !strings.Contains(c.SessionToken, "+") || !strings.Contains(c.SessionToken, "/") {
			t.Errorf("token %q lacks + or /", c.SessionToken)
		}
	}
	// The control: from a Rand that repeats itself come credentials that do.
	same := func() credentials {
		o := options(t, &clock{t: start})
		o.Rand = bytes.NewReader(make([]byte, 10000))
		return login(t, New(o), response(start))
	}
	if first, second := same(), same(); first != second {
		t.Error("credentials do not come from Rand alone")
	}
}

// TestPlainSDK is the AWS SDK as its users have it, over a real connection.
func TestPlainSDK(t *testing.T) {
	t.Parallel()
	c := &clock{t: time.Now()}
	s := New(options(t, c))
	web := httptest.NewServer(s)
	defer web.Close()
	client := func(cr *credentials) *awssts.Client {
		o := awssts.Options{Region: "eu-west-1", BaseEndpoint: &web.URL}
		if cr != nil {
			o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: cr.AccessKeyId, SecretAccessKey: cr.SecretAccessKey, SessionToken: cr.SessionToken}, nil
			})
		}
		return awssts.New(o)
	}
	ctx := t.Context()
	assertion := issue(t, response(c.now()))
	first, err := client(nil).AssumeRoleWithSAML(ctx, &awssts.AssumeRoleWithSAMLInput{
		RoleArn: aws.String(gateway), PrincipalArn: aws.String(provider), SAMLAssertion: &assertion,
	})
	if err != nil {
		t.Fatal(err)
	}
	cr := &credentials{AccessKeyId: *first.Credentials.AccessKeyId, SecretAccessKey: *first.Credentials.SecretAccessKey, SessionToken: *first.Credentials.SessionToken}
	second, err := client(cr).AssumeRole(ctx, &awssts.AssumeRoleInput{
		RoleArn: aws.String(external), RoleSessionName: aws.String("alice"), ExternalId: aws.String("example-7"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := second.Credentials.Expiration.Sub(c.now()); d > time.Hour || d < 59*time.Minute {
		t.Errorf("chained session of %s", d)
	}
	id, err := client(cr).GetCallerIdentity(ctx, &awssts.GetCallerIdentityInput{})
	if err != nil || *id.Arn != *first.AssumedRoleUser.Arn {
		t.Errorf("GetCallerIdentity = %v, %v", id, err)
	}
	// The control: the same with one character of the secret changed.
	cr.SecretAccessKey = "A" + strings.Repeat("b", 39)
	_, err = client(cr).GetCallerIdentity(ctx, &awssts.GetCallerIdentityInput{})
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "SignatureDoesNotMatch" {
		t.Errorf("with a wrong secret: %v", err)
	}
}

func TestServerParallel(t *testing.T) {
	t.Parallel()
	s := New(options(t, &clock{t: start}))
	c := login(t, s, response(start))
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if got := send(t, s, signed(t, assumeForm(admins), c, start)); got.Assume == nil {
				t.Errorf("answer = %+v", got)
			}
		})
	}
	wg.Wait()
	if n := s.Counts().AssumeRole; n != 16 {
		t.Errorf("AssumeRole = %d", n)
	}
}

// TestServerThrottles wants so many requests a second looked at, and the others refused
// and counted, until time has passed.
func TestServerThrottles(t *testing.T) {
	t.Parallel()
	now := &clock{t: start}
	o := options(t, now)
	o.PerSecond = 2
	s := New(o)
	form := samlForm(issue(t, response(start))).Encode()
	answers := func() (codes string) {
		for range 4 {
			codes += send(t, s, post(form)).Code + " "
		}
		return codes
	}
	if got := answers(); got != "  Throttling Throttling " {
		t.Errorf("in one moment: %q", got)
	}
	now.add(time.Second / 2)
	if got := answers(); got != " Throttling Throttling Throttling " {
		t.Errorf("half a second later: %q", got)
	}
	now.add(time.Minute)
	if got := answers(); got != "  Throttling Throttling " {
		t.Errorf("a minute later: %q", got)
	}
	if c := s.Counts(); c.Throttled != 7 || c.Refused != 7 || c.AssumeRoleWithSAML != 12 {
		t.Errorf("Counts = %+v", c)
	}
	if c := New(options(t, now)).Counts(); c.Throttled != 0 { // the control
		t.Errorf("Counts = %+v", c)
	}
}
