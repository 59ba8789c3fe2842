package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehop/cmd/gatehop/internal/environ"
	"gatehop/creds/sink"
)

// asked is what a tool in the environment env gets of the endpoint.
func asked(t *testing.T, env []string, change func(r *http.Request)) (status int, body string) {
	t.Helper()
	vars := environ.Vars(env)
	r, err := http.NewRequest(http.MethodGet, vars.Get("AWS_CONTAINER_CREDENTIALS_FULL_URI"), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", vars.Get("AWS_CONTAINER_AUTHORIZATION_TOKEN"))
	if change != nil {
		change(r)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

// isGone reports whether nobody listens at an endpoint any more.
func isGone(t *testing.T, address string) bool {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		t.Fatalf("no endpoint at %q", address)
	}
	conn, err := net.DialTimeout("tcp", u.Host, 10*time.Second)
	if err == nil {
		_ = conn.Close()
	}
	return err != nil
}

// TestExecServe runs a command with an endpoint and without keys.
func TestExecServe(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.vars = []string{password(worldPassword)}
	ran, at := false, ""
	w.child = func(c command) error {
		ran, at = true, environ.Vars(c.env).Get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
		status, body := asked(t, c.env, nil)
		var got struct{ AccessKeyID, SecretAccessKey, Token, Expiration string }
		if err := json.Unmarshal([]byte(body), &got); err != nil || status != http.StatusOK || !strings.HasPrefix(got.AccessKeyID, "ASIA") || got.SecretAccessKey == "" || got.Token == "" || !strings.HasSuffix(got.Expiration, "Z") {
			t.Errorf("the endpoint answers %d %s", status, body)
		}
		if !strings.HasPrefix(at, "http://127.0.0.1:") || c.tied == nil {
			t.Errorf("the endpoint is at %s, tied %v", at, c.tied != nil)
		}
		for name, change := range map[string]func(r *http.Request){
			"no token":  func(r *http.Request) { r.Header.Del("Authorization") },
			"a host":    func(r *http.Request) { r.Host = "localhost:" + r.URL.Port() },
			"a browser": func(r *http.Request) { r.Header.Set("Origin", "null") },
		} {
			if status, body := asked(t, c.env, change); status == http.StatusOK || strings.Contains(body, got.Token) {
				t.Errorf("%s gets %d %s", name, status, body)
			}
		}
		return &childExit{status: 42}
	}
	shadow := []string{"AWS_PROFILE=other", "AWS_ACCESS_KEY_ID=AKIAOLD", "AWS_SECRET_ACCESS_KEY=old", "AWS_SESSION_TOKEN=old",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/old", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=/old", "AWS_CONTAINER_AUTHORIZATION_TOKEN=old"}
	o := w.runWith(shadow, "exec", "--serve", "dev", "--", "sh", "-c", "true").want(t, 42)
	token := environ.Vars(o.child).Get("AWS_CONTAINER_AUTHORIZATION_TOKEN")
	if !ran || token == "" || token == "old" || !isGone(t, at) {
		t.Errorf("ran %v, and the endpoint at %s is gone: %v", ran, at, isGone(t, at))
	}
	for _, entry := range o.child {
		name, value, _ := strings.Cut(entry, "=")
		own := []string{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN"}
		if slices.Contains(append(sink.UnsetForContainer(), ownSecrets...), name) && !slices.Contains(own, name) || strings.HasPrefix(value, "ASIA") {
			t.Errorf("the command has %s", name)
		}
	}
	for _, want := range []string{"AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=eu-west-1", "GATEHOP_PROFILE=dev"} {
		if !slices.Contains(o.child, want) {
			t.Errorf("the command has no %s", want)
		}
	}
	if text := strings.Join(o.childArgs, " ") + o.stdout + o.stderr; strings.Contains(text, token) {
		t.Errorf("the token is shown: %s", text)
	}
}

// TestExecServeDefault refuses a profile that every tool would take before the endpoint,
// before anything is asked or sent.
func TestExecServeDefault(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, config, credentials string
		want                      int
	}{
		{"a helper", "[default]\ncredential_process = /bin/x\n", "", statusUsage},
		{"keys", "", "[default]\naws_access_key_id = AKIA\naws_secret_access_key = x\n", statusUsage},
		{"a region", "[default]\nregion = eu-west-1\n", "", 0}, // the control
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, worldOptions{config: c.config + "\n" + worldConfig})
			w.write(".aws/credentials", c.credentials)
			w.vars = []string{password(worldPassword)}
			ran := false
			w.child = func(command) error { ran = true; return nil }
			o := w.run("exec", "--serve", "dev", "--", "sh")
			if o.want(t, c.want); c.want != 0 {
				o.want(t, c.want, "profile default", "without --serve")
				if ran || w.adfs.Stats().Requests != 0 {
					t.Errorf("ran %v, %d requests", ran, w.adfs.Stats().Requests)
				}
			}
			w.run("exec", "dev", "--", "sh").want(t, 0)
		})
	}
}

