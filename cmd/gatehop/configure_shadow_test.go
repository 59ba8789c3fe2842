package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const shadowing = "# mine\n[prod]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = s3cr3t-k3y\n"

func (w *world) credentialsFile() string {
	w.t.Helper()
	data, err := os.ReadFile(filepath.Join(w.home, ".aws", "credentials"))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(data)
}

// TestConfigureShadow: keys that tools would use instead are said and, where it is asked
// for, moved with every other byte as it was.
func TestConfigureShadow(t *testing.T) {
	t.Parallel()
	const old = shadowing + "\n[other]\naws_access_key_id = AKIA2\n"
	w := newcomer(t, worldOptions{})
	w.vars = append(w.vars, password(worldPassword))
	w.write(".aws/credentials", old)
	w.run(byFlags("--yes")...).want(t, statusUsage, "[prod]", "aws_access_key_id", "--move-static")
	if w.configFile() != "" || w.credentialsFile() != old {
		t.Errorf("written in spite of what shadows it: %q %q", w.configFile(), w.credentialsFile())
	}
	w.answer = wizard()
	w.answer["move"] = "no"
	w.run("configure").want(t, statusUsage, "[prod]")
	if w.configFile() != "" || w.credentialsFile() != old {
		t.Errorf("written against a no: %q %q", w.configFile(), w.credentialsFile())
	}
	w.answer = nil
	o := w.run(byFlags("--yes", "--move-static")...).want(t, 0, "-[prod]", "+[prod-static]")
	if got := w.credentialsFile(); got != strings.Replace(old, "[prod]", "[prod-static]", 1) || w.configFile() != w.byHand() {
		t.Errorf("the files are %q and %q", got, w.configFile())
	}
	if strings.Contains(o.stdout+o.stderr, "s3cr3t") {
		t.Errorf("a secret is shown: %s", o.stderr)
	}
	w.write(".aws/credentials", strings.ReplaceAll(old, "prod", "unrelated")) // the control
	w.run(byFlags("--yes")...).want(t, 0, "nothing to change")
}

// TestConfigureShadowOrder: keys that tools use today stay in their place until there is
// something else to use. What changed under the last question is what refuses the writing
// here. The control is the same run without that change.
func TestConfigureShadowOrder(t *testing.T) {
	t.Parallel()
	const theirs = "[profile prod]\nrole_arn = arn:aws:iam::222222222222:role/Theirs\nsource_profile = other\n"
	for _, changed := range []bool{true, false} {
		w := newcomer(t, worldOptions{})
		w.write(".aws/credentials", shadowing)
		w.answer = wizard()
		w.answer["move"] = "yes"
		w.onAsk = func() {
			if changed && w.asked[len(w.asked)-1].Field == "write" {
				w.write(".aws/config", theirs)
			}
		}
		if changed {
			w.run("configure").want(t, statusUsage, "prod")
			if w.configFile() != theirs || w.credentialsFile() != shadowing {
				t.Errorf("the files are\n%s\n%s", w.configFile(), w.credentialsFile())
			}
			continue
		}
		w.run("configure").want(t, 0)
		if w.configFile() != w.byHand() || !strings.Contains(w.credentialsFile(), "[prod-static]") {
			t.Errorf("the files are\n%s\n%s", w.configFile(), w.credentialsFile())
		}
	}
}

// TestConfigureShadowNames: what is moved does not come to lie over a profile that is
// written in the same run.
func TestConfigureShadowNames(t *testing.T) {
	t.Parallel()
	w := newcomer(t, worldOptions{})
	w.vars = append(w.vars, password(worldPassword))
	w.write(".aws/credentials", shadowing)
	w.run("configure", "--url", worldHost, "--username", `CORP\alice`, "--role", gatewayARN, "--accounts", "prod=222222222222,prod-static=333333333333",
		"--role-name", "Admins", "--yes", "--move-static").want(t, 0, "[prod-static-2]")
	if got := w.credentialsFile(); got != strings.Replace(shadowing, "[prod]", "[prod-static-2]", 1) {
		t.Errorf("the credentials file is\n%s", got)
	}
	w.run("credential-process", "prod-static").want(t, 0, `"Version"`)
}
