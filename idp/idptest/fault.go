package idptest

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"

	"gatehop/saml/samltest"
)

// Fault is one way in which a provider, or what stands in front of it, does not do
// what a sign-in needs. The zero value is none; Faults lists the others.
type Fault string

// ForeignHost is the host to which faults try to draw a client.
const ForeignHost = "elsewhere.example"

// The faults.
const (
	FaultForeignAction     Fault = "foreign-action"     // the sign-in form posts to ForeignHost
	FaultPlainAction       Fault = "plain-action"       // the sign-in form posts to http
	FaultGetForm           Fault = "get-form"           // the sign-in form would send the password by GET
	FaultTextPlain         Fault = "text-plain"         // the sign-in form is of type text/plain
	FaultCaptcha           Fault = "captcha"            // the sign-in form has a CAPTCHA
	FaultNoWords           Fault = "no-words"           // refuses every password without a word
	FaultRedirect307       Fault = "redirect-307"       // answers the password with a 307 to ForeignHost
	FaultRedirectPlain     Fault = "redirect-plain"     // answers the right password with a redirect to http
	FaultCut               Fault = "cut"                // ends the answer to the password in its middle
	FaultHangPosted        Fault = "hang-posted"        // never answers the password
	FaultForeignPage       Fault = "foreign-page"       // the entry redirects to ForeignHost
	FaultRedirectLoop      Fault = "redirect-loop"      // the entry redirects for ever
	FaultHang              Fault = "hang"               // the entry is never answered
	FaultJSON              Fault = "json"               // the entry is no page
	FaultHuge              Fault = "huge"               // the entry has 10 MiB
	FaultDeep              Fault = "deep"               // the entry has 100,000 nested elements
	FaultScriptOnly        Fault = "script-only"        // the entry is an application of scripts
	FaultFirewall          Fault = "firewall"           // a web firewall wants a browser
	FaultProxy             Fault = "proxy"              // a network proxy wants a sign-in of its own
	FaultNotFound          Fault = "not-found"          // there is no such page
	FaultIntegrated        Fault = "integrated"         // 401 Negotiate and NTLM
	FaultBasic             Fault = "basic"              // 401 Basic
	FaultConsent           Fault = "consent"            // a page of consent instead of the form
	FaultForeignACS        Fault = "foreign-acs"        // an assertion for another service
	FaultEmptyResponse     Fault = "empty-response"     // SAMLResponse is empty
	FaultBadResponse       Fault = "bad-response"       // SAMLResponse is no XML
	FaultRefusedResponse   Fault = "refused-response"   // a status that is not Success
	FaultEncrypted         Fault = "encrypted"          // the assertion is encrypted
	FaultSeveralAssertions Fault = "several-assertions" // two assertions
	FaultWSFederation      Fault = "ws-federation"      // WS-Federation's answer instead of SAML's
	FaultForeignResponse   Fault = "foreign-assertion"  // the assertion comes from ForeignHost, where Elsewhere must be
)

const (
	nestedElements = 100_000
	hugePage       = 10 << 20
	assertionPath  = "/assertion" // where Elsewhere offers an assertion of its own
)

// Faults returns all faults with what each one does, in a fixed order.
func Faults() []FaultInfo {
	all := faults()
	out := make([]FaultInfo, len(all))
	for i, f := range all {
		out[i] = FaultInfo{f.name, f.about}
	}
	return out
}

// FaultInfo describes a fault.
type FaultInfo struct {
	Fault Fault
	About string
}

// fault is where a fault takes effect; the fields it does not use are nil.
type fault struct {
	name   Fault
	about  string
	entry  func(*simulator, *exchange) answer // in place of a page for somebody who is not signed in
	login  func(*Page, *exchange)             // changes the sign-in page
	always bool                               // refuses every password, without words
	posted func(*simulator, *exchange) answer // in place of the answer to a password
	signed func(*simulator, *exchange) answer // in place of the answer to a right password
	issue  func(*samltest.Response)           // changes the response
	final  func(*Page) string                 // changes the final page; "" keeps the template
}

func findFault(name Fault) (fault, error) {
	if name == "" {
		return fault{}, nil
	}
	for _, f := range faults() {
		if f.name == name {
			return f, nil
		}
	}
	return fault{}, fmt.Errorf("simulate a provider: unknown fault %q", name)
}

func faults() []fault {
	return append(append(loginFaults(), entryFaults()...), finalFaults()...)
}

func loginFaults() []fault {
	foreign := "https://" + ForeignHost + "/adfs/ls/"
	return []fault{
		{name: FaultForeignAction, about: "the sign-in form posts to another host", login: func(p *Page, _ *exchange) { p.Action = foreign }},
		{name: FaultPlainAction, about: "the sign-in form posts to http", login: func(p *Page, x *exchange) { p.Action = "http://" + x.host + x.Path }},
		{name: FaultGetForm, about: "the sign-in form is sent by GET", login: func(p *Page, _ *exchange) { p.Method = "get" }},
		{name: FaultTextPlain, about: "the sign-in form is sent as text/plain", login: func(p *Page, _ *exchange) { p.Enctype = "text/plain" }},
		{name: FaultCaptcha, about: "the sign-in form has a CAPTCHA", login: func(p *Page, _ *exchange) { p.Captcha = true }},
		{name: FaultNoWords, about: "every password is refused without a word", always: true},
		{name: FaultRedirect307, about: "the password is answered with a 307 to another host", posted: func(*simulator, *exchange) answer {
			return redirect(http.StatusTemporaryRedirect, foreign)
		}},
		{name: FaultRedirectPlain, about: "the right password leads to a redirect to http", signed: func(_ *simulator, x *exchange) answer {
			return redirect(http.StatusFound, "http://"+x.host+x.Path)
		}},
		{name: FaultCut, about: "the answer to the password breaks off", posted: func(s *simulator, _ *exchange) answer {
			a := s.page(http.StatusOK, "form/spa.html", Page{})
			a.cut = true
			return a
		}},
		{name: FaultHangPosted, about: "the password is never answered", posted: func(*simulator, *exchange) answer { return answer{hang: true} }},
	}
}

