package idp

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http/httptrace"
	"sync/atomic"
)

// handshake knows whether the TLS handshake of a request failed. A server that has nothing
// in common with its client need not say so: some close the connection.
type handshake struct{ failed atomic.Bool }

func (h *handshake) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{TLSHandshakeDone: func(_ tls.ConnectionState, err error) {
		if err != nil {
			h.failed.Store(true)
		}
	}})
}

// judge tells a connection that was closed in the handshake from one that was closed later.
func (h *handshake) judge(err error) error {
	var e *NetworkError
	if h.failed.Load() && errors.As(err, &e) && e.Kind == NetClosed {
		e.Kind, e.Detail = NetTLS, "the server closes the connection"
	}
	return err
}
