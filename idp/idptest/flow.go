package idptest

import (
	"strings"
	"time"
)

// flow is one sign-in as the provider can tell it from others.
type flow struct {
	id       string
	lineage  *lineage
	starts   int // sign-ins in it: 1, but for the pool
	requests int
	posts    map[string]int // how often each password was posted
	home     string         // the host that sent the browser to show its certificate
	shown    string         // the sign-in page that was shown last: "" for none, askedAll, askedName, askedMethod
}

// What a sign-in page asks for.
const (
	askedAll    = "password" // and the user name, if it was not asked for before
	askedName   = "user name"
	askedMethod = "method"
)

// lineage is what sign-ins of one browser have in common.
type lineage struct{ refused map[string]bool }

// session is one signed-in browser.
type session struct {
	user    *User
	flow    *flow
	since   time.Time
	kept    bool // Kmsi
	partial bool // the second factor is missing
	issued  bool
	windows bool   // signed in by integrated sign-in
	domain  string // of its cookies; "": the host's own

	// The second factor.
	method   string // its AuthMethod; "" until it is chosen
	step     Factor // the page that was shown last
	context  string // of that page; "" once nothing can be posted to it
	tries    int
	refused  map[string]bool // codes by their field
	pushed   bool            // a request lies on the phone
	number   string          // of the last request
	polls    int             // since it
	polledAt time.Time       // zero: not since it
}

// ssoLifetime is how long AD FS lets a browser session sign in again without a
// password (Set-AdfsProperties -SsoLifetime, 480 minutes unless set).
const ssoLifetime = 8 * time.Hour

// keptLifetime is the same for "keep me signed in" (-PersistentSsoLifetimeMins, whose
// default was 7 days at first).
const keptLifetime = 7 * 24 * time.Hour

func newFlow(id string, parent *flow) *flow {
	f := &flow{id: id, starts: 1, lineage: &lineage{refused: map[string]bool{}}}
	if parent != nil && parent.lineage.refused != nil {
		f.lineage = parent.lineage
	}
	return f
}

// begin makes a flow and remembers it under the given keys.
func (s *simulator) begin(id string, parent *flow, keys ...string) *flow {
	f := newFlow(id, parent)
	for _, key := range keys {
		s.flows[key] = f
	}
	return f
}

// notePassword counts a posted password. One that was refused in this browser before,
// or was posted in this sign-in before, is nobody's new answer.
func (s *simulator) notePassword(x *exchange, user, password string) {
	s.logins++
	if !s.holdsSecret(password) {
		s.typed = append(s.typed, password)
	}
	if x.Form.Count("Password")+x.Form.Count("password") > 1 {
		s.bug(BugPasswordRepeated, x.Request, "the password twice in one form")
	}
	s.noteAgain(x, user, password)
}

// noteAgain remembers that a password was posted, or proved.
func (s *simulator) noteAgain(x *exchange, user, password string) {
	f, key := x.flow, secretKey(user, password)
	if f.posts == nil {
		f.posts = map[string]int{}
	}
	f.posts[key]++
	if f.posts[key] > max(1, f.starts) || f.lineage.refused[key] {
		s.bug(BugPasswordRepeated, x.Request, "the same password again without a new answer")
	}
}

// noteCode remembers a posted code, which was refused before or not. One that is shorter
// than codes are is looked for nowhere: it could be any number.
func (s *simulator) noteCode(x *exchange, refused bool, code string) {
	if refused {
		s.bug(BugCodeRepeated, x.Request, "a refused code again without a new answer")
	}
	if len(code) >= len(MFACode) && !s.holdsSecret(code) {
		s.typed = append(s.typed, code)
	}
}

// noteRefusal counts a refused password against its user.
func (s *simulator) noteRefusal(x *exchange, user, password string) {
	s.failures[strings.ToLower(user)]++
	if refused := x.flow.lineage.refused; refused != nil {
		refused[secretKey(user, password)] = true
	}
}

func secretKey(user, password string) string { return strings.ToLower(user) + "\x00" + password }

// signedIn returns the session under that cookie value, nil for none that is alive.
func (s *simulator) signedIn(cookie string) *session {
	sess := s.sessions[cookie]
	if sess == nil || cookie == "" {
		return nil
	}
	limit := ssoLifetime
	if sess.kept {
		limit = keptLifetime
	}
	if s.now().Sub(sess.since) > limit {
		delete(s.sessions, cookie)
		return nil
	}
	return sess
}
