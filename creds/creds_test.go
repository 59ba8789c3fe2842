package creds

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"gatehop/creds/secret"
)

const (
	testSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	testToken  = "FwoGZXIvYXdzEXAMPLETOKEN//////////wEaDK=="
)

func testCredentials() Credentials {
	return Credentials{
		AccessKeyID:     "ASIAIOSFODNN7EXAMPLE",
		SecretAccessKey: secret.New(testSecret),
		SessionToken:    secret.New(testToken),
		Expires:         time.Date(2030, 1, 2, 3, 4, 5, 678900000, time.UTC),
		Skew:            -90 * time.Second,
		Identity:        "arn:aws:sts::111111111111:assumed-role/Gateway/alice@corp.example",
	}
}

func TestRemaining(t *testing.T) {
	t.Parallel()
	c := testCredentials()
	for _, r := range []struct{ before, skew, want time.Duration }{
		{time.Hour, 0, time.Hour},
		{time.Hour, 10 * time.Minute, 50 * time.Minute},
		{time.Hour, -10 * time.Minute, 70 * time.Minute},
		{-time.Hour, 0, -time.Hour},
		{12 * time.Hour, 0, 12 * time.Hour},
		{13 * time.Hour, 0, 12 * time.Hour},
		{30 * 365 * 24 * time.Hour, 0, 12 * time.Hour},
		{13 * time.Hour, 2 * time.Hour, 11 * time.Hour},
	} {
		c.Skew = r.skew
		if got := c.Remaining(c.Expires.Add(-r.before)); got != r.want {
			t.Errorf("Remaining %v before the end, server %v ahead = %v, want %v", r.before, r.skew, got, r.want)
		}
	}
}

func TestFreshFor(t *testing.T) {
	t.Parallel()
	c := testCredentials()
	for _, f := range []struct {
		lifetime, left, skew time.Duration
		fresh                bool
	}{
		{12 * time.Hour, 20 * time.Minute, 0, true},
		{12 * time.Hour, 20*time.Minute - 1, 0, false},
		{time.Hour, 20 * time.Minute, 0, true},
		{time.Hour, 20*time.Minute - 1, 0, false},
		{30 * time.Minute, 10 * time.Minute, 0, true},
		{30 * time.Minute, 10*time.Minute - 1, 0, false},
		{15 * time.Minute, 15 * time.Minute, 0, true}, // else it would be renewed at every call
		{15 * time.Minute, 5 * time.Minute, 0, true},
		{15 * time.Minute, 5*time.Minute - 1, 0, false},
		{0, 20 * time.Minute, 0, true},
		{0, 20*time.Minute - 1, 0, false},
		{-time.Hour, 20*time.Minute - 1, 0, false},
		{time.Nanosecond, 0, 0, false},
		{time.Hour, 25 * time.Minute, 10 * time.Minute, false},  // server ahead: 15 minutes by its clock
		{time.Hour, 15 * time.Minute, -10 * time.Minute, false}, // server behind: 25 by its clock, 15 by a tool's
		{time.Hour, 20 * time.Minute, -10 * time.Minute, true},
		{time.Hour, 15 * time.Minute, -20 * time.Minute, false},
		{time.Hour, 5 * time.Minute, -21 * time.Minute, true}, // a new session would soon be as bad
		{time.Hour, -time.Second, -21 * time.Minute, true},
		{time.Hour, -time.Minute - time.Second, -21 * time.Minute, false},
		{15 * time.Minute, 4 * time.Minute, -5 * time.Minute, false},
		{time.Hour, -time.Second, 0, false},
	} {
		c.Skew = f.skew
		if got := FreshFor(c, f.lifetime, c.Expires.Add(-f.left)); got != f.fresh {
			t.Errorf("FreshFor of a session of %v with %v left, server %v ahead = %v, want %v", f.lifetime, f.left, f.skew, got, f.fresh)
		}
	}
}

