package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"gatehop/creds"
	"gatehop/creds/secret"
	"gatehop/creds/sink"
)

// Path is the only one that is answered.
const Path = "/credentials"

// answerLimit is what a request may take. botocore gives up after 2 s (measured with
// botocore 1.43).
const answerLimit = time.Second

// Handler answers GET Path where the request shows the token and nothing about it says
// that it comes from a browser, through a proxy or from another user. The zero value
// answers nobody.
type Handler struct {
	Host  string      // that a request must name: "127.0.0.1:PORT"
	Token secret.Text // that a request must show, as the whole of Authorization
	// Source is asked once for each request and answers from memory. It gets a second. An
	// *UnavailableError is shown to the program that asked; another error is not.
	Source creds.Source
	// Owned reports whether the connection from remote to local is of the user whose
	// process this is. nil: the operating system does not tell, and nobody is refused for it.
	Owned func(remote, local netip.AddrPort) bool

	rules []rule // nil: rules()
}

// UnavailableError reports that there are no credentials to hand out.
type UnavailableError struct {
	Message string // for whoever reads the log of the program that asked; no secrets
	Later   bool   // the same request may succeed soon: SDKs repeat it
}

func (e *UnavailableError) Error() string { return e.Message }

// rule is one reason to refuse a request.
type rule struct {
	name    string
	refuses func(h *Handler, r *http.Request) bool
	status  int
	code    string
	message string // of gatehop's own words alone: nothing of the request comes back
}

// rules are asked in order, and the first that refuses answers. Whoever has no business
// here is told before anything is said about paths and tokens.
func rules() []rule {
	return []rule{
		{"another user", (*Handler).isAnothers, http.StatusForbidden, "AnotherUser", "this endpoint is another user's"},
		{"another host", (*Handler).namesAnother, http.StatusForbidden, "WrongHost", "the Host of the request is not this endpoint's"},
		{"a browser", (*Handler).isBrowser, http.StatusForbidden, "Browser", "browsers are not answered"},
		{"a proxy", (*Handler).isForwarded, http.StatusForbidden, "Forwarded", "requests that a proxy passes on are not answered"},
		{"another path", (*Handler).isElsewhere, http.StatusNotFound, "NotFound", "there is nothing under this path"},
		{"another method", (*Handler).isNoGet, http.StatusMethodNotAllowed, "MethodNotAllowed", "only GET is answered"},
		{"a body", (*Handler).hasBody, http.StatusBadRequest, "BadRequest", "the request has a body"},
		{"no token", (*Handler).lacksToken, http.StatusUnauthorized, "NoToken", "the request shows no token: AWS_CONTAINER_AUTHORIZATION_TOKEN"},
		{"a wrong token", (*Handler).showsAnother, http.StatusForbidden, "WrongToken", "the token is not this endpoint's"},
	}
}

func (h *Handler) isAnothers(r *http.Request) bool {
	if h.Owned == nil {
		return false
	}
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return err != nil || !ok || !h.Owned(remote, addr.AddrPort())
}

// namesAnother keeps out pages of a name that was made to resolve to this machine.
func (h *Handler) namesAnother(r *http.Request) bool { return h.Host == "" || r.Host != h.Host }

// isBrowser goes by what scripts cannot leave out: Fetch standard, "Origin header";
// Fetch Metadata Request Headers.
func (*Handler) isBrowser(r *http.Request) bool {
	for name := range r.Header {
		if name == "Origin" || strings.HasPrefix(name, "Sec-Fetch-") {
			return true
		}
	}
	return false
}

// isForwarded goes by what proxies add, as IMDSv2 does: Amazon EC2 user guide, "How
// Instance Metadata Service Version 2 works".
func (*Handler) isForwarded(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "Via"} {
		if _, ok := r.Header[name]; ok {
			return true
		}
	}
	return false
}

func (*Handler) isElsewhere(r *http.Request) bool { return r.RequestURI != Path }

func (*Handler) isNoGet(r *http.Request) bool { return r.Method != http.MethodGet }

func (*Handler) hasBody(r *http.Request) bool {
	return r.ContentLength != 0 || len(r.TransferEncoding) > 0
}

func (*Handler) lacksToken(r *http.Request) bool { return len(r.Header["Authorization"]) == 0 }

func (h *Handler) showsAnother(r *http.Request) bool {
	shown := r.Header["Authorization"]
	return len(shown) != 1 || h.Token.IsZero() || !secret.New(shown[0]).Equal(h.Token)
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asked := h.rules
	if asked == nil {
		asked = rules()
	}
	for _, rule := range asked {
		if rule.refuses(h, r) {
			if rule.status == http.StatusMethodNotAllowed {
				w.Header().Set("Allow", http.MethodGet)
			}
			refuse(w, rule.status, rule.code, rule.message)
			return
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerLimit)
	defer cancel()
	c, err := h.Source(ctx)
	var unavailable *UnavailableError
	switch {
	case errors.As(err, &unavailable) && unavailable.Later:
		refuse(w, http.StatusServiceUnavailable, "NotReady", unavailable.Message)
		return
	case errors.As(err, &unavailable): // below 500, so that Go's SDK does not try it again
		refuse(w, http.StatusForbidden, "LoginNeeded", unavailable.Message)
		return
	case err != nil:
		refuse(w, http.StatusInternalServerError, "InternalError", "there are no credentials")
		return
	}
	data, err := sink.Container(c)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "InternalError", "the credentials are not fit to be handed out")
		return
	}
	answer(w, http.StatusOK, data)
}

// refusal has every field in the spelling of the Go SDK and in that of the JavaScript
// one, which show them.
type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	JSCode  string `json:"Code"`
	JSWords string `json:"Message"`
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	data, err := json.Marshal(refusal{code, message, code, message})
	if err != nil { // of strings: it never is
		data = []byte("{}")
	}
	answer(w, status, append(data, '\n'))
}

// answer sends JSON. The Go SDK reads it only under exactly this type.
func answer(w http.ResponseWriter, status int, data []byte) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(data)
}
