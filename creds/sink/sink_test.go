package sink

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehop/creds"
	"gatehop/creds/secret"
)

// everyAllowed is every character that a secret or a token may have.
const everyAllowed = "!#$%&()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_abcdefghijklmnopqrstuvwxyz{|}~"

func testCredentials() creds.Credentials {
	return creds.Credentials{
		AccessKeyID:     "ASIAIOSFODNN7EXAMPLE",
		SecretAccessKey: secret.New("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
		SessionToken:    secret.New("FwoGZXIvYXdzEXAMPLETOKEN//////////wEaDK=="),
		Expires:         time.Date(2030, 1, 2, 4, 4, 5, 999999999, time.FixedZone("", 3600)),
		Identity:        "arn:aws:sts::111111111111:assumed-role/Gateway/alice",
	}
}

// golden compares with the file, or writes it if UPDATE is set.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got:\n%s\nwant %s:\n%s", got, path, want)
	}
}

// writers are all sinks, for what holds for each.
func writers() map[string]func(c creds.Credentials) (string, error) {
	return map[string]func(c creds.Credentials) (string, error){
		"Process": func(c creds.Credentials) (string, error) {
			line, err := Process(c)
			return string(line), err
		},
		"Container": func(c creds.Credentials) (string, error) {
			line, err := Container(c)
			return string(line), err
		},
		"Environ": func(c creds.Credentials) (string, error) {
			vars, err := Environ(c, "eu-west-1")
			return strings.Join(Apply(nil, vars, nil), "\n"), err
		},
		"Shell": func(c creds.Credentials) (string, error) {
			lines, err := Shell("bash", "prod", c, "eu-west-1")
			return string(lines), err
		},
	}
}

// TestSinksCheck: what AWS does not give reaches no sink, and no error quotes it.
func TestSinksCheck(t *testing.T) {
	t.Parallel()
	faults := map[string]func(*creds.Credentials){
		"AccessKeyID":     func(c *creds.Credentials) { c.AccessKeyID = "canary'\n" },
		"SecretAccessKey": func(c *creds.Credentials) { c.SecretAccessKey = secret.New("canary'\n") },
		"SessionToken":    func(c *creds.Credentials) { c.SessionToken = secret.New("canary'\n") },
		"Expires":         func(c *creds.Credentials) { c.Expires = time.Time{} },
		"Identity":        func(c *creds.Credentials) { c.Identity = "canary'\n" },
	}
	for name, write := range writers() {
		for field, plant := range faults {
			c := testCredentials()
			plant(&c)
			text, err := write(c)
			var fieldErr *creds.FieldError
			if !errors.As(err, &fieldErr) || fieldErr.Field != field || text != "" || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s with a bad %s = %q, %v, want nothing and a *creds.FieldError", name, field, text, err)
			}
		}
		c := testCredentials()
		text, err := write(c)
		if err != nil || !strings.Contains(text, c.SessionToken.Reveal()) {
			t.Errorf("%s of sound credentials = %q, %v, want them", name, text, err)
		}
	}
}

func TestProcess(t *testing.T) {
	t.Parallel()
	line, err := Process(testCredentials())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "process.json", line)
}

// contractProblem is what the strictest SDKs want: exact names, a number, one object in one
// line with nothing before or after it, a time with a zone and no fraction.
func contractProblem(line []byte, c creds.Credentials) error {
	if bytes.Count(line, []byte("\n")) != 1 || !bytes.HasSuffix(line, []byte("}\n")) || !bytes.HasPrefix(line, []byte("{")) {
		return errors.New("not one object in one line")
	}
	var got map[string]any
	if err := json.Unmarshal(line, &got); err != nil {
		return err
	}
	want := map[string]any{
		"Version": 1.0, "AccessKeyId": c.AccessKeyID, "SecretAccessKey": c.SecretAccessKey.Reveal(),
		"SessionToken": c.SessionToken.Reveal(), "Expiration": c.Expires.UTC().Format("2006-01-02T15:04:05Z"),
	}
	for name := range want {
		if got[name] != want[name] {
			return fmt.Errorf("%s is %v", name, got[name])
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("%d fields", len(got))
	}
	return nil
}

// TestProcessSize checks the largest answer against what the narrowest reader takes: the
// AWS SDK for Java 64,000 bytes of a credential_process.
func TestProcessSize(t *testing.T) {
	t.Parallel()
	c := testCredentials()
	c.AccessKeyID = strings.Repeat("A", 128)
	for _, r := range everyAllowed {
		token, key := 16<<10, 1024
		for ; token > 0; token-- { // the longest that is allowed
			if c.SessionToken = secret.New(strings.Repeat(string(r), token)); c.Check() == nil {
				break
			}
		}
		c.SecretAccessKey = secret.New(strings.Repeat(string(r), key))
		data, err := Process(c)
		if err != nil {
			t.Fatal(err)
		}
		if token < 8<<10 || len(data) >= 64_000 {
			t.Errorf("a token of %d times %q gives %d bytes, want less than 64000", token, r, len(data))
		}
	}
	// The control: with four times as long a token the same sum would be too large.
	c.SessionToken = secret.New(strings.Repeat("A", 4*(16<<10)))
	if _, err := Process(c); err == nil {
		t.Error("Process takes a token of 64 KiB")
	}
}

func TestProcessContract(t *testing.T) {
	t.Parallel()
	c := testCredentials()
	c.SecretAccessKey, c.SessionToken = secret.New(everyAllowed), secret.New(strings.Repeat(everyAllowed, 100))
	line, err := Process(c)
	if err == nil {
		err = contractProblem(line, c)
	}
	if err != nil {
		t.Errorf("Process = %v", err)
	}
	for name, change := range map[string]func(string) string{ // the control: what breaks some SDK
		"version as text":   func(s string) string { return strings.Replace(s, `"Version":1`, `"Version":"1"`, 1) },
		"name":              func(s string) string { return strings.Replace(s, "AccessKeyId", "AccessKeyID", 1) },
		"no expiry":         func(s string) string { return strings.Replace(s, "2030-01-02T03:04:05Z", "", 1) },
		"expiry, no zone":   func(s string) string { return strings.Replace(s, "05Z", "05", 1) },
		"expiry, fraction":  func(s string) string { return strings.Replace(s, "05Z", "05.9Z", 1) },
		"byte order mark":   func(s string) string { return "\ufeff" + s },
		"something after":   func(s string) string { return s + "saved\n" },
		"no end of line":    strings.TrimSpace,
		"another field":     func(s string) string { return strings.Replace(s, "}", `,"Token":"x"}`, 1) },
		"token of another":  func(s string) string { return strings.Replace(s, everyAllowed, "x", 1) },
		"two lines":         func(s string) string { return strings.Replace(s, ",", ",\n", 1) },
		"expiry an hour on": func(s string) string { return strings.Replace(s, "T03:", "T04:", 1) },
	} {
		if contractProblem([]byte(change(string(line))), c) == nil {
			t.Errorf("the check does not see: %s", name)
		}
	}
}

func BenchmarkProcess(b *testing.B) {
	c := testCredentials()
	c.SessionToken = secret.New(strings.Repeat("x", 1200))
	for b.Loop() {
		if _, err := Process(c); err != nil {
			b.Fatal(err)
		}
	}
}
