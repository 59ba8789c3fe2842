package session

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"gatehop/creds"
	"gatehop/creds/secret"
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
		data, err := Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(data)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: Decode(Encode(s)) = %+v, %v; want %+v", name, got, err, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	data, err := Encode(sampleSession())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:len(data)/2])
	f.Add([]byte(`{"credentials":{}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Decode(data)
		if err != nil {
			if bytes.Contains([]byte(err.Error()), []byte("secret/key+1")) {
				t.Errorf("the error holds a secret: %v", err)
			}
			return
		}
		again, err := Encode(s)
		if err != nil {
			t.Fatalf("a session that was read cannot be written: %v", err)
		}
		if back, err := Decode(again); err != nil || !reflect.DeepEqual(back, s) {
			t.Errorf("round trip: %+v, %v; want %+v", back, err, s)
		}
	})
}
