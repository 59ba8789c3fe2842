//go:build interop

package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// realm is a running MIT KDC of CORP.EXAMPLE.
type realm struct{ state string }

// startRealm starts one of its own, whose clock is wrong by skew unless that is empty;
// the test's end stops it.
func startRealm(t *testing.T, skew string) realm {
	t.Helper()
	r := realm{state: filepath.Join(t.TempDir(), "kdc")}
	script := filepath.Join(interopDir, "kdc")
	if out, err := exec.Command(filepath.Join(script, "up"), r.state, strconv.Itoa(os.Getpid()), skew).CombinedOutput(); err != nil {
		t.Fatalf("start a KDC: %v\n%s", err, out)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("KDC:\n%s", readFile(t, r.path("log")))
		}
		if out, err := exec.Command(filepath.Join(script, "down"), r.state).CombinedOutput(); err != nil {
			t.Errorf("stop the KDC: %v\n%s", err, out)
		}
	})
	return r
}

func (r realm) path(name string) string { return filepath.Join(r.state, name) }

// env is what a Kerberos client is told of the realm, and of a cache that is not there.
func (r realm) env() []string {
	return []string{"KRB5_CONFIG=" + r.path("krb5.conf"), "KRB5CCNAME=FILE:" + r.path("nothing")}
}

// ticket is the path of a new credential cache with the ticket of name, by the means of
// MIT's kinit and for as long as args say.
func (r realm) ticket(t *testing.T, name string, args ...string) string {
	t.Helper()
	cache := filepath.Join(t.TempDir(), "ccache")
	cmd := exec.Command("kinit", append(append([]string{"-c", "FILE:" + cache}, args...), name)...)
	cmd.Env = append(os.Environ(), r.env()...)
	cmd.Stdin = strings.NewReader(name + "-pass\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("kinit %s: %v\n%s", name, err, out)
	}
	return cache
}

// expiredTicket is a cache whose ticket is over, on klist's word too.
func (r realm) expiredTicket(t *testing.T, name string) string {
	t.Helper()
	cache := r.ticket(t, name, "-l", "1s")
	time.Sleep(3 * time.Second) // it was good for one, and libgssapi still takes it in the second that it ends in
	if exec.Command("klist", "-s", "-c", "FILE:"+cache).Run() == nil {
		t.Fatal("a ticket for one second does not expire")
	}
	return cache
}

// refused is how many wrong passwords of name the KDC was shown.
func (r realm) refused(t *testing.T, name string) int {
	t.Helper()
	n := 0
	for line := range strings.Lines(readFile(t, r.path("log"))) {
		if strings.Contains(line, "PREAUTH_FAILED") && strings.Contains(line, " "+name+"@") {
			n++
		}
	}
	return n
}
