package adfs

import (
	"context"
	"net"
	"net/url"
	"slices"
	"strings"

	"gatehop/idp"
	"gatehop/idp/form"
)

const (
	certificateMethod = "CertificateAuthentication"
	// certificatePort is that of Set-AdfsProperties -TlsClientPort; from 2016 on AD FS may
	// ask at a host below its own instead.
	certificatePort = "49443"
	certificateHost = "certauth."
)

// certificateAt are the origins at which AD FS at home asks for a certificate.
func certificateAt(home *url.URL, port string) []idp.Origin {
	if port == "" {
		port = certificatePort
	}
	var at []idp.Origin
	for _, u := range []*url.URL{
		{Scheme: home.Scheme, Host: net.JoinHostPort(home.Hostname(), port)},
		{Scheme: home.Scheme, Host: certificateHost + home.Host},
	} {
		if o := idp.OriginOf(u); o != "" && o != idp.OriginOf(home) {
			at = append(at, o)
		}
	}
	return at
}

// CertificateAt are the origins besides that of the entry at which TLS asks for a
// certificate: for idp.Trust. There are none unless it is to be shown.
func (a adapter) CertificateAt() []idp.Origin {
	if !a.certificate {
		return nil
	}
	return a.certificates
}

// byCertificate are the rows that lead to where TLS asks for the certificate.
func byCertificate(v *visit) []form.Step {
	isForm := func(p *form.Page, _ *form.State) bool { return retrieves(p) != nil }
	if !v.certificate {
		return []form.Step{form.Refuse("certificate form", idp.Certificate, isForm, none)}
	}
	return []form.Step{
		{Name: stepCertificate, Match: isForm, Act: showCertificate},
		{Name: stepChoice, Match: offersCertificate, Act: chooseCertificate},
	}
}

const stepCertificate, stepChoice = "certificate", "certificate choice"

// withoutForms ends a sign-in by certificate or by HTTP authentication at every page that
// wants something else: no form for user name or password is filled in.
func withoutForms(v *visit) []form.Step {
	if !v.certificate {
		return form.NoForms(v.auth, asksPerson)
	}
	return []form.Step{
		{Name: "certificate refused", Match: func(p *form.Page, s *form.State) bool { return asksPerson(p, s) && wasShown(s) }, Act: reportCertificate},
		form.Refuse("no certificate", idp.NoCertificate, asksPerson, errorText),
	}
}

// byForms keeps a row for a form out of a sign-in by certificate or HTTP authentication.
func (v *visit) byForms(match func(*form.Page, *form.State) bool) func(*form.Page, *form.State) bool {
	return func(p *form.Page, s *form.State) bool { return !v.certificate && v.auth.Kind == "" && match(p, s) }
}

// mayName: a page that asks for the user name first may offer the certificate after it.
func (v *visit) mayName(p *form.Page, s *form.State) bool {
	return isName(p, s) && v.auth.Kind == "" && (!v.certificate || s.Names == 0 && !wasShown(s) && !isLogin(p, s))
}

// retrieves finds the form whose script posts it to where TLS asks for a certificate, by
// its fields.
func retrieves(p *form.Page) *form.Form {
	i := slices.IndexFunc(p.Forms, func(f *form.Form) bool {
		return slices.ContainsFunc(f.Controls, func(c *form.Control) bool { return c.Name == "RetrieveCertificate" && !c.Disabled })
	})
	if i < 0 {
		return nil
	}
	return p.Forms[i]
}

// isCertificate knows the address at which the TLS handshake asks for a certificate.
func isCertificate(p *form.Page, _ *form.State) bool {
	return p.URL.Port() == certificatePort || strings.HasPrefix(strings.ToLower(p.URL.Hostname()), certificateHost)
}

// showCertificate posts the form, to nobody but the provider.
func showCertificate(ctx context.Context, w *form.Walk, p *form.Page) (form.Next, error) {
	if err := w.MayProve(ctx); err != nil {
		return form.Next{}, err
	}
	f := retrieves(p)
	to, err := f.Target(nil)
	if err != nil {
		return form.Next{}, err
	}
	if err := w.Session.Trust.CheckCertificate(p.URL, to.URL); err != nil {
		return form.Next{}, err
	}
	return w.Press(p, f, nil, form.Fill{})
}

// offersCertificate: the sign-in page has a link to the certificate, which was not
// followed yet.
func offersCertificate(p *form.Page, s *form.State) bool {
	return s.Acted[stepChoice] == 0 && p.FormByID("options") != nil &&
		slices.ContainsFunc(methodsOf(p), func(it item) bool { return it.id == certificateMethod })
}

func chooseCertificate(ctx context.Context, w *form.Walk, p *form.Page) (form.Next, error) {
	if err := w.MayProve(ctx); err != nil {
		return form.Next{}, err
	}
	return w.Press(p, p.FormByID("options"), nil, form.Fill{Set: []form.Field{{Name: "AuthMethod", Value: certificateMethod}}})
}

// wasShown reports whether the server could have seen the certificate.
func wasShown(s *form.State) bool { return s.Acted[stepCertificate]+s.Acted[stepChoice] > 0 }

// isCertificateError: an error where the certificate was asked for.
func (v *visit) isCertificateError(p *form.Page, s *form.State) bool {
	return v.certificate && slices.Contains(v.certificates, idp.OriginOf(p.URL)) && isError(p, s)
}

func reportCertificate(_ context.Context, w *form.Walk, p *form.Page) (form.Next, error) {
	words := errorText(p)
	if words == "" {
		words = p.VisibleText("#errorMessage")
	}
	e := w.Fail(p, idp.Certificate, words)
	e.Activity = w.Clean(activityForm().FindString(p.Text("#activityID")))
	return form.Next{}, e
}

// asksPerson: the page wants a user name or a password, whoever made it.
func asksPerson(p *form.Page, s *form.State) bool {
	_, login := p.Login()
	return login || asks(p, s) || isLogin20(p, s)
}
