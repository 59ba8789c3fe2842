// Package idptest simulates identity providers that refuse what the real ones refuse and remember what a client did wrong.
package idptest

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxBody is the largest request body that is read; a larger one is answered 413.
const maxBody = 1 << 20

// Field is one name and value of a query or a body.
type Field struct{ Name, Value string }

// Fields are the fields of a query or body in the order they were sent, repeated
// names included.
type Fields []Field

// Get returns the last value of name: the one that counts where a name is repeated
// (the simulator's choice; what AD FS does inside is not known). "" if there is none.
func (f Fields) Get(name string) string {
	for _, field := range slices.Backward(f) {
		if field.Name == name {
			return field.Value
		}
	}
	return ""
}

// Count returns how often name was sent.
func (f Fields) Count(name string) int {
	n := 0
	for _, field := range f {
		if field.Name == name {
			n++
		}
	}
	return n
}

// Names returns the names in order.
func (f Fields) Names() []string {
	names := make([]string, len(f))
	for i, field := range f {
		names[i] = field.Name
	}
	return names
}

// Request is one request as a provider received it.
type Request struct {
	Number int    // from 1, in the order of arrival
	Conn   uint64 // which connection it came over, from 1; 0 if the server does not say
	TLS    bool
	// Certificate is whom the client's certificate names, "" for none.
	Certificate string
	Method      string
	Host        string // as the client named it
	Path        string
	RawQuery    string
	Header      http.Header
	Query       Fields
	Form        Fields // the fields of the body, whatever their encoding
	Status      int    // what it was answered; 0 for no answer at all
	Page        string // the page it was answered: "adfs/login.html"; "" for none
}

// readRequest makes a Request of r and says whether its body was too long.
func readRequest(r *http.Request) (Request, bool) {
	rec := Request{
		TLS:      r.TLS != nil,
		Method:   r.Method,
		Host:     r.Host,
		Path:     r.URL.Path,
		RawQuery: r.URL.RawQuery,
		Header:   r.Header.Clone(),
		Query:    parseFields(r.URL.RawQuery),
	}
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		rec.Certificate = r.TLS.PeerCertificates[0].Subject.CommonName
	}
	rec.Conn, _ = r.Context().Value(connKey{}).(uint64)
	if r.Body == nil {
		return rec, false
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if len(body) > maxBody {
		return rec, true
	}
	if err == nil {
		rec.Form = parseBody(r.Header.Get("Content-Type"), body)
	}
	return rec, false
}

// parseBody reads the fields of a form body; nil for a body that is no form.
func parseBody(contentType string, body []byte) Fields {
	kind, params, err := mime.ParseMediaType(contentType)
	switch {
	case err != nil:
		return nil
	case kind == formType:
		return parseFields(string(body))
	case kind == "multipart/form-data":
		return parseMultipart(params["boundary"], body)
	}
	return nil
}

const formType = "application/x-www-form-urlencoded"

// parseFields reads NAME=VALUE pairs; what cannot be unescaped is kept as it stands.
func parseFields(text string) Fields {
	var fields Fields
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		fields = append(fields, Field{unescape(name), unescape(value)})
	}
	return fields
}

func unescape(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

func parseMultipart(boundary string, body []byte) Fields {
	if boundary == "" {
		return nil
	}
	var fields Fields
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		part, err := parts.NextPart()
		if err != nil {
			return fields
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return fields
		}
		fields = append(fields, Field{part.FormName(), string(value)})
	}
}

// clone copies what a caller could change.
func (r Request) clone() Request {
	r.Header, r.Query, r.Form = r.Header.Clone(), slices.Clone(r.Query), slices.Clone(r.Form)
	return r
}

// cookies returns the cookies of the request in order.
func (r *Request) cookies() []*http.Cookie {
	return (&http.Request{Header: r.Header}).Cookies()
}

// cookie returns the value of the first cookie of that name, "" for none.
func (r *Request) cookie(name string) string {
	for _, c := range r.cookies() {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// answer is a response before it is written.
type answer struct {
	status int
	header http.Header
	body   []byte
	page   string
	cut    bool // close the connection in the middle of the body, or before a nil one
	hang   bool // answer nothing until the client gives up

	waits time.Duration // before then
	then  func() answer // in place of everything above, under the simulator's lock
}

// set adds a header and returns the answer, so that answers can be written in one line.
func (a answer) set(name, value string) answer {
	if a.header == nil {
		a.header = http.Header{}
	}
	a.header.Add(name, value)
	return a
}

func redirect(status int, to string) answer {
	return answer{status: status}.set("Location", to)
}

// write sends a. A client that has gone away is nobody's error.
func (a answer) write(w http.ResponseWriter, r *http.Request, defaults http.Header, zip bool) {
	if a.hang {
		<-r.Context().Done()
	}
	if a.hang || a.cut && a.body == nil {
		hangUp(w)
		return
	}
	body, h := a.body, w.Header()
	for _, from := range []http.Header{defaults, a.header} {
		for name, values := range from {
			h[name] = values
		}
	}
	if zip && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(body)
		_ = z.Close()
		body = b.Bytes()
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(a.status)
	if r.Method == http.MethodHead {
		return
	}
	if a.cut {
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		hangUp(w)
		return
	}
	_, _ = w.Write(body)
}

// hangUp closes the connection under w. Where it cannot, the client gets the answer
// that net/http makes of a handler that returns.
func hangUp(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
}

// wait lets d pass, or less if the client gives up.
func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
