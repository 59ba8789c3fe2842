package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gatehop/cmd/gatehop/internal/near"
	"gatehop/idp/idptest"
)

// faultKind is one way in which the sandbox's identity provider is not the plain one:
// something is wrong with it, with the account, or it merely asks in another way. A change
// that is nil is one that its simulator cannot make.
type faultKind struct {
	name, about string
	adfs        func(*idptest.Options)
	form        func(*idptest.FormOptions)
	only        []string // of the AD FS kinds; nil: all of them
	certificate bool     // the profile signs in by certificate, which the provider asks for
	auth        string   // gatehop_auth of the profile; "": by the form
}

// since30 are the kinds of AD FS from 3.0 on.
func since30() []string { return []string{"adfs3", "adfs2016", "adfs2019"} }

const (
	slowAnswer  = 2 * time.Second
	cookieLimit = 64 // bytes: less than any session cookie of the simulator
)

// faultKinds are all kinds that --fault takes: those of the simulator by its own names,
// and then accounts and options.
func faultKinds() []faultKind {
	var kinds []faultKind
	for _, f := range idptest.Faults() {
		kinds = append(kinds, faultKind{name: string(f.Fault), about: f.About,
			adfs: func(o *idptest.Options) { o.Fault = f.Fault }, form: func(o *idptest.FormOptions) { o.Fault = f.Fault }})
	}
	kinds = append(kinds, accountKinds()...)
	return append(kinds, optionKinds()...)
}

// accountKinds are about the one user that the sandbox has.
func accountKinds() []faultKind {
	account := func(name, about string, change func(*idptest.User)) faultKind {
		return faultKind{name: name, about: about,
			adfs: func(o *idptest.Options) { change(&o.Users[0]) }, form: func(o *idptest.FormOptions) { change(&o.Users[0]) }}
	}
	state := func(name, about string, s idptest.UserState) faultKind {
		return account(name, about, func(u *idptest.User) { u.State = s })
	}
	update := state("update-password", "the expired password leads to a page to change it", idptest.UserExpired)
	update.form, update.only = nil, since30()
	expired := update.adfs
	update.adfs = func(o *idptest.Options) { expired(o); o.UpdatePasswordEndpoint = true }
	factor := account("second-factor", "a second factor is asked for after the password", func(u *idptest.User) { u.MFA = true })
	factor.only = since30()
	return []faultKind{
		state("expired", "the password has expired", idptest.UserExpired),
		state("must-change", "the password must be changed at the first sign-in", idptest.UserMustChange),
		state("locked", "the account is locked: like a wrong password", idptest.UserLocked),
		state("disabled", "the account is disabled: like a wrong password", idptest.UserDisabled),
		state("not-permitted", "the account may not sign in to AWS", idptest.UserNotPermitted),
		state("no-roles", "the account has no role in AWS", idptest.UserNoRoles),
		factor,
		update,
	}
}

// optionKinds are the settings of a provider.
func optionKinds() []faultKind {
	return []faultKind{
		{name: "entry-disabled", about: "the sign-in entry page is switched off", only: since30(), adfs: func(o *idptest.Options) { o.IdPInitiatedDisabled = true }},
		{name: "unknown-party", about: "AWS is not known: a list of what is", adfs: withoutAWS},
		{name: "unknown-party-page", about: "AWS is not known: an error page", adfs: func(o *idptest.Options) { withoutAWS(o); o.UnknownRPError = true }},
		{name: "home-realm", about: "asks which organisation one belongs to", adfs: func(o *idptest.Options) {
			o.ClaimsProviders = []string{idptest.LocalAuthority, "http://partner.example/adfs/services/trust"}
		}},
		{name: "home-realm-open", about: "asks the same, and none of them is the company's own", adfs: func(o *idptest.Options) {
			o.ClaimsProviders = []string{"http://partner.example/adfs/services/trust", "http://other.example/adfs/services/trust"}
		}},
		{name: "german", about: "every page in German, whatever is asked for", adfs: func(o *idptest.Options) { o.Locale = "de" }},
		{name: "method-choice", about: "offers the password as one of several methods", only: since30(), adfs: func(o *idptest.Options) { o.MethodChoice = true }},
		{name: "certificate", about: "signs in by certificate: the profile names it", only: since30(), certificate: true,
			adfs: func(o *idptest.Options) { o.CertificateLink = true }},
		{name: "certificate-refused", about: "signs in by a certificate that is nobody's", only: since30(), certificate: true,
			adfs: func(o *idptest.Options) { o.CertificateLink = true; o.Users[0].State = idptest.UserDisabled }},
		{name: "paginated", about: "user name and password on one page, shown in turn", only: []string{"adfs2019"},
			adfs: func(o *idptest.Options) { o.Paginated = idptest.PaginatedNative }},
		{name: "stepwise", about: "user name and password on a page each", only: []string{"adfs2019"},
			adfs: func(o *idptest.Options) { o.Paginated = idptest.PaginatedSteps }},
		{name: "view-state", about: "what the page was is not known any more", only: []string{"adfs2"},
			adfs: func(o *idptest.Options) { o.BreakViewState = true }},
		{name: "integrated-first", about: "Windows sign-in comes before the form", only: []string{"adfs2"},
			adfs: func(o *idptest.Options) { o.LocalAuthFirst = idptest.LocalIntegrated }},
		{name: "basic-first", about: "HTTP Basic comes before the form", only: []string{"adfs2"},
			adfs: func(o *idptest.Options) { o.LocalAuthFirst = idptest.LocalBasic }},
		{name: "ntlm", about: "signs in by NTLM: the profile says so", auth: "ntlm", adfs: asksIntegrated,
			form: func(o *idptest.FormOptions) { o.Auth = idptest.AuthIntegrated }},
		{name: "ntlm-refused", about: "the same, and Extended Protection refuses it", auth: "ntlm",
			adfs: func(o *idptest.Options) { asksIntegrated(o); o.EPA = true }},
		{name: "http-basic", about: "signs in by HTTP Basic: the profile says so", auth: "basic", only: []string{"adfs2"},
			adfs: func(o *idptest.Options) { o.LocalAuthFirst = idptest.LocalBasic }, form: func(o *idptest.FormOptions) { o.Auth = idptest.AuthBasic }},
		{name: "http-digest", about: "signs in by HTTP Digest: the profile says so", auth: "digest",
			form: func(o *idptest.FormOptions) { o.Auth = idptest.AuthDigest }},
		{name: "big-token", about: "the session cookie comes in two parts", adfs: func(o *idptest.Options) { o.BigToken = true }},
		{name: "header-limit", about: "the server finds the cookies too large", adfs: func(o *idptest.Options) { o.HeaderLimit = cookieLimit }},
		{name: "drop-cookies", about: "cookies get lost on the way",
			adfs: func(o *idptest.Options) { o.DropCookies = true }, form: func(o *idptest.FormOptions) { o.DropCookies = true }},
		{name: "unavailable", about: "every request is answered 503",
			adfs: func(o *idptest.Options) { o.Status503 = -1 }, form: func(o *idptest.FormOptions) { o.Status503 = -1 }},
		{name: "slow", about: "every answer takes 2 s longer",
			adfs: func(o *idptest.Options) { o.Latency += slowAnswer }, form: func(o *idptest.FormOptions) { o.Latency += slowAnswer }},
	}
}

