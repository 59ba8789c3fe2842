package sts

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehop/saml"
	"gatehop/saml/samltest"
	"gatehop/sts/ststest"
)

func TestAssumeWithSAML(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4*time.Hour)
	// Wrapped base64 shows whether the document goes out byte for byte.
	a := w.assertion(t, func(r *samltest.Response) { r.WrapBase64 = true })
	got, err := w.client.AssumeWithSAML(t.Context(), a, gatewayRole, 2*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if got.Identity != "arn:aws:sts::111111111111:assumed-role/Gateway/alice" || got.Skew != 0 || !strings.HasPrefix(got.AccessKeyID, "ASIA") {
		t.Errorf("credentials = %+v", got)
	}
	if left := got.Remaining(time.Now()); left > 2*time.Hour || left < 2*time.Hour-time.Minute || got.Expires.Location() != time.UTC {
		t.Errorf("expires %s, in %s", got.Expires, left)
	}
	r := w.sts.Requests()[0]
	if r.Get("SAMLAssertion") != a.Encoded().Reveal() || !strings.Contains(r.Get("SAMLAssertion"), "\r\n") {
		t.Error("the assertion was not sent byte for byte")
	}
	for _, h := range []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token", "Cookie"} {
		if v := r.Header.Get(h); v != "" {
			t.Errorf("the anonymous call has %s: %q", h, v)
		}
	}
	var names []string
	for _, p := range r.Form {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	if s := strings.Join(names, " "); s != "Action DurationSeconds PrincipalArn RoleArn SAMLAssertion Version" {
		t.Errorf("parameters = %s", s)
	}
	if arn, err := w.client.CallerIdentity(t.Context(), got); err != nil || arn != got.Identity {
		t.Errorf("CallerIdentity = %q, %v", arn, err)
	}
}

// TestAssumeWithSAMLDuration lists what was asked for until AWS was content.
func TestAssumeWithSAMLDuration(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		d, most time.Duration
		limit   bool // in the message
		want    string
		fails   bool
	}{
		"max of 12 h":              {d: 0, most: 12 * time.Hour, want: "43200"},
		"max of 8 h":               {d: 0, most: 8 * time.Hour, want: "43200 28800"},
		"max of 6 h":               {d: 0, most: 6 * time.Hour, want: "43200 28800 14400"},
		"max of 1 h":               {d: 0, most: time.Hour, want: "43200 28800 14400 7200 3600"},
		"max of 6 h, told":         {d: 0, most: 6 * time.Hour, limit: true, want: "43200 21600"},
		"max of 1 h, told":         {d: 0, most: time.Hour, limit: true, want: "43200 3600"},
		"below the limit, exactly": {d: 100 * time.Minute, most: 4 * time.Hour, want: "6000"},
		"at the limit, exactly":    {d: 4 * time.Hour, most: 4 * time.Hour, want: "14400"},
		"between steps":            {d: 5 * time.Hour, most: 3 * time.Hour, want: "18000 14400 7200"},
		"just above 1 h":           {d: 61 * time.Minute, most: time.Hour, want: "3660 3600"},
		"more than AWS has":        {d: 99 * time.Hour, most: 12 * time.Hour, want: "43200"},
		"parts of seconds":         {d: time.Hour + time.Millisecond, most: time.Hour, want: "3600"},
		"part of a second":         {d: time.Millisecond, most: time.Hour, want: "0", fails: true},
		"short":                    {d: 15 * time.Minute, most: time.Hour, want: "900"},
		"too short":                {d: 10 * time.Minute, most: time.Hour, want: "600", fails: true},
		"negative":                 {d: -time.Hour, most: time.Hour, want: "-3600", fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := directWorld(t, tc.most, func(o *ststest.Options) { o.ShowLimit = tc.limit })
			var told time.Duration
			w.client.OnMaximum = func(role string, d time.Duration) {
				if role != gateway {
					t.Errorf("told of role %s", role)
				}
				told = d
			}
			a := w.assertion(t, nil)
			got, err := w.client.AssumeWithSAML(t.Context(), a, gatewayRole, tc.d)
			if (err != nil) != tc.fails {
				t.Fatal(err)
			}
			asked := w.asked(opSAML, "DurationSeconds")
			if s := strings.Join(asked, " "); s != tc.want {
				t.Errorf("asked for %s, want %s", s, tc.want)
			}
			for _, sent := range w.asked(opSAML, "SAMLAssertion") {
				if sent != a.Encoded().Reveal() {
					t.Error("a step was made with another assertion")
				}
			}
			if want := len(asked) > 1; (told != 0) != want || want && got.Remaining(time.Now()) < told-time.Minute {
				t.Errorf("OnMaximum was told %s of a session of %s", told, got.Remaining(time.Now()))
			}
		})
	}
}

