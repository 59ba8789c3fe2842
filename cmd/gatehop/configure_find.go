package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gatehop/cmd/gatehop/internal/anyurl"
	"gatehop/cmd/gatehop/internal/environ"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/cmd/gatehop/internal/setting"
	"gatehop/idp"
	"gatehop/idp/adfs"
	"gatehop/idp/challenge"
	"gatehop/idp/form"
)

// provider says in JSON what a look at the sign-in address found.
type provider struct {
	URL   string   `json:"url"` // as it is written
	Kind  string   `json:"kind"`
	Signs []string `json:"signs"` // what shows the kind
	Page  string   `json:"page"`  // that asks first
}

// lookError says what a look at a sign-in address found that is of no use.
type lookError struct {
	URL   string
	Name  string // the kind of provider, "" if it is none that is known
	Signs []string
	Err   error
}

func (e *lookError) Error() string {
	text := "look at " + e.URL + ": "
	if e.Name != "" {
		text += fmt.Sprintf("%s (found %s), but ", e.Name, listed(e.Signs))
	}
	reason := e.Err.Error() // which may begin with what was looked at
	if u, err := url.Parse(e.URL); err == nil {
		reason = strings.TrimPrefix(reason, "get "+u.Host+": ")
	}
	return text + strings.TrimPrefix(reason, e.URL+": ")
}

// Unwrap returns the reason.
func (e *lookError) Unwrap() error { return e.Err }

// elsewhereError reports a sign-in that is led to another server.
type elsewhereError struct{ URL, There string }

func (e *elsewhereError) Error() string {
	return fmt.Sprintf("look at %s: it leads to the AD FS at %s, and what is typed goes only where you say", e.URL, e.There)
}

// find asks for the address and looks what is there. Nothing that anybody typed is sent
// but the address.
func (c *configuring) find(ctx context.Context) error {
	address, err := c.address(ctx, c.gateway.URL)
	if err != nil {
		return err
	}
	if c.gateway.CABundle != "" {
		err := c.useBundle(c.gateway.CABundle)
		if err != nil && (c.o.caBundle != "" || c.isUnattended()) {
			return err
		}
		if err != nil { // that of an old profile: asked for anew if it takes one
			c.say("%v", err)
			c.gateway.CABundle = ""
		}
	}
	for range maxTries {
		c.say("looking at %s", address)
		err = c.look(ctx, address)
		var network *idp.NetworkError
		var elsewhere *elsewhereError
		switch {
		case errors.As(err, &network) && network.Kind == idp.NetAuthority && !c.isUnattended():
			if err := c.askBundle(ctx, network); err != nil {
				return err
			}
		case errors.As(err, &elsewhere) && !c.isUnattended():
			yes, err := c.confirm(ctx, idp.Question{Field: "elsewhere", Public: true, Options: []string{"no", "yes"},
				Label: fmt.Sprintf("That leads to the AD FS at %s. Is that your company's?", elsewhere.There)})
			if err != nil || !yes {
				return errors.Join(err, elsewhere)
			}
			address = elsewhere.There
		case errors.As(err, new(*lookError)) && c.o.url == "" && !c.isUnattended(): // a person can type another one
			e := explain(configureProblem(err))
			c.say("%s\nhint: %s", e.message, strings.Replace(e.hint, "--url", "the address", 1))
			if address, err = c.address(ctx, ""); err != nil {
				return err
			}
		default:
			return err
		}
	}
	return err
}

// address is the sign-in address: the flag's, or a person's, to whom offer is offered.
func (c *configuring) address(ctx context.Context, offer string) (string, error) {
	text := c.o.url
	if text == "" {
		var err error
		q := idp.Question{Field: "url", Label: "Sign-in address of your company (a URL or a host)", Default: offer}
		if text, err = c.ask(ctx, "--url", q, addressProblem); err != nil {
			return "", err
		}
	} else if problem := addressProblem(text); problem != "" {
		e := &usageError{text: fmt.Sprintf("--url %q %s", shown(text), problem), command: "gatehop configure"}
		return "", nearUsage(e, "--url", profile.NearURL(text, anyurl.Read))
	}
	return withScheme(text), nil
}

