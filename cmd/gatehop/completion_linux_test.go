package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// completionHome is a home with profiles, and a folder for PATH in which gatehop completes
// as ever but shows its words instead of doing anything.
func completionHome(t *testing.T, config string) (home string, env []string) {
	t.Helper()
	home = t.TempDir()
	gatehop, err := exec.LookPath("gatehop")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		".aws/config":       config,
		"bin/gatehop-probe": "#!/bin/sh\n",
		"bin/gatehop": "#!/bin/sh\ncase $1 in __complete*|completion) [ $# = 2 ] && [ \"$2\" = powershell ] || exec " + gatehop + " \"$@\" ;; esac\n" +
			"printf 'ran:'; printf '<%s>' \"$@\"; echo\n",
	} {
		path := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return home, []string{"HOME=" + home, "PATH=" + filepath.Join(home, "bin") + ":/usr/bin:/bin", "TERM=xterm", "PS1=> ", "LC_ALL=C.UTF-8"}
}

// tabbed is what is typed at a shell, with tabs, and what gatehop is run with then.
var tabbed = []struct{ typed, ran string }{
	{"gatehop login gatew\t", "<login><gateway>"},
	{"gatehop env dev --she\tz\t", "<env><dev><--shell><zsh>"},
	{"gatehop login open --role 1111\t", "<login><open><--role><111111111111/Gateway>"},
	{"gatehop refresh dev gate\t", "<refresh><dev><gateway>"},
	{"gatehop exec dev -- gatehop-pro\t", "<exec><dev><--><gatehop-probe>"},
	{"gatehop sandbox --idp fo\t", "<sandbox><--idp><form>"},
	{"gatehop completion pow\t", "<completion><powershell>"},
	{"gatehop help rol\t", "<help><roles>"},
	{"gatehop --profile gatew\tstat\t", "<--profile><gateway><status>"},
}

// interactive are shells as they wait for a person, and how they learn to complete.
var interactive = []struct {
	name, needs string // a file
	argv        []string
	learn       string
}{
	{"bash", "/usr/bin/bash", []string{"bash", "--norc", "--noprofile", "-i"}, "source <(gatehop completion bash)"},
	{"bash-completion", "/usr/share/bash-completion/bash_completion", []string{"bash", "--norc", "--noprofile", "-i"},
		"source /usr/share/bash-completion/bash_completion; source <(gatehop completion bash)"},
	{"zsh", "/usr/bin/zsh", []string{"zsh", "-f", "-i"}, "autoload -Uz compinit; compinit -u -D; source <(gatehop completion zsh)"},
}

// atShell types each text at a shell and returns what gatehop was run with, and all that
// the terminal was sent.
func atShell(t *testing.T, argv, env []string, learn string, typed ...string) (ran []string, text string) {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env, cmd.Dir = env, t.TempDir()
	s := screenFor(t, cmd, t.TempDir())
	s.typeKeys(learn + "; echo ready $((6*7))\r")
	s.see("ready 42")
	for i, keys := range typed {
		for _, part := range strings.SplitAfter(keys, "\t") { // as a person who looks at what a tab does
			s.typeKeys(part)
			if strings.HasSuffix(part, "\t") {
				s.settle()
			}
		}
		s.typeKeys("\r")
		if problem := s.seeTimes("ran:", i+1); problem != "" {
			t.Fatal(problem)
		}
		s.settle()
	}
	s.typeKeys("exit\r")
	s.leave()
	s.mu.Lock()
	text = s.text.String()
	s.mu.Unlock()
	for _, line := range strings.Split(text, "\n") {
		if _, words, ok := strings.Cut(strings.TrimRight(line, "\r"), "ran:"); ok {
			ran = append(ran, words)
		}
	}
	return ran, text
}

// settle waits until the terminal has been sent nothing for a while.
func (s *screen) settle() {
	last, since := -1, time.Now()
	for time.Since(since) < 400*time.Millisecond {
		s.mu.Lock()
		n := s.text.Len()
		s.mu.Unlock()
		if n != last {
			last, since = n, time.Now()
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestCompletionInShells types at real shells.
func TestCompletionInShells(t *testing.T) {
	t.Parallel()
	rarelyRaced(t, "its subject is shells")
	for _, shell := range interactive {
		t.Run(shell.name, func(t *testing.T) {
			t.Parallel()
			if _, err := os.Stat(shell.needs); err != nil {
				t.Skip(err)
			}
			home, env := completionHome(t, worldConfig)
			var typed []string
			for _, c := range tabbed {
				typed = append(typed, c.typed)
			}
			ran, text := atShell(t, shell.argv, env, shell.learn, typed...)
			for i, c := range tabbed {
				if i >= len(ran) || ran[i] != c.ran {
					t.Errorf("%q ran %q, want %s", c.typed, ran[min(i, len(ran)):], c.ran)
				}
			}
			if strings.Contains(text, "directive") || strings.Contains(text, "hint:") {
				t.Errorf("words of gatehop's on the terminal:\n%s", text)
			}
			if left := files(t, home); strings.Contains(strings.Join(left, " "), "state") {
				t.Errorf("completion made %q", left)
			}
			// The control: a shell that has not learnt it completes nothing.
			if ran, _ := atShell(t, shell.argv, env, "true", tabbed[0].typed); len(ran) != 1 || ran[0] != "<login><gatew>" {
				t.Errorf("without the script: %q", ran)
			}
		})
	}
}

// TestCompletionBroken has a configuration that cannot be read: nothing is completed, and
// nothing said.
func TestCompletionBroken(t *testing.T) {
	t.Parallel()
	rarelyRaced(t, "its subject is shells")
	for _, shell := range interactive {
		t.Run(shell.name, func(t *testing.T) {
			t.Parallel()
			if _, err := os.Stat(shell.needs); err != nil {
				t.Skip(err)
			}
			_, env := completionHome(t, worldConfig)
			env = append(env, "AWS_CONFIG_FILE=/dev/tty") // nor is anything asked there
			ran, text := atShell(t, shell.argv, env, shell.learn, "gatehop login gatew\t", "gatehop login open --role 1111\t")
			if strings.Join(ran, " ") != "<login><gatew> <login><open><--role><1111>" || strings.Contains(text, "gatehop:") || strings.Contains(text, "config") {
				t.Errorf("ran %q:\n%s", ran, text)
			}
		})
	}
}

// TestCompletionInFish asks fish itself, which can be asked without a terminal.
func TestCompletionInFish(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("fish"); err != nil {
		t.Skip(err)
	}
	_, env := completionHome(t, worldConfig)
	ask := func(learn, typed string) string {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, "fish", "--no-config", "-c", learn+"; complete -C "+`"`+typed+`"`)
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("fish: %v: %s", err, out)
		}
		return string(out)
	}
	const learn = "gatehop completion fish | source"
	for typed, want := range map[string]string{
		"gatehop login gatew":            "gateway\t111111111111 Gateway\n",
		"gatehop login open --role 1111": "111111111111/Gateway\n",
		"gatehop env dev --shell z":      "zsh\n",
		"gatehop login --forc":           "--force\tsign in again and renew every hop\n",
	} {
		if got := ask(learn, typed); got != want {
			t.Errorf("%q completes to %q, want %q", typed, got, want)
		}
	}
	if got := ask("true", "gatehop login gatew"); strings.Contains(got, "gateway") {
		t.Errorf("without the script: %q", got)
	}
}
