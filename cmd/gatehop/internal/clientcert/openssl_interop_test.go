//go:build interop

package clientcert

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"gatehop/creds/secret"
)

// TestInteropOpenSSL reads what openssl writes: it is where people's files come from.
func TestInteropOpenSSL(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	openssl := func(args ...string) {
		t.Helper()
		cmd := exec.Command("openssl", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PASS="+canary)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("openssl %q: %v\n%s", args, err, out)
		}
	}
	openssl("req", "-x509", "-newkey", "rsa:2048", "-subj", "/CN=alice", "-days", "2", "-passout", "env:PASS", "-keyout", "key.pem", "-out", "cert.pem")
	openssl("pkey", "-in", "key.pem", "-passin", "env:PASS", "-out", "plain.pem")
	openssl("pkey", "-in", "key.pem", "-passin", "env:PASS", "-traditional", "-aes128", "-passout", "env:PASS", "-out", "old.pem")
	openssl("pkcs8", "-topk8", "-in", "plain.pem", "-scrypt", "-passout", "env:PASS", "-out", "scrypt.pem")
	openssl("pkcs8", "-topk8", "-in", "plain.pem", "-v2", "des3", "-passout", "env:PASS", "-out", "des3.pem")
	export := []string{"pkcs12", "-export", "-in", "cert.pem", "-inkey", "plain.pem", "-name", "alice"}
	openssl(append(export, "-passout", "env:PASS", "-out", "new.p12")...)
	openssl(append(export, "-passout", "env:PASS", "-legacy", "-out", "legacy.p12")...)
	openssl(append(export, "-passout", "pass:", "-out", "empty.p12")...)
	openssl(append(export, "-keypbe", "NONE", "-certpbe", "NONE", "-nomac", "-passout", "pass:", "-out", "none.p12")...)
	for _, c := range []struct {
		files Files
		asked int
	}{
		{Files{at("cert.pem"), at("key.pem")}, 1}, {Files{at("cert.pem"), at("plain.pem")}, 0},
		{Files{at("cert.pem"), at("scrypt.pem")}, 1}, {Files{at("cert.pem"), at("des3.pem")}, 1},
		{Files{at("new.p12"), ""}, 1}, {Files{at("legacy.p12"), ""}, 1}, {Files{at("empty.p12"), ""}, 0}, {Files{at("none.p12"), ""}, 0},
	} {
		asked := 0
		pair, err := Read(c.files, time.Now(), answers(&asked, canary))
		if err != nil || !signs(pair) || pair.Leaf.Subject.CommonName != "alice" || asked != c.asked {
			t.Errorf("%v: %v, asked %d times, want %d", c.files, err, asked, c.asked)
		}
	}
	_, err := Read(Files{at("cert.pem"), at("old.pem")}, time.Now(), func(string, bool) (secret.Text, error) { return secret.Text{}, errNobody })
	if err == nil {
		t.Error("a key that is sealed in the old way was read")
	}
	openssl("pkcs8", "-topk8", "-in", "old.pem", "-passin", "env:PASS", "-passout", "env:PASS", "-out", "mended.pem") // what the error says
	if _, err := Read(Files{at("cert.pem"), at("mended.pem")}, time.Now(), answers(new(int), canary)); err != nil {
		t.Errorf("the way that the error shows: %v", err)
	}
}