func TestShorter(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		code, message string
		d             time.Duration
		believe       bool
		want          time.Duration
	}{
		{"ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.", 12 * time.Hour, true, 8 * time.Hour},
		{"ValidationError", "maxsessionduration is 21600", 12 * time.Hour, true, 6 * time.Hour},
		{"ValidationError", "maxsessionduration is 21600", 12 * time.Hour, false, 8 * time.Hour},
		{"ValidationError", "DurationSeconds: at least 900, at most 7200", 12 * time.Hour, true, 2 * time.Hour},
		{"ValidationError", "DurationSeconds: the limit is 1800", 2 * time.Hour, true, time.Hour},
		{"ValidationError", "DurationSeconds: role 111111111111 of 2026", 2 * time.Hour, true, time.Hour},
		{"ValidationError", "DurationSeconds", time.Hour, true, 0},
		{"ValidationError", "DurationSeconds", 30 * time.Minute, true, 0},
		{"ValidationError", "RoleArn 3600", 12 * time.Hour, true, 0},
		{"AccessDenied", "DurationSeconds 3600", 12 * time.Hour, true, 0},
	} {
		if got, _ := shorter(&Error{Code: tc.code, Message: tc.message}, tc.d, tc.believe); got != tc.want {
			t.Errorf("%s %q after %s = %s, want %s", tc.code, tc.message, tc.d, got, tc.want)
		}
	}
}

// TestAssumeWithSAMLEndless is a server that never has enough.
func TestAssumeWithSAMLEndless(t *testing.T) {
	t.Parallel()
	limit := 43200
	w := directWorld(t, time.Hour, func(o *ststest.Options) {
		o.Fail = func(string, int) *ststest.Fault {
			limit--
			return &ststest.Fault{Status: 400, Code: "ValidationError", Message: fmt.Sprintf("DurationSeconds exceeds %d", limit)}
		}
	})
	_, err := w.client.AssumeWithSAML(t.Context(), w.assertion(t, nil), gatewayRole, 0)
	var refused *Error
	if !errors.As(err, &refused) {
		t.Fatalf("err = %v", err)
	}
	if s := strings.Join(w.asked(opSAML, "DurationSeconds"), " "); s != "43200 43199 28800 14400 7200 3600" {
		t.Errorf("asked for %s", s)
	}
}

// TestAssumeWithSAMLSameTwice: what differs by less than a second is asked for once.
func TestAssumeWithSAMLSameTwice(t *testing.T) {
	t.Parallel()
	w := directWorld(t, time.Hour, func(o *ststest.Options) {
		o.Fail = func(string, int) *ststest.Fault {
			return &ststest.Fault{Status: 400, Code: "ValidationError", Message: "DurationSeconds"}
		}
	})
	_, err := w.client.AssumeWithSAML(t.Context(), w.assertion(t, nil), gatewayRole, time.Hour+time.Millisecond)
	if s := strings.Join(w.asked(opSAML, "DurationSeconds"), " "); s != "3600" || err == nil {
		t.Errorf("asked for %s, err = %v", s, err)
	}
}

// TestAssumeWithSAMLOtherErrors are not about the duration, so nothing is asked twice.
func TestAssumeWithSAMLOtherErrors(t *testing.T) {
	t.Parallel()
	for _, f := range []ststest.Fault{
		{Status: 400, Code: "ValidationError", Message: "1 validation error detected: Value 'x' at 'roleArn' failed"},
		{Status: 403, Code: "AccessDenied", Message: "DurationSeconds MaxSessionDuration 3600"},
		{Status: 400, Code: "ExpiredTokenException", Message: "Token must be redeemed within 5 minutes of issuance"},
	} {
		w := directWorld(t, time.Hour, func(o *ststest.Options) { o.Fail = func(string, int) *ststest.Fault { return &f } })
		_, err := w.client.AssumeWithSAML(t.Context(), w.assertion(t, nil), gatewayRole, 0)
		var refused *Error
		if !errors.As(err, &refused) || refused.Code != f.Code {
			t.Errorf("err = %v, want %s", err, f.Code)
		}
		if n := w.sts.Counts().AssumeRoleWithSAML; n != 1 {
			t.Errorf("%s: %d requests", f.Code, n)
		}
	}
}

