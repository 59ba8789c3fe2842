package names

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Source is where a name comes from.
type Source string

// The sources. Where both know an account, Page counts: it says what AWS shows.
const (
	Page Source = "page"
	IAM  Source = "iam"
)

const (
	keepAnswer  = 30 * 24 * time.Hour // a name, or that there is none
	keepFailure = 24 * time.Hour      // that nobody answered
)

// Book remembers the names that were learned, and who was asked in vain. It lies in a
// file of which nothing is secret and nothing trusted: what is no alias in it is none,
// and one that cannot be read is empty. The zero value remembers while it lives.
type Book struct {
	Read   func() ([]byte, error)                          // nil bytes if there is none yet
	Update func(change func([]byte) ([]byte, error)) error // read, change and write under a lock

	mu  sync.Mutex
	own entries // what could not be written
}

// entries is a Book by account.
type entries map[string]map[Source]answer

type answer struct {
	Alias  string    `json:"alias,omitempty"` // "": the account has none, or Failed
	At     time.Time `json:"at"`
	Failed bool      `json:"failed,omitempty"` // nobody answered
}

// counts reports whether the answer still does. One from the future is of another clock.
func (a answer) counts(now time.Time) bool {
	age, keep := now.Sub(a.At), keepAnswer
	if a.Failed {
		keep = keepFailure
	}
	return age < keep && age > -time.Hour
}

// Names returns what is known now: account to alias.
func (b *Book) Names(now time.Time) map[string]string {
	names := map[string]string{}
	for account, of := range b.all() {
		for _, from := range []Source{IAM, Page} { // the last one counts
			if a := of[from]; a.counts(now) && IsAlias(a.Alias) && isAccount(account) {
				names[account] = a.Alias
			}
		}
	}
	return names
}

// Due returns those of the accounts that from is to be asked about. IAM is not asked
// about an account that the page has answered for.
func (b *Book) Due(now time.Time, from Source, accounts []string) []string {
	all := b.all()
	var due []string
	for _, account := range accounts {
		page, of := all[account][Page], all[account][from]
		answered := from == IAM && page.counts(now) && !page.Failed
		if !of.counts(now) && !answered && !slices.Contains(due, account) {
			due = append(due, account)
		}
	}
	return due
}

// Learn keeps what from answered about the accounts that it was asked about: an alias,
// "" for none; an account that got has nothing of was asked about in vain. The error
// says why it is kept for this run alone.
func (b *Book) Learn(now time.Time, from Source, asked []string, got map[string]string) error {
	note := func(all entries) {
		for _, account := range asked {
			alias, answered := got[account]
			old := all[account][from]
			if !answered && old.counts(now) && !old.Failed {
				continue // an old answer is better than none
			}
			if all[account] == nil {
				all[account] = map[Source]answer{}
			}
			all[account][from] = answer{Alias: alias, At: now.UTC().Truncate(time.Second), Failed: !answered}
		}
	}
	err := errors.New("names of accounts are not kept: there is no folder for them")
	if b.Update != nil {
		err = b.Update(func(data []byte) ([]byte, error) {
			all := decode(data)
			all.prune(now)
			note(all)
			return json.MarshalIndent(all, "", "  ")
		})
	}
	if err != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.own == nil {
			b.own = entries{}
		}
		note(b.own)
	}
	return err
}

// all is the file with what could not be written to it.
func (b *Book) all() entries {
	var data []byte
	if b.Read != nil {
		data, _ = b.Read() // a file that cannot be read names nobody
	}
	all := decode(data)
	b.mu.Lock()
	defer b.mu.Unlock()
	for account, of := range b.own {
		if all[account] == nil {
			all[account] = map[Source]answer{}
		}
		maps.Copy(all[account], of)
	}
	return all
}

// decode reads a file that may be missing, or anything.
func decode(data []byte) entries {
	all := entries{}
	if json.Unmarshal(data, &all) != nil || all == nil {
		return entries{}
	}
	return all
}

// prune drops what does not count any more.
func (e entries) prune(now time.Time) {
	for account, of := range e {
		maps.DeleteFunc(of, func(_ Source, a answer) bool { return !a.counts(now) })
		if len(of) == 0 {
			delete(e, account)
		}
	}
}

// Merge adds learned names to those that a person gave (gatehop_alias), both by
// account. A given name wins: over a learned one of its own account, and over that of
// any other account whose owner chose the same. taken are given names whose account is
// not known.
func Merge(given map[string]string, taken []string, learned map[string]string) map[string]string {
	reserved := map[string]bool{}
	for _, name := range taken {
		reserved[strings.ToLower(name)] = true
	}
	for _, name := range given {
		reserved[strings.ToLower(name)] = true
	}
	all := map[string]string{}
	for account, name := range learned {
		if !reserved[name] {
			all[account] = name
		}
	}
	maps.Copy(all, given)
	return all
}
