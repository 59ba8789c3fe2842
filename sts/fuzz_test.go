package sts

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
)

// FuzzReply gives the client answers of any bytes. What it takes for credentials must be
// of their alphabets; everything else must be one of its errors.
func FuzzReply(f *testing.F) {
	const good = `<AssumeRoleWithSAMLResponse><AssumeRoleWithSAMLResult><AssumedRoleUser><Arn>arn:aws:sts::111111111111:assumed-role/Gateway/alice</Arn></AssumedRoleUser><Credentials><AccessKeyId>ASIAAAAAAAAAAAAAAAAA</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2100-11-22T10:00:00Z</Expiration></Credentials></AssumeRoleWithSAMLResult></AssumeRoleWithSAMLResponse>`
	f.Add(200, good)
	f.Add(200, strings.Replace(good, ">s<", ">&#36;(id)<", 1))
	f.Add(403, `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>Not &#x202e;authorized</Message></Error></ErrorResponse>`)
	f.Add(400, `<ErrorResponse><Error><Code>ValidationError</Code><Message>DurationSeconds 3600</Message></Error></ErrorResponse>`)
	f.Add(302, "")
	a := directWorld(f, time.Hour).assertion(f, nil)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 999 {
			status = 200
		}
		// Some answers are tried again, with pauses, so this runs in fake time.
		synctest.Test(t, func(t *testing.T) {
			reply := &Client{Region: "eu-west-1", Now: time.Now, HTTP: &http.Client{Transport: always(status, body)}}
			c, err := reply.AssumeWithSAML(t.Context(), a, gatewayRole, time.Hour)
			var e *Error
			switch {
			case err == nil && (!isAccessKey(c.AccessKeyID) || !isOpaque(c.SecretAccessKey.Reveal()) || !isOpaque(c.SessionToken.Reveal()) ||
				!sameRole(gateway, c.Identity) || c.Remaining(time.Now()) > MaxSession):
				t.Errorf("accepted %+v", c)
			case errors.As(err, &e) && (tidy(e.Message) != e.Message || len([]rune(e.Message)) > 200):
				t.Errorf("message %q", e.Message)
			case err != nil && strings.ContainsFunc(err.Error(), func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }):
				t.Errorf("error %q", err)
			}
		})
	})
}

// FuzzCheckEndpoint: what is accepted is https, or goes to this machine.
func FuzzCheckEndpoint(f *testing.F) {
	for _, s := range []string{"https://sts.example", "http://127.0.0.1:1", "http://[::1]", "http://localhost@evil.example", "https://a\\@b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		err := CheckEndpoint(raw)
		if err != nil {
			return
		}
		r, err := http.NewRequest(http.MethodPost, raw, nil)
		if err != nil {
			t.Fatalf("%q was accepted and is no request: %v", raw, err)
		}
		if r.URL.User != nil || r.URL.Scheme != "https" && !isLoopback(r.URL.Hostname()) {
			t.Errorf("%q was accepted", raw)
		}
	})
}

// FuzzShorter: whatever a message says, the next step is shorter, and never below an hour.
func FuzzShorter(f *testing.F) {
	f.Add("The requested DurationSeconds exceeds the MaxSessionDuration set for this role. The limit is 14400 seconds.", int64(43200))
	f.Add("DurationSeconds 3600 43199 99999", int64(3601))
	f.Fuzz(func(t *testing.T, message string, secs int64) {
		d := time.Duration(secs%43201) * time.Second
		for range 20 {
			next, _ := shorter(&Error{Code: "ValidationError", Message: message}, d, true)
			if next == 0 {
				return
			}
			if next >= d || next < time.Hour {
				t.Fatalf("%q: after %s comes %s", message, d, next)
			}
			d = next
		}
	})
}

func BenchmarkSAMLHop(b *testing.B) {
	w := newWorld(b, time.Hour)
	w.client.HTTP = &http.Client{Transport: http.DefaultTransport}
	a := w.assertion(b, nil)
	for b.Loop() {
		if _, err := w.client.AssumeWithSAML(b.Context(), a, gatewayRole, time.Hour); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkChainedHop(b *testing.B) {
	w := newWorld(b, time.Hour)
	w.client.HTTP = &http.Client{Transport: http.DefaultTransport}
	source := w.client.Assume(fixed(w.login(b)), Hop{RoleARN: admins})
	for b.Loop() {
		if _, err := source(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
