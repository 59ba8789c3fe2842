package idptest

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"gatehop/saml/samltest"
)

// FormEntry is the path and query at which a sign-in for AWS begins.
const FormEntry = ssoPath + "?spentityid=" + awsIdentifier

const (
	ssoPath    = "/simplesaml/saml2/idp/SSOService.php"
	loginPath  = "/simplesaml/module.php/core/loginuserpass.php"
	basePath   = "/simplesaml/module.php/base/"
	choicePath = "/simplesaml/module.php/multiauth/selectsource.php"
	goPath     = "/simplesaml/module.php/storage/go.php"
	trapPath   = "/simplesaml/trap"
	changePath = "/simplesaml/changepassword"
)

// FormOptions describe a simulated form provider. Now and Rand are required; the zero
// values of the others are SimpleSAMLphp 1.19 as it comes, with the user "alice".
type FormOptions struct {
	Host   string        // the name in URLs, may hold a port; "" takes each request's own
	Users  []User        // nil: Alice, under the name "alice"
	Party  RelyingParty  // zero: AWS; it is asked for by its Audience
	WSFed  bool          // answers in WS-Federation's way
	Signer *samltest.IDP // nil: one of its own, made at the first assertion
	Now    func() time.Time
	Rand   io.Reader // read once, by NewForm

	// Auth asks for HTTP authentication in the place of the form.
	Auth    HTTPAuth
	Tickets TicketCheck // of Kerberos, with AuthIntegrated; nil: none is taken

	Quirks      []Quirk
	DropCookies bool // sets none
	Latency     time.Duration
	FailFirstN  int  // the first N connections end without an answer
	Status503   int  // the next N requests are answered 503; -1: all
	Gzip        bool // for clients that accept it
	Fault       Fault
}

// Form is a simulated form provider of the shape of SimpleSAMLphp: an http.Handler for
// https requests. Of a posted form it checks every control against its page. A user
// with MFA is asked for MFACode on a page of its own.
type Form struct {
	*simulator
	o      FormOptions
	routes map[string]func(*exchange) answer
	states map[string]*formState

	renewed bool // a nonce was too old
}

// formState is one sign-in between two pages.
type formState struct {
	id      string
	browser string // the session cookie it was begun with
	flow    *flow
	name    string          // the user name of the first step
	user    *User           // set once the password was right
	refused map[string]bool // codes
	page    Page            // the form that was shown last
	relay   string          // what the service wants to have back
}

// NewForm makes a form provider of o.
func NewForm(o FormOptions) (*Form, error) {
	for _, q := range o.Quirks {
		if !slices.Contains(Quirks(), q) {
			return nil, fmt.Errorf("simulate a form provider: unknown quirk %q", q)
		}
	}
	if !slices.Contains(append(HTTPAuths(), AuthForms), o.Auth) {
		return nil, fmt.Errorf("simulate a form provider: unknown HTTP authentication %q", o.Auth)
	}
	f, err := findFault(o.Fault)
	if err != nil {
		return nil, err
	}
	if o.Users == nil {
		alice := Alice()
		alice.Name = "alice"
		o.Users = []User{alice}
	}
	if o.Party == (RelyingParty{}) {
		o.Party = awsParty()
	}
	contentType := "text/html; charset=utf-8"
	if slices.Contains(o.Quirks, QuirkLatin1) {
		contentType = "text/html; charset=iso-8859-1"
	}
	s, err := newSimulator(settings{
		host: o.Host, users: slices.Clone(o.Users), parties: []RelyingParty{o.Party}, quirks: slices.Clone(o.Quirks),
		latency: o.Latency, failFirst: o.FailFirstN, down: o.Status503, gzip: o.Gzip, fault: f,
		signer: o.Signer, entity: "/simplesaml/saml2/idp/metadata.php", now: o.Now,
		basicAt: o.basicAt(),
		headers: http.Header{"Server": {"Apache"}, "Cache-Control": {"no-store"}, "Content-Type": {contentType}},
	}, o.Rand)
	if err != nil {
		return nil, err
	}
	p := &Form{simulator: s, o: o, states: map[string]*formState{}}
	p.routes = map[string]func(*exchange) answer{
		ssoPath:                        p.entry,
		loginPath:                      p.login,
		basePath + "loginuserpass.php": p.login,
		choicePath:                     p.choice,
		goPath:                         p.goOn,
		trapPath:                       p.trap,
		changePath:                     p.change,
	}
	return p, nil
}

// ServeHTTP answers one request.
func (f *Form) ServeHTTP(w http.ResponseWriter, r *http.Request) { f.serve(w, r, f.route) }

func (f *Form) route(x *exchange) answer {
	if f.has(QuirkLatin1) {
		for i := range x.Form {
			x.Form[i].Value = fromLatin1(x.Form[i].Value)
		}
	}
	h := f.routes[x.Path]
	if h == nil {
		return f.message(http.StatusNotFound, "Page not found", "The given page was not found.", "")
	}
	a := h(x)
	if f.has(QuirkLatin1) {
		a.body = toLatin1(a.body)
	}
	return a
}

func (f *Form) has(q Quirk) bool { return slices.Contains(f.o.Quirks, q) }

func fromLatin1(s string) string {
	runes := make([]rune, 0, len(s))
	for _, b := range []byte(s) {
		runes = append(runes, rune(b))
	}
	return string(runes)
}

func toLatin1(page []byte) []byte {
	out := make([]byte, 0, len(page))
	for _, r := range string(page) {
		out = append(out, byte(min(r, 0xff))) // no page of ours has anything beyond
	}
	return out
}

// message is a page that leads nowhere by itself.
func (f *Form) message(status int, title, words, retry string) answer {
	return f.page(status, "ssp/message.html", Page{Title: title, Error: words, Link: retry})
}

