package idptest

import (
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Partner is another organisation whose people sign in at a provider of its own, which
// sends its answer back to AD FS.
type Partner struct {
	ID      string // as a claims provider
	Display string
	Entry   string // where it takes the request: an https URL, which may have a query
	WSFed   bool   // AD FS asks it by WS-Federation
}

// ADFSConsumer is the path at which AD FS takes the answers of partners, and
// ADFSEntity the path of the name that it has there.
const (
	ADFSConsumer = "/adfs/ls/"
	ADFSEntity   = "/adfs/services/trust"
)

// partnerOf is the partner under that id, nil if there is none.
func (a *ADFS) partnerOf(id string) *Partner {
	for i := range a.o.Partners {
		if a.o.Partners[i].ID == id {
			return &a.o.Partners[i]
		}
	}
	return nil
}

// errand is a sign-in that is under way at a partner.
type errand struct {
	from Request // where AD FS was asked, to go on from there
	flow *flow
}

// toPartner sends the client to the organisation that was chosen.
func (a *ADFS) toPartner(x *exchange, p *Partner) answer {
	state := a.guid()
	if a.errands == nil {
		a.errands = map[string]errand{}
	}
	from := *x.Request
	if a.o.webForms() { // its page for the choice has an address of its own
		from.Path = "/adfs/ls/IdpInitiatedSignOn.aspx"
	}
	a.errands[state] = errand{from, x.flow}
	query := "SAMLRequest=" + url.QueryEscape(base64.StdEncoding.EncodeToString(a.random(24))) + "&RelayState=" + state
	if p.WSFed {
		query = "wa=wsignin1.0&wtrealm=" + url.QueryEscape("http://"+x.host+ADFSEntity) + "&wctx=" + state
	}
	separator := "?"
	if strings.Contains(p.Entry, "?") {
		separator = "&"
	}
	return redirect(http.StatusFound, p.Entry+separator+query)
}

// fromPartner takes the answer of a partner's provider. What it signs with is not
// looked at: that is between the two of them.
func (a *ADFS) fromPartner(x *exchange) answer {
	a.checkFields(x.Request, "SAMLResponse", "RelayState", "wa", "wresult", "wctx")
	response, state := x.Form.Get("SAMLResponse"), x.Form.Get("RelayState")
	if response == "" {
		_, response, _ = strings.Cut(x.Form.Get("wresult"), requested)
		response, _, _ = strings.Cut(response, requestedEnd)
		state = x.Form.Get("wctx")
	}
	to, ok := a.errands[state]
	if !ok {
		return a.errorPage(x, "MSIS7001", "")
	}
	x.flow = to.flow
	delete(a.errands, state)
	user := a.namedIn(x, response)
	if user == nil {
		return a.errorPage(x, "", "")
	}
	there := *x
	there.Request = &to.from
	return a.signIn(&there, user, "")
}

// The element of a WS-Federation answer that holds the assertion; here it is a whole
// response in base64.
const (
	requested    = "<t:RequestedSecurityToken>"
	requestedEnd = "</t:RequestedSecurityToken>"
)

// namedIn is the account that a partner's response is about: it must be addressed to
// AD FS.
func (a *ADFS) namedIn(x *exchange, response string) *User {
	var r struct {
		Destination string `xml:",attr"`
		Subject     string `xml:"Assertion>Subject>NameID"`
	}
	text, err := base64.StdEncoding.DecodeString(response)
	if err != nil || xml.Unmarshal(text, &r) != nil || r.Destination != "https://"+x.host+ADFSConsumer {
		return nil
	}
	_, name := splitName(r.Subject)
	i := slices.IndexFunc(a.users, func(u User) bool { _, local := splitName(u.Name); return local == name })
	if i < 0 {
		return nil
	}
	return &a.users[i]
}
