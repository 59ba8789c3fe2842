// Package sts makes the two AWS calls: AssumeRoleWithSAML and AssumeRole.
package sts

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"gatehop/creds"
	"gatehop/creds/secret"
	"gatehop/saml"
)

// Names of the operations, as they stand in Error.Hop.
const (
	opSAML     = "AssumeRoleWithSAML"
	opAssume   = "AssumeRole"
	opIdentity = "GetCallerIdentity"
)

// MaxSession and MaxChained are the longest sessions that AWS gives: of a role that
// a SAML assertion opened, and of a role that another role's session opened (STS API
// reference, AssumeRoleWithSAML and AssumeRole, DurationSeconds).
const (
	MaxSession = 12 * time.Hour
	MaxChained = time.Hour
)

// Hop is one AssumeRole call, as data.
type Hop struct {
	RoleARN        string
	SessionName    string // [\w+=,.@-]{2,64}; empty: the name of the session that calls
	ExternalID     string
	SourceIdentity string
	Tags           map[string]string
	TransitiveTags []string
	Duration       time.Duration // whole seconds; 15 min to 1 h, longer is lowered to 1 h; 0: AWS's default of 1 h
}

// Client calls one STS endpoint. It reads no environment and no file, holds no state,
// may be copied, and may be used at once from many goroutines.
type Client struct {
	Region   string // required; signs the calls and, without Endpoint, chooses the host
	Endpoint string // overrides the regional endpoint; "" is AWS's own; see CheckEndpoint
	// HTTP is http.DefaultClient if nil, which itself honours the proxy variables of the
	// environment. Its Timeout bounds each request and is 30 s
	// if it has none; its CheckRedirect and Jar are not used: redirects are refused.
	HTTP *http.Client
	Now  func() time.Time // required: the local clock
	// OnMaximum, if set, is told of a role for which AWS refused the duration that
	// was asked for, and what it accepted instead: the longest to ask for next time.
	OnMaximum func(roleARN string, accepted time.Duration)
	// Enter, if set, is waited for before each call to assume a role. leave hears when it
	// is over, and whether AWS refused it because there are too many, and says whether to
	// make it again. Such calls are then repeated in no other way.
	Enter func(ctx context.Context) (leave func(throttled bool) (again bool), err error)
}

// AssumeWithSAML trades an assertion for credentials of role r, by an anonymous call
// that carries the assertion byte for byte. It asks for d in whole seconds, at most
// 12 h; 0 asks for 12 h. Where AWS says that this is more than the role allows, the
// same assertion is sent again with the limit that AWS's message gives, else with the
// next of 12, 8, 4, 2 and 1 h; what was asked above 1 h is never lowered below it.
//
// Errors: *MismatchError before anything is sent; *Error when AWS refuses; *NetError,
// *ReplyError, *IdentityError, *EndpointError; the context's own.
func (c *Client) AssumeWithSAML(ctx context.Context, a *saml.Assertion, r saml.Role, d time.Duration) (creds.Credentials, error) {
	if err := c.checkSAML(a, r); err != nil {
		return creds.Credentials{}, err
	}
	if d == 0 || d > MaxSession {
		d = MaxSession
	}
	d = d.Truncate(time.Second)
	for asked, hinted := d, false; ; {
		got, err := c.inTurn(ctx, opSAML, func() (creds.Credentials, error) { return c.assumeWithSAML(ctx, a, r, d) })
		var refused *Error
		if !errors.As(err, &refused) {
			if err == nil && d < asked && c.OnMaximum != nil {
				c.OnMaximum(r.ARN, d)
			}
			return got, err
		}
		next, hint := shorter(refused, d, !hinted)
		if next == 0 {
			return got, err
		}
		d, hinted = next, hinted || hint
	}
}

func (c *Client) assumeWithSAML(ctx context.Context, a *saml.Assertion, r saml.Role, d time.Duration) (creds.Credentials, error) {
	w, err := c.dial(opSAML, r.ARN, nil)
	if err != nil {
		return creds.Credentials{}, err
	}
	w.secrets = []secret.Text{a.Encoded()}
	out, err := w.api.AssumeRoleWithSAML(ctx, &awssts.AssumeRoleWithSAMLInput{
		RoleArn:         &r.ARN,
		PrincipalArn:    &r.Provider,
		SAMLAssertion:   aws.String(a.Encoded().Reveal()),
		DurationSeconds: seconds(d),
	})
	if err != nil {
		return creds.Credentials{}, w.fail(ctx, err)
	}
	return w.credentials(out.Credentials, out.AssumedRoleUser, MaxSession)
}

// Assume returns a source of credentials of the role that hop names. Each call asks
// src for the credentials to sign with and then AWS, once: nothing is kept. An error
// of src is returned as it is; the others are those of AssumeWithSAML.
func (c *Client) Assume(src creds.Source, hop Hop) creds.Source {
	hop.Tags, hop.TransitiveTags = maps.Clone(hop.Tags), slices.Clone(hop.TransitiveTags)
	return func(ctx context.Context) (creds.Credentials, error) {
		caller, err := src(ctx)
		if err != nil {
			return creds.Credentials{}, err
		}
		return c.inTurn(ctx, opAssume, func() (creds.Credentials, error) { return c.assume(ctx, caller, hop) })
	}
}

