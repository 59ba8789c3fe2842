//go:build interop

package idp

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// apache starts an Apache at whose root nobody is asked for a certificate, and below
// /private everybody, on the same connection. It speaks one version of TLS.
func apache(t *testing.T, ca *authority, version string) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, blocks ...*pem.Block) {
		var data []byte
		for _, b := range blocks {
			data = append(data, pem.EncodeToMemory(b)...)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert := ca.issue(t, "127.0.0.1", time.Now().Add(time.Hour))
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	write("server.pem", &pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}, &pem.Block{Type: "PRIVATE KEY", Bytes: key})
	write("ca.pem", &pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	_ = listener.Close()
	for _, sub := range []string{"www", "www/private"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, sub, "index.html"), []byte("page of "+sub), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for d := dir; len(d) > len(os.TempDir()); d = filepath.Dir(d) { // Apache works as another user
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	conf := fmt.Sprintf(`ServerRoot %[1]s
ServerName 127.0.0.1
Listen %[2]s
PidFile %[1]s/pid
ErrorLog %[1]s/error.log
LoadModule mpm_prefork_module /usr/lib/apache2/modules/mod_mpm_prefork.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
LoadModule mime_module /usr/lib/apache2/modules/mod_mime.so
LoadModule socache_shmcb_module /usr/lib/apache2/modules/mod_socache_shmcb.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
TypesConfig /etc/mime.types
DocumentRoot %[1]s/www
DirectoryIndex index.html
<IfModule !unixd_module>
LoadModule unixd_module /usr/lib/apache2/modules/mod_unixd.so
</IfModule>
User nobody
Group nogroup
SSLEngine on
SSLProtocol %[3]s
SSLCertificateFile %[1]s/server.pem
SSLCACertificateFile %[1]s/ca.pem
<Location /private>
SSLVerifyClient require
</Location>
`, dir, addr, version)
	if err := os.WriteFile(filepath.Join(dir, "conf"), []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/usr/sbin/apache2", "-f", filepath.Join(dir, "conf"), "-DFOREGROUND")
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it ends its whole process group
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(filepath.Join(dir, "error.log"))
			t.Logf("%s", text)
		}
	})
	for range 200 {
		if conn, err := net.Dial("tcp", addr); err == nil {
			_ = conn.Close()
			return "https://" + addr
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("apache does not start")
	return ""
}

// TestInteropRenegotiation is asked for the certificate after the request was sent, as by
// IIS: that works in TLS 1.2. What TLS 1.3 has for it, Go has not, and nothing is shown.
func TestInteropRenegotiation(t *testing.T) {
	ca := newAuthority(t, "certificate test authority")
	mine := ca.issue(t, "alice", time.Now().Add(time.Hour))
	for _, c := range []struct {
		name, version string
		cert          *tls.Certificate
		want          string
	}{
		{"TLS 1.2", "TLSv1.2", &mine, "page of www/private"},
		{"TLS 1.2, no certificate", "TLSv1.2", nil, ""},
		{"TLS 1.3", "TLSv1.3", &mine, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := apache(t, ca, c.version)
			client := NewClient(ClientOptions{Roots: ca.pool, ClientCert: c.cert, Trust: Trust{Origins: []Origin{OriginOf(mustURL(t, url))}}})
			defer client.CloseIdleConnections()
			get := func(path string) (string, error) {
				resp, err := client.Get(url + path)
				if err != nil {
					return "", NetError(err)
				}
				if resp.StatusCode != http.StatusOK {
					_ = resp.Body.Close()
					return "", errors.New(resp.Status)
				}
				page, err := ReadPage(resp)
				return strings.TrimSpace(string(page)), err
			}
			if got, err := get("/"); err != nil || got != "page of www" {
				t.Fatalf("the page for everybody: %q, %v", got, err)
			}
			got, err := get("/private/")
			t.Logf("%q, %v", got, err)
			if got != c.want || (err == nil) != (c.want != "") {
				t.Errorf("the page for alice: %q, %v, want %q", got, err, c.want)
			}
		})
	}
}