// asksIntegrated makes an AD FS of any version ask for integrated sign-in.
func asksIntegrated(o *idptest.Options) {
	if o.Flavour == "2.0" {
		o.LocalAuthFirst = idptest.LocalIntegrated
		return
	}
	o.Intranet = true
}

// withoutAWS leaves a provider that knows another service alone.
func withoutAWS(o *idptest.Options) {
	o.RelyingParties = map[string]idptest.RelyingParty{"urn:example:intranet": {
		ACS: "https://intranet.example/acs", Audience: "urn:example:intranet", GUID: "7f6b3c1e-52d0-4a44-9f0e-1a2b3c4d5e6f", Display: "Intranet"}}
}

// providers are the values of --idp that have the kind.
func (k faultKind) providers() []string {
	return slices.DeleteFunc(sandboxProviders(), func(idp string) bool {
		if idp == "form" {
			return k.form == nil
		}
		return k.adfs == nil || k.only != nil && !slices.Contains(k.only, idp)
	})
}

// where says in the table which providers have the kind.
func (k faultKind) where() string {
	switch {
	case len(k.providers()) == len(sandboxProviders()):
		return "all"
	case k.form == nil && k.only == nil:
		return "AD FS"
	case slices.Equal(k.only, since30()) && k.form == nil:
		return "adfs3 on"
	case slices.Equal(k.only, since30()):
		return "not 2.0"
	}
	return strings.Join(k.providers(), ", ")
}

// faultNames is every value of --fault.
func faultNames() []string {
	var names []string
	for _, k := range faultKinds() {
		names = append(names, k.name)
	}
	return names
}

// inLines is names in lines for a terminal of 80 columns.
func inLines(names []string) string {
	var b strings.Builder
	width := 0
	for i, name := range names {
		switch {
		case i == 0:
		case width+len(name)+2 > 78:
			b.WriteString(",\n")
			width = 0
		default:
			b.WriteString(", ")
			width += 2
		}
		b.WriteString(name)
		width += len(name)
	}
	return b.String()
}

// faultTable is every kind with what it does and who has it.
func faultTable() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-18s %-8s %s\n", "FAULT", "--IDP", "WHAT HAPPENS")
	for _, k := range faultKinds() {
		fmt.Fprintf(&b, "%-18s %-8s %s\n", k.name, k.where(), k.about)
	}
	return b.String()
}

// kind is the fault that is asked for: the zero value where none is.
func (o sandboxOptions) kind() (faultKind, error) {
	if o.fault == "" {
		return faultKind{}, nil
	}
	kinds := faultKinds()
	i := slices.IndexFunc(kinds, func(k faultKind) bool { return k.name == o.fault })
	if i < 0 {
		return faultKind{}, &usageError{text: fmt.Sprintf("--fault %q is not known", o.fault), command: "gatehop sandbox",
			near: near.Nearest(o.fault, faultNames())}
	}
	if has := kinds[i].providers(); !slices.Contains(has, o.idp) {
		return faultKind{}, &usageError{text: fmt.Sprintf("--fault %s is not for --idp %s (it is for: %s)", o.fault, o.idp, strings.Join(has, ", ")),
			command: "gatehop sandbox"}
	}
	return kinds[i], nil
}

// faultValues completes --fault, for the provider that is chosen.
func faultValues(c *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	idp, _ := c.Flags().GetString("idp")
	var values []cobra.Completion
	for _, k := range faultKinds() {
		if slices.Contains(k.providers(), idp) {
			values = append(values, cobra.CompletionWithDesc(k.name, k.about))
		}
	}
	return values, cobra.ShellCompDirectiveNoFileComp
}
