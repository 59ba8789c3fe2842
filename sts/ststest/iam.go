package ststest

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	opAliases  = "ListAccountAliases"
	iamVersion = "2010-05-08"
	iamSpace   = "https://iam.amazonaws.com/doc/2010-05-08/"
)

// IAM is the endpoint of IAM in one partition, for the sessions that Server made. It
// knows ListAccountAliases alone.
type IAM struct {
	Server  *Server
	Region  string            // that signatures must be scoped to: us-east-1 in aws
	Aliases map[string]string // by account; an account that is not there has none
	Denied  []string          // accounts whose roles lack iam:ListAccountAliases
	Latency time.Duration

	mu       sync.Mutex
	requests []Request
}

type aliasesResult struct {
	IsTruncated    bool
	AccountAliases struct {
		Members []string `xml:"member"`
	}
}

// Requests returns what came, oldest first.
func (i *IAM) Requests() []Request {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.requests)
}

// ServeHTTP answers one request.
func (i *IAM) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := i.Server
	if !wait(r, i.Latency) {
		return
	}
	id, err := s.uuid()
	if err != nil {
		http.Error(w, "no randomness", http.StatusInternalServerError)
		return
	}
	c := &call{Server: s, http: r, now: s.opts.Now().UTC(), id: id, service: "iam", region: i.Region}
	result, no := i.answer(c)
	i.note(c, no)
	if no != nil {
		write(w, no.Status, id, no.documentIn(iamSpace, id))
		return
	}
	write(w, http.StatusOK, id, documentIn(iamSpace, opAliases, result, id))
}

func (i *IAM) note(c *call, no *Fault) {
	r := Request{Op: c.op, Form: c.form, Header: c.http.Header.Clone(), Host: c.http.Host, Status: http.StatusOK}
	if no != nil {
		r.Status, r.Code = no.Status, no.Code
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.requests = append(i.requests, r)
}

func (i *IAM) answer(c *call) (aliasesResult, *Fault) {
	var result aliasesResult
	if no := c.readIAM(); no != nil {
		return result, no
	}
	s, no := c.caller()
	if no != nil {
		return result, no
	}
	account := s.role.arn.account
	if slices.Contains(i.Denied, account) {
		return result, denied("User: " + s.arn + " is not authorized to perform: iam:ListAccountAliases on resource: * because no identity-based policy allows the iam:ListAccountAliases action")
	}
	if alias := i.Aliases[account]; alias != "" {
		result.AccountAliases.Members = []string{alias}
	}
	return result, nil
}

// readIAM takes the request apart and checks its shape.
func (c *call) readIAM() *Fault {
	body, err := io.ReadAll(io.LimitReader(c.http.Body, 1<<16))
	if err != nil {
		return fault(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "Request is too large")
	}
	c.body = body
	if c.form, err = parseForm(string(body)); err != nil {
		return fault(400, "MalformedQueryString", "The query string is malformed")
	}
	c.op = c.get("Action")
	kind, _, err := mime.ParseMediaType(c.http.Header.Get("Content-Type"))
	switch {
	case c.http.TLS == nil:
		return fault(http.StatusBadRequest, "InvalidAction", "The simulated IAM speaks https only")
	case c.http.Method != http.MethodPost || c.http.URL.Path != "/" || c.http.URL.RawQuery != "":
		return fault(http.StatusMethodNotAllowed, "MethodNotAllowed", "The simulated IAM takes POST to / only")
	case err != nil || kind != "application/x-www-form-urlencoded":
		return fault(http.StatusUnsupportedMediaType, "UnsupportedMediaType", "The content type is not application/x-www-form-urlencoded")
	case c.op != opAliases || c.get("Version") != iamVersion:
		return fault(400, "InvalidAction", fmt.Sprintf("Could not find operation %s for version %s", c.op, c.get("Version")))
	case len(c.form) != 2:
		return invalid("The simulated IAM knows no parameter of " + c.op)
	}
	return nil
}
