package adfs

import (
	"context"
	"strings"

	"gatehop/idp"
	"gatehop/idp/form"
)

// Look looks at the page that a sign-in begins with, as form.Walk.Look does.
func Look(ctx context.Context, s *idp.Session, c Config) (*form.Page, error) {
	opened, err := New(c)
	if err != nil {
		return nil, err
	}
	return opened.(adapter).walk(s).Look(ctx)
}

// marks are parts of pages that AD FS alone is made of, the most telling first.
var marks = []string{
	"form#loginForm", "form#hrd", "form#idpForm", "#errorArea", "#updatePasswordForm", "#authOptions",
}

// ends20 are the ends of the names of controls that AD FS 2.0 alone has.
var ends20 = []string{"$UsernameTextBox", "$PassiveIdentityProvidersDropDownList", "$RelyingPartyDropDownList"}

// Signs says what shows that the page is one of AD FS's; nil if nothing does. An address
// below /adfs/ shows nothing alone: many servers answer at every address.
func Signs(p *form.Page) []string {
	path := strings.ToLower(p.URL.Path)
	at := strings.Index(path, "/adfs/")
	if at < 0 {
		return nil
	}
	for _, m := range marks {
		if p.Has(m) {
			return []string{m, path[at : at+len("/adfs/")]}
		}
	}
	for _, end := range ends20 {
		if p.Has(`[name$="` + end + `"]`) {
			return []string{"field " + end, path[at : at+len("/adfs/")]}
		}
	}
	for _, integrated := range []string{"/adfs/ls/wia", "/adfs/ls/auth/integrated"} {
		if strings.HasPrefix(path[at:], integrated) && p.Offers("negotiate", "ntlm") {
			return []string{integrated}
		}
	}
	return nil
}
