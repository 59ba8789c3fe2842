package idptest

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"gatehop/saml/samltest"
)

// ADFSEntry is the path and query at which a sign-in for AWS begins.
const ADFSEntry = "/adfs/ls/IdpInitiatedSignOn.aspx?loginToRp=urn:amazon:webservices"

// LocalAuthority is the id of AD FS's own directory among the claims providers.
const LocalAuthority = "AD AUTHORITY"

// ActionStyle is how AD FS writes the action of its sign-in form.
type ActionStyle string

// The styles that were seen on real pages. The zero value is ActionPath.
const (
	ActionPath         ActionStyle = ""             // /adfs/ls/...?...
	ActionAbsolute     ActionStyle = "absolute"     // https://host/adfs/ls/...
	ActionAbsolute443  ActionStyle = "absolute-443" // https://host:443/adfs/ls/...
	ActionRelative     ActionStyle = "relative"     // IdpInitiatedSignOn.aspx?...
	ActionUnescapedAmp ActionStyle = "raw-amp"      // "&" where "&amp;" belongs
	ActionEmpty        ActionStyle = "empty"        // action=""
	ActionMissing      ActionStyle = "missing"      // no action at all
)

// Pagination is how an AD FS 2019 asks for user name and password one after the other.
type Pagination string

// The ways. In both the hidden UserName beside the password is empty, and AuthMethod is
// in another form or in none.
const (
	PaginatedOff    Pagination = ""
	PaginatedNative Pagination = "native"   // one document, whose script shows a block at a time
	PaginatedSteps  Pagination = "stepwise" // a document for each block, in answer to the one before
)

// The blocks of a paginated page.
const (
	userNameBlock = "usernamePage"
	methodsBlock  = "primaryOptionsPage"
	passwordBlock = "passwordPage"
)

// Flavours returns the versions of AD FS that are simulated, the oldest first.
func Flavours() []string { return []string{webForms, "3.0", "2016", "2019"} }

