package flow

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"
	"testing"
	"time"
	"unicode/utf8"

	"gatehop/creds"
	"gatehop/creds/secret"
	"gatehop/idp"
)

func sampleSession() Session {
	return Session{
		Credentials: creds.Credentials{
			AccessKeyID: "ASIAAAAAAAAAAAAAAAAA", SecretAccessKey: secret.New("secret/key+1"), SessionToken: secret.New("token=="),
			Expires: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC), Skew: -90 * time.Second,
			Identity: "arn:aws:sts::111111111111:assumed-role/Gateway/alice",
		},
		Lifetime: 12 * time.Hour, User: `CORP\alice`, Role: "arn:aws:iam::111111111111:role/Gateway", Asked: "Gate*", Trust: "abc",
	}
}

// TestSessionRoundTrip changes each field in turn, so that one that is not kept shows.
func TestSessionRoundTrip(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Session){
		"as it is": func(*Session) {},
		"lifetime": func(s *Session) { s.Lifetime = time.Hour },
		"user":     func(s *Session) { s.User = "" },
		"role":     func(s *Session) { s.Role = "x" },
		"asked":    func(s *Session) { s.Asked = "" },
		"trust":    func(s *Session) { s.Trust = "" },
		"identity": func(s *Session) { s.Identity = "arn:aws:sts::222222222222:assumed-role/Other/bob" },
		"skew":     func(s *Session) { s.Skew = 0 },
	} {
		want := sampleSession()
		change(&want)
		data, err := EncodeSession(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeSession(data)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: DecodeSession(EncodeSession(s)) = %+v, %v; want %+v", name, got, err, want)
		}
	}
}

func FuzzDecodeSession(f *testing.F) {
	data, err := EncodeSession(sampleSession())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:len(data)/2])
	f.Add([]byte(`{"credentials":{}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := DecodeSession(data)
		if err != nil {
			if bytes.Contains([]byte(err.Error()), []byte("secret/key+1")) {
				t.Errorf("the error holds a secret: %v", err)
			}
			return
		}
		again, err := EncodeSession(s)
		if err != nil {
			t.Fatalf("a session that was read cannot be written: %v", err)
		}
		if back, err := DecodeSession(again); err != nil || !reflect.DeepEqual(back, s) {
			t.Errorf("round trip: %+v, %v; want %+v", back, err, s)
		}
	})
}

func FuzzChoices(f *testing.F) {
	f.Add([]byte(`{"open":{"user":"alice","role":"r","issuer":"i","account":"1"}}`), "open")
	f.Add([]byte(`{"open":null}`), "open")
	f.Add([]byte(`[]`), "")
	f.Add([]byte(`{`), "x")
	f.Fuzz(func(t *testing.T, data []byte, profile string) {
		if !utf8.ValidString(profile) {
			return // JSON has no such names; neither has a configuration that was accepted
		}
		file := data
		c := &Choices{
			Read:   func() ([]byte, error) { return file, nil },
			Update: func(change func([]byte) ([]byte, error)) (err error) { file, err = change(file); return err },
		}
		before, err := c.Get(profile)
		c.setPin(profile, pinAccount, "123456789012")
		after, again := c.Get(profile)
		if err != nil {
			if again == nil || !bytes.Equal(file, data) {
				t.Errorf("a file that cannot be read was replaced: %v, %q", again, file)
			}
			return
		}
		want := before
		want.Account = "123456789012"
		if !after.equal(want) || again != nil {
			t.Errorf("after a pin: %+v, %v, want %+v", after, again, want)
		}
		if found, err := c.Forget(profile); !found || err != nil {
			t.Fatalf("Forget = %v, %v", found, err)
		}
		if left, err := c.Get(profile); !left.IsZero() || err != nil {
			t.Errorf("after Forget: %+v, %v", left, err)
		}
	})
}

// TestPinOfNothing wants an issuer that is not named any more treated as a change.
func TestPinOfNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		was, now string
		asked    bool
	}{{"", "", false}, {"", "x", false}, {"x", "x", false}, {"x", "y", true}, {"x", "", true}} {
		asked := false
		file, err := json.Marshal(map[string]Choice{"p": {Issuer: c.was}})
		if err != nil {
			t.Fatal(err)
		}
		f := &Flow{
			Gateway: "p",
			Choices: &Choices{
				Read:   func() ([]byte, error) { return file, nil },
				Update: func(change func([]byte) ([]byte, error)) error { _, err := change(file); return err },
			},
			Confirm: func(context.Context, idp.Question) (bool, error) { asked = true; return false, nil },
		}
		err = f.pin(t.Context(), pinIssuer, c.now)
		if asked != c.asked || (err != nil) != c.asked {
			t.Errorf("pin from %q to %q: asked %v, %v", c.was, c.now, asked, err)
		}
	}
}