func TestUsable(t *testing.T) {
	t.Parallel()
	c := testCredentials()
	c.Skew = 0
	for left, want := range map[time.Duration]bool{
		time.Minute + 1: true, time.Minute: false, 0: false, -time.Hour: false, time.Hour: true,
	} {
		if got := Usable(c, c.Expires.Add(-left)); got != want {
			t.Errorf("Usable with %v left = %v, want %v", left, got, want)
		}
	}
	c.Skew = time.Minute
	if Usable(c, c.Expires.Add(-2*time.Minute)) {
		t.Error("Usable with two minutes left by a clock that is one behind = true, want false")
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	arn := func(text string) func(*Credentials) { return func(c *Credentials) { c.Identity = text } }
	id := func(text string) func(*Credentials) { return func(c *Credentials) { c.AccessKeyID = text } }
	key := func(text string) func(*Credentials) {
		return func(c *Credentials) { c.SecretAccessKey = secret.New(text) }
	}
	token := func(text string) func(*Credentials) {
		return func(c *Credentials) { c.SessionToken = secret.New(text) }
	}
	expires := func(at time.Time) func(*Credentials) { return func(c *Credentials) { c.Expires = at } }
	const a = "arn:aws:sts::111111111111:assumed-role/"
	for _, c := range []struct {
		field  string // "" if the change is allowed
		change []func(*Credentials)
	}{
		{"", []func(*Credentials){
			id(strings.Repeat("A", 16)), id(strings.Repeat("9", 128)),
			key("x"), key("!#$%&()*+,-./09:;<=>?@AZ[]^_az{|}~"), key(strings.Repeat("x", maxSecret)),
			token("x"), token("$(id)"), token(strings.Repeat("x", maxToken)),
			expires(time.Date(1970, 1, 1, 0, 0, 1, 0, time.UTC)), expires(time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)),
			arn(a + "R/xx"), arn(a + "R_+=,.@-/a_+=,.@-"), arn(a + strings.Repeat("r", 64) + "/" + strings.Repeat("s", 64)),
			arn("arn:aws-cn:sts::111111111111:assumed-role/R/xx"), arn("arn:aws-us-gov:sts::000000000000:assumed-role/R/xx"),
		}},
		{"AccessKeyID", []func(*Credentials){
			id(""), id(strings.Repeat("A", 15)), id(strings.Repeat("A", 129)), id("asiaiosfodnn7example"), id("ASIAIOSFODNN7EXAMPL\n"),
			id("ASIAIOSFODNN7EXAMPL'"), id("ASIAIOSFODNN7EXAM;id"), id("ASIAIOSFODNN7EXAMPL\u00c9"), id("ASIAIOSFODNN7EXAMPL\x00"),
		}},
		{"SecretAccessKey", []func(*Credentials){
			func(c *Credentials) { c.SecretAccessKey = secret.Text{} }, key(""), key("a b"), key(`a"b`), key("a'b"), key("a`b"),
			key(`a\b`), key("a\nb"), key("a\x00b"), key("a\x7fb"), key("a\u00e9"), key("a\xff"), key(strings.Repeat("x", maxSecret+1)),
		}},
		{"SessionToken", []func(*Credentials){
			func(c *Credentials) { c.SessionToken = secret.Text{} }, token(""), token("a b"), token(`a"b`), token("a'b"), token("a`b"),
			token(`a\b`), token("a\r\n"), token("\ta"), token("a\x1b[2J"), token("\u202eab"), token(strings.Repeat("x", maxToken+1)),
		}},
		{"Expires", []func(*Credentials){
			expires(time.Time{}), expires(time.Unix(-1, 0)), expires(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)),
		}},
		{"Identity", []func(*Credentials){
			arn(""), arn("x"), arn("arn:aws:iam::111111111111:role/R"), arn("arn:aws:sts::11111111111:assumed-role/R/xx"),
			arn("arn:aws:sts::1111111111111:assumed-role/R/xx"), arn("arn:aws:sts::11111111111x:assumed-role/R/xx"),
			arn("arn:aws:sts:eu-west-1:111111111111:assumed-role/R/xx"), arn("arn:awsx:sts::111111111111:assumed-role/R/xx"),
			arn("arn:aws-CN:sts::111111111111:assumed-role/R/xx"), arn("arn:aws;id:sts::111111111111:assumed-role/R/xx"),
			arn("arn:aws-" + strings.Repeat("a", 40) + ":sts::111111111111:assumed-role/R/xx"), arn("urn:aws:sts::111111111111:assumed-role/R/xx"),
			arn("arn:aws:sts::111111111111:federated-user/R/xx"), arn(a + "R"), arn(a + "/xx"), arn(a + "R/"), arn(a + "R/x"),
			arn(a + "path/R/xx"), arn(a + "R/x x"), arn(a + "R/x$x"), arn(a + "R/xx:yy"), arn(a + "R/xx\n"), arn(a + "R/x\u00e9"),
			arn(a + strings.Repeat("r", 65) + "/xx"), arn(a + "R/" + strings.Repeat("s", 65)),
		}},
	} {
		for n, change := range c.change {
			changed := testCredentials()
			change(&changed)
			err := changed.Check()
			var fieldErr *FieldError
			switch {
			case c.field == "" && err != nil:
				t.Errorf("Check of allowed change %d = %v, want nil", n, err)
			case c.field != "" && (!errors.As(err, &fieldErr) || fieldErr.Field != c.field):
				t.Errorf("Check of %s %d = %v, want a *FieldError of it", c.field, n, err)
			}
		}
	}
	if err := testCredentials().Check(); err != nil {
		t.Errorf("Check of sound credentials = %v, want nil", err)
	}
}

