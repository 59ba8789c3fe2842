package challenge

import (
	"encoding/asn1"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"gatehop/idp"
	"gatehop/idp/idptest/kerberostest"
)

// remade is a KRB-ERROR with other contents; other answers stay.
func remade(t testing.TB, answer []byte, change func(*messages.KRBError)) []byte {
	t.Helper()
	var e messages.KRBError
	if e.Unmarshal(answer) != nil {
		return answer
	}
	change(&e)
	data, err := e.Marshal()
	if err != nil {
		t.Error(err)
	}
	return data
}

// withoutMethods takes kinds of pre-authentication away from a KDC's answer.
func withoutMethods(t testing.TB, answer []byte, kinds ...int32) []byte {
	t.Helper()
	return remade(t, answer, func(e *messages.KRBError) {
		var methods types.PADataSequence
		if err := methods.Unmarshal(e.EData); err != nil {
			t.Error(err)
		}
		var kept []types.PAData
		for _, m := range methods {
			if !slices.Contains(kinds, m.PADataType) {
				kept = append(kept, m)
			}
		}
		data, err := asn1.Marshal(kept)
		if err != nil {
			t.Error(err)
		}
		e.EData = data
	})
}

// TestKeytab signs in by a keytab that has the key of one type, and not of the preferred one.
func TestKeytab(t *testing.T) {
	t.Parallel()
	kt := keytab.New()
	if err := kt.AddEntry("alice", realm, alicePassword, time.Unix(1, 0), 7, aes128); err != nil {
		t.Fatal(err)
	}
	data, err := kt.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	k, l := goodKDC(t), &journal{}
	k.Keys = []kerberostest.Key{{Type: aes256}, {Type: aes128}}
	c := Config{Keytab: write(t, filepath.Join(t.TempDir(), "kt"), string(data)), Conf: confFor(t, "", realm+"="+l.serve(t, "1", k.Answer))}
	token, err := signIn(t, c, "unused")
	if wantAlice(t, k.Realm, token, err); l.String() != "1 1+ 1" {
		t.Errorf("asked %q", l)
	}
	k.Keys = []kerberostest.Key{{Type: aes256}}
	_, err = signIn(t, c, "unused")
	wantKind(t, err, NoKey, "alice@"+realm)
}

// TestTrustingKDC: a wrong password is one also where the KDC wants no proof of it, and the
// KDC's clock is looked at.
func TestTrustingKDC(t *testing.T) {
	t.Parallel()
	k, l := goodKDC(t), &journal{}
	k.Trusting = true
	conf := confFor(t, "", realm+"="+l.serve(t, "1", k.Answer))
	token, err := signIn(t, Config{Conf: conf}, alicePassword)
	if wantAlice(t, k.Realm, token, err); l.String() != "1 1" {
		t.Errorf("asked %q", l)
	}
	var page *idp.PageError
	if _, err := signIn(t, Config{Conf: conf}, "wrong"); !errors.As(err, &page) || page.Verdict != idp.Rejected {
		t.Errorf("%v", err)
	}
}

// TestForgedAnswer: an answer to another question is none, and no verdict over a password.
// Nothing more is asked after it.
func TestForgedAnswer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		alter func(*messages.EncKDCRepPart)
		kind  TicketKind
		tgs   bool // of the answer with the service's ticket alone
	}{
		{"nonce", func(p *messages.EncKDCRepPart) { p.Nonce++ }, OtherError, false},
		{"realm", func(p *messages.EncKDCRepPart) { p.SRealm = "X" }, OtherError, false},
		{"another name", func(p *messages.EncKDCRepPart) { p.SName = principalName("HTTP/other.example") }, OtherError, false},
		{"referral that the ticket is not for", func(p *messages.EncKDCRepPart) { p.SName = principalName("krbtgt/" + realm) }, OtherError, true},
		{"clock", func(p *messages.EncKDCRepPart) {
			p.AuthTime, p.StartTime = p.AuthTime.Add(-time.Hour), p.StartTime.Add(-time.Hour)
		}, ClockSkew, false},
	} {
		for _, tgs := range []bool{false, true} {
			if c.tgs && !tgs {
				continue
			}
			k, l := goodKDC(t), &journal{}
			k.Alter = func(p *messages.EncKDCRepPart) {
				if tgs == (p.SName.NameString[0] != krbtgt) {
					c.alter(p)
				}
			}
			_, err := signIn(t, Config{Conf: confFor(t, "", realm+"="+l.serve(t, "1", k.Answer))}, alicePassword)
			wantKind(t, err, c.kind, realm)
			if want := map[bool]string{false: "1 1+", true: "1 1+ 1"}[tgs]; l.String() != want {
				t.Errorf("%s: asked %q, want %q", c.name, l, want)
			}
		}
	}
}