// TestExecAtLeast renews before a command starts, or refuses.
func TestExecAtLeast(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{config: withoutCookies()})
	w.runWith([]string{password(worldPassword)}, "login", "dev").want(t, 0)
	ran := 0
	w.child = func(command) error { ran++; return nil }
	hops := func() int { return w.sts.Counts().AssumeRole }
	for _, c := range []struct {
		after        time.Duration // since the sign-in
		args         []string
		status, hops int // hops: how many more
		word         string
	}{
		{20 * time.Minute, nil, 0, 0, ""},
		{20 * time.Minute, []string{"--at-least", "35m"}, 0, 0, ""},
		{20 * time.Minute, []string{"--at-least", "45m"}, 0, 1, ""},
		{20 * time.Minute, []string{"--at-least", "45m"}, 0, 0, ""},
		{20 * time.Minute, []string{"--at-least", "2h"}, statusUsage, 0, "profile dev can have 59 min at most"},
		{20 * time.Minute, []string{"--at-least", "-1m"}, statusUsage, 0, "gatehop exec --help"},
		{20 * time.Minute, []string{"--serve", "--at-least", "11h30m"}, 0, 0, ""},
		{20 * time.Minute, []string{"--serve", "--at-least", "13h"}, statusUsage, 0, "a session of a gateway"},
		{6 * time.Hour, []string{"--serve", "--at-least", "5h"}, 0, 1, ""},
		{6 * time.Hour, []string{"--serve", "--at-least", "7h"}, statusHuman, 0, "gatehop login gateway"},
		{14 * time.Hour, []string{"--at-least", "45m"}, statusHuman, 0, "gatehop login gateway"},
	} {
		w.now = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC).Add(c.after)
		before, hopsBefore := ran, hops()
		o := w.run(append(append([]string{"exec", "dev"}, c.args...), "--", "sh")...).want(t, c.status, c.word)
		if started := ran > before; started != (c.status == 0) || hops()-hopsBefore != c.hops {
			t.Errorf("%v after %q: started %v, %d hops more, want %d\n%s", c.after, c.args, started, hops()-hopsBefore, c.hops, o.stderr)
		}
	}
	// What needs nobody is renewed.
	w.now = time.Date(2026, 3, 1, 15, 0, 0, 0, time.UTC)
	w.runWith([]string{password(worldPassword)}, "exec", "dev", "--serve", "--at-least", "7h", "--", "sh").want(t, 0)
	if n := w.sts.Counts().AssumeRoleWithSAML; n != 2 {
		t.Errorf("%d sessions of the gateway, want 2", n)
	}
}

