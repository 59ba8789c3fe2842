package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"gatehop/idp/idptest"
	"gatehop/sts/ststest"
)

func newRandom(seed byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{seed}) }

// encodings are the forms in which a secret could leave: name to what to look for.
func encodings(secret string) map[string][]string {
	raw := []byte(secret)
	forms := map[string][]string{
		"raw":  {secret},
		"URL":  {url.QueryEscape(secret), url.PathEscape(secret)},
		"HTML": {html.EscapeString(secret)},
		"JSON": {jsonString(secret)},
		"Go":   {strings.Trim(fmt.Sprintf("%q", secret), `"`)},
		"hex":  {hex.EncodeToString(raw), strings.ToUpper(hex.EncodeToString(raw))},
	}
	for offset := range 3 {
		padded := append(bytes.Repeat([]byte{0}, offset), raw...)
		skip := (offset*8 + 5) / 6 // digits that depend on what stands before
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := enc.EncodeToString(padded)
			forms["base64"] = append(forms["base64"], text[skip:len(text)-1])
		}
	}
	for _, little := range []bool{true, false} {
		var b []byte
		for _, u := range utf16.Encode([]rune(secret)) {
			if little {
				b = append(b, byte(u), byte(u>>8))
			} else {
				b = append(b, byte(u>>8), byte(u))
			}
		}
		forms["UTF-16"] = append(forms["UTF-16"], string(b))
	}
	return forms
}

func jsonString(s string) string {
	b, _ := json.Marshal(s)
	return strings.Trim(string(b), `"`)
}

// leaks says in which forms secret occurs in text.
func leaks(text, secret string) []string {
	var found []string
	for name, forms := range encodings(secret) {
		if slices.ContainsFunc(forms, func(form string) bool { return len(form) > 3 && strings.Contains(text, form) }) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

// TestLeaksControl plants the secret in every form and wants each one found.
func TestLeaksControl(t *testing.T) {
	t.Parallel()
	for name, forms := range encodings(worldPassword) {
		for i, form := range forms {
			if got := leaks("some text "+form+" and more", worldPassword); !slices.Contains(got, name) {
				t.Errorf("%s form %d: found %v", name, i, got)
			}
		}
	}
	for offset := range 3 {
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", offset) + worldPassword + "tail"))
		if !slices.Contains(leaks(text, worldPassword), "base64") {
			t.Errorf("base64 at offset %d is not found", offset)
		}
	}
	if got := leaks("some text without it", worldPassword); got != nil {
		t.Errorf("found %v in a text without it", got)
	}
}

// secretsOf collects what must not be seen: the password, the identity provider's
// cookies, the assertions and AWS's keys and tokens.
func (w *world) secretsOf(printed output) map[string]string {
	secrets := map[string]string{"password": worldPassword}
	for i, r := range w.adfs.Requests() {
		for _, pair := range strings.Split(r.Header.Get("Cookie"), "; ") {
			name, value, _ := strings.Cut(pair, "=")
			if len(value) > 20 {
				secrets[fmt.Sprintf("cookie %s of request %d", name, i)] = value
			}
		}
	}
	for i, r := range w.sts.Requests() {
		if a := r.Get("SAMLAssertion"); a != "" {
			secrets[fmt.Sprintf("assertion %d", i)] = a[200:280]
			if xml, err := base64.StdEncoding.DecodeString(a); err == nil {
				secrets[fmt.Sprintf("signature %d", i)] = between(string(xml), "SignatureValue>", "<")[:40]
			}
		}
		if token := r.Header.Get("X-Amz-Security-Token"); token != "" {
			secrets[fmt.Sprintf("token %d", i)] = token
		}
	}
	var c struct{ SecretAccessKey, SessionToken string }
	if json.Unmarshal([]byte(printed.stdout), &c) == nil && c.SecretAccessKey != "" {
		secrets["secret key"], secrets["session token"] = c.SecretAccessKey, c.SessionToken
	}
	return secrets
}

func between(s, from, to string) string {
	_, s, _ = strings.Cut(s, from)
	s, _, _ = strings.Cut(s, to)
	return s
}

// TestCanaries runs every command, at its most talkative and with every kind of
// failure, and looks for secrets in all that it leaves.
func TestCanaries(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		o    worldOptions
		args []string
		sink bool // standard output is where the credentials belong
		pass string
	}{
		{name: "login", args: []string{"login", "dev"}},
		{name: "login json", args: []string{"login", "dev", "--json"}},
		{name: "roles", args: []string{"roles", "gateway"}},
		{name: "process", args: []string{"credential-process", "dev"}, sink: true},
		{name: "env", args: []string{"env", "dev"}, sink: true},
		{name: "exec", args: []string{"exec", "dev", "--", "sh"}},
		{name: "refresh", args: []string{"refresh", "d*", "--json"}},
		{name: "refresh throttled", args: []string{"refresh", "dev"}, o: worldOptions{sts: func(o *ststest.Options) {
			o.Fail = func(_ string, n int) *ststest.Fault {
				if n < 3 {
					return ststest.Throttled()
				}
				return nil
			}
		}}},
		{name: "refresh refused", args: []string{"refresh", "dev"}, o: worldOptions{sts: func(o *ststest.Options) {
			o.Fail = func(string, int) *ststest.Fault {
				return &ststest.Fault{Status: 400, Code: "ExpiredTokenException", Message: "Token must be redeemed within 5 minutes of issuance"}
			}
		}}},
		{name: "each", args: []string{"each", "dev", "--", "hostname"}},
		{name: "each json", args: []string{"each", "dev", "--json", "--", "hostname"}},
		{name: "refused", args: []string{"login", "dev"}, o: worldOptions{password: "another"}},
		{name: "locked", args: []string{"login", "dev"}, o: worldOptions{adfs: func(o *idptest.Options) { o.Users[0].State = idptest.UserLocked }}},
		{name: "expired", args: []string{"login", "dev"}, o: worldOptions{adfs: func(o *idptest.Options) { o.Users[0].State = idptest.UserExpired }}},
		{name: "not permitted", args: []string{"login", "dev"}, o: worldOptions{adfs: func(o *idptest.Options) { o.Users[0].State = idptest.UserNotPermitted }}},
		{name: "cookies dropped", args: []string{"login", "dev"}, o: worldOptions{adfs: func(o *idptest.Options) { o.DropCookies = true }}},
		{name: "unavailable", args: []string{"login", "dev"}, o: worldOptions{adfs: func(o *idptest.Options) { o.Status503 = -1 }}},
		{name: "no role", args: []string{"login", "dev"}, o: worldOptions{roles: []string{}}},
		{name: "bad config", args: []string{"login", "gateway"}, o: worldOptions{config: "[profile gateway]\ngatehop_idp = adfs\ngatehop_url = https://adfs.corp.example\ngatehop_password = x\n"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.o)
			w.vars = []string{password(worldPassword)}
			out := w.run(append([]string{"-v"}, c.args...)...)
			printed := w.run("credential-process", "dev")
			w.run("-v", "logout", "gateway")
			w.run(c.args...)
			secrets := w.secretsOf(printed)
			seen := map[string]string{"standard error": out.stderr}
			if !c.sink {
				seen["standard output"] = out.stdout
			}
			for _, name := range files(t, w.home) {
				if data, err := os.ReadFile(filepath.Join(w.home, name)); err == nil {
					seen["file "+name] = string(data)
				}
				seen["file names"] += name + "\n"
			}
			for _, entry := range out.child {
				if !strings.HasPrefix(entry, "AWS_") {
					seen["child environment"] += entry + "\n"
				}
			}
			for place, text := range seen {
				for name, secret := range secrets {
					if found := leaks(text, secret); found != nil {
						t.Errorf("%s is in %s as %v", name, place, found)
					}
				}
			}
		})
	}
}

