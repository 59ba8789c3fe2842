// Package ststest is an STS that speaks the wire format of AWS's and refuses what AWS's refuses.
//
// It knows AssumeRoleWithSAML, AssumeRole and GetCallerIdentity of the Query API over
// POST. Permission policies of the calling role are not simulated: every session may
// call AssumeRole on every role whose trust lets it. Session policies (Policy,
// PolicyArns) are accepted and have no effect. Two refusals are its own, so that
// mistakes of a client show: parameters that the API does not have, and parameters
// given twice.
//
// Beside it stand two neighbours that judge by what it knows: SignIn, the page on which
// a person chooses a role, and IAM, as far as an account tells its alias.
package ststest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Provider is an IAM SAML provider: what the account keeps of an identity provider's
// metadata. As in AWS, expired certificates stay good.
type Provider struct {
	ARN      string // arn:PARTITION:iam::ACCOUNT:saml-provider/NAME
	EntityID string // the Issuer that assertions must have
	Certs    []*x509.Certificate
	// Decrypt is the private key that the account uploaded for encrypted assertions;
	// nil refuses them.
	Decrypt *rsa.PrivateKey
}

// Role is a role and its trust policy.
type Role struct {
	ARN            string        // arn:PARTITION:iam::ACCOUNT:role/[PATH/]NAME
	MaxSession     time.Duration // 1 h to 12 h; 0 is 1 h
	TrustProviders []string      // ARNs of the SAML providers that may open it
	TrustRoles     []string      // ARNs of roles, or of account roots (arn:P:iam::ACCOUNT:root)
	ExternalID     string        // demanded of AssumeRole; "" demands none and allows any
	// Audience lists what saml:aud, the Recipient, may be; empty is the partition's
	// sign-in address, in aws https://signin.aws.amazon.com/saml.
	Audience            []string
	AllowTags           bool // trust allows sts:TagSession
	AllowSourceIdentity bool // trust allows sts:SetSourceIdentity
	RequireMFA          bool // trust demands aws:MultiFactorAuthPresent, which no session here has
}

// Fault is an answer that says no.
type Fault struct {
	Status  int
	Code    string
	Message string
	Body    string // if set, sent as text/plain in place of the XML document
}

// Options say who may do what. Now is required: without it every request is answered
// with InternalFailure.
type Options struct {
	Now            func() time.Time
	Rand           io.Reader // for keys, tokens and identifiers; nil is crypto/rand
	Providers      []Provider
	Roles          []Role
	AssertionLimit int           // characters of base64; 0 is AWS's 100,000
	Region         string        // the one region that signatures may be scoped to; "" allows any
	Latency        time.Duration // before each answer
	ShowLimit      bool          // the refusal of a duration names the limit in seconds; AWS's does not
	// PerSecond is how many requests are looked at in a second, by a bucket of as many; the
	// others are answered with Throttled. 0 is any number.
	PerSecond int
	// Fail, if set, is asked before anything is checked, with the number of requests
	// for the operation so far, this one included; what it returns is the answer.
	Fail func(op string, n int) *Fault
}

// Throttled is AWS's answer to too many requests.
func Throttled() *Fault {
	return &Fault{Status: http.StatusBadRequest, Code: "Throttling", Message: "Rate exceeded"}
}

// Counts are numbers of requests. The first three count every request that named the
// operation, refused ones and repetitions included; Refused counts the requests of any
// kind that were not answered with what they asked for.
type Counts struct {
	AssumeRoleWithSAML int
	AssumeRole         int
	GetCallerIdentity  int
	Refused            int `json:"refused"`
	Throttled          int `json:"throttled"` // of those refused, because of Options.PerSecond
}

// Request is one request as it came, for tests. It holds secrets of the simulation.
type Request struct {
	Op     string // value of Action, "" if there was none
	Form   []Param
	Header http.Header
	Host   string
	Status int    // of the answer
	Code   string // of the refusal, "" if there was none
}

// Param is one parameter of a form, decoded.
type Param struct{ Name, Value string }