// TestRememberedGateway: what was chosen at a gateway's first sign-in counts where a command
// renews the gateway by itself, also if only the hop says in which partition they are.
func TestRememberedGateway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{config: `[profile open]
gatehop_idp = adfs
gatehop_url = https://adfs.corp.example
gatehop_store = file
gatehop_keep_session = no
region = eu-west-1

[profile hop]
gatehop_role_arn = arn:aws:iam::444444444444:role/Admins
gatehop_source_profile = open
`})
	w.child = func(command) error { return nil }
	w.answer = map[string]string{"username": `CORP\alice`, "password": worldPassword, "role": gatewayARN}
	w.run("login", "hop").want(t, 0)
	w.answer = nil
	w.vars = []string{password(worldPassword)}
	for _, args := range [][]string{
		{"exec", "hop", "--serve", "--at-least", "7h", "--", "sh"},
		{"refresh", "hop"},
		{"refresh", "open"},
		{"exec", "hop", "--", "sh"},
		{"each", "*", "--", "true"},
	} {
		w.now = w.now.Add(13 * time.Hour)
		w.run(args...).want(t, 0)
	}
	if n := w.sts.Counts().AssumeRoleWithSAML; n != 6 {
		t.Errorf("%d sessions of the gateway, want 6", n)
	}
}

// endingAfter calls end when something has been written.
type endingAfter struct {
	io.Writer
	end func()
}

func (e endingAfter) Write(data []byte) (int, error) {
	defer e.end()
	return e.Writer.Write(data)
}

// served is what serve prints before it ends.
func (w *world) served(args ...string) string {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	var out, errs strings.Builder
	if status := runCommand(ctx, w.around(endingAfter{&out, cancel}, &errs, nil, append([]string{"serve"}, args...))); status != 0 {
		w.t.Errorf("serve: status %d\n%s", status, errs.String())
	}
	return out.String()
}

// TestServeAlone prints how to come to the endpoint, and nothing else on standard output.
func TestServeAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{config: "[default]\ncredential_process = /bin/x\n" + worldConfig})
	w.vars = []string{password(worldPassword)}
	for _, asJSON := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		reader, writer := io.Pipe()
		var errs strings.Builder
		args := []string{"serve", "dev"}
		if asJSON {
			args = append(args, "--json")
		}
		done := make(chan int, 1)
		go func() {
			status := runCommand(ctx, w.around(writer, &errs, nil, args))
			_ = writer.Close()
			done <- status
		}()
		env, unset := []string{}, []string{}
		if asJSON {
			var got served
			if err := json.NewDecoder(reader).Decode(&got); err != nil || got.Profile != "dev" || !strings.Contains(got.Identity, ":assumed-role/Admins/") || got.Expires.Before(w.now) || got.Region != "eu-west-1" {
				t.Fatalf("serve --json prints %+v, %v", got, err)
			}
			env, unset = []string{"AWS_CONTAINER_CREDENTIALS_FULL_URI=" + got.URL, "AWS_CONTAINER_AUTHORIZATION_TOKEN=" + got.Token}, got.Unset
		} else {
			data := make([]byte, 64<<10)
			n, err := reader.Read(data)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(data[:n])) {
				if names, ok := strings.CutPrefix(strings.TrimSpace(line), "unset -v "); ok {
					unset = strings.Fields(names)
				} else if entry, ok := strings.CutPrefix(strings.TrimSpace(line), "export "); ok {
					env = append(env, strings.ReplaceAll(entry, "'", ""))
				} else {
					t.Errorf("odd line %q", line)
				}
			}
		}
		if !slices.Equal(unset, sink.UnsetForContainer()) {
			t.Errorf("unset %q", unset)
		}
		if status, body := asked(t, env, nil); status != http.StatusOK {
			t.Errorf("the endpoint answers %d %s", status, body)
		}
		cancel()
		rest, err := io.ReadAll(reader)
		if status := <-done; status != 0 || err != nil && !errors.Is(err, io.EOF) || strings.TrimSpace(string(rest)) != "" {
			t.Errorf("status %d, %q more, %v", status, rest, err)
		}
		if text := errs.String(); !strings.Contains(text, "served until Ctrl-C") || !strings.Contains(text, "warning: tools would take profile default") || strings.Contains(text, environ.Vars(env).Get("AWS_CONTAINER_AUTHORIZATION_TOKEN")) {
			t.Errorf("stderr: %s", text)
		}
		if !isGone(t, environ.Vars(env).Get("AWS_CONTAINER_CREDENTIALS_FULL_URI")) {
			t.Error("somebody answers after it")
		}
	}
}
