package profile

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gatehop/cmd/gatehop/internal/weburl"
	"gatehop/creds/store/paths"
	"gatehop/saml/iam"
)

const (
	sessionMax  = "max"
	minSession  = 15 * time.Minute // STS API reference, DurationSeconds
	maxSession  = 12 * time.Hour
	maxChained  = time.Hour
	longTimeout = time.Hour
)

// unprintable says what is wrong with a value for every key, or "". Text that is not
// UTF-8 would make two values one in the keys of the cache. With quotes, the value may
// stand in quotes.
func unprintable(value string, quotes bool) string {
	switch {
	case value == "":
		return "has no value (text behind # or ; is a comment)"
	case strings.Contains(value, "\n"):
		return "has a value of more than one line"
	case !utf8.ValidString(value):
		return "is not UTF-8"
	case strings.ContainsFunc(value, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }):
		return "holds a character that cannot be seen"
	case !quotes && len(value) > 1 && strings.ContainsAny(value[:1], `"'`) && strings.HasSuffix(value, value[:1]):
		return "is in quotes, which would be a part of the value"
	}
	return ""
}

func text(value string, _ Place) (string, string) { return value, "" }

func oneOf(values ...string) func(string, Place) (string, string) {
	return func(value string, _ Place) (string, string) {
		for _, v := range values {
			if v == value {
				return value, ""
			}
		}
		if len(values) == 1 {
			return "", "is not " + values[0]
		}
		return "", "is not one of " + strings.Join(values, ", ")
	}
}

func boolean(value string, _ Place) (string, string) {
	switch value = strings.ToLower(value); value {
	case "true", "false":
		return value, ""
	}
	return "", "is neither true nor false"
}

func only(value string, allowed func(c byte) bool) bool {
	for i := range len(value) {
		if !allowed(value[i]) {
			return false
		}
	}
	return true
}