// TestCheckQuotesNothing: every field holds a canary and something that is refused.
func TestCheckQuotesNothing(t *testing.T) {
	t.Parallel()
	const canary = "canary\n0123456789"
	for field := range reflect.TypeFor[Credentials]().NumField() {
		c := testCredentials()
		switch f := reflect.ValueOf(&c).Elem().Field(field).Addr().Interface().(type) {
		case *string:
			*f = canary
		case *secret.Text:
			*f = secret.New(canary)
		default:
			continue
		}
		err := c.Check()
		if text := fmt.Sprintf("%v %+v %#v", err, err, err); err == nil || strings.Contains(text, "canary") {
			t.Errorf("Check of field %d = %s, want a refusal without the value", field, text)
		}
	}
	if text := fmt.Sprintf("%v", &FieldError{Field: "Identity", Problem: canary}); !strings.Contains(text, "canary") {
		t.Errorf("the search would not find a value in %s", text)
	}
}

func TestMarshal(t *testing.T) {
	t.Parallel()
	const want = `{"version":1,"access_key_id":"ASIAIOSFODNN7EXAMPLE",` +
		`"secret_access_key":"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",` +
		`"session_token":"FwoGZXIvYXdzEXAMPLETOKEN//////////wEaDK==",` +
		`"expires":"2030-01-02T03:04:05.6789Z","skew_ns":-90000000000,` +
		`"identity":"arn:aws:sts::111111111111:assumed-role/Gateway/alice@corp.example"}`
	got, err := Marshal(testCredentials())
	if err != nil || string(got) != want {
		t.Errorf("Marshal = %s, %v, want %s", got, err, want)
	}
}

// same compares what == cannot: secrets by value, none and empty apart.
func same(a, b Credentials) bool {
	return a.AccessKeyID == b.AccessKeyID && a.SecretAccessKey.Equal(b.SecretAccessKey) && a.SessionToken.Equal(b.SessionToken) &&
		a.Expires.Equal(b.Expires) && a.Skew == b.Skew && a.Identity == b.Identity
}

func TestMarshalAndBack(t *testing.T) {
	t.Parallel()
	sound := testCredentials()
	elsewhere, empty := sound, sound
	elsewhere.Expires = sound.Expires.In(time.FixedZone("", 3600))
	empty.SecretAccessKey, empty.SessionToken = secret.New(""), secret.Text{}
	odd := sound
	odd.AccessKeyID, odd.Identity = "<&>\u2028\x00\"\\", "\U0001f600"
	for _, c := range []Credentials{{}, sound, elsewhere, empty, odd} {
		data, err := Marshal(c)
		if err != nil {
			t.Errorf("Marshal(%+v) = %v", c, err)
			continue
		}
		if got, err := Unmarshal(data); err != nil || !same(got, c) || got.Expires.Location() != time.UTC {
			t.Errorf("Unmarshal = %+v, %v, want %+v", got, err, c)
		}
	}
	if same(sound, empty) || same(empty, Credentials{}) {
		t.Error("same finds no difference")
	}
}