// TestCanariesControl wants the same search to find what is planted where it looks.
func TestCanariesControl(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.vars = []string{password(worldPassword)}
	printed := w.run("credential-process", "dev").want(t, 0)
	secrets := w.secretsOf(printed)
	if len(secrets) < 6 {
		t.Errorf("only %d secrets are looked for: %v", len(secrets), slices.Sorted(maps.Keys(secrets)))
	}
	if leaks(printed.stdout, secrets["secret key"]) == nil {
		t.Error("the search does not see the key in the sink, where it is")
	}
	var planted bytes.Buffer
	careless := &app{process: process{stderr: &planted}, verbose: true}
	careless.log().Debug("post", "form", "Password="+url.QueryEscape(worldPassword))
	if got := leaks(planted.String(), worldPassword); got == nil {
		t.Error("the search does not see a form that was logged")
	}
}

// TestNonInterference runs everything twice with nothing but the secrets exchanged and
// wants the same words, files and names: what depends on a secret outside the sinks is
// a leak, whatever form it takes.
func TestNonInterference(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args   []string
		differ bool // a sink: the control, where a difference must be seen
	}{
		{args: []string{"-v", "login", "dev"}},
		{args: []string{"login", "dev", "--json"}},
		{args: []string{"-v", "roles", "gateway"}},
		{args: []string{"-v", "exec", "dev", "--", "sh"}},
		{args: []string{"-v", "refresh", "dev"}},
		{args: []string{"-v", "each", "dev", "--json", "--", "hostname"}},
		{args: []string{"-v", "login", "dev", "--role", "X"}},
		{args: []string{"-v", "logout", "gateway"}},
		{args: []string{"credential-process", "dev"}, differ: true},
		{args: []string{"env", "dev"}, differ: true},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			t.Parallel()
			var seen [2]string
			for i, secret := range []string{"first secret", "a second one that is longer"} {
				w := newWorld(t, worldOptions{password: secret, seed: byte(i + 1)})
				w.vars = []string{password(secret)}
				out := w.run(c.args...)
				text := fmt.Sprintf("status %d\n%s\n%s\n%s", out.status, out.stdout, out.stderr, strings.Join(files(t, w.home), "\n"))
				seen[i] = withoutChance(strings.ReplaceAll(text, w.home, "HOME"))
			}
			if same := seen[0] == seen[1]; same == c.differ {
				t.Errorf("same = %v, want %v\n--- first\n%s\n--- second\n%s", same, !c.differ, seen[0], seen[1])
			}
		})
	}
}

// withoutChance removes what differs from run to run by itself: durations in the log.
func withoutChance(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		var words []string
		for _, word := range strings.Fields(line) {
			if !strings.HasPrefix(word, "time=") && !strings.HasPrefix(word, "took=") && !strings.HasPrefix(word, "duration=") {
				words = append(words, word)
			}
		}
		lines = append(lines, strings.Join(words, " "))
	}
	return strings.Join(lines, "\n")
}
