package idptest

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// TicketCheck says whose Kerberos ticket a token of SPNEGO holds: a User.Name. reply is
// sent back with a refusal, nil for nothing.
type TicketCheck func(token []byte) (name string, reply []byte, ok bool)

// doors is what HTTP authentication knows of a provider.
type doors struct {
	find    func(name string) *User // by the name that the client gives
	tickets TicketCheck             // nil: no ticket is taken
	epa     bool                    // Extended Protection is required
}

// authorization is the Authorization header in its two parts.
func authorization(x *exchange) (scheme, rest string) {
	scheme, rest, _ = strings.Cut(x.Header.Get("Authorization"), " ")
	return scheme, strings.TrimSpace(rest)
}

// integratedUser takes one message of NTLM, or a ticket. Without a user the offers are for
// WWW-Authenticate.
func (s *simulator) integratedUser(x *exchange, d doors) (user *User, offers []string) {
	plain := []string{"Negotiate", "NTLM"}
	scheme, text := authorization(x)
	if !slices.Contains(plain, scheme) {
		return nil, plain
	}
	msg, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, plain
	}
	switch kind := ntlmType(msg); {
	case kind == 1:
		challenge := s.random(8)
		s.challenges[x.Conn] = challenge
		return nil, []string{scheme + " " + base64.StdEncoding.EncodeToString(ntlmChallenge(challenge, "CORP", "ADFS01", s.now()))}
	case kind == 3:
		return s.ntlmUser(x, msg, d), plain
	case kind == 0 && scheme == "Negotiate" && d.tickets != nil:
		name, reply, ok := d.tickets(msg)
		if ok {
			user = d.find(name)
		}
		if reply != nil {
			plain[0] += " " + base64.StdEncoding.EncodeToString(reply)
		}
		return user, plain
	}
	return nil, plain
}

// ntlmUser is whom a type 3 message proves, nil for nobody. It answers the challenge that
// its own connection was sent, once.
func (s *simulator) ntlmUser(x *exchange, msg []byte, d doors) *User {
	challenge := s.challenges[x.Conn]
	delete(s.challenges, x.Conn)
	if challenge == nil {
		s.bug(BugOtherConnection, x.Request, "a message of type 3 without a challenge on its connection")
		return nil
	}
	s.logins++
	answer, err := parseNTLM(msg)
	if err != nil {
		return nil
	}
	user := d.find(answer.name())
	if user == nil || !answer.proves(user.Password, challenge) {
		s.failures[strings.ToLower(answer.name())]++
		return nil
	}
	s.noteAgain(x, user.Name, user.Password)
	if d.epa && !answer.isBound() || !s.maySignIn(user) {
		s.noteRefusal(x, user.Name, user.Password)
		return nil
	}
	return user
}

// maySignIn: HTTP authentication has one answer for whatever is wrong with an account.
func (s *simulator) maySignIn(user *User) bool {
	return slices.Contains([]UserState{"", UserOK, UserNotPermitted, UserNoRoles}, user.State)
}

// basicUser is whom a Basic header names with the right password, nil for nobody.
func (s *simulator) basicUser(x *exchange, d doors) *User {
	scheme, text := authorization(x)
	data, err := base64.StdEncoding.DecodeString(text)
	if !strings.EqualFold(scheme, "Basic") || err != nil {
		return nil
	}
	name, password, _ := strings.Cut(string(data), ":")
	s.notePassword(x, name, password)
	user := d.find(name)
	if user == nil || user.Password != password || !s.maySignIn(user) {
		s.noteRefusal(x, name, password)
		return nil
	}
	return user
}

// digestOffer is a challenge of Digest with a nonce of its own.
func (s *simulator) digestOffer(algorithm string, stale bool) string {
	nonce := hex.EncodeToString(s.random(16))
	s.nonces[nonce] = true
	offer := fmt.Sprintf(`Digest realm="corp, example", qop="auth-int, auth", nonce="%s", opaque="a\"b"`, nonce)
	if algorithm != "" {
		offer += ", algorithm=" + algorithm
	}
	if stale {
		offer += ", stale=true"
	}
	return offer
}

var digestField = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^,\s]+))`)
})

// digestUser is whom a Digest header proves, nil for nobody (RFC 7616, section 3.4). A
// nonce counts once; to one that is stale the right answer proves nothing, and may be made
// again.
func (s *simulator) digestUser(x *exchange, algorithm string, stale bool, d doors) *User {
	scheme, text := authorization(x)
	if !strings.EqualFold(scheme, "Digest") {
		return nil
	}
	f := map[string]string{}
	for _, m := range digestField().FindAllStringSubmatch(text, -1) {
		f[m[1]] = strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(m[2]) + m[3]
	}
	fresh := s.nonces[f["nonce"]] && !stale
	delete(s.nonces, f["nonce"])
	s.logins++
	user := d.find(f["username"])
	target := x.Path
	if x.RawQuery != "" {
		target += "?" + x.RawQuery
	}
	if !fresh || user == nil || f["uri"] != target || f["realm"] != "corp, example" || f["opaque"] != `a"b` ||
		f["qop"] != "auth" || f["nc"] != "00000001" || f["algorithm"] != algorithm {
		return nil
	}
	sum := digestSum(algorithm)
	secret := sum(f["username"], f["realm"], user.Password)
	if strings.HasSuffix(algorithm, "-sess") {
		secret = sum(secret, f["nonce"], f["cnonce"])
	}
	if f["response"] != sum(secret, f["nonce"], f["nc"], f["cnonce"], f["qop"], sum(x.Method, f["uri"])) {
		return nil
	}
	s.noteAgain(x, user.Name, user.Password)
	if !s.maySignIn(user) {
		s.noteRefusal(x, user.Name, user.Password)
		return nil
	}
	return user
}

func digestSum(algorithm string) func(parts ...string) string {
	return func(parts ...string) string {
		var h hash.Hash = md5.New()
		if strings.HasPrefix(algorithm, "SHA-256") {
			h = sha256.New()
		}
		_, _ = h.Write([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(h.Sum(nil))
	}
}