// Options describe a simulated AD FS. Now and Rand are required; the zero values of
// the others are an ordinary AD FS 3.0 with forms sign-in that knows Alice and AWS.
type Options struct {
	Host           string     // the name in URLs, may hold a port; "" takes each request's own
	Flavour        string     // one of Flavours; "": 3.0
	Paginated      Pagination // 2019 alone
	Users          []User     // nil: Alice
	RelyingParties map[string]RelyingParty
	Signer         *samltest.IDP // nil: one of its own, made at the first assertion
	Now            func() time.Time
	Rand           io.Reader // read once, by NewADFS

	AcceptBareUser         bool // names without a domain are known too
	IdPInitiatedDisabled   bool // the entry is switched off (MSIS7012), as it is from 2016 on until an administrator switches it on
	UnknownRPError         bool // an unknown relying party gives an error page, not the list
	UpdatePasswordEndpoint bool // expired passwords lead to the page that changes them
	RequireRequestCookie   bool // a password without the cookie of the sign-on request is an error (MSIS7001)
	ClientRequestIDOff     bool // no redirect that adds client-request-id, and no request cookie
	DirectPostRefused      bool // a password without the sign-in page first is ignored
	Kmsi                   bool // offers "keep me signed in"
	CertificateLink        bool // offers certificate authentication
	CertificateWay         CertificateWay
	CertificateHost        string        // HOST[:PORT] at which TLS asks for the certificate; "": of ServeCertificates, else port 49443
	CertificateStays       bool          // what follows is there, too
	MethodChoice           bool          // offers the form for the password as one of several methods first
	Methods                []string      // AuthMethods that MethodChoice offers besides; none of them takes an answer
	MFA                    Factor        // the second factor of users with MFA; "": one of Factors
	Factors                []string      // AuthMethods of second factors; of several, one is to be chosen; nil: FactorCustom
	MFAResult              FactorResult  // "": FactorApproved
	MFAPolls               int           // polls of a page before something is done on the phone; 0: 3; negative: none
	MFABlocks              time.Duration // how long a post that waits for the phone takes
	MFAExpires             time.Duration // how long it takes when nothing is done there; 0: a minute
	PollEvery              time.Duration // polls that come sooner after another are client bugs; 0: none are
	Themed                 bool          // pages with the company's own script, which splits the sign-in form for the eye alone
	LockAfter              int           // refused passwords after which a user is locked; 0: never
	ErrorsBare             bool          // error pages without the number of the error, as AD FS shows them to the outside
	ErrorStatus            int           // HTTP status of error pages; 0: 200

	Action                 ActionStyle
	ACSPort443Off          bool      // the final form posts to the ACS as configured, without ":443"
	DecoyEmptySAMLResponse bool      // a form with an empty SAMLResponse before the real one
	WrappedBase64          bool      // SAMLResponse in lines of 76 characters
	BigToken               bool      // the session cookie in two parts
	ClaimsProviders        []string  // ids; more than one asks for the home realm, where only LocalAuthority and Partners sign anybody in
	Partners               []Partner // of ClaimsProviders
	Locale                 string    // "de", "nl": the language of all pages, whatever the client asks for; "": the client's
	PathCase               PathCase  // how AD FS writes its own paths; cookies are for "/adfs" all the same

	// AD FS 2.0 alone
	Asp4              bool      // 2.1: element ids as ASP.NET 4 makes them
	LocalAuthFirst    LocalAuth // how everybody is signed in
	BreakViewState    bool      // every password is answered as if the page's state were not the server's own
	DisplayExceptions bool      // error pages say what the error is

	// AD FS 3.0 and later: who is sent to integrated sign-in
	Intranet           bool     // clients are inside the company's network; else nobody is
	WIAUserAgents      []string // parts of the User-Agent of those that are; nil: WIAUserAgents
	FormsOnIntranetOff bool     // everybody is, for want of forms
	WIAFallbackOff     bool     // everybody is, forms or not

	EPA     bool        // Extended Protection: a type 3 without a channel binding is refused
	Tickets TicketCheck // of Kerberos; nil: none is taken

	DropCookies bool // sets none
	HeaderLimit int  // bytes of cookies above which requests are refused; 0: none
	Latency     time.Duration
	FailFirstN  int  // the first N connections end without an answer
	Status503   int  // the next N requests are answered 503; -1: all
	Gzip        bool // for clients that accept it
	Fault       Fault
}

// ADFS is a simulated AD FS with forms sign-in: an http.Handler for https requests. It
// keeps what AD FS keeps in cookies, refuses what AD FS refuses, and remembers every
// request and every client bug.
//
// A user with MFA gets the page of a second factor after the password. Options.MFA says
// which, and MFAResult how it ends.
type ADFS struct {
	*simulator
	o      Options
	routes map[string]func(*exchange) answer
	sent   map[string]*sent20 // pages of AD FS 2.0 by their view state

	errands map[string]errand // sign-ins at partners by their state

	phones map[string]Phone // what people do, by user
	pushes int

	certificateHost string // of ServeCertificates
}

// PathCase is how AD FS writes the paths of its own addresses: it takes any case, and a
// browser sends the cookies of "/adfs" to no other.
type PathCase string

// The ways that differ. The zero value is as the client wrote it.
const (
	PathAsAsked PathCase = ""
	PathUpper   PathCase = "upper" // /ADFS/LS/IDPINITIATEDSIGNON.ASPX
)

// path is how AD FS writes the path of a request.
func (a *ADFS) path(x *exchange) string {
	if a.o.PathCase == PathUpper {
		return strings.ToUpper(x.Path)
	}
	return x.Path
}

