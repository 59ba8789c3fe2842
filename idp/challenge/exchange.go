package challenge

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"

	"gatehop/idp"
)

const (
	maxLegs  = 4       // requests of one exchange: NTLM has two, Negotiate with Windows up to three
	maxDrain = 1 << 20 // bytes of a page that is read to keep its connection
)

// errMoved is the end of an exchange whose next message would have gone over another
// connection than the one that it belongs to.
var errMoved = errors.New("the exchange would go on over another connection")

// errLost is the end of a connection to which an answer had been written: the server may
// have counted it.
var errLost = errors.New("the connection was lost with an answer on it")

// Do sends req with the answer, and follows client's redirects, which carry the answer no
// further. count is asked before each request and may refuse it. The response is what the
// server made of the answer: a 401 again refuses it. A body
// of req's goes with every request: it must hold nothing that was typed.
//
// An exchange of several messages that is bound to its connection is begun again once, if
// the connection is lost in the midst of it; then the error is a *idp.PageError of verdict
// ConnectionLost. A message that answers the server is never written to another connection
// than the one that the server's came from. Errors are fit to be shown (idp.NetError).
func (a *Answer) Do(client *http.Client, req *http.Request, count func(*http.Request) error) (*http.Response, error) {
	if a.begin == nil {
		return a.single(client, req, count)
	}
	for range 2 {
		resp, err := a.exchange(client, req, count)
		if errors.Is(err, errLost) {
			break
		}
		if !errors.Is(err, errMoved) {
			return resp, err
		}
	}
	return nil, &idp.PageError{Verdict: idp.ConnectionLost, URL: idp.SafeURL(req.URL)}
}

// single sends an answer in one step, and once more for a nonce that was too old.
func (a *Answer) single(client *http.Client, req *http.Request, count func(*http.Request) error) (*http.Response, error) {
	header := a.header
	for renewed := false; ; renewed = true {
		w := &wire{secret: true}
		resp, err := w.send(client, req, header, count)
		if errors.Is(err, errMoved) || errors.Is(err, errLost) {
			return nil, &idp.PageError{Verdict: idp.ConnectionLost, URL: idp.SafeURL(req.URL)}
		}
		if err != nil || renewed || a.again == nil || w.isOver() {
			return resp, err
		}
		next, ok := a.again(Offers(resp.StatusCode, resp.Header))
		if !ok {
			return resp, nil
		}
		drain(resp)
		header = next
	}
}

// exchange goes through one exchange of messages.
func (a *Answer) exchange(client *http.Client, req *http.Request, count func(*http.Request) error) (*http.Response, error) {
	talk, err := a.begin()
	if err != nil {
		return nil, err
	}
	defer talk.close()
	w := &wire{bound: a.bound}
	var theirs []byte
	for leg := range maxLegs {
		ours, err := talk.next(theirs)
		if err != nil {
			return nil, a.broken(req, err)
		}
		w.secret = leg > 0
		resp, err := w.send(client, req, a.scheme+" "+base64.StdEncoding.EncodeToString(ours), count)
		if err != nil || w.isOver() || resp.StatusCode != http.StatusUnauthorized {
			return resp, err
		}
		if a.ntlm && leg > 0 { // the last message holds what the password makes: whatever comes is about that
			return resp, nil
		}
		var more bool
		if theirs, more = a.token(resp); !more {
			if leg == 0 {
				drain(resp)
				if a.ntlm && strings.EqualFold(a.scheme, "negotiate") { // where the server takes other mechanisms alone
					return nil, &idp.PageError{Verdict: idp.Integrated, URL: idp.SafeURL(req.URL), Scheme: NTLM.Title(), Words: a.scheme + " without NTLM"}
				}
				return nil, a.broken(req, errors.New("the server does not go on after the first message"))
			}
			return resp, nil
		}
		drain(resp)
	}
	return nil, a.broken(req, errors.New("the exchange does not end"))
}

// broken reports an exchange that the server did not keep to. Nothing was refused.
func (a *Answer) broken(req *http.Request, err error) error {
	if t := (*TicketError)(nil); errors.As(err, &t) {
		return t
	}
	return &idp.PageError{Verdict: idp.ProviderError, URL: idp.SafeURL(req.URL), Words: a.scheme + ": " + idp.CleanWords(err.Error())}
}

// token is the server's next message; more is false if there is none.
func (a *Answer) token(resp *http.Response) (token []byte, more bool) {
	for _, o := range Offers(resp.StatusCode, resp.Header) {
		if !strings.EqualFold(o.Scheme, a.scheme) || o.Token == "" {
			continue
		}
		if token, err := base64.StdEncoding.DecodeString(o.Token); err == nil && len(token) > 0 {
			return token, true
		}
	}
	return nil, false
}

// drain reads what is left of a page, so that its connection can be used again.
func drain(resp *http.Response) {
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxDrain))
	_ = resp.Body.Close()
}

// wire sends the requests of one exchange and watches over what connection they go.
type wire struct {
	bound  bool // every request must go over the connection of the first
	secret bool // the present one holds what a password makes: it is written once

	mu    sync.Mutex
	conn  net.Conn // of the first request
	moved bool     // a request was about to go over another one
	wrote bool     // the present request was written
	over  bool     // the server has redirected: what follows is no part of the exchange
}

func (w *wire) isOver() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.over
}

// send sends req with an Authorization header.
func (w *wire) send(client *http.Client, req *http.Request, header string, count func(*http.Request) error) (*http.Response, error) {
	if err := count(req); err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.wrote = false
	w.mu.Unlock()
	limited, cancel := context.WithCancelCause(req.Context())
	ctx := httptrace.WithClientTrace(limited, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { w.got(info.Conn, cancel) },
		WroteHeaders: func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.wrote = w.wrote || !w.moved // to a closed connection nothing is
		},
	})
	out := req.Clone(ctx)
	out.Header.Set("Authorization", header)
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, &idp.PageError{Verdict: idp.UnreadableForm, URL: idp.SafeURL(req.URL)}
		}
		out.Body = body
	}
	resp, err := w.client(client).Do(out)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.moved || w.bound && err == nil && w.conn == nil: // a transport that does not say is not believed
		if err == nil {
			_ = resp.Body.Close()
		}
		if w.secret && w.wrote {
			return nil, errLost
		}
		return nil, errMoved
	case err != nil && w.secret && w.wrote && !w.over && req.Context().Err() == nil && lostConnection(err):
		return nil, errLost
	case err != nil:
		return nil, idp.NetError(err)
	}
	return resp, nil
}

// lostConnection tells the end of a connection from other failures.
func lostConnection(err error) bool {
	var network *idp.NetworkError
	return errors.As(idp.NetError(err), &network) && network.Kind == idp.NetClosed
}

// client is c with redirects that do not take the answer along.
func (w *wire) client(c *http.Client) *http.Client {
	own := *c
	own.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		w.mu.Lock()
		w.over = true
		w.mu.Unlock()
		req.Header.Del("Authorization")
		if c.CheckRedirect != nil {
			return c.CheckRedirect(req, via)
		}
		return nil
	}
	return &own
}

// got is told which connection a request is about to be written to. If it is the wrong one
// the request is cancelled and the connection closed, of which each would do: nothing is
// written.
func (w *wire) got(conn net.Conn, cancel context.CancelCauseFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.over:
	case w.conn == nil:
		w.conn = conn
	case w.conn != conn && (w.bound || w.secret && w.wrote):
		w.moved = true
		cancel(errMoved)
		_ = conn.Close()
	}
}
