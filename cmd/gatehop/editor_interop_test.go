//go:build interop

package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// oddFiles are credentials files that botocore, Go and JavaScript read.
var oddFiles = []string{
	"",
	"[beside]\naws_access_key_id = AKIA0\naws_secret_access_key = x",
	"# a comment\r\n\r\n[beside]\r\naws_access_key_id=AKIA0\r\naws_secret_access_key   =  x  \r\n; end",
	"[beside]\ns3 =\n    region = nested\n\n    aws_session_token = nested\nregion = us-east-1\n\n\n# the last line\n",
	"[w]\noutput = json\n\n[beside] # [w]\n  aws_access_key_id = AKIA0\n  aws_secret_access_key = x\n",
	"[w]\r\n  output = json\r\n  # within\r\n\r\n[beside]\r\nk = v",
}

// askEveryone asks every client who it is with profile w, once it has been written into
// each of the files, and who it is once it has been written again for another profile.
const askEveryone = `set -e
for file in "$FILES"/*; do
  cp "$file" "$AWS_SHARED_CREDENTIALS_FILE"
  chmod 600 "$AWS_SHARED_CREDENTIALS_FILE"
  for profile in gateway dev; do
    gatehop login $profile --write=w >/dev/null
    for client in $CLIENTS; do
      printf '%s %s %s\t' "$(basename "$file")" $profile $client
      client-$client w || echo failed
    done
  done
done
`

// TestInteropEditor: what --write leaves in files of every kind is read by botocore, the
// Go SDK and the JavaScript SDK.
func TestInteropEditor(t *testing.T) {
	t.Parallel()
	bin, files := t.TempDir(), t.TempDir()
	place(t, build(t, ".", "gatehop"), bin)
	node(t, bin)
	script(t, bin, "client-go", `exec `+build(t, interopDir+"/consumer", "consumer")+` "$@"`)
	aws := newestAWS(t)
	if aws == "" {
		aws = debianAWS + ` --endpoint-url "$AWS_ENDPOINT_URL_STS"`
	}
	script(t, bin, "client-aws", awsScript(aws))
	for i, text := range oddFiles {
		if err := os.WriteFile(filepath.Join(files, fmt.Sprint(i)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := newPerson(t)
	env := []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "FILES=" + files, "CLIENTS=go js aws"}
	got := p.run(t, env, filepath.Join(bin, "gatehop"), "sandbox", "--", "sh", "-c", askEveryone)
	if got.status != 0 {
		t.Errorf("status %d\n%s%s", got.status, got.stdout, got.stderr)
	}
	want := map[string]string{
		"gateway": "arn:aws:sts::111111111111:assumed-role/Gateway/", "dev": "arn:aws:sts::444444444444:assumed-role/Admins/",
	}
	lines := 0
	for line := range strings.Lines(got.stdout) {
		what, arn, _ := strings.Cut(line, "\t")
		words := strings.Fields(what)
		if len(words) != 3 || !strings.HasPrefix(arn, want[words[1]]) {
			t.Errorf("file, profile and client %s: %s", what, arn)
		}
		lines++
	}
	if lines != len(oddFiles)*6 {
		t.Errorf("%d answers, want %d:\n%s\n%s", lines, len(oddFiles)*6, got.stdout, got.stderr)
	}
}
