package endpoint

import (
	"crypto/rand"
	"io"
	"net/http"
	"testing"
)

// BenchmarkEndpoint is one request of a tool on a connection of its own, and on one that
// it keeps: over loopback, with the look at whose it is.
func BenchmarkEndpoint(b *testing.B) {
	for name, alone := range map[string]bool{"new connection": true, "same connection": false} {
		b.Run(name, func(b *testing.B) {
			e, err := Start(rand.Reader, always)
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = e.Close() }()
			client := http.Client{Transport: &http.Transport{DisableKeepAlives: alone}}
			for b.Loop() {
				r, err := http.NewRequest(http.MethodGet, e.URL, nil)
				if err != nil {
					b.Fatal(err)
				}
				r.Header.Set("Authorization", e.Token.Reveal())
				resp, err := client.Do(r)
				if err != nil || resp.StatusCode != http.StatusOK {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, resp.Body); err != nil {
					b.Fatal(err)
				}
				_ = resp.Body.Close()
			}
		})
	}
}
