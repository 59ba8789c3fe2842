package idptest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"gatehop/saml/samltest"
)

// UserState says what is wrong with an account.
type UserState string

// The states of an account. The zero value is UserOK.
const (
	UserOK           UserState = "ok"
	UserExpired      UserState = "expired"      // the password has expired
	UserMustChange   UserState = "mustchange"   // the password must be changed at the first sign-in
	UserLocked       UserState = "locked"       // answered like a wrong password
	UserDisabled     UserState = "disabled"     // answered like a wrong password
	UserNotPermitted UserState = "notpermitted" // signs in, but gets nothing for AWS
	UserNoRoles      UserState = "noroles"      // AD FS: an assertion without roles; form: a message page
)

// User is one account.
type User struct {
	// Name is DOMAIN\user or user@domain at AD FS, where CORP\alice, corp\ALICE and
	// alice@corp are one; any text at a form provider. Case does not matter.
	Name, Password string
	State          UserState // zero: UserOK
	// Roles are the raw values of the Role attribute: two ARNs and a comma.
	Roles           []string
	SessionName     string // RoleSessionName attribute; "": the name without its domain
	SessionDuration string // SessionDuration attribute in seconds; "": not sent
	// MFA asks for a second factor after the password: that of Options.MFA at AD FS, the
	// code MFACode at a form provider.
	MFA bool
}

const (
	// AlicePassword is the password of Alice.
	AlicePassword = "correct horse"
	// MFACode is every second-factor code but CustomCode.
	MFACode = "123456"
)

// Alice is the user of the sandbox under the name that AD FS knows her by; at a form
// provider she is "alice".
func Alice() User {
	return User{Name: `CORP\alice`, Password: AlicePassword, Roles: SampleRoles(), SessionName: "alice@corp.example"}
}

// SampleRoles returns three values of a Role attribute, in either order of the two
// ARNs and one with white space.
func SampleRoles() []string {
	const role, provider = "arn:aws:iam::111111111111:role/", "arn:aws:iam::111111111111:saml-provider/corp"
	return []string{
		provider + "," + role + "Gateway",
		role + "ReadOnly," + provider,
		" " + provider + " , " + role + "Ops ",
	}
}

// RelyingParty is a service that a provider issues assertions for.
type RelyingParty struct {
	ACS      string // assertion consumer URL
	Audience string
	GUID     string // AD FS's own name for it, in the list of services
	Display  string
	Disabled bool // AD FS: the trust is switched off, and nobody is told that there is one
}

const awsIdentifier = "urn:amazon:webservices"

func awsParty() RelyingParty {
	return RelyingParty{
		ACS: "https://signin.aws.amazon.com/saml", Audience: awsIdentifier,
		GUID: "3b2a7b1c-5d0e-4f6a-9c1d-2e8f7a6b5c4d", Display: "Amazon Web Services",
	}
}

// Stats counts what a provider was asked; the sandbox writes it as JSON.
type Stats struct {
	Requests   int      `json:"requests"`
	Logins     int      `json:"logins"` // posted passwords, right or wrong
	ClientBugs []string `json:"client_bugs"`
}

// settings are what every simulated provider is made of.
type settings struct {
	host      string
	users     []User
	parties   []RelyingParty
	quirks    []Quirk
	locale    string // of the pages; "": the client's
	latency   time.Duration
	failFirst int
	down      int
	gzip      bool
	fault     fault
	signer    *samltest.IDP
	entity    string // path of the entity ID under http://host
	now       func() time.Time
	headers   http.Header
	basicAt   string // the path that asks for HTTP Basic; "": none does
}

// simulator is the part that all providers share: the record, the client bugs, and
// the ways in which a server can be out of order.
type simulator struct {
	settings

	mu       sync.Mutex
	rand     io.Reader // never fails
	requests []Request
	foreign  []Request // what reached Elsewhere
	bugs     []string
	logins   int
	typed    []string            // passwords and codes that were posted
	failures map[string]int      // refused passwords by user
	flows    map[string]*flow    // sign-ins under way by their id
	pool     *flow               // all sign-ins that cannot be told apart
	sessions map[string]*session // signed-in browsers by their cookie

	challenges map[uint64][]byte // of NTLM, by connection
	nonces     map[string]bool   // of Digest, not used yet
}

func newSimulator(s settings, random io.Reader) (*simulator, error) {
	if s.now == nil {
		return nil, errors.New("simulate a provider: no clock given")
	}
	if random == nil {
		return nil, errors.New("simulate a provider: no source of randomness given")
	}
	var seed [32]byte
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		return nil, fmt.Errorf("simulate a provider: read randomness: %w", err)
	}
	for _, u := range s.users {
		if !slices.Contains([]UserState{"", UserOK, UserExpired, UserMustChange, UserLocked, UserDisabled, UserNotPermitted, UserNoRoles}, u.State) {
			return nil, fmt.Errorf("simulate a provider: user %q has the unknown state %q", u.Name, u.State)
		}
	}
	return &simulator{
		settings: s,
		rand:     rand.NewChaCha8(seed),
		failures: map[string]int{},
		flows:    map[string]*flow{},
		pool:     &flow{lineage: &lineage{}},
		sessions: map[string]*session{},

		challenges: map[uint64][]byte{}, nonces: map[string]bool{},
	}, nil
}

