package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"gatehop/idp/idptest"
	"gatehop/idp/idptest/kerberostest"
)

// TestStaleTicket: the KDC's own key was changed since kinit: it answers 31
// (KRB_AP_ERR_BAD_INTEGRITY) to the ticket of the cache.
func TestStaleTicket(t *testing.T) {
	realm, err := kerberostest.NewRealm("CORP")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var n atomic.Int64
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n.Add(1)
			if n.Load() > 2000 {
				l.Close()
			}
			var h [4]byte
			_, _ = io.ReadFull(c, h[:])
			b := make([]byte, binary.BigEndian.Uint32(h[:]))
			_, _ = io.ReadFull(c, b)
			e := messages.NewKRBError(types.PrincipalName{NameType: 2, NameString: []string{"krbtgt", "CORP"}}, "CORP", 31, "")
			out, _ := e.Marshal()
			_, _ = c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(out))), out...))
			_ = c.Close()
		}
	}()
	w := integratedWorld(t, "gatehop_auth = kerberos\ngatehop_ccache = cc", worldOptions{
		extra: map[string]http.Handler{"other.corp.example": http.NotFoundHandler()},
		adfs:  func(o *idptest.Options) {},
	})
	data, err := realm.Cache("alice", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	w.write(".aws/cc", string(data))
	w.write("krb5.conf", fmt.Sprintf("[libdefaults]\ndefault_realm = CORP\n[realms]\nCORP = {\n kdc = %s\n}\n", l.Addr()))
	w.runWith([]string{"KRB5_CONFIG=" + filepath.Join(w.home, "krb5.conf")}, "credential-process", "gateway").want(t, statusHuman, "does not take the one in it", "kinit -c FILE:")
	if n.Load() != 1 {
		t.Errorf("the KDC was asked %d times, want once", n.Load())
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
