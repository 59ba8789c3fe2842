package main

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"gatehop/idp/idptest"
	"gatehop/idp/idptest/kerberostest"
)

// refusingKDC is a KDC of the realm CORP that answers everything with one error, and a
// krb5.conf in w's home that names it. It returns that file, and how often it was asked.
func refusingKDC(t *testing.T, w *world, code int32) (conf string, asked func() int64) {
	t.Helper()
	refusal := messages.NewKRBError(types.PrincipalName{NameType: 2, NameString: []string{"krbtgt", "CORP"}}, "CORP", code, "")
	answer, err := refusal.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return servingKDC(t, w, func([]byte) []byte { return answer })
}

// servingKDC is one that answers as answer does.
func servingKDC(t *testing.T, w *world, answer func(request []byte) []byte) (conf string, asked func() int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	var n atomic.Int64
	go kerberostest.Serve(l, func(request []byte) []byte {
		n.Add(1)
		return answer(request)
	})
	w.write("krb5.conf", fmt.Sprintf("[libdefaults]\ndefault_realm = CORP\n[realms]\nCORP = {\n kdc = %s\n}\n", l.Addr()))
	return filepath.Join(w.home, "krb5.conf"), n.Load
}

// TestPasswordAtKDC signs in by a password that a KDC knows. Where the KDC says nothing to
// it, that is no verdict over it, and the KDC is not asked again.
func TestPasswordAtKDC(t *testing.T) {
	t.Parallel()
	const service = "HTTP/" + worldHost
	realm, err := kerberostest.NewRealm("CORP", service)
	if err != nil {
		t.Fatal(err)
	}
	w := integratedWorld(t, "gatehop_username = alice\ngatehop_auth = kerberos", worldOptions{adfs: func(o *idptest.Options) { o.Tickets = realm.Tickets(service) }})
	kdc := &kerberostest.KDC{Realm: realm, People: map[string]string{"alice": worldPassword}}
	var silent atomic.Bool // the KDC's answer is made beside the test
	silent.Store(true)
	conf, asked := servingKDC(t, w, func(request []byte) []byte {
		if silent.Load() && kerberostest.HasProof(request) {
			return nil
		}
		return kdc.Answer(request)
	})
	w.write(".aws/config", strings.Replace(w.configFile(), "gatehop_auth = kerberos\n", "gatehop_auth = kerberos\ngatehop_krb5_conf = "+conf+"\n", 1))
	vars := []string{password(worldPassword)}
	w.runWith(vars, "login", "gateway").want(t, statusNetwork, "the KDC of CORP has not answered to a proof", "each try may count")
	if asked() != 2 {
		t.Errorf("the KDC was asked %d times, want once without a proof and once with one", asked())
	}
	silent.Store(false)
	w.runWith(vars, "login", "gateway").want(t, 0)
	if asked() != 5 {
		t.Errorf("the KDC was asked %d times", asked())
	}
}

// TestStaleTicket: a KDC whose own key was changed since kinit does not take the ticket of
// the cache, and is not asked again.
func TestStaleTicket(t *testing.T) {
	t.Parallel()
	realm, err := kerberostest.NewRealm("CORP")
	if err != nil {
		t.Fatal(err)
	}
	w := integratedWorld(t, "gatehop_auth = kerberos\ngatehop_ccache = cc", worldOptions{})
	data, err := realm.Cache("alice", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	w.write(".aws/cc", string(data))
	conf, asked := refusingKDC(t, w, errorcode.KRB_AP_ERR_BAD_INTEGRITY)
	w.runWith([]string{"KRB5_CONFIG=" + conf}, "credential-process", "gateway").want(t, statusHuman, "does not take the one in it", "kinit -c FILE:")
	if asked() != 1 {
		t.Errorf("the KDC was asked %d times, want once", asked())
	}
}

// TestConfRedirects: a krb5.conf of the environment gets nothing that a password command
// answers while nobody confirms it: what a KDC is sent is enough to guess the password by.
// The profile's own does.
func TestConfRedirects(t *testing.T) {
	t.Parallel()
	w := commandWorld(t, "echo right-password", worldOptions{adfs: func(o *idptest.Options) { o.Intranet = true }})
	conf, asked := refusingKDC(t, w, errorcode.KDC_ERR_C_PRINCIPAL_UNKNOWN)
	set := func(was, is string) { w.write(".aws/config", strings.Replace(w.configFile(), was, is, 1)) }
	set("gatehop_idp = adfs\n", "gatehop_idp = adfs\ngatehop_auth = kerberos\n")
	w.runWith([]string{"KRB5_CONFIG=" + conf}, "credential-process", "gateway").want(t, statusHuman, "KRB5_CONFIG overrides the profile")
	if asked() != 0 {
		t.Errorf("a KDC of the environment's choice was asked %d times", asked())
	}
	set("gatehop_auth = kerberos\n", "gatehop_auth = kerberos\ngatehop_krb5_conf = "+conf+"\n")
	w.run("credential-process", "gateway").want(t, statusUsage, "is not known to the KDC")
	if asked() == 0 {
		t.Error("the KDC of the profile's choice was not asked")
	}
}

// TestAnotherTicket: what one ticket was refused for says nothing about another.
func TestAnotherTicket(t *testing.T) {
	t.Parallel()
	w := ticketWorld(t, "gatehop_auth = kerberos")
	cache := func(name string) []string { return []string{"KRB5CCNAME=FILE:" + filepath.Join(w.home, ".aws", name)} }
	w.runWith(cache("bob"), "credential-process", "gateway").want(t, statusRefused)
	w.runWith(cache("cc"), "credential-process", "gateway").want(t, 0)
}

// TestRememberedUser: who signed in before by a password is no configured user, whose ticket
// it would have to be.
func TestRememberedUser(t *testing.T) {
	t.Parallel()
	w := ticketWorld(t, "gatehop_auth = ntlm")
	w.answer = map[string]string{"username": `CORP\alice`, "password": worldPassword}
	w.run("login", "gateway").want(t, 0)
	w.write(".aws/config", strings.Replace(w.configFile(), "gatehop_auth = ntlm", "gatehop_auth = kerberos\ngatehop_ccache = cc", 1))
	w.answer = nil
	before := len(w.authorizations())
	w.run("login", "gateway", "--force").want(t, 0)
	if got := w.authorizations()[before:]; len(got) != 1 || got[0] != "Negotiate" {
		t.Errorf("sent %q, want the ticket", got)
	}
	w.write(".aws/config", strings.Replace(w.configFile(), "gatehop_ccache = cc", "gatehop_ccache = bob", 1))
	if o := w.run("login", "gateway", "--force"); strings.Contains(o.stderr, "gatehop_username") {
		t.Errorf("the profile has no gatehop_username: %s", o.stderr)
	}
}
