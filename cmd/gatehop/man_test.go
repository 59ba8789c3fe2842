package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// pages are the root command and all that --help lists.
func pages() []*cobra.Command {
	root := rootCommand(&app{})
	return append([]*cobra.Command{root}, slices.DeleteFunc(slices.Clone(root.Commands()), func(c *cobra.Command) bool { return !c.IsAvailableCommand() })...)
}

// rendered is roff as far as these pages need it: the words that a reader sees.
func rendered(page string) string {
	text := regexp.MustCompile(`(?m)^\.(SH|TP|PP|nf|fi|B|TH)\b ?`).ReplaceAllString(page, "")
	text = regexp.MustCompile(`\\f[BIR]`).ReplaceAllString(text, "")
	return strings.NewReplacer(`\e`, `\`, `\-`, "-", `\(aq`, "'", "\\`", "`", `\(ha`, "^", `\(ti`, "~", `\(dq`, `"`, `\&`, "").Replace(text)
}

// missing lists what of a command's help does not stand in its page.
func missing(c *cobra.Command, page string) (words []string) {
	words = append(words, c.UseLine(), c.Short)
	words = append(words, strings.Split(c.Long, "\n")...)
	words = append(words, strings.Split(c.Example, "\n")...)
	each := func(f *pflag.Flag) { words = append(words, "--"+f.Name, strings.ReplaceAll(f.Usage, "`", "")) }
	c.LocalFlags().VisitAll(each)
	c.InheritedFlags().VisitAll(each)
	if !c.HasParent() {
		for _, sub := range pages()[1:] {
			words = append(words, sub.Name(), sub.Short, manName(sub)+"(1)")
		}
	}
	text := rendered(page)
	return slices.DeleteFunc(words, func(w string) bool { return strings.Contains(text, strings.TrimRight(w, " ")) })
}

// TestManHasAllOfHelp wants every command, flag and line of --help in the manual.
func TestManHasAllOfHelp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	dir := filepath.Join(w.home, "man1")
	if out := w.run("man", "--dir", dir).want(t, 0); out.stdout+out.stderr != "" {
		t.Errorf("man --dir says %q", out.stdout+out.stderr)
	}
	all := pages()
	if len(all) < 12 {
		t.Fatalf("only %d pages", len(all))
	}
	var names []string
	for _, c := range all {
		names = append(names, manName(c)+".1")
		data, err := os.ReadFile(filepath.Join(dir, manName(c)+".1"))
		if err != nil {
			t.Fatal(err)
		}
		if gone := missing(c, string(data)); len(gone) > 0 {
			t.Errorf("the page of %s lacks %q", c.Name(), gone)
		}
		args := []string{"man"}
		if c.HasParent() {
			args = append(args, c.Name())
		}
		if out := w.run(args...).want(t, 0); out.stdout != string(data) {
			t.Errorf("%v prints another page than --dir writes", args)
		}
	}
	if slices.Sort(names); !slices.Equal(files(t, dir)[1:], names) {
		t.Errorf("the folder holds %q, want %q", files(t, dir), names)
	}
	// The control: the same check of a page without a flag, and of another command's.
	login := all[slices.IndexFunc(all, func(c *cobra.Command) bool { return c.Name() == "login" })]
	if gone := missing(login, strings.ReplaceAll(manPage(login), `\-\-force`, "")); len(gone) == 0 {
		t.Error("a page without --force lacks nothing")
	}
	w.run("man", "logn").want(t, statusUsage, `did you mean "login"?`)
	w.run("man", "login", "--dir", dir).want(t, statusUsage)
}

// TestManRenders has groff, man and mandoc read the pages, as far as they are here.
func TestManRenders(t *testing.T) {
	t.Parallel()
	tools := [][]string{{"groff", "-man", "-Tascii", "-ww", "-z"}, {"mandoc", "-T", "lint", "-W", "error"}}
	any := false
	for _, tool := range tools {
		if _, err := exec.LookPath(tool[0]); err != nil {
			continue
		}
		any = true
		lint := func(page string) string {
			cmd := exec.Command(tool[0], tool[1:]...)
			var said bytes.Buffer
			cmd.Stdin, cmd.Stderr, cmd.Stdout = strings.NewReader(page), &said, &said
			if err := cmd.Run(); err != nil {
				said.WriteString(err.Error())
			}
			return said.String()
		}
		var all strings.Builder
		for _, c := range pages() {
			all.WriteString(manPage(c))
		}
		if said := lint(all.String()); said != "" {
			t.Errorf("%s of the pages: %s", tool[0], said)
		}
		if said := lint(manPage(pages()[0]) + ".nosuchmacro\n.fi\n.SH\n\\fQ\n"); said == "" && tool[0] == "groff" {
			t.Error("groff finds nothing in a broken page")
		}
	}
	if !any {
		t.Skip("neither groff nor mandoc is here")
	}
}

// TestRoff keeps what roff would do something with from it.
func TestRoff(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		".SH evil":  `\&.SH evil`,
		"'br":       `\(aqbr`,
		`CORP\user`: `CORP\euser`,
		"a-b":       `a\-b`,
		"a\nb":      "a b",
	} {
		if got := roffLine(text); got != want {
			t.Errorf("roffLine(%q) = %q, want %q", text, got, want)
		}
	}
	if got := roffText("one\ntwo\n\n  a   b\n.c"); got != "one\ntwo\n.PP\n.nf\n  a   b\n\\&.c\n.fi\n" {
		t.Errorf("roffText = %q", got)
	}
}
