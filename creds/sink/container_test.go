package sink

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gatehop/creds/secret"
)

func TestContainer(t *testing.T) {
	t.Parallel()
	line, err := Container(testCredentials())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "container.json", line)
	var got map[string]string
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatal(err)
	}
	// What boto and the JavaScript SDK fail without; SessionToken would be none of them.
	for _, name := range []string{"AccessKeyId", "SecretAccessKey", "Token", "Expiration"} {
		if got[name] == "" {
			t.Errorf("no %s in the answer", name)
		}
	}
	if len(got) != 4 {
		t.Errorf("%d fields, want 4", len(got))
	}
}

func TestContainerEnviron(t *testing.T) {
	t.Parallel()
	vars, err := ContainerEnviron("http://127.0.0.1:1234/credentials", secret.New("k4n4ry"), "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "container-environ.txt", []byte(strings.Join(Apply(nil, vars, nil), "\n")+"\n"))
	if text := fmt.Sprintf("%v %+v %#v", vars, vars, vars); strings.Contains(text, "k4n4ry") {
		t.Errorf("printing the variables shows %s", text)
	}
	var valueErr *ValueError
	if vars, err := ContainerEnviron("http://127.0.0.1:1/x", secret.New("t"), "$(id)"); !errors.As(err, &valueErr) || vars != nil {
		t.Errorf("ContainerEnviron in a region of another alphabet = %q, %v", names(vars), err)
	}
}

// TestUnsetForContainer: whatever a tool takes before the endpoint is gone, and what the
// endpoint is told by is set after it.
func TestUnsetForContainer(t *testing.T) {
	t.Parallel()
	golden(t, "unset-container.txt", []byte(strings.Join(UnsetForContainer(), "\n")+"\n"))
	for _, name := range Unset() {
		if !slices.Contains(UnsetForContainer(), name) {
			t.Errorf("UnsetForContainer has no %s", name)
		}
	}
	vars, err := ContainerEnviron("http://127.0.0.1:1/x", secret.New("t"), "")
	if err != nil {
		t.Fatal(err)
	}
	env := Apply([]string{"AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_SESSION_TOKEN=c", "AWS_PROFILE=p", "A=1",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/r", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=f", "AWS_CONTAINER_AUTHORIZATION_TOKEN=old"}, vars, UnsetForContainer())
	want := []string{"A=1", "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:1/x", "AWS_CONTAINER_AUTHORIZATION_TOKEN=t"}
	if !slices.Equal(env, want) {
		t.Errorf("the environment is %q, want %q", env, want)
	}
}

func TestContainerShell(t *testing.T) {
	t.Parallel()
	lines, err := ContainerShell("bash", "prod", "http://127.0.0.1:1234/credentials", secret.New("k4n4ry"), "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "container-bash.txt", lines)
	var shellErr *UnknownShellError
	if _, err := ContainerShell("nosuch", "prod", "u", secret.New("t"), ""); !errors.As(err, &shellErr) {
		t.Errorf("ContainerShell = %v", err)
	}
	var valueErr *ValueError
	for _, c := range [][2]string{{"a b", "eu-west-1"}, {"prod", "$(id)"}} {
		if lines, err := ContainerShell("bash", c[0], "u", secret.New("t"), c[1]); !errors.As(err, &valueErr) || lines != nil {
			t.Errorf("ContainerShell of %q = %q, %v", c, lines, err)
		}
	}
}
