// Package names learns the names of AWS accounts, from the sign-in page and from IAM.
//
// A name is for people: nothing is reached through it, and whoever owns an account
// chooses it. So a name that was learned stands back behind every name that the person
// gave (Merge), and every way to learn one may fail in silence.
package names

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"gatehop/idp"
)

// Limit is how long one question may take, its answer included.
const Limit = 2 * time.Second

// Client asks AWS. It may be copied and used at once from many goroutines.
type Client struct {
	Transport http.RoundTripper // required: AWS's roots and AWS's proxy, nothing of the identity provider's
	Now       func() time.Time  // required by FromIAM: the local clock
}

// IsAlias reports whether name can be the alias of an account: 3 to 63 of a-z, 0-9 and
// hyphens, none at the ends and no two together (IAM API reference,
// CreateAccountAlias). Twelve digits are the number of an account and no alias.
func IsAlias(name string) bool {
	if len(name) < 3 || len(name) > 63 || isAccount(name) {
		return false
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		case c == '-' && i > 0 && i < len(name)-1 && name[i-1] != '-':
		default:
			return false
		}
	}
	return true
}

func isAccount(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return len(s) == 12
}

// do sends r and reads at most limit bytes of the answer. Redirects are not followed,
// cookies neither kept nor sent. Its errors hold neither query nor body.
func (c Client) do(ctx context.Context, r *http.Request, limit int64) (*http.Response, []byte, error) {
	client := &http.Client{
		Transport:     c.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(r.WithContext(ctx))
	if err != nil {
		return nil, nil, idp.NetError(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case ctx.Err() != nil:
		return nil, nil, fmt.Errorf("ask %s: %w", r.URL.Host, context.Cause(ctx))
	case err != nil:
		return nil, nil, fmt.Errorf("ask %s: the answer ends early", r.URL.Host)
	case int64(len(body)) > limit:
		return nil, nil, fmt.Errorf("ask %s: the answer is over %d bytes", r.URL.Host, limit)
	}
	return resp, body, nil
}