func entryFaults() []fault {
	show := func(status int, name string) func(*simulator, *exchange) answer {
		return func(s *simulator, _ *exchange) answer {
			return s.page(status, name, Page{Title: "Sign in", Link: "/adfs/consent"})
		}
	}
	text := func(contentType string, body func() []byte) func(*simulator, *exchange) answer {
		return func(*simulator, *exchange) answer {
			return answer{status: http.StatusOK, body: body()}.set("Content-Type", contentType)
		}
	}
	const htmlType = "text/html; charset=utf-8"
	return []fault{
		{name: FaultForeignPage, about: "the entry redirects to another host", entry: func(*simulator, *exchange) answer {
			return redirect(http.StatusFound, "https://"+ForeignHost+"/login")
		}},
		{name: FaultRedirectLoop, about: "the entry redirects for ever", entry: func(s *simulator, x *exchange) answer {
			return redirect(http.StatusFound, x.Path+"?"+withQuery(x.RawQuery, "n", fmt.Sprintf("%x", s.random(4))))
		}},
		{name: FaultHang, about: "the entry is never answered", entry: func(*simulator, *exchange) answer { return answer{hang: true} }},
		{name: FaultJSON, about: "the entry is JSON", entry: text("application/json", func() []byte { return []byte(`{"error":"invalid_request"}`) })},
		{name: FaultHuge, about: "the entry has 10 MiB", entry: text(htmlType, func() []byte { return bytes.Repeat([]byte("<p>filler</p>\n"), hugePage/14) })},
		{name: FaultDeep, about: "the entry has 100,000 nested elements", entry: text(htmlType, func() []byte { return bytes.Repeat([]byte("<div>"), nestedElements) })},
		{name: FaultScriptOnly, about: "the entry is an application of scripts", entry: show(http.StatusOK, "form/spa.html")},
		{name: FaultFirewall, about: "a web firewall wants a browser", entry: func(s *simulator, _ *exchange) answer {
			return s.page(http.StatusForbidden, "form/challenge.html", Page{}).set("cf-mitigated", "challenge")
		}},
		{name: FaultProxy, about: "a network proxy wants a sign-in of its own", entry: func(s *simulator, _ *exchange) answer {
			return s.page(http.StatusProxyAuthRequired, "form/proxy.html", Page{}).set("Proxy-Authenticate", "Negotiate")
		}},
		{name: FaultNotFound, about: "there is no such page", entry: show(http.StatusNotFound, "adfs/notfound.html")},
		{name: FaultIntegrated, about: "401 Negotiate and NTLM", entry: func(s *simulator, _ *exchange) answer { return s.challenge("Negotiate", "NTLM") }},
		{name: FaultBasic, about: "401 Basic", entry: func(s *simulator, _ *exchange) answer { return s.challenge(`Basic realm="corp"`) }},
		{name: FaultConsent, about: "a page of consent instead of the form", entry: show(http.StatusOK, "form/consent.html")},
	}
}

func finalFaults() []fault {
	return []fault{
		{name: FaultForeignACS, about: "the assertion is for another service", issue: func(r *samltest.Response) {
			r.Destination, r.Recipient = "https://sp.example/acs", "https://sp.example/acs"
		}, final: func(p *Page) string { p.ACS = "https://sp.example/acs"; return "" }},
		{name: FaultEmptyResponse, about: "SAMLResponse is empty", final: func(p *Page) string { p.SAMLResponse = ""; return "" }},
		{name: FaultBadResponse, about: "SAMLResponse is no XML", final: func(p *Page) string { p.SAMLResponse = "bm8geG1s"; return "" }},
		{name: FaultRefusedResponse, about: "the response has a status other than Success", issue: func(r *samltest.Response) {
			r.StatusCode = "urn:oasis:names:tc:SAML:2.0:status:Responder"
			r.StatusMessage = "the request was refused"
		}},
		{name: FaultEncrypted, about: "the assertion is encrypted", issue: func(r *samltest.Response) { r.Encrypted = true }},
		{name: FaultSeveralAssertions, about: "the response has two assertions", issue: func(r *samltest.Response) { r.Assertions = 2 }},
		{name: FaultWSFederation, about: "the answer is WS-Federation's", final: func(*Page) string { return "adfs/wsfed.html" }},
		{name: FaultForeignResponse, about: "the assertion comes from another host", signed: func(*simulator, *exchange) answer {
			return redirect(http.StatusFound, "https://"+ForeignHost+assertionPath)
		}},
	}
}

// challenge is HTTP.sys's 401.
func (s *simulator) challenge(schemes ...string) answer {
	a := s.page(http.StatusUnauthorized, "adfs/unauthorized.html", Page{})
	for _, scheme := range schemes {
		a = a.set("WWW-Authenticate", scheme)
	}
	return a
}

// withQuery returns raw with name=value added, or replaced where it is.
func withQuery(raw, name, value string) string {
	var kept []string
	for pair := range strings.SplitSeq(raw, "&") {
		if key, _, _ := strings.Cut(pair, "="); pair != "" && unescape(key) != name {
			kept = append(kept, pair)
		}
	}
	return strings.Join(append(kept, name+"="+value), "&")
}