func withScheme(address string) string {
	if strings.Contains(address, "://") {
		return address
	}
	return "https://" + address
}

// addressProblem says why text is no sign-in address.
func addressProblem(text string) string {
	var d profile.Draft
	return d.Set("gatehop_url", withScheme(text), profile.Place{Dir: ".", URLs: anyurl.Read})
}

// askBundle asks for the certificates of a company that signs its own.
func (c *configuring) askBundle(ctx context.Context, e *idp.NetworkError) error {
	issuer := e.Issuer
	if issuer == "" {
		issuer = "nobody that it names"
	}
	c.say("%s has a certificate of an issuer whom this machine does not know:\n  %s", e.Host, idp.CleanWords(issuer))
	q := idp.Question{Field: "ca_bundle", Label: "File with your company's root certificates (PEM)"}
	text, err := c.ask(ctx, "--ca-bundle FILE", q, func(answer string) string {
		err := c.useBundle(answer)
		var bundle *bundleError
		switch {
		case errors.As(err, &bundle):
			return bundle.Problem
		case err != nil:
			return "cannot be used: " + err.Error()
		}
		return ""
	})
	if err != nil {
		return err
	}
	return c.useBundle(text)
}

// useBundle keeps a file of certificates by its absolute path. What the profile has
// already stays as it is written there.
func (c *configuring) useBundle(path string) error {
	old, _, _ := c.config.Draft(c.gateway.Name)
	if path == old.CABundle {
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(c.files.Config), path)
		}
		_, err := roots(path)
		return err
	}
	if rest, ok := strings.CutPrefix(path, "~"); ok && (rest == "" || os.IsPathSeparator(rest[0])) && c.home() != "" {
		path = c.home() + rest
	}
	here, err := filepath.Abs(".")
	if err != nil {
		return err
	}
	if problem := c.gateway.Set("gatehop_ca_bundle", path, profile.Place{Dir: here, URLs: anyurl.Read}); problem != "" {
		return &usageError{text: fmt.Sprintf("CA bundle %q %s", path, problem), command: "gatehop configure"}
	}
	_, err = roots(c.gateway.CABundle)
	return err
}

// signInOf is the sign-in of the gateway's draft, as the profile will have it.
func (c *configuring) signInOf(kind, address string) profile.SignIn {
	bundle := c.gateway.CABundle
	if bundle != "" && !filepath.IsAbs(bundle) {
		bundle = filepath.Join(filepath.Dir(c.files.Config), bundle)
	}
	auth := ""
	if _, ok := challenge.ParseKind(c.gateway.Auth); ok { // a certificate would need its file
		auth = c.gateway.Auth
	}
	return profile.SignIn{Auth: auth, Kind: kind, URL: address, CABundle: bundle, RelyingParty: c.gateway.RelyingParty, HomeRealm: c.gateway.HomeRealm,
		Proxy: c.gateway.Proxy, UserAgent: c.gateway.UserAgent}
}

// look finds out what kind of provider is at address.
func (c *configuring) look(ctx context.Context, address string) error {
	var first error
	for _, s := range c.order(address) {
		way := &settings{Settings: setting.Settings{SignIn: c.signInOf(s.kind, address)}}
		if err := way.Override(environ.Vars(c.env), anyurl.Read); err != nil {
			return misset(err)
		}
		_, session, err := c.session(ctx, "", way)
		if err != nil {
			return err
		}
		page, err := s.look(ctx, session, way.SignIn.Decode)
		found, signs := tell(page)
		var verdict *idp.PageError
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case found.kind == "adfs" && s.kind != "adfs" && c.o.kind == "": // behind an address of somebody's own
			if there := serverOf(page.URL); isAt(address, there) { // and was not found there
				return &lookError{URL: address, Name: found.name, Signs: signs, Err: first}
			}
			return c.lookBehind(ctx, address, page)
		case found.kind != "" && (found.kind == s.kind || c.o.kind != ""):
			return c.found(found, s.kind, address, page, signs, err)
		case err == nil && s.kind == "form" && page.Status == http.StatusUnauthorized: // and gatehop_auth answers it
			return c.found(seen{name: "a sign-in"}, s.kind, address, page, []string{"HTTP authentication"}, nil)
		case err != nil && !errors.As(err, &verdict): // nothing came: another address would not help
			return &lookError{URL: address, Err: err}
		case err == nil:
			err = &idp.PageError{Verdict: idp.Unknown, URL: idp.SafeURL(page.URL)}
		}
		if first == nil || verdict != nil && verdict.Verdict != idp.NotFound {
			first = err
		}
	}
	return &lookError{URL: address, Err: first}
}