func isLower(c byte) bool { return c >= 'a' && c <= 'z' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isWord(c byte) bool  { return c == '_' || isDigit(c) || isLower(c|0x20) }

func kind(value string, _ Place) (string, string) {
	if !isLower(value[0]) || !only(value, func(c byte) bool { return isLower(c) || isDigit(c) || c == '-' }) {
		return "", "is not the name of a kind of identity provider (small letters)"
	}
	return value, ""
}

func domain(value string, _ Place) (string, string) {
	if !only(value, func(c byte) bool { return isWord(c) || c == '-' || c == '.' }) {
		return "", "is not a domain name: letters, digits and .-_ alone"
	}
	return value, ""
}

func port(value string, _ Place) (string, string) {
	if n, err := strconv.ParseUint(value, 10, 16); err != nil || n == 0 {
		return "", "is not a port: a number from 1 to 65535"
	}
	return value, ""
}

func visibleASCII(value string, _ Place) (string, string) {
	if !only(value, func(c byte) bool { return c >= ' ' && c <= '~' }) {
		return "", "holds characters outside ASCII"
	}
	return value, ""
}

// color is six hex digits. It has no # because to two SDKs of three that begins a comment.
func color(value string, _ Place) (string, string) {
	if len(value) != 6 || !only(value, func(c byte) bool { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }) {
		return "", "is not six hexadecimal digits (without #)"
	}
	return strings.ToLower(value), ""
}

// path resolves a relative path against the directory of the file that holds it. A ~
// is not expanded: no SDK does so in a value.
func path(value string, at Place) (string, string) {
	if strings.HasPrefix(value, "~") {
		return "", "begins with ~, which is not expanded"
	}
	if !paths.IsAbs(value) {
		value = paths.Join(at.Dir, value)
	}
	return paths.Clean(value), ""
}

// ccache resolves the name of a credential cache. FILE: stands for no type at all; names of
// other types stay as they are, for whoever knows which can be read.
func ccache(value string, at Place) (string, string) {
	kind, rest, ok := strings.Cut(value, ":")
	switch {
	case !ok, len(kind) < 2, strings.ContainsAny(kind, `/\`): // a path, of Windows too
		return path(value, at)
	case strings.EqualFold(kind, "FILE") && rest != "":
		return path(rest, at)
	case rest == "" && !strings.EqualFold(kind, "KCM"):
		return "", "is not the name of a credential cache: a file, or TYPE:NAME"
	}
	return value, ""
}

// Place is where a value stands: relative paths begin in Dir, and URLs takes those apart
// that are one.
type Place struct {
	Dir  string
	URLs weburl.Reader
}

// webURL reads a URL with a host.
func webURL(value string, urls weburl.Reader) (u weburl.URL, problem string) {
	u, ok := urls(value)
	switch {
	case strings.ContainsFunc(value, unicode.IsSpace):
		return u, "is not a URL: it holds white space"
	case !ok || u.Hostname == "" || u.IsOpaque:
		return u, "is not a URL with a host"
	case strings.ContainsFunc(u.Host, func(r rune) bool { return r > '~' }):
		return u, "is not a URL with an ASCII host"
	}
	return u, ""
}

// secureURL reads an https URL, or an http one of a host that can only be this machine: a
// literal loopback address or, if named is set, localhost.
func secureURL(value string, named bool, urls weburl.Reader) (u weburl.URL, problem string) {
	u, problem = webURL(value, urls)
	switch {
	case problem != "":
		return u, problem
	case u.HasUser:
		return u, "holds a user name or password"
	case u.Scheme == "https" || u.Scheme == "http" && (u.IsLoopback || named && strings.EqualFold(u.Hostname, "localhost")):
		return u, ""
	case named:
		return u, "is not an https URL (http is for loopback hosts)"
	}
	return u, "is neither an https URL nor a literal loopback address"
}

func signInURL(value string, at Place) (string, string) {
	_, problem := secureURL(value, true, at.URLs)
	return value, problem
}

// endpoint is an STS endpoint: whoever answers there is handed the assertion.
func endpoint(value string, at Place) (string, string) {
	u, problem := secureURL(value, false, at.URLs)
	if problem == "" && (u.HasQuery || u.HasFragment) {
		problem = "holds more than scheme, host and path"
	}
	return value, problem
}

// trustedHost is an origin as a person writes it: a URL without path, or HOST[:PORT].
func trustedHost(value string, at Place) (string, string) {
	full := value
	if !strings.Contains(full, "://") {
		full = "https://" + full
	}
	u, problem := secureURL(full, true, at.URLs)
	switch {
	case problem != "":
		return "", problem
	case strings.Contains(u.Host, "*"):
		return "", "holds a wildcard: each host is trusted by its whole name"
	case u.Path != "" && u.Path != "/" || u.HasQuery || u.HasFragment:
		return "", "holds more than scheme, host and port"
	}
	return value, ""
}

func proxy(value string, at Place) (string, string) {
	if value == "none" {
		return value, ""
	}
	u, problem := webURL(value, at.URLs)
	switch {
	case problem != "":
		return "", problem + ", nor none"
	case u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5":
		return "", "is neither none nor a URL of http, https or socks5"
	case u.Path != "" && u.Path != "/" || u.HasQuery || u.HasFragment:
		return "", "holds more than scheme, user, host and port"
	}
	return value, ""
}

// listOf reads what stands between commas. An element holds no comma and no white
// space, so that the elements joined by ", " are the list and nothing else.
func listOf(element func(value string, at Place) (string, string)) func(string, Place) (string, string) {
	return func(value string, at Place) (string, string) {
		var kept []string
		for _, e := range strings.Split(value, ",") {
			if e = strings.TrimSpace(e); e == "" {
				return "", "has an empty element"
			}
			one, problem := element(e, at)
			if problem != "" {
				return "", "has an element that " + problem
			}
			kept = append(kept, one)
		}
		return strings.Join(kept, ", "), ""
	}
}

func elements(kept string) []string {
	if kept == "" {
		return nil
	}
	return strings.Split(kept, ", ")
}

func timeout(value string, _ Place) (string, string) {
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 || d > longTimeout {
		return "", "is not a duration such as 45s, at most 1h"
	}
	return d.String(), ""
}

func sessionDuration(value string, _ Place) (string, string) {
	if value == sessionMax {
		return value, ""
	}
	d, err := time.ParseDuration(value)
	if err != nil || d < minSession || d > maxSession || d%time.Second != 0 {
		return "", "is neither max nor a duration from 15m to 12h, such as 8h"
	}
	return d.String(), ""
}

// hopSeconds keeps at most an hour: AWS gives chained sessions no more.
func hopSeconds(value string, _ Place) (string, string) {
	if !only(value, isDigit) {
		return "", "is not a number of seconds"
	}
	n, err := strconv.Atoi(value)
	switch {
	case err == nil && n < int(minSession/time.Second):
		return "", "is less than 900 seconds, the least that AWS gives"
	case err != nil || n > int(maxChained/time.Second):
		n = int(maxChained / time.Second)
	}
	return strconv.Itoa(n), ""
}

func roleARN(value string, _ Place) (string, string) {
	if _, err := iam.ParseRoleARN(value); err != nil {
		return "", "is not the ARN of a role (arn:PARTITION:iam::ACCOUNT:role/NAME)"
	}
	return value, ""
}

func providerARN(value string, _ Place) (string, string) {
	parts := strings.SplitN(value, ":", 6)
	if len(parts) == 6 {
		name, named := strings.CutPrefix(parts[5], "saml-provider/")
		if named && name != "" && len(name) <= 128 && only(name, func(c byte) bool { return isWord(c) || c == '.' || c == '-' }) &&
			parts[0] == "arn" && strings.HasPrefix(parts[1], "aws") && parts[2] == "iam" && parts[3] == "" &&
			len(parts[4]) == 12 && only(parts[4], isDigit) {
			return value, ""
		}
	}
	return "", "is not the ARN of a SAML provider (arn:PARTITION:iam::ACCOUNT:saml-provider/NAME)"
}

// sessionName is the pattern of RoleSessionName and SourceIdentity (STS API reference).
func sessionName(value string, _ Place) (string, string) {
	if len(value) < 2 || len(value) > 64 || !only(value, func(c byte) bool { return isWord(c) || strings.IndexByte("+=,.@-", c) >= 0 }) {
		return "", "is not 2 to 64 of letters, digits and _+=,.@-"
	}
	return value, ""
}

// externalID is the pattern of ExternalId (STS API reference).
func externalID(value string, _ Place) (string, string) {
	if len(value) < 2 || len(value) > 1224 || !only(value, func(c byte) bool { return isWord(c) || strings.IndexByte("+=,.@:/-", c) >= 0 }) {
		return "", "is not 2 to 1224 of letters, digits and _+=,.@:/-"
	}
	return value, ""
}

func mfaSerial(string, Place) (string, string) {
	return "", "can never work behind a SAML session: AWS knows no MFA device of a person who signed in elsewhere"
}

// region is the alphabet of region names: they become host names and shell words.
func region(value string, _ Place) (string, string) {
	if len(value) > 63 || !isLower(value[0]) || !only(value, func(c byte) bool { return isLower(c) || isDigit(c) || c == '-' }) {
		return "", "is not the name of a region: small letters, digits and - alone"
	}
	return value, ""
}