// Get returns the first value of a parameter, "" if there is none.
func (r Request) Get(name string) string {
	for _, p := range r.Form {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

// keptRequests bounds the memory of a long-lived sandbox.
const keptRequests = 1000

// Server is the handler. It may be used at once from many goroutines.
type Server struct {
	opts      Options
	providers map[string]Provider
	roles     map[string]*role

	mu       sync.Mutex
	counts   Counts
	byOp     map[string]int
	requests []Request
	sessions map[string]*session // by access key
	bucket   float64             // requests that may come at once
	filled   time.Time           // when bucket was reckoned last

	randMu sync.Mutex
}

// New returns a server with no sessions.
func New(o Options) *Server {
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.AssertionLimit == 0 {
		o.AssertionLimit = 100000
	}
	s := &Server{
		opts:      o,
		providers: map[string]Provider{},
		roles:     map[string]*role{},
		byOp:      map[string]int{},
		sessions:  map[string]*session{},
	}
	for _, p := range o.Providers {
		s.providers[p.ARN] = p
	}
	for _, r := range o.Roles {
		s.roles[r.ARN] = &role{Role: r, arn: splitARN(r.ARN)}
	}
	return s
}

// Counts returns the numbers so far.
func (s *Server) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}

// Requests returns what came, oldest first, at most the last 1000.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.opts.Now == nil {
		write(w, http.StatusInternalServerError, "", fault(500, "InternalFailure", "the simulated STS has no clock").document(""))
		return
	}
	if !wait(r, s.opts.Latency) {
		return
	}
	w.Header().Set("Date", s.opts.Now().UTC().Format(http.TimeFormat))
	id, err := s.uuid()
	if err != nil {
		write(w, http.StatusInternalServerError, "", fault(500, "InternalFailure", "the simulated STS has no randomness").document(""))
		return
	}
	c := &call{Server: s, http: r, now: s.opts.Now().UTC(), id: id, service: "sts", region: s.opts.Region}
	var result any
	no := c.read()
	if no == nil {
		result, no = c.answer()
	}
	s.note(c, no)
	switch {
	case no != nil && no.Body != "":
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(no.Status)
		_, _ = io.WriteString(w, no.Body)
	case no != nil:
		write(w, no.Status, id, no.document(id))
	default:
		write(w, http.StatusOK, id, document(c.op, result, id))
	}
}

// wait lets the latency pass, unless the client goes first.
func wait(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

func (s *Server) note(c *call, no *Fault) {
	r := Request{Op: c.op, Form: c.form, Header: c.http.Header.Clone(), Host: c.http.Host, Status: http.StatusOK}
	s.mu.Lock()
	defer s.mu.Unlock()
	if no != nil {
		r.Status, r.Code = no.Status, no.Code
		s.counts.Refused++
	}
	if len(s.requests) == keptRequests {
		s.requests = slices.Delete(s.requests, 0, 1)
	}
	s.requests = append(s.requests, r)
}

// tally counts a request for an operation and returns how many there were.
func (s *Server) tally(op string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch op {
	case opSAML:
		s.counts.AssumeRoleWithSAML++
	case opAssume:
		s.counts.AssumeRole++
	case opIdentity:
		s.counts.GetCallerIdentity++
	}
	s.byOp[op]++
	return s.byOp[op]
}

// throttle is the answer to one request more than Options.PerSecond allows, nil to all
// others.
func (s *Server) throttle(now time.Time) *Fault {
	most := float64(s.opts.PerSecond)
	if most <= 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.filled.IsZero() {
		s.bucket = most
	} else {
		s.bucket = min(s.bucket+now.Sub(s.filled).Seconds()*most, most)
	}
	if s.filled = now; s.bucket < 1 {
		s.counts.Throttled++
		return Throttled()
	}
	s.bucket--
	return nil
}

// arn is an ARN taken apart; the zero value is no ARN.
type arn struct{ partition, service, account, resource string }

func splitARN(s string) arn {
	f := strings.SplitN(s, ":", 6)
	if len(f) != 6 || f[0] != "arn" {
		return arn{}
	}
	return arn{partition: f[1], service: f[2], account: f[4], resource: f[5]}
}

// name is what follows the last slash: of a role its name without the path.
func (a arn) name() string { return a.resource[strings.LastIndexByte(a.resource, '/')+1:] }

// role is a Role in use.
type role struct {
	Role
	arn arn
	id  string // AROA..., made when it is first opened
}

func (r *role) maxSession() time.Duration {
	if r.MaxSession == 0 {
		return time.Hour
	}
	return r.MaxSession
}
