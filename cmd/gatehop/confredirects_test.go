package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"gatehop/idp/idptest"
)

// TestConfRedirects: KRB5_CONFIG of the environment sends what a password command
// answers (as a time stamp under its key: enough to guess the password at leisure) to a
// KDC of its own, unattended and unconfirmed.
func TestConfRedirects(t *testing.T) {
	w := commandWorld(t, "echo right-password", worldOptions{adfs: func(o *idptest.Options) { o.Intranet = true }})
	data, _ := os.ReadFile(filepath.Join(w.home, ".aws/config"))
	w.write(".aws/config", strings.Replace(string(data), "gatehop_idp = adfs\n", "gatehop_idp = adfs\ngatehop_auth = kerberos\n", 1))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var mu sync.Mutex
	var got []string
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			var h [4]byte
			_, _ = io.ReadFull(c, h[:])
			b := make([]byte, binary.BigEndian.Uint32(h[:]))
			_, _ = io.ReadFull(c, b)
			var req messages.ASReq
			_ = req.Unmarshal(b)
			what := "bare"
			for _, pa := range req.PAData {
				if pa.PADataType == patype.PA_ENC_TIMESTAMP {
					var e types.EncryptedData
					_ = e.Unmarshal(pa.PADataValue)
					what = fmt.Sprintf("encrypted timestamp, etype %d", e.EType)
				}
			}
			mu.Lock()
			got = append(got, what)
			mu.Unlock()
			info, _ := asn1.Marshal(types.ETypeInfo2{{EType: etypeID.RC4_HMAC}})
			pas, _ := asn1.Marshal(types.PADataSequence{{PADataType: patype.PA_ETYPE_INFO2, PADataValue: info}})
			e := messages.NewKRBError(types.PrincipalName{NameType: 2, NameString: []string{"krbtgt", "EVIL"}}, "EVIL", 25, "")
			e.CName, e.CRealm, e.EData = req.ReqBody.CName, "EVIL", pas
			out, _ := e.Marshal()
			_, _ = c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(out))), out...))
			_ = c.Close()
		}
	}()
	w.write("krb5.conf", fmt.Sprintf("[libdefaults]\ndefault_realm = EVIL\n[realms]\nEVIL = {\n kdc = %s\n}\n", l.Addr()))
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(got)
	}
	w.runWith([]string{"KRB5_CONFIG=" + filepath.Join(w.home, "krb5.conf")}, "credential-process", "gateway").want(t, statusHuman, "KRB5_CONFIG overrides the profile")
	if n := count(); n > 0 {
		t.Errorf("a KDC of the environment's choice was asked %d times", n)
	}
	// The control: the profile's own krb5.conf is asked.
	config := w.configFile()
	w.write(".aws/config", strings.Replace(config, "gatehop_auth = kerberos", "gatehop_auth = kerberos\ngatehop_krb5_conf = "+filepath.Join(w.home, "krb5.conf"), 1))
	w.run("credential-process", "gateway")
	if count() == 0 {
		t.Error("the KDC of the profile's choice was not asked")
	}
}
