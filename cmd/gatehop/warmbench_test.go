package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// BenchmarkWarm is what an answer from the cache takes once the process has started, with
// few profiles and with many. BenchmarkFloor is what it cannot go below: a file is read,
// its time is looked at, and it is printed. What the start takes, and all of it from
// outside, is measured by testdata/bench.
func BenchmarkWarm(b *testing.B) {
	for _, profiles := range []int{3, 1000} {
		w := warmWorld(b, profiles)
		for _, args := range [][]string{{"credential-process", "dev"}, {"env", "dev"}, {"status", "dev", "--short"}} {
			b.Run(fmt.Sprintf("%s/%d", args[0], profiles), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, done := w.warmly(nil, args...); !done {
						b.Fatal("left to the command tree")
					}
				}
			})
		}
	}
}

// warmWorld is a company with that many profiles and a session in the cache.
func warmWorld(tb testing.TB, profiles int) *world {
	tb.Helper()
	w := newWorld(tb, worldOptions{config: worldOfProfiles(profiles)})
	if o := w.runWith([]string{password(worldPassword)}, "login", "dev"); o.status != 0 {
		tb.Fatal(o.stderr)
	}
	return w
}

func worldOfProfiles(n int) string {
	var b strings.Builder
	b.WriteString(worldConfig)
	for i := range n - 3 {
		fmt.Fprintf(&b, "\n[profile acct-%04d]\ngatehop_role_arn = arn:aws:iam::%012d:role/Admins\ngatehop_source_profile = gateway\nregion = eu-west-1\n", i, 900_000_000_000+i)
	}
	return b.String()
}

func BenchmarkFloor(b *testing.B) {
	w := warmWorld(b, 3)
	o, _ := w.warmly(nil, "credential-process", "dev")
	path := filepath.Join(b.TempDir(), "credentials.json")
	if err := os.WriteFile(path, []byte(o.stdout), 0o600); err != nil {
		b.Fatal(err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer null.Close()
	for b.Loop() {
		data, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		var c struct{ Expiration time.Time }
		if err := json.Unmarshal(data, &c); err != nil || c.Expiration.Before(w.now) {
			b.Fatal(err)
		}
		if _, err := null.Write(data); err != nil {
			b.Fatal(err)
		}
	}
}
