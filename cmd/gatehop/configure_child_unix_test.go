//go:build unix

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestConfigureChild: aws, which configure runs in the end, gets neither a secret of this
// run nor what would shadow the profile, and the files and the certificates that it needs.
// The control is what it was run with: the child has seen it all but for that.
func TestConfigureChild(t *testing.T) {
	t.Parallel()
	w := newcomer(t, worldOptions{})
	bin := t.TempDir()
	script := "#!/bin/sh\nexport -p >\"$HOME/child\"\necho \"$@\" >\"$HOME/words\"\n" +
		`echo '{"Arn": "arn:aws:sts::222222222222:assumed-role/Admins/alice"}'` + "\n"
	if err := os.WriteFile(filepath.Join(bin, "aws"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	gone := []string{"GATEHOP_PASSWORD", "GATEHOP_OTP", "GATEHOP_URL", "GATEHOP_USERNAME", "AWS_PROFILE", "AWS_DEFAULT_PROFILE",
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"}
	stays := []string{"AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE", "GATEHOP_HOME", "MINE"}
	vars := []string{"PATH=" + bin}
	for _, name := range append(gone, stays...) {
		vars = append(vars, name+"="+filepath.Join(w.home, "x"))
	}
	vars = append(vars, password(worldPassword), "GATEHOP_HOME="+filepath.Join(w.home, "state"), "GATEHOP_OTP=123456", "GATEHOP_URL=https://nobody.example", "GATEHOP_USERNAME=nobody")
	w.runWith(vars, byFlags("--yes", "--profile", "gateway")...).want(t, 0, "running aws sts get-caller-identity --profile prod", "AWS says")
	data, err := os.ReadFile(filepath.Join(w.home, "child"))
	if err != nil {
		t.Fatal(err)
	}
	has := func(name string) bool { return regexp.MustCompile(`(?m)(^| )` + name + `=`).Match(data) }
	for _, name := range gone {
		if has(name) {
			t.Errorf("aws has %s", name)
		}
	}
	for _, name := range stays {
		if !has(name) {
			t.Errorf("aws does not have %s", name)
		}
	}
	words, err := os.ReadFile(filepath.Join(w.home, "words"))
	if err != nil || strings.TrimSpace(string(words)) != "sts get-caller-identity --profile prod --output json" {
		t.Errorf("aws was run with %q (%v)", words, err)
	}
	if strings.Contains(string(data), worldPassword) {
		t.Error("aws has the password")
	}
}