// TestAlias: a ticket for another service than the one that was asked for is not used, where
// the KDC has sealed its name as well.
func TestAlias(t *testing.T) {
	t.Parallel()
	k, l := goodKDC(t), &journal{}
	k.Realm = newRealm(t, realm, service, "HTTP/other.example")
	k.Aliases = map[string]string{service: "HTTP/other.example"}
	_, err := signIn(t, Config{Conf: confFor(t, "canonicalize = true", realm+"="+l.serve(t, "1", k.Answer))}, alicePassword)
	if wantKind(t, err, OtherError, "cannot be used"); l.String() != "1 1+ 1" {
		t.Errorf("asked %q", l)
	}
}

// TestClientReferral: another realm is asked on a KDC's word where krb5.conf wants names to
// be looked up, and before a proof alone.
func TestClientReferral(t *testing.T) {
	t.Parallel()
	const other = "OTHER.EXAMPLE"
	there := &kerberostest.KDC{Realm: newRealm(t, other, service), People: map[string]string{"alice": alicePassword}}
	here := goodKDC(t)
	here.Elsewhere = map[string]string{"alice": other}
	l := &journal{}
	kdcs := []string{realm + "=" + l.serve(t, "1", here.Answer), other + "=" + l.serve(t, "2", there.Answer)}
	_, err := signIn(t, Config{Conf: confFor(t, "", kdcs...)}, alicePassword)
	if wantKind(t, err, WrongRealm, "alice@"+realm); l.String() != "1" {
		t.Errorf("asked %q", l)
	}
	token, err := signIn(t, Config{Conf: confFor(t, "canonicalize = true", kdcs...)}, alicePassword)
	if name, _, ok := there.Realm.Tickets(service)(token); !ok || name != "alice@"+other || l.String() != "1 1 2 2+ 2" {
		t.Errorf("%q, %v; asked %q", name, err, l)
	}
	there.Elsewhere = map[string]string{"alice": realm}
	l.seen = nil
	_, err = signIn(t, Config{Conf: confFor(t, "canonicalize = true", kdcs...)}, alicePassword)
	if wantKind(t, err, WrongRealm, "alice@"); l.String() != "1 2 1 2 1 2" {
		t.Errorf("asked %q without end", l)
	}
	late := &journal{}
	good := goodKDC(t)
	address := late.serve(t, "1", func(r []byte) []byte {
		if !kerberostest.HasProof(r) {
			return good.Answer(r)
		}
		e := messages.NewKRBError(principalName("krbtgt/"+realm), realm, errorcode.KDC_ERR_WRONG_REALM, "")
		e.CRealm = other
		data, err := e.Marshal()
		if err != nil {
			t.Error(err)
		}
		return data
	})
	_, err = signIn(t, Config{Conf: confFor(t, "canonicalize = true", realm+"="+address, other+"="+late.serve(t, "2", there.Answer))}, alicePassword)
	if wantKind(t, err, WrongRealm, "alice@"); late.String() != "1 1+" {
		t.Errorf("asked %q after a proof", late)
	}
}

// TestBrokenAnswer: an answer that gokrb5 panics over ends the sign-in and nothing else.
func TestBrokenAnswer(t *testing.T) {
	t.Parallel()
	k := goodKDC(t)
	for i, change := range []func(*messages.ASRep){
		func(r *messages.ASRep) { r.EncPart.Cipher = []byte("short") },
		func(r *messages.ASRep) { r.EncPart.Cipher = nil },
		func(r *messages.ASRep) { r.Ticket.SName.NameString = nil }, // until it is used
	} {
		address := (&journal{}).serve(t, "1", func(r []byte) []byte {
			answer := k.Answer(r)
			var rep messages.ASRep
			if rep.Unmarshal(answer) != nil {
				return answer
			}
			change(&rep)
			data, err := rep.Marshal()
			if err != nil {
				t.Error(err)
			}
			return data
		})
		_, err := signIn(t, Config{Conf: confFor(t, "", realm+"="+address)}, alicePassword)
		if got := (*TicketError)(nil); !errors.As(err, &got) || got.Kind != OtherError {
			t.Errorf("%d: %v", i, err)
		}
	}
}