// exchange is one request on its way to an answer.
type exchange struct {
	*Request
	host string // the provider's host in URLs
	text Text
	flow *flow
}

// serve records r, looks for client bugs and answers with route, which runs alone.
func (s *simulator) serve(w http.ResponseWriter, r *http.Request, route func(*exchange) answer) {
	rec, tooLong := readRequest(r)
	wait(r.Context(), s.latency)
	a := s.answer(&rec, tooLong, route)
	for a.then != nil {
		a = s.later(r.Context(), &rec, a)
	}
	a.write(w, r, s.headers, s.gzip)
}

func (s *simulator) answer(rec *Request, tooLong bool, route func(*exchange) answer) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	rec.Number = len(s.requests) + 1
	x := &exchange{Request: rec, host: s.host, text: TextIn(rec.Header.Get("Accept-Language"))}
	if s.locale != "" {
		x.text = TextIn(s.locale)
	}
	if x.host == "" {
		x.host = cleanHost(rec.Host)
	}
	a := s.outOfOrder(rec.Number)
	if a == nil {
		a = s.decide(x, tooLong, route)
	} else {
		s.checkRequest(x)
	}
	s.requests = append(s.requests, *rec)
	s.recordAnswer(rec, *a)
	return *a
}

// later is what comes of an answer that waits for somebody.
func (s *simulator) later(ctx context.Context, rec *Request, a answer) answer {
	wait(ctx, a.waits)
	if ctx.Err() != nil {
		return answer{cut: true}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a = a.then()
	s.recordAnswer(rec, a)
	return a
}

// recordAnswer writes into the record what a request was answered.
func (s *simulator) recordAnswer(rec *Request, a answer) {
	recorded := &s.requests[rec.Number-1]
	recorded.Page = a.page
	if !a.hang && a.status != 0 {
		recorded.Status = a.status
	}
}

// outOfOrder is the answer of a server that is down; nil if it is up.
func (s *simulator) outOfOrder(number int) *answer {
	switch {
	case number <= s.failFirst:
		return &answer{cut: true}
	case s.down < 0 || number <= s.failFirst+s.down:
		a := s.page(http.StatusServiceUnavailable, "adfs/unavailable.html", Page{})
		return &a
	}
	return nil
}

func (s *simulator) decide(x *exchange, tooLong bool, route func(*exchange) answer) *answer {
	s.checkRequest(x)
	a := answer{status: http.StatusRequestEntityTooLarge}
	if !tooLong {
		a = route(x)
	}
	if x.flow == nil {
		x.flow = s.pool
	}
	s.countRequest(x)
	return &a
}

// page is an answer with a rendered page.
func (s *simulator) page(status int, name string, p Page) answer {
	body, err := Render(name, p)
	if err != nil { // a defect of a template, which the tests of this package find
		return answer{status: http.StatusInternalServerError, page: "broken", body: []byte(err.Error())}
	}
	return answer{status: status, page: name, body: body}
}

// cleanHost keeps a Host header from writing anything else into a page.
func cleanHost(host string) string {
	if host == "" || strings.ContainsFunc(host, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`"'<>\/?#@&;`, r)
	}) {
		return "localhost"
	}
	return host
}

// Requests returns a copy of every request so far, in the order of arrival.
func (s *simulator) Requests() []Request { return s.copied(&s.requests) }

// RequestsElsewhere returns a copy of every request that reached Elsewhere.
func (s *simulator) RequestsElsewhere() []Request { return s.copied(&s.foreign) }

func (s *simulator) copied(from *[]Request) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.Clone(*from)
	for i := range out {
		out[i] = out[i].clone()
	}
	return out
}

// ClientBugs returns what clients did that a correct one never does, in order, each
// with the number of its rule (see the constants Bug...). No entry holds a value that
// was sent.
func (s *simulator) ClientBugs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.bugs...)
}

// Stats returns the counts so far.
func (s *simulator) Stats() Stats {
	bugs := s.ClientBugs()
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{Requests: len(s.requests), Logins: s.logins, ClientBugs: bugs}
}

// random returns n random bytes.
func (s *simulator) random(n int) []byte {
	b := make([]byte, n)
	_, _ = s.rand.Read(b)
	return b
}

// guid returns a random GUID in lower case (RFC 9562, section 5.4).
func (s *simulator) guid() string {
	b := s.random(16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// SetPassword gives a user another password, as an administrator does.
func (s *simulator) SetPassword(user, password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.users {
		if strings.EqualFold(s.users[i].Name, user) {
			s.users[i].Password = password
		}
	}
}

// SetMFA makes a second factor be asked of a user, of those who are signed in too, or not.
func (s *simulator) SetMFA(user string, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.users {
		if strings.EqualFold(s.users[i].Name, user) {
			s.users[i].MFA = on
		}
	}
	for _, sess := range s.sessions {
		if strings.EqualFold(sess.user.Name, user) {
			sess.partial = on
		}
	}
}
