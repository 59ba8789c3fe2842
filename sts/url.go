package sts

import (
	"context"
	"errors"
	"net/url"

	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
)

// URL is where the calls go: Endpoint, or the one that AWS's rules give for the region.
// Nothing is sent.
func (c *Client) URL(ctx context.Context) (*url.URL, error) {
	if c.Endpoint != "" {
		if err := CheckEndpoint(c.Endpoint); err != nil {
			return nil, err
		}
		return url.Parse(c.Endpoint)
	}
	if !ValidRegion(c.Region) {
		return nil, errors.New("call STS: the client has no region")
	}
	p := awssts.EndpointParameters{Region: &c.Region}
	e, err := awssts.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, p.WithDefaults())
	return &e.URI, err
}