func TestAssumeWithSAMLMismatch(t *testing.T) {
	t.Parallel()
	china := saml.Role{ARN: "arn:aws-cn:iam::111111111111:role/Gateway", Provider: "arn:aws-cn:iam::111111111111:saml-provider/ADFS"}
	to := func(url string) func(*samltest.Response) {
		return func(r *samltest.Response) { r.Destination = url }
	}
	for name, tc := range map[string]struct {
		role   saml.Role
		region string
		issue  func(*samltest.Response)
		what   string // "" is accepted as far as this goes
	}{
		"as it should be":              {role: gatewayRole},
		"regional destination":         {role: gatewayRole, issue: to("https://eu-west-1.signin.aws.amazon.com/saml")},
		"own consumer":                 {role: gatewayRole, issue: to("https://acs.corp.example/saml")},
		"region that is yet to come":   {role: gatewayRole, region: "xx-new-1"},
		"China":                        {role: china, region: "cn-north-1", issue: to("https://signin.amazonaws.cn/saml")},
		"provider of another account":  {role: saml.Role{ARN: gateway, Provider: "arn:aws:iam::222222222222:saml-provider/ADFS"}, what: "account"},
		"provider of China":            {role: saml.Role{ARN: gateway, Provider: china.Provider}, what: "partition"},
		"destination in China":         {role: gatewayRole, issue: to("https://signin.amazonaws.cn/saml"), what: "partition"},
		"destination in GovCloud":      {role: gatewayRole, issue: to("https://us-gov-west-1.signin.amazonaws-us-gov.com/saml"), what: "partition"},
		"China to the commercial page": {role: china, region: "cn-north-1", what: "partition"},
		"region of China":              {role: gatewayRole, region: "cn-north-1", what: "partition"},
		"China and no such region":     {role: china, region: "us-east-1", issue: to("https://signin.amazonaws.cn/saml"), what: "partition"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := directWorld(t, time.Hour)
			if tc.region != "" {
				w.client.Region = tc.region
			}
			_, err := w.client.AssumeWithSAML(t.Context(), w.assertion(t, tc.issue), tc.role, time.Hour)
			var mismatch *MismatchError
			if errors.As(err, &mismatch) != (tc.what != "") || mismatch != nil && mismatch.What != tc.what {
				t.Errorf("err = %v, want a mismatch of %q", err, tc.what)
			}
			// The control of "nothing is sent": what fits is sent.
			if sent := len(w.sent) > 0; sent != (tc.what == "") {
				t.Errorf("%d requests were sent", len(w.sent))
			}
		})
	}
}

func TestAssumeWithSAMLUnreadable(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Client, *saml.Role){
		"role ARN":     func(c *Client, r *saml.Role) { r.ARN = "Gateway" },
		"provider ARN": func(c *Client, r *saml.Role) { r.Provider = gateway },
		"no provider":  func(c *Client, r *saml.Role) { r.Provider = "" },
		"no region":    func(c *Client, r *saml.Role) { c.Region = "" },
		"bad region":   func(c *Client, r *saml.Role) { c.Region = "us-east-1.evil.example/#" },
		"no clock":     func(c *Client, r *saml.Role) { c.Now = nil },
		"endpoint":     func(c *Client, r *saml.Role) { c.Endpoint = "http://sts.example" },
	} {
		w := directWorld(t, time.Hour)
		role := gatewayRole
		change(w.client, &role)
		if _, err := w.client.AssumeWithSAML(t.Context(), w.assertion(t, nil), role, time.Hour); err == nil || len(w.sent) > 0 {
			t.Errorf("%s: err = %v after %d requests", name, err, len(w.sent))
		}
	}
}
