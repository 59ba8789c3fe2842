package profile

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// What keys begin with, so that those of one kind are never those of another.
const (
	sessionKind, signInKind = "gatehop session 1", "gatehop sign-in 1"
	sessionKey, signInKey   = `["` + sessionKind + `",`, `["` + signInKind + `",`
)

// CacheKey identifies the credentials of the chain's first i+1 profiles by everything
// in the configuration that shapes them, and by nothing else: not by the profiles'
// names. It is canonical and injective: JSON arrays and objects with sorted keys. Which
// keys count, and why the others do not, stands in the table of keys. It holds no
// secret.
func (ch Chain) CacheKey(i int) string {
	parts := []any{sessionKind, gatewayKey(&ch[0])}
	for j := 1; j <= i; j++ {
		parts = append(parts, hopKey(&ch[j]))
	}
	return encode(parts)
}

// Key identifies one sign-in: provider, user, and what changes how one signs in.
func (s *SignIn) Key() string {
	return encode([]any{signInKind, s.identity(func(k *key) bool { return k.notSignIn == "" })})
}

// Needs reports whether making what is kept under the key outer, of a session, takes
// what is kept under inner: a session that its chain goes through, or a sign-in. Both
// are keys of one gateway.
func Needs(outer, inner string) bool {
	if !strings.HasPrefix(outer, sessionKey) {
		return false
	}
	return strings.HasPrefix(inner, signInKey) || strings.HasPrefix(outer, strings.TrimSuffix(inner, "]")+",")
}

// identity is the settings whose key counts. The partition always does: the default
// relying party follows from it.
func (s *SignIn) identity(counts func(k *key) bool) map[string]any {
	m := map[string]any{}
	put(m, "idp", s.Kind)
	for name, text := range s.settings() {
		if k, ok := setting(name); !ok || counts(k) {
			put(m, name, text)
		}
	}
	if s.Proxy != "" {
		put(m, "proxy", withoutPassword(s.Proxy))
	}
	return m
}

func gatewayKey(p *Profile) map[string]any {
	m := map[string]any{}
	if p.SignIn != nil {
		m["sign_in"] = p.SignIn.identity(func(k *key) bool { return k.notGateway == "" })
	}
	put(m, "role_arn", p.RoleARN)
	put(m, "region", p.Region)
	put(m, "endpoint_url", p.Endpoint)
	put(m, "ca_bundle", p.AWSCABundle)
	return m
}

func hopKey(p *Profile) map[string]any {
	m := map[string]any{}
	put(m, "role_arn", p.RoleARN)
	put(m, "external_id", p.ExternalID)
	put(m, "role_session_name", p.SessionName)
	put(m, "source_identity", p.SourceIdentity)
	if p.Duration != 0 {
		m["duration_seconds"] = int64(p.Duration.Seconds())
	}
	if len(p.Tags) > 0 {
		tags := map[string]any{}
		for k, v := range p.Tags {
			tags[k] = printable(v)
		}
		m["tags"] = tags
	}
	if len(p.TransitiveTags) > 0 {
		m["transitive_tags"] = p.TransitiveTags
	}
	return m
}

func put(m map[string]any, name, text string) {
	if text != "" {
		m[name] = printable(text)
	}
}

// printable keeps text that is not UTF-8 apart: in JSON all of its bytes would become
// one and the same character. The configuration holds none, but a caller's fields may.
func printable(text string) any {
	if utf8.ValidString(text) {
		return text
	}
	return []string{hex.EncodeToString([]byte(text))}
}

// withoutPassword drops the password of a proxy, which says who may use the proxy and
// has no place in a name.
func withoutPassword(proxy string) string {
	scheme, rest, _ := strings.Cut(proxy, "://")
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	user, host := "", rest[:end]
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		user, host = host[:i], host[i:]
	}
	switch {
	case strings.Contains(rest[end:], "@") || user == "" && strings.Contains(proxy, "@"):
		return "unreadable"
	case user == "":
		return proxy
	}
	user, _, _ = strings.Cut(user, ":")
	return scheme + "://" + user + host + rest[end:]
}

func encode(parts []any) string {
	text, err := json.Marshal(parts)
	if err != nil { // strings, numbers and maps of them alone
		return ""
	}
	return string(text)
}