// stateLost is what becomes of a form that is posted without its state.
func (f *Form) stateLost() answer {
	return f.page(http.StatusInternalServerError, "ssp/message.html", Page{
		Title: "State information lost", Error: "State information lost, and no way to restart the request", Activity: f.guid()[:8],
	})
}

// cookie sets a cookie as SimpleSAMLphp does.
func (f *Form) cookie(to answer, name, value string) answer {
	if f.o.DropCookies {
		return to
	}
	return to.set("Set-Cookie", name+"="+value+"; path=/; HttpOnly; Secure; SameSite=None")
}

// entry begins a sign-in, or ends one.
func (f *Form) entry(x *exchange) answer {
	sess := f.signedIn(x.cookie("SimpleSAMLAuthToken"))
	if sess != nil && !sess.issued {
		x.flow = sess.flow
	} else {
		x.flow = f.begin(f.guid(), f.flows[x.cookie("SimpleSAMLSessionID")])
	}
	switch {
	case x.Query.Get("spentityid") != f.o.Party.Audience:
		return f.message(http.StatusInternalServerError, "Metadata not found", "Unable to locate metadata for the service.", "")
	case sess != nil:
		return f.issue(x, sess)
	case f.fault.entry != nil:
		return f.fault.entry(f.simulator, x)
	}
	st := &formState{
		id:      fmt.Sprintf("_%x:https://%s%s?spentityid=%s&RelayState=", f.random(20), x.host, ssoPath, f.o.Party.Audience),
		browser: fmt.Sprintf("%x", f.random(16)), flow: x.flow, relay: relayOf(x),
	}
	f.states[st.id], f.flows[st.browser] = st, x.flow
	if f.o.Auth != AuthForms {
		return f.authorized(x, st)
	}
	return f.cookie(f.firstHop(x, st), "SimpleSAMLSessionID", st.browser)
}

// relayOf is what a service wants to have back with the answer.
func relayOf(x *exchange) string {
	if state := x.Query.Get("RelayState"); state != "" {
		return state
	}
	return x.Query.Get("wctx")
}

// firstHop leads from the entry to the sign-in form.
func (f *Form) firstHop(x *exchange, st *formState) answer {
	query := "?AuthState=" + queryEscape(st.id)
	relative := "../../module.php/core/loginuserpass.php" + query
	switch {
	case f.has(QuirkMetaRefresh):
		return f.page(http.StatusOK, "form/refresh.html", Page{Link: relative})
	case f.has(QuirkRefreshHeader):
		return f.page(http.StatusOK, "form/plain.html", Page{Title: "One moment"}).set("Refresh", "0; url="+relative)
	case f.has(QuirkNoScript):
		return f.page(http.StatusOK, "form/noscript.html", Page{Link: relative})
	case f.has(QuirkScriptRedirect):
		return f.page(http.StatusOK, "form/location.html", Page{Link: relative})
	case f.has(QuirkAutoSubmit):
		return f.page(http.StatusOK, "form/autosubmit.html", Page{Link: goPath, AuthState: st.id})
	case f.has(QuirkGetForm):
		return redirect(http.StatusFound, "https://"+x.host+choicePath+query)
	}
	return redirect(http.StatusFound, "https://"+x.host+loginPath+query)
}

// state finds the sign-in under that id, if it was begun in this browser. Otherwise
// the answer is the page to show.
func (f *Form) state(x *exchange, id string) (*formState, answer) {
	st := f.states[id]
	if st == nil {
		return nil, f.stateLost()
	}
	x.flow = st.flow
	if x.cookie("SimpleSAMLSessionID") != st.browser {
		return nil, f.message(http.StatusOK, "Missing cookie", "You appear to have disabled cookies in your browser.", ssoPath+"?spentityid="+queryEscape(f.o.Party.Audience))
	}
	return st, answer{}
}

// choice is the page that asks for the source of authentication, a form by GET.
func (f *Form) choice(x *exchange) answer {
	st, lost := f.state(x, x.Query.Get("AuthState"))
	if st == nil {
		return lost
	}
	const button = "src-b3JnYW5pc2F0aW9u"
	if x.Query.Count(button) == 0 {
		return f.page(http.StatusOK, "ssp/choice.html", Page{Title: "Select an authentication source", Link: choicePath + "?stale=1", AuthState: st.id})
	}
	if names := x.Query.Names(); !slices.Equal(names, []string{"AuthState", button}) {
		f.bug(BugForeignField, x.Request, "sent by GET: %s", strings.Join(names, ", "))
	}
	return redirect(http.StatusFound, "https://"+x.host+loginPath+"?AuthState="+queryEscape(st.id))
}

// goOn takes the form of hidden fields that a script submits.
func (f *Form) goOn(x *exchange) answer {
	st, lost := f.state(x, x.Form.Get("AuthState"))
	if st == nil {
		return lost
	}
	if names := x.Form.Names(); !slices.Equal(names, []string{"AuthState", "storage_read", "event_proceed"}) {
		f.bug(BugForeignField, x.Request, "sent: %s", strings.Join(names, ", "))
	}
	return redirect(http.StatusSeeOther, "https://"+x.host+loginPath+"?AuthState="+queryEscape(st.id))
}

// trap is where a client arrives that ignores the button's formaction.
func (f *Form) trap(x *exchange) answer {
	f.bug(BugForeignField, x.Request, "sent to the form's action, which its button overrides")
	return f.stateLost()
}

// change refuses to change a password.
func (f *Form) change(x *exchange) answer {
	if x.Method == http.MethodPost {
		f.bug(BugPasswordChange, x.Request, "posted to the change of passwords")
	}
	return f.page(http.StatusOK, "ssp/changepassword.html", Page{Title: "Choose a new password"})
}