// inTurn makes a call when Enter lets it, and again as long as that is told to.
func (c *Client) inTurn(ctx context.Context, op string, call func() (creds.Credentials, error)) (creds.Credentials, error) {
	if c.Enter == nil {
		return call()
	}
	for {
		leave, err := c.Enter(ctx)
		if err != nil {
			return creds.Credentials{}, fmt.Errorf("call STS (%s): %w", op, err)
		}
		got, err := call()
		var refused *Error
		if !leave(errors.As(err, &refused) && refused.Throttled) {
			return got, err
		}
	}
}

func (c *Client) assume(ctx context.Context, caller creds.Credentials, hop Hop) (creds.Credentials, error) {
	in, err := c.assumeInput(caller, hop)
	if err != nil {
		return creds.Credentials{}, err
	}
	w, err := c.dial(opAssume, hop.RoleARN, &caller)
	if err != nil {
		return creds.Credentials{}, err
	}
	out, err := w.api.AssumeRole(ctx, in)
	if err != nil {
		return creds.Credentials{}, w.fail(ctx, err)
	}
	return w.credentials(out.Credentials, out.AssumedRoleUser, MaxChained)
}

func (c *Client) assumeInput(caller creds.Credentials, hop Hop) (*awssts.AssumeRoleInput, error) {
	role, err := saml.ParseRoleARN(hop.RoleARN)
	if err != nil {
		return nil, fmt.Errorf("assume role: %w", err)
	}
	if err := c.checkRegion(hop.RoleARN, role.Partition); err != nil {
		return nil, err
	}
	if p := arnPartition(caller.Identity); p != "" && p != role.Partition {
		return nil, &MismatchError{Role: hop.RoleARN, Other: caller.Identity, What: "partition"}
	}
	name := hop.SessionName
	if name == "" {
		name = caller.Identity[strings.LastIndexByte(caller.Identity, '/')+1:]
		if !isSessionName(name) {
			return nil, fmt.Errorf("assume %s: no session name is given and the calling identity has none to take over", hop.RoleARN)
		}
	}
	in := &awssts.AssumeRoleInput{
		RoleArn:           &hop.RoleARN,
		RoleSessionName:   &name,
		ExternalId:        optional(hop.ExternalID),
		SourceIdentity:    optional(hop.SourceIdentity),
		TransitiveTagKeys: slices.Sorted(slices.Values(hop.TransitiveTags)),
	}
	for _, k := range slices.Sorted(maps.Keys(hop.Tags)) {
		in.Tags = append(in.Tags, types.Tag{Key: &k, Value: aws.String(hop.Tags[k])})
	}
	if hop.Duration != 0 {
		in.DurationSeconds = seconds(min(hop.Duration, MaxChained))
	}
	return in, nil
}

// CallerIdentity asks AWS whose credentials these are and returns the ARN. It needs no
// permission of the role. Errors as of AssumeWithSAML, with Hop "GetCallerIdentity".
func (c *Client) CallerIdentity(ctx context.Context, of creds.Credentials) (arn string, err error) {
	if p := arnPartition(of.Identity); p != "" {
		if err := c.checkRegion(of.Identity, p); err != nil {
			return "", err
		}
	}
	w, err := c.dial(opIdentity, "", &of)
	if err != nil {
		return "", err
	}
	out, err := w.api.GetCallerIdentity(ctx, &awssts.GetCallerIdentityInput{})
	if err != nil {
		return "", w.fail(ctx, err)
	}
	got := aws.ToString(out.Arn)
	if !plainARN(got) {
		return "", w.odd("Arn", "it is not an ARN")
	}
	return got, nil
}

// checkSAML finds what AWS would refuse, or what would hand the assertion to the wrong
// partition's STS, before the assertion leaves this process.
func (c *Client) checkSAML(a *saml.Assertion, r saml.Role) error {
	role, err := saml.ParseRoleARN(r.ARN)
	if err != nil {
		return fmt.Errorf("assume role: %w", err)
	}
	provider := strings.SplitN(r.Provider, ":", 6)
	if len(provider) != 6 || !strings.HasPrefix(r.Provider, "arn:") || !strings.HasPrefix(provider[5], "saml-provider/") {
		return fmt.Errorf("assume %s: %q is not the ARN of a SAML provider", r.ARN, tidy(r.Provider))
	}
	if provider[1] != role.Partition {
		return &MismatchError{Role: r.ARN, Other: tidy(r.Provider), What: "partition"}
	}
	if provider[4] != role.Account {
		return &MismatchError{Role: r.ARN, Other: tidy(r.Provider), What: "account"}
	}
	if p, ok := saml.SignInPartition(a.Destination); ok && p != role.Partition {
		return &MismatchError{Role: r.ARN, Other: tidy(a.Destination), What: "partition"}
	}
	return c.checkRegion(r.ARN, role.Partition)
}

// checkRegion makes sure that a call for something in a partition goes to that
// partition's STS. A region that no partition claims yet may be a new one of "aws".
func (c *Client) checkRegion(arn, partition string) error {
	p, ok := RegionPartition(c.Region)
	switch {
	case !ValidRegion(c.Region):
		return fmt.Errorf("call STS: %q is not a region", tidy(c.Region))
	case ok && p == partition, !ok && (partition == "aws" || c.Endpoint != ""):
		return nil
	}
	return &MismatchError{Role: arn, Other: c.Region, What: "partition"}
}

func seconds(d time.Duration) *int32 { return aws.Int32(int32(d / time.Second)) }

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
