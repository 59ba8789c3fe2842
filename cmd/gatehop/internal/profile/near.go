package profile

import (
	"fmt"
	"net/url"
	"strings"

	"gatehop/cmd/gatehop/internal/near"
)

// nearestOf finds which of the values was meant.
func nearestOf(values ...string) func(string) string {
	return func(text string) string { return near.Nearest(text, values) }
}

// noHost stands in a URL for the host that is missing.
const noHost = "HOST"

// NearURL is the https address that text was most likely meant to be, as a person may
// see it: without user, query and fragment. It is "" if text says nothing like one. Where
// only the host is missing, HOST stands in its place.
func NearURL(text string) string {
	text = strings.TrimSpace(text)
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
	u, problem := secureURL("https://"+rest, true)
	if u != nil && u.User != nil { // the problem is that, and not the scheme
		return ""
	}
	if problem != "" || strings.Trim(u.Hostname(), "./-") == "" {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// suggest finds what was meant by a value that has the problem, and then quotes the value
// with it. A value that is near nothing may be anything, a secret in the wrong place too,
// and is not quoted.
func (k *key) suggest(text, problem string) (quoted, nearest string) {
	if k.near == nil || strings.Contains(text, "\n") {
		return problem, ""
	}
	if nearest = k.near(text); nearest == "" {
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
		if k := &keys[i]; k.scope != scopeAWS && (k.later == "" || k.built != "") {
			short = append(short, k.name)
		}
	}
	if found := near.Nearest(strings.TrimPrefix(name, prefix), short); found != "" {
		return prefix + found
	}
	return ""
}
