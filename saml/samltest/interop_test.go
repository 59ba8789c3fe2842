//go:build interop

package samltest_test

import (
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gatehop/saml/samltest"
)

// TestInteropXMLSec has the signatures checked by xmlsec1, which shares no code with
// what makes them: go test -tags interop ./saml/samltest
func TestInteropXMLSec(t *testing.T) {
	t.Parallel()
	xmlsec, err := exec.LookPath("xmlsec1")
	if err != nil {
		t.Fatalf("the interop tests want xmlsec1 on PATH: %v", err)
	}
	dir := t.TempDir()
	cert := filepath.Join(dir, "cert.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: idp(t).Cert.Raw})
	if err := os.WriteFile(cert, block, 0o600); err != nil {
		t.Fatal(err)
	}
	check := func(text, node string) error {
		file := filepath.Join(t.TempDir(), "response.xml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		// The times of the certificate are those of the test, not of today.
		out, err := exec.Command(xmlsec, "--verify", "--enabled-key-data", "x509,rsa", "--pubkey-cert-pem", cert,
			"--verification-time", "2026-11-20 09:00:00", "--trusted-pem", cert,
			"--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion",
			"--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:Response",
			"--node-xpath", node, file).CombinedOutput()
		if err != nil {
			t.Logf("%s", out)
		}
		return err
	}
	const assertion = `(//*[local-name()="Assertion"]/*[local-name()="Signature"])[1]`
	const response = `/*/*[local-name()="Signature"]`
	for name, r := range signedCases() {
		if r.SHA1 {
			continue // newer builds of xmlsec1 leave SHA-1 out
		}
		r.SignResponse = true
		text := document(t, r)
		for _, node := range []string{assertion, response} {
			if err := check(text, node); err != nil {
				t.Errorf("%s: %s: %v", name, node, err)
			}
		}
	}
	text := document(t, samltest.Response{Roles: samltest.RoleValues(2, "P")})
	if check(strings.Replace(text, "role/Role0001", "role/Role0002", 1), assertion) == nil {
		t.Error("control: xmlsec1 takes a changed role")
	}
}
