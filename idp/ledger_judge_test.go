package idp_test

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"html"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"

	"gatehop/idp"
)

// spellings are the forms in which a secret of lower-case letters and digits can stand
// in a text: itself, which is also what URLs and HTML make of it, UTF-16 of both
// orders, and each of them in hex and in base64 at three offsets.
func spellings(secret string) []string {
	var out []string
	for _, s := range []string{secret, wide(secret, 0), wide(secret, 1)} {
		out = append(out, s, hex.EncodeToString([]byte(s)), strings.ToUpper(hex.EncodeToString([]byte(s))))
		for offset := range 3 {
			for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
				text := e.EncodeToString([]byte("..."[:offset] + s))
				text = text[[]int{0, 2, 3}[offset]:] // what the bytes before have a part in
				if (offset+len(s))%3 != 0 {
					text = text[:len(text)-1] // and those behind
				}
				out = append(out, text)
			}
		}
	}
	return out
}

// wide is UTF-16 with the first or the second byte of each pair the low one.
func wide(s string, high int) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		pair := []byte{byte(u), byte(u >> 8)}
		b = append(b, pair[high], pair[1-high])
	}
	return string(b)
}

// holds reports whether a text has a secret in it, in any spelling.
func holds(text, core string) bool {
	if strings.Contains(strings.ToLower(text), core) {
		return true
	}
	return slices.ContainsFunc(needles()[core], func(s string) bool { return strings.Contains(text, s) })
}

// needles are the spellings of everything that is looked for, worked out once.
var needles = sync.OnceValue(func() map[string][]string {
	out := map[string][]string{}
	for _, secret := range []string{queryCore, userCore, passCore, codeCore} {
		out[secret] = spellings(secret)
	}
	return out
})

// judge returns what is wrong with the accounts of one run: what somebody was sent
// who must not be, and what somebody was not sent who must be.
func (o outcome) judge() []string {
	var out []string
	for _, rule := range []func(outcome) []string{
		outcome.strangers, outcome.receivers, outcome.cookies, outcome.addresses, outcome.identities, outcome.ending,
	} {
		for _, problem := range rule(o) {
			out = append(out, o.String()+": "+problem)
		}
	}
	return out
}

func (o outcome) origins() []string { return slices.Sorted(maps.Keys(o.accounts)) }

func (o outcome) trusts(origin string) bool {
	return origin == o.setting.origin || o.listed && origin == o.target.origin
}

// strangers: nothing typed, and no assertion, is in the bytes of an origin that is not
// trusted; what is typed stands in bodies of POST alone; nothing is sent in clear but
// to this machine, and there only if the configured address is such.
func (o outcome) strangers() []string {
	var out []string
	for _, origin := range o.origins() {
		a := o.accounts[origin]
		head, body := a.head.String(), a.body.String()
		for _, s := range []stage{user, password, code} {
			echoed := o.place.echoes && s == o.column.stage && origin == o.target.origin
			if !o.trusts(origin) && holds(head+body, core(s)) {
				out = append(out, fmt.Sprintf("%s was sent the %s", origin, s))
			}
			if !echoed && holds(head, core(s)) {
				out = append(out, fmt.Sprintf("%s was sent the %s in an address or a header", origin, s))
			}
		}
		if !o.trusts(origin) && strings.Contains(head+body, assertion().piece) {
			out = append(out, origin+" was sent the assertion")
		}
		if strings.HasPrefix(origin, "http://") && (o.setting.origin[:5] == "https" || !idp.IsLoopback(hostOf(origin))) && len(head) > 0 {
			out = append(out, origin+" was written to in clear")
		}
	}
	return out
}

// receivers: the column's secret was sent to exactly those who must get it, once each,
// and everything else at most once.
func (o outcome) receivers() []string {
	var out []string
	for _, s := range []stage{user, password, code} {
		total := 0
		for _, origin := range o.origins() {
			got := 0
			for _, q := range o.accounts[origin].requests {
				if q.Method == "POST" && holds(q.body, core(s)) {
					got++
				}
			}
			total += got
			if want := o.wanted(origin, s); want >= 0 && got != want {
				out = append(out, fmt.Sprintf("%s got the %s %d times, want %d", origin, s, got, want))
			}
		}
		if total > 1 && !o.place.echoes {
			out = append(out, fmt.Sprintf("the %s was sent %d times", s, total))
		}
		if to := o.setting.origin; o.accounts[to] == nil {
			out = append(out, to+" was not even visited")
		} else if to := o.target.origin; o.accounts[to] == nil && o.wanted(to, s) > 0 {
			out = append(out, fmt.Sprintf("%s did not get the %s", to, s))
		}
	}
	return out
}

// wanted is how often an origin must get what is typed at a stage in bodies of POST; -1 if that is
// not said: after the trick the rest goes where the pages lead.
func (o outcome) wanted(origin string, s stage) int {
	switch {
	case s < o.column.stage || o.place.where == end:
		return count(origin == o.setting.origin) // the trick comes later
	case s > o.column.stage:
		return -1
	}
	if o.place.byGet && o.column.challenge != "" || o.refusedAgain() {
		return 0
	}
	to := o.place.sends.untrusted
	if o.trusted() {
		to = o.place.sends.trusted
	}
	again := o.place.name == "echo in a form" && o.trusted() && origin == o.target.origin
	return count(to == home && origin == o.setting.origin || to == there && origin == o.target.origin) + count(again)
}

