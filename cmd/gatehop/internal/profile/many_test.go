package profile

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"gatehop/cmd/gatehop/internal/anyurl"
)

// manyProfiles is a gateway and n hops behind it, in a file of about 200 bytes each.
func manyProfiles(n int) string {
	var b strings.Builder
	b.WriteString("[profile gateway]\ngatehop_idp = adfs\ngatehop_url = https://adfs.corp.example\n\n")
	for i := range n {
		fmt.Fprintf(&b, "[profile acct-%04d]\n# an account of ours, whose name is here\nrole_arn = arn:aws:iam::%012d:role/path/to/Administrators\nsource_profile = gateway\nregion = eu-west-1\noutput = json\ns3 =\n  addressing_style = virtual\n\n", i, i)
	}
	return b.String()
}

// oneBehindTheOther is a gateway and a chain of n hops.
func oneBehindTheOther(n int) string {
	var b strings.Builder
	b.WriteString("[profile p0]\ngatehop_idp = adfs\n")
	for i := range n {
		fmt.Fprintf(&b, "[profile p%d]\nrole_arn = arn:aws:iam::111111111111:role/x\nsource_profile = p%d\n", i+1, i)
	}
	return b.String()
}

func TestManyProfiles(t *testing.T) {
	t.Parallel()
	c, _ := configure(t, manyProfiles(1000), "")
	if got := len(c.Names()); got != 1001 {
		t.Errorf("%d names, want 1001", got)
	}
	c, _ = configure(t, oneBehindTheOther(2000), "")
	if ch, err := c.Chain("p2000"); err != nil || len(ch) != 2001 {
		t.Errorf("chain of 2,001 = %d, %v", len(ch), err)
	}
	if got := len(c.Names()); got != 2001 {
		t.Errorf("%d names, want 2001", got)
	}
}

// TestNamesWithoutChains counts what is allocated, and so runs alone: the chains of 501
// profiles one behind the other, which the control makes, are 125,000 profiles.
func TestNamesWithoutChains(t *testing.T) {
	c, _ := configure(t, oneBehindTheOther(500), "")
	allocated := func(f func()) (mebibytes uint64) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		return (after.TotalAlloc - before.TotalAlloc) >> 20
	}
	if got := allocated(func() { c.Names() }); got > 16 {
		t.Errorf("%d MiB for 501 names", got)
	}
	if got := allocated(func() { c.Chains() }); got < 64 {
		t.Errorf("%d MiB for their chains", got)
	}
}

// BenchmarkChain1000Profiles is the warm path: both files read, one chain resolved.
func BenchmarkChain1000Profiles(b *testing.B) {
	dir := b.TempDir()
	f := Files{Config: filepath.Join(dir, "config"), Credentials: filepath.Join(dir, "credentials")}
	if err := os.WriteFile(f.Config, []byte(manyProfiles(1000)), 0o600); err != nil {
		b.Fatal(err)
	}
	b.Run("read and chain", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c, err := Read(f, anyurl.Read)
			if err != nil {
				b.Fatal(err)
			}
			chainOf(b, c)
		}
	})
	c, err := Read(f, anyurl.Read)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("chain", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			chainOf(b, c)
		}
	})
	b.Run("names", func(b *testing.B) {
		for b.Loop() {
			c.Names()
		}
	})
}

func chainOf(b *testing.B, c *Config) {
	ch, err := c.Chain("acct-0999")
	if err != nil {
		b.Fatal(err)
	}
	if ch.CacheKey(1) == "" {
		b.Fatal("no key")
	}
}
