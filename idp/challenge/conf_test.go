package challenge

import (
	"os"
	"path/filepath"
	"testing"
)

// TestConfComment: what is commented out is not set.
func TestConfComment(t *testing.T) {
	t.Parallel()
	f := filepath.Join(t.TempDir(), "krb5.conf")
	if err := os.WriteFile(f, []byte("[libdefaults]\n default_realm = CORP.EXAMPLE\n # dns_lookup_kdc = false\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := readConf(f)
	if err != nil || !c.LibDefaults.DNSLookupKDC {
		t.Errorf("%v: a comment switches the look-up of KDCs off", err)
	}
}
