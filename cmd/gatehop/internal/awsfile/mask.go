package awsfile

import (
	"slices"
	"strings"
)

// Masked stands in a diff for every secret value.
const Masked = "[secret]"

// mask returns data without the values of secret keys, line for line: those of every
// section and of none, those in comments, and every line that continues one. It does
// not care how an SDK reads the file: it would rather hide too much.
func mask(data []byte) []byte {
	var out []byte
	l := newLines(data, 0, 1)
	hidden := -1 // indent of the secret key above, whose value deeper lines continue
	for {
		n, ok := l.next()
		if !ok {
			return out
		}
		text := string(data[n.text.Start:n.text.End])
		before, after := data[n.all.Start:n.text.Start], data[n.text.End:n.all.End]
		comment := strings.HasPrefix(text, "#") || strings.HasPrefix(text, ";")
		end := secretAt(text)
		switch {
		case end > 0:
			out = append(append(append(out, before...), text[:end]...), " "+Masked...)
			out = append(out, after...)
		case text != "" && hidden >= 0 && n.indent > hidden:
			out = append(append(append(out, before...), Masked...), after...)
		default:
			out = append(out, data[n.all.Start:n.all.End]...)
		}
		switch {
		case end > 0 && (hidden < 0 || n.indent <= hidden):
			hidden = n.indent
		case text != "" && !comment && n.indent <= hidden:
			hidden = -1
		}
	}
}

// secretAt returns where the secret value of a line begins: behind the delimiter of the
// first name in it that is a secret's. 0 if there is none.
func secretAt(text string) int {
	for at := 0; ; {
		i := strings.IndexAny(text[at:], "=:")
		if i < 0 {
			return 0
		}
		name := strings.ToLower(strings.Trim(text[at:at+i], " \t#;\"'`[]"))
		words := strings.FieldsFunc(name, func(r rune) bool { return !isWord(r) && r != '-' })
		at += i + 1
		if slices.ContainsFunc(words[max(0, len(words)-1):], isSecret) {
			return at
		}
	}
}

// secretWords are parts of the names of secrets, in which _ and - are left out.
var secretWords = [...]string{"secret", "password", "passphrase", "token", "apikey", "privatekey"}

// isSecret goes by the name, in lower case. It knows one that only sounds like a secret:
// the time that gatehop itself writes beside a token.
func isSecret(name string) bool {
	if name == "x_security_token_expires" {
		return false
	}
	name = strings.NewReplacer("_", "", "-", "").Replace(name)
	return slices.ContainsFunc(secretWords[:], func(word string) bool { return strings.Contains(name, word) })
}
