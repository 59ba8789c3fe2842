package awsfile

import (
	"strings"
	"unicode"
)

// form tells the headers that every SDK reads alike from those that need a look.
type form uint8

const (
	formOdd     form = iota
	formName         // [NAME] of harmless characters
	formProfile      // [profile NAME] of harmless characters, one space
)

// ProfilePrefix stands before the name in the headers of the config file.
const ProfilePrefix = "profile "

// formOf returns the form of the header text, whose closing bracket is at end. odd says
// that unusual white space surrounds it.
func formOf(text []byte, end int, odd bool) form {
	if rest := string(text[end+1:]); odd || rest != "" && !isComment(rest) {
		return formOdd
	}
	name := string(text[1:end])
	if after, ok := strings.CutPrefix(name, ProfilePrefix); ok && isHarmless(after) && !isJSMixed(after) {
		return formProfile
	}
	if !isHarmless(name) || name == defaultsName || isJSMixed(name) {
		return formOdd
	}
	return formName
}

// isComment reports whether rest, what follows a bracket or a value, is a comment to
// every SDK: white space, then # or ;.
func isComment(rest string) bool {
	text := strings.TrimLeft(rest, " \t")
	return text == "" || text != rest && (text[0] == '#' || text[0] == ';')
}

// isHarmless reports whether name consists of the characters that each SDK takes in a
// profile's name (the expression prefixKeyRegex of the JavaScript SDK is the narrowest).
func isHarmless(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool { return !isNameRune(r) })
}

// isJSMixed knows the names under which the JavaScript SDK keeps other things than profiles.
func isJSMixed(name string) bool {
	word, _, dotted := strings.Cut(name, ".")
	return isOfJSObject(name) || dotted && isJSWord(word)
}

func isNameRune(r rune) bool {
	return isWord(r) || strings.ContainsRune("-@+.%:/", r)
}

func isWord(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// sdk is one reader of headers: what kind of thing, of which name, text names to it.
// text is the header's line without its end, name what configparser takes between the
// brackets.
type sdk struct {
	label string
	names func(kind Kind, text, name string) (string, bool)
}

// sdks are the readers that must agree; botocore comes first because it decides. The
// two others are restated from aws-sdk-go-v2/config (internal/ini, shared_config.go)
// and smithy-typescript (shared-ini-file-loader).
var sdks = [...]sdk{{"botocore", botoName}, {"the Go SDK", goName}, {"the JavaScript SDK", jsName}}

// word is what stands before the name in [profile NAME] and [services NAME].
func (k Kind) word() string {
	if k == Services {
		return "services"
	}
	return "profile"
}

// botoName is build_profile_map of botocore for the config file and the bare section
// name for the credentials file.
func botoName(kind Kind, _, name string) (string, bool) {
	switch {
	case kind == Credentials:
		return name, name != defaultsName
	case kind == Config && name == "default":
		return name, true
	case !strings.HasPrefix(name, kind.word()):
		return "", false
	}
	parts, ok := shellSplit(name)
	if !ok || len(parts) != 2 {
		return "", false
	}
	return parts[1], true
}

// goHeader returns what the Go SDK takes between brackets, if it takes text for a header.
func goHeader(text string) (inner string, ok bool) {
	text, _, _ = strings.Cut(text, "#")
	text, _, _ = strings.Cut(text, ";")
	return bracketed(strings.TrimSpace(text))
}

func bracketed(text string) (inner string, ok bool) {
	if len(text) < 2 || text[0] != '[' || text[len(text)-1] != ']' {
		return "", false
	}
	return text[1 : len(text)-1], true
}

func goName(kind Kind, text, _ string) (string, bool) {
	inner, ok := goHeader(text)
	if !ok {
		return "", false
	}
	name, word := strings.TrimSpace(inner), ""
	if i := strings.IndexFunc(name, isPlainSpace); i > 0 {
		word, name = name[:i], strings.TrimLeft(name[i:], " \t")
	}
	switch {
	case kind == Credentials && word == "":
		return name, true
	case kind == Credentials:
		return word + " " + name, word != Config.word()
	case kind == Config && word == "":
		return name, strings.EqualFold(name, "default")
	}
	return name, word == kind.word()
}

// isJSWord knows the words that the JavaScript SDK knows before a name. It keeps such a
// section as WORD.NAME, and so takes [profile.NAME] for the same.
func isJSWord(word string) bool {
	return word == "profile" || word == "sso-session" || word == "services"
}

// isOfJSObject knows the names that every object of JavaScript's has already: the SDK
// keeps profiles in one, and loses those that are called so.
func isOfJSObject(name string) bool {
	switch name {
	case "constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString", "valueOf",
		"__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__", "__proto__":
		return true
	}
	return false
}

// jsHeader is goHeader of the JavaScript SDK.
func jsHeader(text string) (inner string, ok bool) {
	return bracketed(strings.TrimFunc(jsCut(text), isJSSpace))
}

func jsName(kind Kind, text, _ string) (string, bool) {
	name, ok := jsHeader(text)
	if !ok {
		return "", false
	}
	if word, of, ok := jsPrefixed(name); ok {
		if !isJSWord(word) {
			return "", false
		}
		name = word + "." + of
	}
	switch {
	case isOfJSObject(strings.TrimPrefix(name, "profile.")):
		return "", false
	case kind == Credentials, strings.HasPrefix(name, "services."), strings.HasPrefix(name, "sso-session."):
		if kind != Services {
			return name, true // it looks for profiles among all of them
		}
	}
	if after, ok := strings.CutPrefix(name, kind.word()+"."); ok {
		return after, true
	}
	return name, kind == Config && name == "default"
}

// jsCut removes the comment from a line that does not begin with one.
func jsCut(text string) string {
	for i, r := range text {
		if i > 0 && (r == '#' || r == ';') {
			before, _ := lastRune(text[:i])
			if isJSSpace(before) {
				return text[:i]
			}
		}
	}
	return text
}

// jsPrefixed is the expression prefixKeyRegex: a word, one white space, a name of
// harmless characters that may stand in quotes.
func jsPrefixed(name string) (word, of string, ok bool) {
	i := strings.IndexFunc(name, isJSSpace)
	if i <= 0 || strings.ContainsFunc(name[:i], func(r rune) bool { return r != '-' && !isWord(r) }) {
		return "", "", false
	}
	r, size := firstRune(name[i:])
	if !isJSSpace(r) {
		return "", "", false
	}
	of = name[i+size:]
	for _, quote := range []string{`"`, `'`} {
		if strings.HasPrefix(of, quote) && strings.HasSuffix(of, quote) && len(of) > 2 {
			of = of[1 : len(of)-1]
			break
		}
	}
	return name[:i], of, isHarmless(of)
}

func isJSSpace(r rune) bool { return r == 0xfeff || r != 0x85 && unicode.IsSpace(r) }
