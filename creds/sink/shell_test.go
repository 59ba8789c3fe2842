package sink

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestShell(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh"} {
		lines, err := Shell(shell, "prod", testCredentials(), "eu-west-1")
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "shell-"+shell+".txt", lines)
	}
}

func TestShellUnknown(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"", "sh", "Bash", "bash ", "tcsh", "/bin/bash"} {
		lines, err := Shell(shell, "prod", testCredentials(), "eu-west-1")
		var unknown *UnknownShellError
		if !errors.As(err, &unknown) || unknown.Name != shell || !slices.Equal(unknown.Known, []string{"bash", "zsh"}) || lines != nil {
			t.Errorf("Shell(%q) = %q, %v, want an *UnknownShellError", shell, lines, err)
		}
	}
}

func TestShellProfile(t *testing.T) {
	t.Parallel()
	for _, profile := range []string{"prod", "a.b-c_d/e:f@g+h%i", "A", strings.Repeat("p", 128)} {
		lines, err := Shell("bash", profile, testCredentials(), "")
		if err != nil || !strings.HasSuffix(string(lines), "\nexport GATEHOP_PROFILE='"+profile+"'\n") {
			t.Errorf("Shell of profile %q = %q, %v, want its name in the last line", profile, lines, err)
		}
	}
	for _, profile := range []string{"", "a b", "a'b", "a\nb", "$(id)", "`id`", "a;b", "a\"b", "a\\b", "a\x00b", "é", "a#b", "a&b", strings.Repeat("p", 129)} {
		lines, err := Shell("bash", profile, testCredentials(), "")
		var valueErr *ValueError
		if !errors.As(err, &valueErr) || valueErr.Name != "profile name" || lines != nil {
			t.Errorf("Shell of profile %q = %q, %v, want a *ValueError", profile, lines, err)
		}
	}
	var valueErr *ValueError
	if lines, err := Shell("bash", "prod", testCredentials(), "$(id)"); !errors.As(err, &valueErr) || valueErr.Name != "region" {
		t.Errorf("Shell in region $(id) = %q, %v, want a *ValueError", lines, err)
	}
}

// readWord reads the first word of a line as POSIX says a shell does, for the only
// characters that quotePOSIX makes special: single quotes and, outside of them, backslashes.
// rcQuotes is zsh's option. ok is false if something is left unquoted or open.
func readWord(line string, rcQuotes bool) (word string, ok bool) {
	var text strings.Builder
	for i := 0; i < len(line); {
		switch {
		case line[i] == '\\' && i+1 < len(line):
			text.WriteByte(line[i+1])
			i += 2
		case line[i] == '\'':
			i++
			for i < len(line) && (line[i] != '\'' || rcQuotes && strings.HasPrefix(line[i:], "''")) {
				if line[i] == '\'' {
					i++
				}
				text.WriteByte(line[i])
				i++
			}
			if i == len(line) {
				return "", false
			}
			i++
		default:
			return "", false
		}
	}
	return text.String(), true
}

func quotesSoundly(quote func(string) string, value string) bool {
	for _, rcQuotes := range []bool{false, true} {
		if got, ok := readWord(quote(value), rcQuotes); !ok || got != value {
			return false
		}
	}
	return true
}

// hostile are values that some wrong way of quoting lets through.
func hostile() []string {
	return []string{
		"", "'", "''", "'''", "a'b", "'; id; '", "'\\''", "\\", "\\'", "'\\", "a\\", "$(id)", "`id`", "$HOME", "${HOME}", "!!", "!$",
		"\n", "a\nb", "a\r\nb", "\n'\n", "a b", " a ", "\t", "~", "*", "?", "[a]", "{a,b}", "a;b", "a&b", "a|b", "a>b", "a<b", "(a)", "#a", "a#b",
		"-n", "--", "=", "a=b", "%s", "^", "\"", "\"'\"", "\x01", "\x1b[31m", "\x7f", "é", "\xff\xfe", "\u2028", "\u202e", everyAllowed, strings.Repeat("'", 100),
	}
}

// wrongQuotes are the mutants: each lets some hostile value through.
func wrongQuotes() map[string]func(string) string {
	return map[string]func(string) string{
		"none":              func(s string) string { return s },
		"no escape":         func(s string) string { return "'" + s + "'" },
		"double quotes":     func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"` },
		"backslash inside":  func(s string) string { return "'" + strings.ReplaceAll(s, "'", `\'`) + "'" },
		"doubled":           func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" },
		"first only":        func(s string) string { return "'" + strings.Replace(s, "'", `'\''`, 1) + "'" },
		"end of line taken": func(s string) string { return strings.ReplaceAll(quotePOSIX(s), "\n", " ") },
	}
}

func TestQuotePOSIX(t *testing.T) {
	t.Parallel()
	for _, value := range hostile() {
		if !quotesSoundly(quotePOSIX, value) {
			t.Errorf("quotePOSIX(%q) = %s, which is read otherwise", value, quotePOSIX(value))
		}
	}
	for name, quote := range wrongQuotes() {
		if !slices.ContainsFunc(hostile(), func(value string) bool { return !quotesSoundly(quote, value) }) {
			t.Errorf("quoting with %s passes", name)
		}
	}
}

func FuzzQuotePOSIX(f *testing.F) {
	for _, value := range hostile() {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if !quotesSoundly(quotePOSIX, value) {
			t.Errorf("quotePOSIX(%q) = %s, which is read otherwise", value, quotePOSIX(value))
		}
	})
}