// refusedAgain: what was typed at the stage before would be sent once more.
func (r run) refusedAgain() bool { return r.place.repeats && r.column.stage > user }

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// cookies: each origin gets back what it set itself, and nobody else does.
func (o outcome) cookies() []string {
	var out []string
	for _, origin := range o.origins() {
		a := o.accounts[origin]
		for _, other := range append(o.origins(), o.target.origin) {
			if other != origin && strings.Contains(a.head.String()+a.body.String(), cookieOf(other)) {
				out = append(out, fmt.Sprintf("%s was sent a cookie of %s", origin, other))
			}
		}
		for i, q := range a.requests {
			if i > 0 && !strings.Contains(q.Header.Get("Cookie"), cookieOf(origin)) {
				out = append(out, origin+" did not get its cookie back")
			}
		}
	}
	return out
}

// addresses: a query stays with the origin that it was made for, and is in no Referer.
func (o outcome) addresses() []string {
	var out []string
	for _, origin := range o.origins() {
		a := o.accounts[origin]
		if origin != o.setting.origin && holds(a.head.String()+a.body.String(), queryCore) {
			out = append(out, origin+" was sent a query of another origin")
		}
		for _, q := range a.requests {
			u, err := url.Parse(q.Header.Get("Referer"))
			if text := q.Header.Get("Referer"); text != "" && (err != nil || u.RawQuery != "" || string(idp.OriginOf(u)) != origin) {
				out = append(out, origin+" was sent a foreign or whole address as Referer")
			}
		}
	}
	return out
}

// identities: no challenge is answered, and a certificate is shown to those alone who
// are trusted, by who has one.
func (o outcome) identities() []string {
	var out []string
	for _, origin := range o.origins() {
		a := o.accounts[origin]
		for _, q := range a.requests {
			if q.Header.Get("Authorization")+q.Header.Get("Proxy-Authorization") != "" {
				out = append(out, origin+" was sent an Authorization header")
			}
		}
		secure := strings.HasPrefix(origin, "https://")
		if want := secure && o.column.certificate && o.trusts(origin); a.certificate != want {
			out = append(out, fmt.Sprintf("%s was shown a certificate %t, want %t", origin, a.certificate, want))
		}
	}
	return out
}

// ending: an assertion is taken from a trusted origin, and the sign-in ends with one
// wherever everything on the way may be trusted. Errors hold nothing that was typed.
func (o outcome) ending() []string {
	want := o.trusted() && !o.place.fails && o.column.challenge == "" && !o.refusedAgain()
	if o.place.name == "SAML action" && o.target.origin == o.setting.origin {
		want = false // an assertion for the provider itself
	}
	var out []string
	if got := o.assertion != nil; got != want {
		out = append(out, fmt.Sprintf("an assertion was taken %t, want %t: %v", got, want, o.err))
	}
	var page *idp.PageError
	var refused *idp.OriginError
	if o.assertion == nil && !errors.As(o.err, &page) && !errors.As(o.err, &refused) {
		out = append(out, fmt.Sprintf("it ended with %v, want a verdict or *idp.OriginError", o.err))
	}
	for _, s := range []stage{user, password, code} {
		if o.err != nil && holds(o.err.Error(), core(s)) && s != user {
			out = append(out, fmt.Sprintf("the error holds the %s", s))
		}
	}
	return out
}

// TestLedgerFindsEverySpelling plants each spelling of a secret in a text.
func TestLedgerFindsEverySpelling(t *testing.T) {
	t.Parallel()
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	plant := map[string]func(string) string{
		"raw": func(s string) string { return s }, "upper case": strings.ToUpper,
		"URL": url.QueryEscape, "path": url.PathEscape, "HTML": html.EscapeString,
		"base64": b64, "base64, one on": func(s string) string { return b64("x" + s + "yy") }, "base64, two on": func(s string) string { return b64("xx" + s + "y") },
		"base64url": func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
		"hex":       func(s string) string { return hex.EncodeToString([]byte(s)) }, "HEX": func(s string) string { return fmt.Sprintf("%X", s) },
		"UTF-16LE": func(s string) string { return wide(s, 0) }, "UTF-16BE": func(s string) string { return wide(s, 1) },
		"UTF-16LE in base64": func(s string) string { return b64("N" + wide(s, 0)) }, "UTF-16BE in hex": func(s string) string { return hex.EncodeToString([]byte(wide(s, 1))) },
		"Basic": func(s string) string { return b64("alice:" + s) },
	}
	for _, s := range []stage{user, password, code} {
		for name, encode := range plant {
			if text := "before " + encode(typed(s)) + " after"; !holds(text, core(s)) {
				t.Errorf("%s as %s is not found in %q", s, name, text)
			}
		}
		if holds("before after "+strings.Repeat("kanarie", 20), core(s)) {
			t.Errorf("%s is found where it is not", s)
		}
	}
}