// order is which kinds to look for: AD FS where the address may be one of its own.
func (c *configuring) order(address string) []seen {
	all := sights()
	u, err := url.Parse(address)
	bare := err == nil && isAt(address, serverOf(u))
	return slices.DeleteFunc(all, func(s seen) bool {
		if c.o.kind != "" {
			return s.kind != c.o.kind
		}
		return err == nil && s.kind == "adfs" && !bare && !strings.Contains(strings.ToLower(u.Path), "/adfs")
	})
}

// tell says of what kind a page is.
func tell(page *form.Page) (seen, []string) {
	if page != nil {
		for _, s := range sights() {
			if signs := s.signs(page); signs != nil {
				return s, signs
			}
		}
	}
	return seen{}, nil
}

// lookBehind looks at an AD FS that another address led to.
func (c *configuring) lookBehind(ctx context.Context, address string, page *form.Page) error {
	there := serverOf(page.URL)
	given, err := url.Parse(address)
	if err != nil {
		return err
	}
	if idp.OriginOf(given) != idp.OriginOf(page.URL) {
		return &elsewhereError{URL: address, There: there}
	}
	return c.look(ctx, there)
}

// serverOf is the address of a server without the path.
func serverOf(u *url.URL) string { return (&url.URL{Scheme: u.Scheme, Host: u.Host}).String() }

// isAt reports whether address is that of the server alone.
func isAt(address, server string) bool {
	u, err := url.Parse(address)
	return err == nil && strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && strings.EqualFold(serverOf(u), server)
}

// found keeps what was found at address, or says why it is of no use.
func (c *configuring) found(s seen, kind, address string, page *form.Page, signs []string, err error) error {
	if err != nil {
		return &lookError{URL: address, Name: s.name, Signs: signs, Err: err}
	}
	c.gateway.Kind, c.gateway.URL = kind, writtenAddress(kind, address, c.gateway.RelyingParty)
	c.report.Provider = &provider{URL: c.gateway.URL, Kind: kind, Signs: signs, Page: idp.SafeURL(page.URL)}
	c.say("%s: found %s at %s", s.name, listed(signs), placeOf(address, page.URL))
	return nil
}

// placeOf is where a page was found, without the server that was named just before.
func placeOf(address string, page *url.URL) string {
	place := idp.SafeURL(page)
	given, err := url.Parse(address)
	if err != nil || idp.OriginOf(given) != idp.OriginOf(page) || page.Path == "" {
		return place
	}
	return strings.TrimPrefix(place, (&url.URL{Scheme: page.Scheme, Host: page.Host}).String())
}

// writtenAddress is the address as a profile has it: of an AD FS no more than what its usual
// entry does not follow from.
func writtenAddress(kind, address, party string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	u.Fragment, u.RawFragment = "", ""
	if kind != "adfs" {
		return u.String()
	}
	server := serverOf(u)
	entry, err := adfs.EntryURL(address, party)
	if usual, uerr := adfs.EntryURL(server, party); err != nil || uerr != nil || entry == usual {
		return server
	}
	return entry
}

// listed is "a", "a and b", "a, b and c".
func listed(words []string) string {
	last := len(words) - 1
	if last <= 0 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
