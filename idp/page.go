package idp

import (
	"bytes"
	"context"
	"io"
	"net/http"
)

// MaxPage is the largest body that is read, in bytes after decompression.
const MaxPage = 5 << 20

// ReadPage reads and closes resp's body. Errors are *PageError with verdict TooLarge
// for a body over MaxPage, else those of NetError.
func ReadPage(resp *http.Response) ([]byte, error) {
	defer func() { _ = resp.Body.Close() }()
	var page bytes.Buffer
	// One byte more than is allowed, for a response of another client than NewClient's.
	if _, err := page.ReadFrom(io.LimitReader(resp.Body, MaxPage+1)); err != nil {
		return nil, NetError(err)
	}
	if page.Len() > MaxPage {
		return nil, tooLarge(resp.Request)
	}
	return page.Bytes(), nil
}

func tooLarge(req *http.Request) *PageError {
	e := &PageError{Verdict: TooLarge}
	if req != nil {
		e.URL = SafeURL(req.URL)
	}
	return e
}

// body ends a response after MaxPage bytes or at the request's time limit, with
// errors that hold nothing of the response.
type body struct {
	ctx    context.Context
	cancel context.CancelFunc
	req    *http.Request
	rc     io.ReadCloser
	left   int
	err    error // sticky
}

func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if len(p) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.rc.Read(p)
	switch {
	case n > b.left:
		n, b.err = b.left, tooLarge(b.req)
	case err == io.EOF:
		b.err = io.EOF
	case err != nil:
		b.err = hopError(b.ctx, b.req, err)
	}
	b.left -= n
	return n, b.err
}

// restLimit is how much of a body that nobody reads is read at its end: a connection
// with more left on it is lost. Pages of redirects repeat their long addresses.
const restLimit = 64 << 10

func (b *body) Close() error {
	if b.err == nil {
		_, _ = io.CopyN(io.Discard, b, restLimit)
	}
	err := b.rc.Close()
	b.cancel()
	if err != nil {
		return hopError(b.ctx, b.req, err)
	}
	return nil
}
