package names

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"gatehop/idp"
	"gatehop/saml"
)

const maxPage = 4 << 20 // bytes, unpacked; 2,000 roles are about 1 MiB

// SignInPage returns the address of the page on which AWS lets a person choose among
// the roles of a. ok is false where there is none to ask: the assertion is not meant
// for a sign-in host of AWS (saml.SignInPartition) in the partition of all its roles,
// or it offers fewer than two, and then AWS signs in to the console at once.
func SignInPage(a *saml.Assertion) (page *url.URL, ok bool) {
	partition, known := saml.SignInPartition(a.Destination)
	if !known || a.Encrypted || len(a.Roles) < 2 {
		return nil, false
	}
	for _, r := range a.Roles {
		if r.Partition() != partition {
			return nil, false
		}
	}
	u, err := url.Parse(a.Destination)
	if err != nil {
		return nil, false
	}
	return &url.URL{Scheme: "https", Host: strings.ToLower(u.Host), Path: u.Path}, true
}

// FromPage posts the assertion to the sign-in page that it is meant for, once, and
// returns the alias of each account that it offers and the page names, "" for one
// without alias. A redirect is not followed: it leads into a console session.
func (c Client) FromPage(ctx context.Context, a *saml.Assertion) (map[string]string, error) {
	page, ok := SignInPage(a)
	if !ok {
		return nil, errors.New("the assertion is for no sign-in page of AWS with several roles")
	}
	ctx, cancel := context.WithTimeout(ctx, Limit)
	defer cancel()
	form := url.Values{"SAMLResponse": {a.Encoded().Reveal()}, "RelayState": {""}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, page.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Accept-Language", "en") // the page is translated
	r.Header.Set("User-Agent", idp.DefaultUserAgent)
	resp, body, err := c.do(ctx, r, maxPage)
	if err != nil {
		return nil, err
	}
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if resp.StatusCode != http.StatusOK || media != "text/html" {
		return nil, fmt.Errorf("ask %s: status %d and not a page", page.Host, resp.StatusCode)
	}
	found, err := ParsePage(body)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", page.Host, err)
	}
	offered := map[string]string{}
	for _, role := range a.Roles {
		if alias, ok := found[role.Account()]; ok {
			offered[role.Account()] = alias
		}
	}
	return offered, nil
}
