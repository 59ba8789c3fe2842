package profile

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of session tags (STS API reference, AssumeRole).
const (
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
)

// tag is one element of a list of tags.
type tag struct {
	key, value string
	bare       bool // no = : gatehop_transitive_tags may name a tag of gatehop_tags
}

// tagText checks a list of tags and keeps it as written.
func tagText(value string, _ Place) (string, string) {
	_, problem := parseTags(value)
	return value, problem
}

// parseTags reads "k=v, k2=v2". White space around keys and values is dropped; a value
// may be empty and may hold an equals sign, but no comma.
func parseTags(list string) (tags []tag, problem string) {
	for _, element := range strings.Split(list, ",") {
		k, v, pair := strings.Cut(element, "=")
		t := tag{key: strings.TrimSpace(k), value: strings.TrimSpace(v), bare: !pair}
		switch {
		case t.key == "":
			return nil, "has a tag without a key"
		case utf8.RuneCountInString(t.key) > maxTagKey || utf8.RuneCountInString(t.value) > maxTagValue:
			return nil, "has a tag key of over 128 or a tag value of over 256 characters"
		case strings.ContainsFunc(t.key+t.value, func(r rune) bool { return !isTagRune(r) }):
			return nil, "has a tag with a character that AWS does not take (letters, digits, spaces and _.:/=+-@ are)"
		case len(t.key) >= 4 && strings.EqualFold(t.key[:4], "aws:"):
			return nil, "has a tag key that begins with aws:"
		case slices.ContainsFunc(tags, func(u tag) bool { return strings.EqualFold(u.key, t.key) }):
			return nil, "has a tag key twice (AWS does not tell small from large letters)"
		}
		if tags = append(tags, t); len(tags) > maxTags {
			return nil, "has more than 50 tags"
		}
	}
	return tags, ""
}

// isTagRune is the class [\p{L}\p{Z}\p{N}_.:/=+\-@] of tag keys and values.
func isTagRune(r rune) bool {
	return unicode.In(r, unicode.L, unicode.Z, unicode.N) || strings.ContainsRune("_.:/=+-@", r)
}

// tagPairs is tagText for a list in which each tag has a value.
func tagPairs(value string, _ Place) (string, string) {
	tags, problem := parseTags(value)
	if problem == "" && slices.ContainsFunc(tags, func(t tag) bool { return t.bare }) {
		problem = "has a tag without ="
	}
	return value, problem
}

// joinTags makes the tags of a hop and the sorted keys of those that are handed on to
// further hops, of two lists that have passed tagPairs and tagText or are empty. An
// element KEY=VALUE of transitive sets a tag, a bare KEY names one. What is wrong is
// said of transitive.
func joinTags(list, transitive string) (tags map[string]string, keys []string, problem string) {
	if list == "" && transitive == "" {
		return nil, nil, ""
	}
	tags = map[string]string{}
	for _, t := range parsed(list) {
		tags[t.key] = t.value
	}
	for _, t := range parsed(transitive) {
		was, known := tags[t.key]
		switch {
		case t.bare && !known:
			return nil, nil, "names a tag that gatehop_tags does not set"
		case known && !t.bare && was != t.value:
			return nil, nil, "sets a tag to another value than gatehop_tags does"
		case !known && hasFold(tags, t.key):
			return nil, nil, "has a tag key that gatehop_tags has in other letters"
		case !known:
			tags[t.key] = t.value
		}
		keys = append(keys, t.key)
	}
	if len(tags) > maxTags {
		return nil, nil, "makes more than 50 tags with those of gatehop_tags"
	}
	slices.Sort(keys)
	return tags, keys, ""
}

func parsed(list string) []tag {
	if list == "" {
		return nil
	}
	tags, _ := parseTags(list)
	return tags
}

func hasFold(tags map[string]string, key string) bool {
	for k := range tags {
		if strings.EqualFold(k, key) {
			return true
		}
	}
	return false
}