// TestMarshalEveryField: a field that is added and forgotten is found.
func TestMarshalEveryField(t *testing.T) {
	t.Parallel()
	plain, err := Marshal(Credentials{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range reflect.TypeFor[Credentials]().NumField() {
		var c Credentials
		field := reflect.ValueOf(&c).Elem().Field(n)
		field.Set(reflect.ValueOf(testCredentials()).Field(n))
		if data, err := Marshal(c); err != nil || bytes.Equal(data, plain) {
			t.Errorf("Marshal does not write %s", reflect.TypeFor[Credentials]().Field(n).Name)
		}
	}
}

func TestMarshalRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Credentials){
		"key id":   func(c *Credentials) { c.AccessKeyID = "canary\xff" },
		"secret":   func(c *Credentials) { c.SecretAccessKey = secret.New("canary\xff") },
		"token":    func(c *Credentials) { c.SessionToken = secret.New("canary\xc0\x80") },
		"identity": func(c *Credentials) { c.Identity = "canary\xed\xa0\x80" },
		"year":     func(c *Credentials) { c.Expires = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		c := testCredentials()
		change(&c)
		data, err := Marshal(c)
		var formatErr *FormatError
		if !errors.As(err, &formatErr) || data != nil || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "10000") {
			t.Errorf("%s: Marshal = %q, %v, want a *FormatError without the value", name, data, err)
		}
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	t.Parallel()
	sound, err := Marshal(testCredentials())
	if err != nil {
		t.Fatal(err)
	}
	swap := func(old, new string) string {
		changed := strings.Replace(string(sound), old, new, 1)
		if changed == string(sound) {
			t.Fatalf("%q is not in the document", old)
		}
		return changed
	}
	for name, data := range map[string]string{
		"nothing":          "",
		"no object":        "null",
		"list":             "[]",
		"no version":       "{}",
		"next version":     swap(`"version":1`, `"version":2`),
		"version 0":        swap(`"version":1`, `"version":0`),
		"version as text":  swap(`"version":1`, `"version":"1"`),
		"no version field": swap(`"version":1,`, ``),
		"field missing":    swap(`"skew_ns":-90000000000,`, ``),
		"field unknown":    swap(`"version":1`, `"version":1,"region":"eu-west-1"`),
		"field twice":      swap(`"version":1`, `"version":1,"version":1`),
		"other case":       swap(`"identity"`, `"Identity"`),
		"other order":      swap(`"version":1,"access_key_id":"ASIAIOSFODNN7EXAMPLE"`, `"access_key_id":"ASIAIOSFODNN7EXAMPLE","version":1`),
		"white space":      swap(`"version":1`, `"version": 1`),
		"end of line":      string(sound) + "\n",
		"something after":  string(sound) + "{}",
		"number for text":  swap(`"ASIAIOSFODNN7EXAMPLE"`, `7700077`),
		"time zone":        swap(`05.6789Z`, `05.6789+01:00`),
		"not a time":       swap(`2030-01-02T`, `2030-13-02T`),
		"not UTF-8":        swap(`ASIAIOSFODNN7EXAMPLE`, "ASIA\xff"),
		"cut":              string(sound[:len(sound)-1]),
	} {
		got, err := Unmarshal([]byte(data))
		var formatErr *FormatError
		if !errors.As(err, &formatErr) || !same(got, Credentials{}) {
			t.Errorf("%s: Unmarshal = %+v, %v, want a *FormatError", name, got, err)
			continue
		}
		for _, value := range []string{"7700077", "2030", testSecret[:8], testToken[:8], "ASIA"} {
			if strings.Contains(err.Error(), value) {
				t.Errorf("%s: Unmarshal = %v, which quotes the document", name, err)
			}
		}
	}
	for _, data := range []string{`{}`, `{"version":0}`, swap(`"version":1`, `"version":2`), `{"version":2,"something":"else"}`} {
		var formatErr *FormatError
		if _, err := Unmarshal([]byte(data)); !errors.As(err, &formatErr) || formatErr.Problem != "is of another version" {
			t.Errorf("Unmarshal(%s) = %v, want it to be of another version", data, err)
		}
	}
	if _, err := Unmarshal(sound); err != nil {
		t.Errorf("Unmarshal of the document itself = %v, want nil", err)
	}
}

// FuzzUnmarshal: what is read is written back as it was, so there is one encoding only.
func FuzzUnmarshal(f *testing.F) {
	sound, err := Marshal(testCredentials())
	if err != nil {
		f.Fatal(err)
	}
	zero, err := Marshal(Credentials{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sound)
	f.Add(zero)
	f.Add([]byte(`{"version":2}`))
	f.Add([]byte(`{"version":1,"expires":"2030-01-02T03:04:05+01:00"}`))
	f.Add([]byte(`{"version":1,"VERSION":1,"skew_ns":1e3}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Unmarshal(data)
		if err != nil {
			if !same(c, Credentials{}) {
				t.Errorf("Unmarshal = %+v with %v", c, err)
			}
			return
		}
		again, err := Marshal(c)
		if err != nil || !bytes.Equal(again, data) {
			t.Errorf("Marshal(Unmarshal(%q)) = %q, %v", data, again, err)
		}
	})
}

// FuzzCheck: what passes is harmless wherever a sink may put it.
func FuzzCheck(f *testing.F) {
	sound := testCredentials()
	f.Add(sound.AccessKeyID, testSecret, testToken, sound.Identity)
	f.Add("A", "$(id)", "`id`", "arn:aws:sts::111111111111:assumed-role/R/xx")
	f.Add("ASIAIOSFODNN7EXAMPLE\n", "a'b", `a\`, "arn:aws:sts::111111111111:assumed-role/R/x;id")
	f.Fuzz(func(t *testing.T, id, key, token, identity string) {
		c := testCredentials()
		c.AccessKeyID, c.SecretAccessKey, c.SessionToken, c.Identity = id, secret.New(key), secret.New(token), identity
		if c.Check() != nil {
			return
		}
		for _, text := range []string{id, key, token, identity} {
			if text == "" || strings.ContainsAny(text, "'\"`\\ ") || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
				t.Errorf("Check allows %q", text)
			}
		}
		if strings.ContainsAny(identity, "$;&|<>()*?[]{}!#~%^") {
			t.Errorf("Check allows identity %q", identity)
		}
	})
}
