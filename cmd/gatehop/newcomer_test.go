package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// newcomer is a world whose person has no configuration yet and no aws.
func newcomer(t *testing.T, o worldOptions) *world {
	t.Helper()
	o.config = "# nothing yet\n"
	w := newWorld(t, o)
	if err := os.RemoveAll(filepath.Join(w.home, ".aws")); err != nil {
		t.Fatal(err)
	}
	w.vars = append(w.vars, "PATH="+t.TempDir(), "AWS_REGION=eu-west-1")
	return w
}

// wizard is what a person answers who wants prod and one account more.
func wizard() map[string]string {
	return map[string]string{
		"url": worldHost, "username": `CORP\alice`, "password": worldPassword, "role": gatewayARN, "region": "eu-west-1",
		"destinations": "prod=222222222222, 333333333333", "role_name": "Admins", "name": "staging", "write": "yes",
	}
}

// byFlags is the same by flags.
func byFlags(more ...string) []string {
	return append([]string{"configure", "--url", worldHost, "--username", `CORP\alice`, "--role", gatewayARN, "--region", "eu-west-1",
		"--accounts", "prod=222222222222,staging=333333333333", "--role-name", "Admins"}, more...)
}

func (w *world) configFile() string {
	w.t.Helper()
	data, err := os.ReadFile(filepath.Join(w.home, ".aws", "config"))
	if err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	return string(data)
}

// byHand is what a careful person would have written.
func (w *world) byHand() string {
	text, err := os.ReadFile(filepath.Join("testdata", "configure.golden"))
	if err != nil {
		w.t.Fatal(err)
	}
	helper := `"` + w.home + `/gatehop"`
	if runtime.GOOS == "windows" {
		helper = filepath.Join(w.home, "gatehop")
	}
	return strings.ReplaceAll(string(text), `"HOME/gatehop"`, helper)
}

func (w *world) askedFor(field string) int {
	n := 0
	for _, q := range w.asked {
		if q.Field == field {
			n++
		}
	}
	return n
}
