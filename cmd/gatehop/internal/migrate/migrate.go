// Package migrate makes drafts of profiles from what other sign-in tools have in their files.
//
// Somebody else's file is not trusted. No host that may be sent secrets, no weaker TLS, no
// program and no secret comes from one, and no value that the profile's own parsers do
// not take. Of every setting there is a note that says what became of it.
package migrate

import (
	"fmt"
	"strings"
	"unicode"

	"gatehop/cmd/gatehop/internal/awsfile"
	"gatehop/cmd/gatehop/internal/profile"
)

// Account is one identity provider of the other tool.
type Account struct {
	Name  string // as it is called there, cleaned for a terminal
	Line  int
	Draft *profile.Draft // without Helper; nil if no profile can be made of the account
	Why   string         // of no Draft: the end of a sentence that begins with the account
	Notes []Note         // one for each setting, in the order of the file
	Keys  string         // the section of the credentials file that the tool writes keys to; "" if that is not known
}

// Fate is what became of a setting.
type Fate int

// The fates.
const (
	Taken       Fate = iota // it stands in the draft
	NotNeeded               // gatehop does the same without it, or has nothing for it to change
	NotPossible             // gatehop cannot do what it asks for
	Refused                 // gatehop will not
)

func (f Fate) String() string {
	return [...]string{"taken over", "not needed", "not possible", "refused"}[f]
}

// Note says what became of one setting. It carries no value that is not in the draft.
type Note struct {
	Key       string // cleaned for a terminal
	Line      int
	Fate      Fate
	As, Value string // of Taken: the key of the profile and its value; As is "" if the profile's name came of it
	Why       string // a sentence of its own without its end; "" only of Taken
}

// IsUnset reports a setting that was there and set nothing.
func (n Note) IsUnset() bool { return n.Fate == NotNeeded && (n.Why == whyEmpty || n.Why == whyOff) }

func (n Note) String() string {
	text := n.Key + ": " + n.Fate.String()
	switch {
	case n.Fate == Taken && n.As == "":
		text += fmt.Sprintf(" as the profile's name %s", n.Value)
	case n.Fate == Taken:
		text += fmt.Sprintf(" as %s = %s", n.As, n.Value)
	}
	switch {
	case n.Why == "":
		return text
	case n.Fate == Taken:
		return text + "; " + n.Why
	}
	return text + ": " + n.Why
}

// SyntaxError reports a file that the other tool itself cannot read.
type SyntaxError struct {
	Line    int    // 0 if it is about the whole file
	Problem string // the end of a sentence that begins with the file
}

func (e *SyntaxError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("line %d: the file %s", e.Line, e.Problem)
	}
	return "the file " + e.Problem
}

// untake mends the notes of an account of which no profile is made.
func (a *Account) untake() {
	for i, n := range a.Notes {
		if a.Draft == nil && n.Fate == Taken {
			a.Notes[i] = Note{Key: n.Key, Line: n.Line, Fate: NotNeeded, Why: "no profile is made of the account"}
		}
	}
}

// longestName is how much of a foreign name is shown.
const longestName = 80

// clean is a foreign name for a terminal: without what cannot be seen, and short.
func clean(name string) string {
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, name)
	if runes := []rune(name); len(runes) > longestName {
		name = string(runes[:longestName]) + "..."
	}
	return name
}

// isSecret goes by the name of a setting.
func isSecret(name string) bool {
	name = strings.NewReplacer("_", "", "-", "", ".", "", " ", "").Replace(strings.ToLower(name))
	for _, word := range []string{"secret", "passw", "passphrase", "passcode", "token", "apikey", "privatekey", "accesskey", "otp"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// unknown is the note of a setting that the tool does not have.
func unknown(tool, key string, line int) Note {
	if isSecret(key) {
		return Note{Key: clean(key), Line: line, Fate: Refused, Why: "no secret is taken out of a file"}
	}
	return Note{Key: clean(key), Line: line, Fate: NotPossible, Why: tool + " has no such setting"}
}

// nameProfiles gives each draft a name: the first of its wishes that can be written and
// that no other draft has or wishes for first. wishes[i] are those of accounts[i].
func nameProfiles(accounts []Account, wishes [][]string) {
	first := map[string]int{}
	for i, a := range accounts {
		if a.Draft != nil {
			first[wishes[i][0]]++
		}
	}
	taken := map[string]bool{}
	for i, a := range accounts {
		if a.Draft == nil {
			continue
		}
		for j, wish := range wishes[i] {
			free := !taken[wish] && (j == 0 && first[wish] == 1 || j > 0 && first[wish] == 0)
			if a.Draft.Name == "" && free && awsfile.NameProblem(wish) == "" {
				a.Draft.Name = wish
			}
		}
		for n := 1; a.Draft.Name == ""; n++ {
			if name := fmt.Sprintf("gateway-%d", n); !taken[name] && first[name] == 0 {
				a.Draft.Name = name
			}
		}
		taken[a.Draft.Name] = true
	}
}
