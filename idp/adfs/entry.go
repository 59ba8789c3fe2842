package adfs

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"gatehop/idp"
	"gatehop/saml"
)

// entryPath is where an IdP-initiated sign-in begins (Microsoft Learn, "AD FS IdP
// initiated sign-on").
const entryPath = "/adfs/ls/IdpInitiatedSignOn.aspx"

// EntryURL makes the address that the sign-in begins with from what a person has at
// hand: a host, HOST:PORT, or any address of the server, such as one copied from a
// browser in the middle of a sign-in. relyingParty is the identifier of the trust for
// AWS; "" stands for the one in raw, else for that of the AWS standard partition.
//
// The result is always of raw's origin, which must be https, or http of this machine.
// An entry page in raw keeps its spelling but for a lower-case /adfs/ls (cookie paths
// tell case apart); all other paths become the usual one. Requests in the middle of a
// protocol (SAMLRequest, wa) are dropped; RelayState stays if it names a relying party.
func EntryURL(raw, relyingParty string) (string, error) {
	u, err := entry(raw, relyingParty, saml.RelyingParty("aws"))
	if err != nil {
		return "", err
	}
	return u.String(), nil
}

// entry is EntryURL with the relying party to fall back on.
func entry(raw, relyingParty, fallback string) (*url.URL, error) {
	u, err := server(raw)
	if err != nil {
		return nil, err
	}
	pasted := parseQuery(u.RawQuery)
	u.Path, u.RawPath = entryPathOf(u.Path), ""
	u.Fragment, u.RawFragment, u.ForceQuery = "", "", false
	party := relyingParty
	if party == "" {
		party = pasted["logintorp"]
	}
	inside, target, ok := relayed(pasted["relaystate"])
	var query []string
	switch {
	case ok:
		if party == "" {
			party = inside
		}
		state := "RPID=" + url.QueryEscape(party)
		if target != "" {
			state += "&RelayState=" + url.QueryEscape(target)
		}
		query = []string{"RelayState=" + url.QueryEscape(state)}
	case party == "":
		query = []string{"loginToRp=" + escape(fallback)}
	default:
		query = []string{"loginToRp=" + escape(party)}
	}
	for _, keep := range []string{"RedirectToIdentityProvider", "whr"} {
		if v := pasted[strings.ToLower(keep)]; v != "" {
			query = append(query, keep+"="+escape(v))
		}
	}
	u.RawQuery = strings.Join(query, "&")
	return u, nil
}

// server reads raw as a URL, or as HOST[:PORT] with any path. Its errors do not quote
// more than the host: the rest may hold a token.
func server(raw string) (*url.URL, error) {
	raw = strings.TrimSpace(raw)
	if raw == "" {
		return nil, errors.New("read the AD FS address: it is empty")
	}
	if scheme, _, ok := strings.Cut(raw, "://"); !ok || strings.ContainsAny(scheme, "/?#") {
		raw = "https://" + strings.TrimLeft(raw, "/")
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("read the AD FS address: it is no URL")
	}
	if u.User != nil {
		return nil, fmt.Errorf("read the AD FS address %q: it holds a user name", u.Host)
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.TrimSuffix(lowerASCII(u.Host), ":")
	if _, err := idp.ParseOrigin(u.Scheme + "://" + u.Host); err != nil {
		return nil, fmt.Errorf("read the AD FS address: %w", err)
	}
	return u, nil
}

// lowerASCII keeps the length, which strings.ToLower does not for every letter.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// entryPathOf keeps the path of an entry page, also under another prefix (a reverse
// proxy), and replaces every other.
func entryPathOf(path string) string {
	lower := lowerASCII(path)
	i := strings.LastIndex(lower, "/adfs/ls/")
	if i < 0 || strings.Contains(path, "/.") {
		return entryPath
	}
	switch lower[i+len("/adfs/ls/"):] {
	case "idpinitiatedsignon", "idpinitiatedsignon.aspx", "idpinitiatedsignon.htm":
		return path[:i] + "/adfs/ls/" + path[i+len("/adfs/ls/"):]
	}
	return entryPath
}

// address writes the path of AD FS's own addresses as its cookies have it: the server
// takes /ADFS/LS/ as well, and writes it too, but no cookie goes there.
func (v *visit) address(u *url.URL) {
	if idp.OriginOf(u) == "" || idp.OriginOf(u) != idp.OriginOf(v.entry) {
		return
	}
	u.Path, u.RawPath = cookiePath(u.Path), cookiePath(u.RawPath)
}

// cookiePath is path with the first /adfs/, and /ls/ behind it, in small letters.
func cookiePath(path string) string {
	const adfs, ls = "/adfs/", "/ls/"
	lower := lowerASCII(path) + "/"
	i := strings.Index(lower, adfs)
	if i < 0 {
		return path
	}
	end := i + len(adfs) - 1
	if strings.HasPrefix(lower[end:], ls) {
		end += len(ls) - 1
	}
	return path[:i] + lower[i:end] + path[end:]
}

// parseQuery reads the first value of each name, names in lower case, and what cannot
// be unescaped as it stands.
func parseQuery(raw string) map[string]string {
	values := map[string]string{}
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name = strings.ToLower(unescape(name))
		if _, seen := values[name]; !seen {
			values[name] = unescape(value)
		}
	}
	return values
}

func unescape(s string) string {
	if v, err := url.QueryUnescape(s); err == nil {
		return v
	}
	return s
}

// relayed reads a RelayState that names the relying party: RPID=...&RelayState=...,
// both escaped once more (Microsoft Learn, "RelayState for IdP-initiated sign-on").
func relayed(state string) (party, target string, ok bool) {
	values := parseQuery(state)
	return values["rpid"], values["relaystate"], values["rpid"] != ""
}

// escape leaves the colons of identifiers readable; both forms are accepted.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "%3A", ":") }
