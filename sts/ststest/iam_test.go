package ststest

import (
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

type aliasReply struct {
	Status  int
	Code    string   `xml:"Error>Code"`
	Aliases []string `xml:"ListAccountAliasesResult>AccountAliases>member"`
}

func askIAM(t *testing.T, i *IAM, r *http.Request) aliasReply {
	t.Helper()
	w := httptest.NewRecorder()
	i.ServeHTTP(w, r)
	got := aliasReply{Status: w.Code}
	if err := xml.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("answer is not XML: %v\n%s", err, w.Body)
	}
	return got
}

// TestIAM changes one thing of a good question at a time: the fake refuses each.
func TestIAM(t *testing.T) {
	t.Parallel()
	form := url.Values{"Action": {opAliases}, "Version": {iamVersion}}
	for name, c := range map[string]struct {
		sign   func(t *testing.T, c credentials) *http.Request // nil: as it should be
		change func(*http.Request)
		denied []string
		status int
		code   string
		want   string
	}{
		"good":         {status: 200, want: "corp-gateway"},
		"denied":       {denied: []string{"111111111111"}, status: 403, code: "AccessDenied"},
		"unsigned":     {change: func(r *http.Request) { r.Header.Del("Authorization") }, status: 403, code: "MissingAuthenticationToken"},
		"no token":     {change: func(r *http.Request) { r.Header.Del("X-Amz-Security-Token") }, status: 403, code: "InvalidClientTokenId"},
		"in clear":     {change: func(r *http.Request) { r.TLS = nil }, status: 400, code: "InvalidAction"},
		"JSON":         {change: func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, status: 415, code: "UnsupportedMediaType"},
		"GET":          {change: func(r *http.Request) { r.Method = http.MethodGet }, status: 405, code: "MethodNotAllowed"},
		"another path": {change: func(r *http.Request) { r.URL.Path = "/iam" }, status: 405, code: "MethodNotAllowed"},
		"for STS": {sign: func(t *testing.T, c credentials) *http.Request {
			return signedFor(t, form, c, start, "sts", "us-east-1")
		}, status: 403, code: "SignatureDoesNotMatch"},
		"for another region": {sign: func(t *testing.T, c credentials) *http.Request {
			return signedFor(t, form, c, start, "iam", "eu-west-1")
		}, status: 403, code: "SignatureDoesNotMatch"},
		"late": {sign: func(t *testing.T, c credentials) *http.Request {
			return signedFor(t, form, c, start.Add(-time.Hour), "iam", "us-east-1")
		}, status: 403, code: "SignatureDoesNotMatch"},
		"another operation": {sign: func(t *testing.T, c credentials) *http.Request {
			return signedFor(t, url.Values{"Action": {"ListUsers"}, "Version": {iamVersion}}, c, start, "iam", "us-east-1")
		}, status: 400, code: "InvalidAction"},
		"version of STS": {sign: func(t *testing.T, c credentials) *http.Request {
			return signedFor(t, url.Values{"Action": {opAliases}, "Version": {apiVersion}}, c, start, "iam", "us-east-1")
		}, status: 400, code: "InvalidAction"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := New(options(t, &clock{t: start}))
			c0 := login(t, s, response(start))
			if c.sign == nil {
				c.sign = func(t *testing.T, c credentials) *http.Request {
					return signedFor(t, form, c, start, "iam", "us-east-1")
				}
			}
			r := c.sign(t, c0)
			r.TLS = httptest.NewRequest(http.MethodPost, "https://iam.test/", nil).TLS
			if c.change != nil {
				c.change(r)
			}
			i := &IAM{Server: s, Region: "us-east-1", Aliases: map[string]string{"111111111111": "corp-gateway"}, Denied: c.denied}
			got := askIAM(t, i, r)
			if got.Status != c.status || got.Code != c.code || strings.Join(got.Aliases, ",") != c.want {
				t.Errorf("IAM = %+v, want %d %q %q", got, c.status, c.code, c.want)
			}
			if n := i.Requests(); len(n) != 1 || n[0].Code != c.code {
				t.Errorf("Requests = %+v", n)
			}
		})
	}
}

// TestIAMKeysOfSTS: what STS's own calls are scoped to is still checked.
func TestIAMKeysOfSTS(t *testing.T) {
	t.Parallel()
	s := New(options(t, &clock{t: start}))
	c := login(t, s, response(start))
	got := send(t, s, signedFor(t, url.Values{"Action": {opIdentity}, "Version": {apiVersion}}, c, start, "iam", "us-east-1"))
	if got.Code != "SignatureDoesNotMatch" {
		t.Errorf("STS takes a signature for IAM: %+v", got)
	}
}
