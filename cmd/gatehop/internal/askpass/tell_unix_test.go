//go:build unix

package askpass

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTell(t *testing.T) {
	t.Parallel()
	const message = "the session of profile corp ends in 15 min; $(id) 'x' -rf"
	for _, c := range []struct{ name, script, problem string }{
		{"shown", `printf '%s|' "$@" "$#" "$(pwd)" "$HOME" "$AWS_PROFILE$GATEHOP_PASSWORD" >"$TMPDIR/out"`, ""},
		{"noise", "echo noise; echo noise >&2", ""},
		{"a child that goes on", "sleep 100 &", ""},
		{"a failure", "echo out; printf '\\033[2Jno display\\n' >&2; exit 3", `exit status 3: "out [2Jno display"`},
		{"no end", "while :; do sleep 0.1; done", "has not ended in 10s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tmp := t.TempDir()
			words := []string{script(t, c.script, 0o700), "--title", "a b", "spare"}[:3] // room behind it is nobody's
			command := Command{Key: "key", Words: words, limit: 10 * time.Second, Env: []string{
				"PATH=" + os.Getenv("PATH"), "HOME=/h", "TMPDIR=" + tmp, "AWS_PROFILE=p", "GATEHOP_PASSWORD=q"}}
			err := command.Tell(t.Context(), message)
			var failed *Error
			if c.problem == "" && err != nil || c.problem != "" && (!errors.As(err, &failed) || !strings.Contains(err.Error(), c.problem) || failed.Config) {
				t.Errorf("Tell = %v, want %q", err, c.problem)
			}
			if words[:4][3] != "spare" {
				t.Error("Tell changes the words of its caller")
			}
			if data, err := os.ReadFile(filepath.Join(tmp, "out")); c.name == "shown" && string(data) != "--title|a b|"+message+"|3|/|/h||" {
				t.Errorf("the program got %q, %v", data, err)
			}
		})
	}
}

func TestTellRefused(t *testing.T) {
	t.Parallel()
	var failed *Error
	open := Command{Key: "key", Words: []string{script(t, ":", 0o722)}}
	if err := open.Tell(t.Context(), "m"); !errors.As(err, &failed) || !failed.Config || !strings.Contains(err.Error(), "written by others") {
		t.Errorf("Tell = %v, want a program that others can write refused", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	slow := Command{Key: "key", Words: []string{script(t, "sleep 100", 0o700)}, Env: []string{"PATH=" + os.Getenv("PATH")}}
	if err := slow.Tell(ctx, "m"); !errors.Is(err, context.Canceled) {
		t.Errorf("Tell = %v, want the context's error", err)
	}
}
