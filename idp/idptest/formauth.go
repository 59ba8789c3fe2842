package idptest

import "strings"

// HTTPAuth is what a form provider asks for in the place of its form.
type HTTPAuth string

// The ways. The zero value is AuthForms.
const (
	AuthForms      HTTPAuth = ""
	AuthIntegrated HTTPAuth = "integrated"  // Negotiate and NTLM
	AuthBasic      HTTPAuth = "basic"       //
	AuthDigest     HTTPAuth = "digest"      // MD5, and Basic offered after it
	AuthDigest256  HTTPAuth = "digest-256"  // SHA-256; the first answer is told that its nonce is too old
	AuthDigestSess HTTPAuth = "digest-sess" // MD5-sess, as IIS has it
)

// HTTPAuths returns all ways but the form.
func HTTPAuths() []HTTPAuth {
	return []HTTPAuth{AuthIntegrated, AuthBasic, AuthDigest, AuthDigest256, AuthDigestSess}
}

// basicAt is the path that asks for HTTP Basic.
func (o *FormOptions) basicAt() string {
	if o.Auth == AuthBasic {
		return ssoPath
	}
	return ""
}

func (f *Form) findUser(name string) *User {
	for i := range f.users {
		if strings.EqualFold(f.users[i].Name, name) {
			return &f.users[i]
		}
	}
	return nil
}

// authorized signs in whoever the Authorization header proves, or asks for one.
func (f *Form) authorized(x *exchange, st *formState) answer {
	d := doors{find: f.findUser, tickets: f.o.Tickets}
	var user *User
	var offers []string
	answered := x.Header.Get("Authorization") != ""
	switch f.o.Auth {
	case AuthIntegrated:
		user, offers = f.integratedUser(x, d)
	case AuthBasic:
		user, offers = f.basicUser(x, d), []string{`Basic realm="corp"`}
	case AuthDigest:
		user, offers = f.digestUser(x, "", false, d), []string{f.digestOffer("", false), `Basic realm="corp"`}
	case AuthDigestSess:
		user, offers = f.digestUser(x, "MD5-sess", false, d), []string{f.digestOffer("MD5-sess", false)}
	case AuthDigest256:
		stale := answered && !f.renewed
		f.renewed = f.renewed || stale
		user, offers = f.digestUser(x, "SHA-256", stale, d), []string{f.digestOffer("SHA-256", stale)}
	}
	if user == nil {
		return f.cookie(f.challenge(offers...), "SimpleSAMLSessionID", st.browser)
	}
	return f.signIn(x, st, user)
}
