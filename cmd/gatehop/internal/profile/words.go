package profile

import (
	"runtime"
	"strings"

	"gatehop/creds/store/paths"
)

// command reads the words of a program that gatehop runs itself. Nothing is expanded:
// what a shell would do more with than split it is refused, so that no line runs
// otherwise than its author meant.
func command(value string, _ Place) (string, string) {
	words, problem := splitWords(value, runtime.GOOS == "windows")
	if problem == "" {
		problem = programProblem(words[0], runtime.GOOS == "windows")
	}
	if problem != "" {
		return "", problem
	}
	return value, ""
}

// commandWords are the words of a value that command has passed; nil of "".
func commandWords(kept string) []string {
	words, _ := splitWords(kept, runtime.GOOS == "windows")
	return words
}

// Characters that a shell does something with: outside quotes, at the beginning of a
// word only, and between double quotes. PowerShell's and cmd.exe's are among them where
// those are at home.
const (
	shellAnywhere  = "$`|;&<>()*?[]{}\n"
	shellAtStart   = "~#"
	shellQuoted    = "$`"
	windowsSpecial = "%^"
)

// splitWords splits as a POSIX shell does: words stand between blanks, single quotes
// keep all that is between them, double quotes all but a backslash before one of \"$`,
// and outside quotes a backslash keeps the next character. On Windows, where it
// separates folders, a backslash is a character like any other. A value without words
// is a problem too.
func splitWords(value string, windows bool) (words []string, problem string) {
	special := shellAnywhere
	if windows {
		special += windowsSpecial
	}
	var word strings.Builder
	in := false // a word has begun, perhaps an empty one in quotes
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch {
		case c == ' ' || c == '\t':
			if in {
				words = append(words, word.String())
				word.Reset()
			}
			in = false
			continue
		case c == '\\' && !windows:
			if i++; i == len(value) {
				return nil, `ends in a backslash that stands before nothing`
			}
			word.WriteByte(value[i])
		case c == '\'' || c == '"':
			end, problem := quotedWord(value[i:], windows, &word)
			if problem != "" {
				return nil, problem
			}
			i += end
		case strings.IndexByte(special, c) >= 0, !in && strings.IndexByte(shellAtStart, c) >= 0:
			return nil, "holds " + string(rune(c)) + " outside single quotes, and no shell is there to do something with it"
		default:
			word.WriteByte(c)
		}
		in = true
	}
	if in {
		words = append(words, word.String())
	}
	if len(words) == 0 {
		return nil, "has no words"
	}
	return words, ""
}

// quotedWord appends what stands between the quotes that text begins with, and returns
// the offset of the closing one.
func quotedWord(text string, windows bool, word *strings.Builder) (end int, problem string) {
	quote := text[0]
	for i := 1; i < len(text); i++ {
		c := text[i]
		switch {
		case c == quote:
			return i, ""
		case quote == '"' && c == '\\' && !windows && i+1 < len(text) && strings.IndexByte("\\\""+shellQuoted, text[i+1]) >= 0:
			i++
			word.WriteByte(text[i])
		case quote == '"' && (strings.IndexByte(shellQuoted, c) >= 0 || windows && c == '%'):
			return 0, "holds " + string(rune(c)) + " between double quotes, and no shell is there to do something with it"
		default:
			word.WriteByte(c)
		}
	}
	return 0, "has a quote that is never closed (text behind # or ; is a comment)"
}

// programProblem says why word names no program, or "": it is an absolute path, or a
// bare name to look for in PATH. A relative path would be another program in every
// folder.
func programProblem(word string, windows bool) string {
	absolute := paths.IsAbs(word)
	switch {
	case word == "":
		return "begins with an empty word, where the program should be"
	case absolute:
		return ""
	case strings.Contains(word, "="):
		return "begins by setting a variable, which only a shell does"
	case strings.ContainsAny(word, " \t"):
		return "begins with one word in quotes that is no path: quote the words, not the whole"
	case strings.Contains(word, "/") || windows && strings.ContainsAny(word, `\:`):
		return "names its program by a relative path: write the whole path"
	}
	return ""
}
