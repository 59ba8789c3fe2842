// Package endpoint hands credentials to the programs of one user over HTTP, as AWS's agents for containers do.
package endpoint

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"gatehop/creds"
	"gatehop/creds/secret"
)

// The limits of a connection. What is right sends one short head at once.
const (
	headLimit  = 5 * time.Second
	writeLimit = 10 * time.Second
	idleLimit  = time.Minute
	maxHead    = 16 << 10 // bytes
	tokenBytes = 32       // of randomness
)

// Endpoint is a Handler on a port of 127.0.0.1.
type Endpoint struct {
	URL    string      // http://127.0.0.1:PORT/credentials
	Token  secret.Text // made for this endpoint
	server *http.Server
	done   chan struct{} // closed when it has stopped
	close  func() error
}

// Start answers from source on a free port until Close. The token is made of random.
func Start(random io.Reader, source creds.Source) (*Endpoint, error) {
	token := make([]byte, tokenBytes)
	if _, err := io.ReadFull(random, token); err != nil {
		return nil, fmt.Errorf("make a token: %v", err)
	}
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("listen on this machine: %v", err)
	}
	host := listener.Addr().String()
	h := &Handler{Host: host, Token: secret.New(base64.RawURLEncoding.EncodeToString(token)), Source: source}
	if tells(listener) {
		h.Owned = owned
	}
	e := &Endpoint{URL: "http://" + host + Path, Token: h.Token, done: make(chan struct{}), server: &http.Server{
		Handler: h, ReadHeaderTimeout: headLimit, ReadTimeout: headLimit, WriteTimeout: writeLimit, IdleTimeout: idleLimit,
		MaxHeaderBytes: maxHead, ErrorLog: log.New(io.Discard, "", 0), DisableGeneralOptionsHandler: true,
	}}
	var served error
	go func() {
		served = e.server.Serve(listener)
		close(e.done)
	}()
	e.close = sync.OnceValue(func() error {
		err := e.server.Close()
		if <-e.done; !errors.Is(served, http.ErrServerClosed) {
			err = served
		}
		return err
	})
	return e, nil
}

// Done is closed when nobody answers any more, for whatever reason.
func (e *Endpoint) Done() <-chan struct{} { return e.done }

// Close stops answering at once and gives the port back. It returns why the endpoint had
// stopped by itself, if it had.
func (e *Endpoint) Close() error { return e.close() }

// tells reports whether the operating system says whose connections come to listener: it
// does of one that is made here.
func tells(listener *net.TCPListener) bool {
	to, err := netip.ParseAddrPort(listener.Addr().String())
	if err != nil {
		return false
	}
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.Dial("tcp4", to.String())
	if err != nil {
		return false
	}
	defer conn.Close()
	from, err := netip.ParseAddrPort(conn.LocalAddr().String())
	return err == nil && owned(from, to)
}