// NewADFS makes an AD FS of o.
func NewADFS(o Options) (*ADFS, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	f, err := findFault(o.Fault)
	if err != nil {
		return nil, err
	}
	if o.RelyingParties == nil {
		o.RelyingParties = map[string]RelyingParty{awsIdentifier: awsParty()}
	}
	s, err := newSimulator(settings{
		host: o.Host, users: slices.Clone(o.Users), parties: sortedParties(o.RelyingParties),
		locale: o.Locale, latency: o.Latency, failFirst: o.FailFirstN, down: o.Status503, gzip: o.Gzip, fault: f,
		signer: o.Signer, entity: "/adfs/services/trust", now: o.Now,
		headers: o.headers(), basicAt: o.basicAt(),
	}, o.Rand)
	if err != nil {
		return nil, err
	}
	a := &ADFS{simulator: s, o: o, sent: map[string]*sent20{}, phones: map[string]Phone{}}
	if o.webForms() {
		a.routes = a.routes20()
		return a, nil
	}
	a.routes = map[string]func(*exchange) answer{
		"/adfs/ls/idpinitiatedsignon.aspx": a.entry,
		"/adfs/ls/idpinitiatedsignon":      a.entry,
		"/adfs/ls/":                        a.protocol,
		"/adfs/ls/wia":                     a.wia,
		"/adfs/portal/updatepassword":      a.updatePassword,
		"/adfs/portal/updatepassword/":     a.updatePassword,
		"/adfs/portal/css/style.css":       empty("text/css"),
		"/adfs/portal/logo/logo.png":       empty("image/png"),
		"/adfs/portal/script/onload.js":    empty("application/javascript"),
	}
	return a, nil
}

// check refuses what no AD FS is.
func (o *Options) check() error {
	if o.Flavour == "" {
		o.Flavour = "3.0"
	}
	if o.webForms() {
		o.ClientRequestIDOff = true
	}
	styles := []ActionStyle{ActionPath, ActionAbsolute, ActionAbsolute443, ActionRelative, ActionUnescapedAmp, ActionEmpty, ActionMissing}
	switch {
	case !slices.Contains(Flavours(), o.Flavour):
		return fmt.Errorf("simulate AD FS: flavour %q is not simulated (known: %s)", o.Flavour, strings.Join(Flavours(), ", "))
	case !slices.Contains([]Pagination{PaginatedOff, PaginatedNative, PaginatedSteps}, o.Paginated):
		return fmt.Errorf("simulate AD FS: unknown pagination %q", o.Paginated)
	case o.Paginated != PaginatedOff && o.Flavour != "2019":
		return fmt.Errorf("simulate AD FS: %s has no paginated sign-in", o.Flavour)
	case o.RequireRequestCookie && o.ClientRequestIDOff:
		return errors.New("simulate AD FS: a request cookie is required that is never set")
	case o.ClientRequestIDOff && (o.Paginated == PaginatedSteps || o.MethodChoice):
		return errors.New("simulate AD FS: steps that no client-request-id tells apart")
	case o.Locale != "" && texts[o.Locale].Lang == "":
		return fmt.Errorf("simulate AD FS: no words in %q", o.Locale)
	case !slices.Contains([]PathCase{PathAsAsked, PathUpper}, o.PathCase):
		return fmt.Errorf("simulate AD FS: unknown case of paths %q", o.PathCase)
	case slices.ContainsFunc(o.Partners, func(p Partner) bool { return !slices.Contains(o.ClaimsProviders, p.ID) }):
		return errors.New("simulate AD FS: a partner that is no claims provider")
	case !slices.Contains([]CertificateWay{CertificateByPage, CertificateByRedirect}, o.CertificateWay):
		return fmt.Errorf("simulate AD FS: unknown way to the certificate %q", o.CertificateWay)
	case o.CertificateLink && o.ClientRequestIDOff && !o.webForms():
		return errors.New("simulate AD FS: a certificate that no client-request-id leads back from")
	case !slices.Contains(styles, o.Action):
		return fmt.Errorf("simulate AD FS: unknown action style %q", o.Action)
	}
	if err := o.checkWebForms(); err != nil {
		return err
	}
	return o.checkFactors()
}

// sortedParties are the parties that AD FS offers.
func sortedParties(m map[string]RelyingParty) []RelyingParty {
	var out []RelyingParty
	for _, id := range slices.Sorted(maps.Keys(m)) {
		if !m[id].Disabled {
			out = append(out, m[id])
		}
	}
	return out
}

