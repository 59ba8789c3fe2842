package sts

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"gatehop/creds"
	"gatehop/creds/secret"
)

const (
	requestTimeout = 30 * time.Second
	maxAttempts    = 3       // of one call; the SDK repeats 5xx, throttling and broken connections
	maxReply       = 1 << 20 // bytes; a session token is at most 4 KiB (SDK changelog of sts v1.51.0)
	// AWS writes Date in whole seconds, and the reply takes time to arrive: this much
	// says nothing about the clocks.
	skewNoise = 2 * time.Second
)

// wire is one call: the SDK's client for it, what its transport saw, and what an error
// must be able to say and must not.
type wire struct {
	op, role string
	caller   *creds.Credentials // nil: anonymous
	secrets  []secret.Text      // never to be repeated in an error
	api      *awssts.Client

	http *http.Client
	now  func() time.Time

	host   string        // of the last request
	err    error         // of the last request: no answer came
	status int           // of the last answer, 0 if none came
	at     time.Time     // local time of its arrival
	date   time.Time     // its Date, zero if it had none
	skew   time.Duration // date minus at in whole seconds; 0 if unknown or noise
}

// dial prepares a call. Nothing is sent. A nil caller makes it anonymous.
func (c *Client) dial(op, role string, caller *creds.Credentials) (*wire, error) {
	if c.Now == nil {
		return nil, errors.New("call STS: the client has no clock")
	}
	if !ValidRegion(c.Region) {
		return nil, errors.New("call STS: the client has no region")
	}
	w := &wire{op: op, role: role, caller: caller, now: c.Now, http: plain(c.HTTP)}
	o := awssts.Options{
		Region:       c.Region,
		Credentials:  aws.AnonymousCredentials{},
		HTTPClient:   w,
		Retryer:      retry.NewStandard(standard, c.inTurnAlone),
		APIOptions:   []func(*middleware.Stack) error{withoutEnvironment},
		HTTPSignerV4: w,
	}
	if c.Endpoint != "" {
		if err := CheckEndpoint(c.Endpoint); err != nil {
			return nil, err
		}
		o.BaseEndpoint = aws.String(strings.TrimSuffix(c.Endpoint, "/"))
	}
	if caller != nil {
		if caller.AccessKeyID == "" || caller.SecretAccessKey.Reveal() == "" || caller.SessionToken.Reveal() == "" {
			return nil, fmt.Errorf("call STS (%s): the credentials to sign with are not complete", op)
		}
		w.skew = caller.Skew
		w.secrets = []secret.Text{caller.SecretAccessKey, caller.SessionToken}
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{
				AccessKeyID:     caller.AccessKeyID,
				SecretAccessKey: caller.SecretAccessKey.Reveal(),
				SessionToken:    caller.SessionToken.Reveal(),
			}, nil
		})
	}
	w.api = awssts.New(o)
	return w, nil
}

// plain copies a client so that it carries no cookie, follows no redirect and ends.
func plain(given *http.Client) *http.Client {
	if given == nil {
		given = http.DefaultClient
	}
	h := &http.Client{
		Transport:     given.Transport,
		Timeout:       given.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if h.Timeout <= 0 {
		h.Timeout = requestTimeout
	}
	return h
}

// standard is the SDK's retryer, but for a certificate that does not verify: it will
// not verify a second later either.
func standard(o *retry.StandardOptions) {
	o.MaxAttempts = maxAttempts
	o.Retryables = append([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
		var untrusted *tls.CertificateVerificationError
		if errors.As(err, &untrusted) {
			return aws.FalseTernary
		}
		return aws.UnknownTernary
	})}, o.Retryables...)
}

// inTurnAlone leaves it to Enter, if there is one, to repeat what was throttled.
func (c *Client) inTurnAlone(o *retry.StandardOptions) {
	if c.Enter == nil {
		return
	}
	o.Retryables = append([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
		var api smithy.APIError
		if errors.As(err, &api) && isThrottling(api.ErrorCode()) {
			return aws.FalseTernary
		}
		return aws.UnknownTernary
	})}, o.Retryables...)
}

// withoutEnvironment takes out what the SDK reads from the environment however it is
// configured: AWS_EXECUTION_ENV goes into the user agent, and with
// AWS_LAMBDA_FUNCTION_NAME the value of _X_AMZN_TRACE_ID into a header.
func withoutEnvironment(stack *middleware.Stack) error {
	if _, err := stack.Build.Remove("RecursionDetection"); err != nil {
		return err
	}
	return stack.Build.Add(middleware.BuildMiddlewareFunc("WithoutEnvironment", func(
		ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler,
	) (middleware.BuildOutput, middleware.Metadata, error) {
		if r, ok := in.Request.(*smithyhttp.Request); ok {
			var kept []string
			for _, word := range strings.Fields(r.Header.Get("User-Agent")) {
				if !strings.HasPrefix(word, "exec-env/") {
					kept = append(kept, word)
				}
			}
			r.Header.Set("User-Agent", strings.Join(kept, " "))
		}
		return next.HandleBuild(ctx, in)
	}), middleware.After)
}

// SignHTTP signs with the server's time, as far as it is known: from the last answer
// of this call, else from the answer that the credentials came with. The SDK would use
// the local clock and be refused once where that is more than 15 minutes off.
func (w *wire) SignHTTP(ctx context.Context, c aws.Credentials, r *http.Request, hash, service, region string, _ time.Time, opts ...func(*v4.SignerOptions)) error {
	return v4.NewSigner().SignHTTP(ctx, c, r, hash, service, region, w.now().Add(w.skew).UTC(), opts...)
}

// Do sends one request for the SDK and notes what came back.
func (w *wire) Do(r *http.Request) (*http.Response, error) {
	w.host, w.status, w.date = r.URL.Host, 0, time.Time{}
	r, err := inMemory(r)
	if err != nil {
		w.err = err
		return nil, err
	}
	resp, err := w.http.Do(r)
	if err != nil {
		w.err = bare(err)
		return nil, w.err
	}
	w.err, w.status, w.at = nil, resp.StatusCode, w.now()
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil && (r.URL.Scheme == "https" || isLoopback(r.URL.Hostname())) {
		w.date = date
		if w.skew = date.Sub(w.at).Round(time.Second); w.skew.Abs() <= skewNoise {
			w.skew = 0
		}
	}
	resp.Body = &body{ReadCloser: resp.Body, left: maxReply, wire: w}
	return resp, nil
}

// inMemory returns r with a body that the SDK cannot close. The SDK closes its own as
// soon as the answer begins, and from then on that body's WriteTo fails with io.EOF
// (smithy-go v1.28.8, transport/http/internal/io/safe.go). net/http calls it once more
// after the last byte, to see whether there is too much: where the answer is quicker,
// it takes the error for a broken request and closes the connection.
func inMemory(r *http.Request) (*http.Request, error) {
	if r.Body == nil {
		return r, nil
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r = r.WithContext(r.Context()) // the SDK keeps its own, to close
	r.Body = io.NopCloser(bytes.NewReader(text))
	return r, nil
}

// body is an answer's body that ends after so many bytes, and tells the call when the
// connection broke in the middle.
type body struct {
	io.ReadCloser
	left int
	wire *wire
}

func (b *body) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	if err != nil && err != io.EOF {
		b.wire.err = bare(err)
	}
	return n, err
}
