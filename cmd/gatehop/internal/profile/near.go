package profile

import (
	"fmt"
	"strings"

	"gatehop/cmd/gatehop/internal/near"
	"gatehop/cmd/gatehop/internal/weburl"
)

// nearestOf finds which of the values was meant.
func nearestOf(values ...string) func(string, weburl.Reader) string {
	return func(text string, _ weburl.Reader) string { return near.Nearest(text, values) }
}

// noHost stands in a URL for the host that is missing.
const noHost = "HOST"

// NearURL is the https address that text was most likely meant to be, as a person may
// see it: without user, query and fragment. It is "" if text says nothing like one. Where
// only the host is missing, HOST stands in its place.
func NearURL(text string, urls weburl.Reader) string {
	text = strings.Trim(strings.TrimSpace(text), `<>"'`)
	end := strings.IndexAny(text, ":/;\\")
	rest := text
	if end > 0 && near.Nearest(text[:end], []string{"https", "http"}) != "" {
		rest = strings.TrimLeft(text[end:], ":/;\\")
		if strings.HasPrefix(text[end:], ":///") {
			rest = noHost + "/" + rest
		}
	} else if strings.Contains(text, "://") || !strings.Contains(text, ".") {
		return "" // another scheme on purpose, or a word
	}
	u, problem := secureURL("https://"+rest, true, urls)
	if problem != "" || strings.Trim(u.Hostname, "./-") == "" {
		return ""
	}
	return u.Bare
}

// suggest finds what was meant by a value that has the problem, and then quotes the value
// with it. A value that is near nothing may be anything, a secret in the wrong place too,
// and is not quoted.
func (k *key) suggest(text, problem string, urls weburl.Reader) (quoted, nearest string) {
	if k.near == nil || strings.Contains(text, "\n") {
		return problem, ""
	}
	if nearest = k.near(text, urls); nearest == "" {
		return problem, ""
	}
	return fmt.Sprintf("has %q, which %s", withoutQuery(text), problem), nearest
}

// withoutQuery is a URL, or what was meant to be one, as a message may quote it.
func withoutQuery(text string) string {
	if i := strings.IndexAny(text, "?#"); i >= 0 {
		text = text[:i]
	}
	if i := strings.LastIndex(text, "@"); i >= 0 {
		text = text[i+1:]
	}
	return text
}

// nearestKey is nearest among the keys that are built.
func nearestKey(name string) string {
	var short []string
	for i := range keys {
		if k := &keys[i]; k.scope != scopeAWS && k.isBuilt() {
			short = append(short, k.name)
		}
	}
	if found := near.Nearest(strings.TrimPrefix(name, prefix), short); found != "" {
		return prefix + found
	}
	return ""
}
