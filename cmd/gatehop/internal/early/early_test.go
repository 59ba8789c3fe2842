package early

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehop/cmd/gatehop/internal/environ"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/cmd/gatehop/internal/session"
	"gatehop/cmd/gatehop/internal/setting"
	"gatehop/cmd/gatehop/internal/weburl"
	"gatehop/creds"
	"gatehop/creds/secret"
	"gatehop/creds/store"
)

const config = `[profile gateway]
gatehop_idp = adfs
gatehop_url = https://adfs.corp.example/
gatehop_username = alice
gatehop_role_arn = arn:aws:iam::111111111111:role/Gateway
region = eu-west-1
`

// cached is a run with a session of profile gateway in the cache.
func cached(t *testing.T, config string, args ...string) (r Run, stdout, stderr *bytes.Buffer) {
	t.Helper()
	home := t.TempDir()
	env := environ.Vars{"HOME=" + home, "USERPROFILE=" + home, "GATEHOP_HOME=" + filepath.Join(home, "state"), "AWS_CONFIG_FILE=" + filepath.Join(home, "config")}
	if err := os.WriteFile(filepath.Join(home, "config"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := env.AWSFiles()
	if err != nil {
		t.Fatal(err)
	}
	all, err := profile.Read(files, everyURL)
	if err != nil {
		t.Fatal(err)
	}
	ch, err := all.Chain("gateway")
	if err != nil {
		t.Fatal(err)
	}
	settings, err := setting.Of(env, ch, everyURL)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	data, err := session.Encode(session.Session{
		Credentials: creds.Credentials{AccessKeyID: "ASIAIOSFODNN7EXAMPLE", SecretAccessKey: secret.New(strings.Repeat("k", 40)), SessionToken: secret.New("token"),
			Expires: now.Add(8 * time.Hour), Identity: "arn:aws:sts::111111111111:assumed-role/Gateway/alice"},
		Lifetime: 8 * time.Hour, User: "alice", Role: "arn:aws:iam::111111111111:role/Gateway", Trust: settings.Digest(),
	})
	if err != nil {
		t.Fatal(err)
	}
	dir, err := store.OpenDir(filepath.Join(home, "state"), true)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.NewSealed(dir, "session", rand.Reader, nil).Put(t.Context(), ch.CacheKey(0), data); err != nil {
		t.Fatal(err)
	}
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	return Run{Args: args, Env: env, Now: func() time.Time { return now }, Stdout: stdout, Stderr: stderr}, stdout, stderr
}

// everyURL takes also what Plain does not.
func everyURL(text string) (weburl.URL, bool) {
	return weburl.Plain(strings.Replace(text, "[::1]", "localhost", 1))
}

type writer func([]byte) (int, error)

func (w writer) Write(data []byte) (int, error) { return w(data) }

// TestAnswer wants an answer given once and the process ended by it, and everything else
// left alone.
func TestAnswer(t *testing.T) {
	t.Parallel()
	odd := strings.Replace(config, "adfs.corp.example", "[::1]", 1)
	for _, c := range []struct {
		name, config   string
		args           []string
		write          writer
		looked, exited bool
		status         int
		stdout, stderr string
	}{
		{"from the cache", config, []string{"status", "gateway", "--short"}, nil, true, true, 0, "8h\n", ""},
		{"not asked", config, []string{"status", "gateway"}, nil, false, false, 0, "", ""},
		{"no such profile", config, []string{"status", "nobody", "--short"}, nil, true, false, 0, "", ""},
		{"a URL that is not plain", odd, []string{"status", "gateway", "--short"}, nil, true, false, 0, "", ""},
		{"a panic", config, []string{"env", "gateway"}, func([]byte) (int, error) { panic("x") }, false, false, 0, "", ""},
		{"a write that fails", config, []string{"env", "gateway"}, func([]byte) (int, error) { return 0, io.ErrShortWrite }, true, false, 0, "", ""},
		{"a write that fails half-way", config, []string{"env", "gateway"}, func([]byte) (int, error) { return 1, errors.New("full") }, true, true, 1, "", "gatehop: full\n"},
	} {
		r, stdout, stderr := cached(t, c.config, c.args...)
		if c.write != nil {
			r.Stdout = c.write
		}
		exited, status := 0, 0
		looked := answer(r, func(s int) { status = s; exited++ })
		if looked != c.looked || (exited == 1) != c.exited || exited > 1 || status != c.status || stdout.String() != c.stdout || stderr.String() != c.stderr {
			t.Errorf("%s: looked %v, exited %d with %d, %q %q", c.name, looked, exited, status, stdout, stderr)
		}
	}
}

// TestLooked: the tests' own command line asks for nothing.
func TestLooked(t *testing.T) {
	t.Parallel()
	if Looked() {
		t.Error("Looked = true")
	}
}