func empty(contentType string) func(*exchange) answer {
	return func(*exchange) answer { return answer{status: http.StatusOK}.set("Content-Type", contentType) }
}

// ServeHTTP answers one request.
func (a *ADFS) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.serve(w, r, a.route) }

// route finds the page by its path, in which case does not matter.
func (a *ADFS) route(x *exchange) answer {
	if size := len(x.Header.Get("Cookie")); a.o.HeaderLimit > 0 && size > a.o.HeaderLimit {
		return a.page(http.StatusBadRequest, "adfs/toolong.html", Page{})
	}
	h := a.routes[strings.ToLower(x.Path)]
	if h == nil {
		return a.page(http.StatusNotFound, "adfs/notfound.html", Page{})
	}
	if !slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodPost}, x.Method) {
		return answer{status: http.StatusMethodNotAllowed}.set("Allow", "GET, HEAD, POST")
	}
	if a.atCertificate(x) {
		return a.certificate(x, h)
	}
	return h(x)
}

// protocol is where partners answer, and where services send their own requests, which
// AWS does not do.
func (a *ADFS) protocol(x *exchange) answer {
	if x.Method == http.MethodPost && x.Form.Count("SAMLResponse")+x.Form.Count("wresult") > 0 {
		return a.fromPartner(x)
	}
	return a.errorPage(x, "MSIS7065", "")
}

// updatePassword shows the page that changes passwords and changes none.
func (a *ADFS) updatePassword(x *exchange) answer {
	p := a.chrome(x, x.text.UpdateTitle)
	p.UserName = x.Query.Get("username")
	p.Forced = p.UserName != ""
	p.Action = x.Path + "?" + x.RawQuery
	if x.Method == http.MethodPost {
		a.bug(BugPasswordChange, x.Request, "posted to the change of passwords")
		p.Error = x.text.UpdateRefused
	}
	return a.page(http.StatusOK, "adfs/updatepassword.html", p)
}

// chrome is what all pages have.
func (a *ADFS) chrome(x *exchange, title string) Page {
	return Page{
		Text: x.text, Title: title, Company: "Example Corp", Host: x.host, UserAgent: x.Header.Get("User-Agent"),
		Flavour: a.o.Flavour, Themed: a.o.Themed,
	}
}

// errorPage is AD FS's own; msis is what the server's log would say.
func (a *ADFS) errorPage(x *exchange, msis, words string) answer {
	if a.o.ErrorsBare {
		msis = ""
	}
	status := a.o.ErrorStatus
	if status == 0 {
		status = http.StatusOK
	}
	if a.o.webForms() {
		return a.errorPage20(x, status, msis, words)
	}
	p := a.chrome(x, x.text.ErrorTitle)
	p.Error, p.Detail, p.Activity = words, msis, a.guid()
	if words == "" {
		p.Error = x.text.ErrorMessage
	}
	p.Time = a.now().UTC().Format(http.TimeFormat)
	if rp, ok := a.relyingParty(x); ok {
		p.Display = rp.Display
	}
	return a.page(status, "adfs/error.html", p)
}

func (a *ADFS) action(x *exchange) string {
	self := a.pathAndQuery(x)
	switch a.o.Action {
	case ActionAbsolute:
		return "https://" + x.host + self
	case ActionAbsolute443:
		return "https://" + withPort443(x.host) + self
	case ActionRelative:
		return a.tail(x)
	case ActionEmpty, ActionMissing:
		return ""
	}
	return self
}

// withPort443 writes the port that https has anyway, as AD FS does.
func withPort443(host string) string {
	if i := strings.LastIndex(host, ":"); i > strings.LastIndex(host, "]") {
		return host
	}
	return host + ":443"
}

func (a *ADFS) pathAndQuery(x *exchange) string {
	if x.RawQuery == "" {
		return a.path(x)
	}
	return a.path(x) + "?" + x.RawQuery
}
