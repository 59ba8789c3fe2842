package main

import (
	"errors"
	"strings"

	"gatehop/idp"
)

// pageAdvice is the exit status and the one hint for a verdict.
type pageAdvice struct {
	status int
	hint   string
}

// pageAdvices says what to do about every verdict over a page. $URL stands for the
// error's own, $CHANGE for where a password is changed.
var pageAdvices = map[idp.Verdict]pageAdvice{
	idp.Rejected:         {statusRefused, "check the password in a browser before you try again: repeated failures lock accounts, and a locked or disabled one is refused in the same words"},
	idp.Unexplained:      {statusUsage, "usual causes: cookies were lost (is gatehop_url the host that the page itself uses?), or the page expects something else; sign in once in a browser to compare"},
	idp.PasswordExpired:  {statusRefused, "change the password ($CHANGE), then run the command again"},
	idp.UnknownParty:     {statusUsage, "ask the administrator for the identifier of the trust for AWS (Get-AdfsRelyingPartyTrust), and that it is enabled; set gatehop_relying_party to the identifier"},
	idp.EntryDisabled:    {statusUsage, "an administrator must run: Set-AdfsProperties -EnableIdPInitiatedSignonPage $true"},
	idp.ProviderError:    {statusPage, "give the administrator the activity ID and the time"},
	idp.NotPermitted:     {statusRefused, "you are signed in, but not permitted to use AWS: ask the administrator for the group that allows it"},
	idp.NoRoles:          {statusRefused, "you are signed in, but no AWS role is assigned to you: ask the administrator"},
	idp.Integrated:       {statusUsage, "the server wants Windows integrated sign-in (NTLM or Kerberos), which gatehop_auth = ntlm or gatehop_auth = kerberos answers; for the form instead, ask the administrator to allow forms on the intranet, and that WIASupportedUserAgents does not match gatehop_user_agent (AD FS 2.0: that Forms comes first in its web.config)"},
	idp.BasicAuth:        {statusUsage, "if that is how the provider signs people in, set gatehop_auth = basic, or digest where it offers that; else check that gatehop_url is the sign-in page itself (an AD FS 2.0 needs Forms before Basic in its web.config)"},
	idp.HomeRealm:        {statusAmbiguous, "name one of them in gatehop_home_realm, or run the command in a terminal to be asked"},
	idp.SignInLoop:       {statusPage, "wait a minute and try again; if it stays, sign in once in a browser to compare"},
	idp.StateLost:        {statusPage, "try again; if it stays, ask the administrator whether a load balancer mixes servers (AD FS 2.0: with different machineKeys)"},
	idp.CookiesTooLarge:  {statusNetwork, "what was kept is forgotten: try again; if it stays, the server refuses the cookies that it sets itself"},
	idp.MethodChoice:     {statusAmbiguous, "name one of them in gatehop_mfa or GATEHOP_MFA, or run the command in a terminal to be asked"},
	idp.SecondFactor:     {statusPage, "gatehop cannot tell what that page asks for: choose another second factor with gatehop_mfa"},
	idp.MFADenied:        {statusRefused, "try again, and approve the request or type the code in time; tell your administrator of requests that you did not cause"},
	idp.MFATimeout:       {statusRefused, "try again, with your phone at hand; if nothing arrived there, see whether your company's app still has your account"},
	idp.NeedsBrowser:     {statusPage, "only a browser can answer that one: choose another second factor with gatehop_mfa, or ask the administrator for one with a code or an approval on a phone"},
	idp.Captcha:          {statusPage, "sign in once in a browser, then run the command again"},
	idp.Firewall:         {statusPage, "a web firewall in front of the sign-in wants a browser; ask the administrator to let gatehop through"},
	idp.ScriptOnly:       {statusPage, "that sign-in works only in a browser with scripts"},
	idp.Enrolment:        {statusUsage, "set up the second factor once in a browser"},
	idp.Consent:          {statusUsage, "open $URL once in a browser and answer the page"},
	idp.Certificate:      {statusUsage, "set gatehop_auth = certificate, and gatehop_client_cert to the file that holds your client certificate and its key (PEM or PKCS#12)"},
	idp.NoCertificate:    {statusUsage, "gatehop_auth = certificate is set: ask the administrator to allow certificates (Set-AdfsGlobalAuthenticationPolicy), or remove the key"},
	idp.FormInstead:      {statusUsage, "remove gatehop_auth to sign in by the form; from outside the company's network AD FS offers nothing else, and inside only to clients whose gatehop_user_agent holds a part of its WIASupportedUserAgents"},
	idp.TicketRefused:    {statusRefused, "ask the administrator whether the server's account has the service principal HTTP/$HOST (setspn -Q), and whether it requires Extended Protection, which gatehop cannot do; a new ticket may help: kinit"},
	idp.ConnectionLost:   {statusNetwork, "NTLM needs one connection from end to end, and something between here and the server changes it: try gatehop_proxy = none, or gatehop_auth = kerberos"},
	idp.ForeignAssertion: {statusUsage, "check gatehop_url and gatehop_relying_party; an address of your own goes into gatehop_acs"},
	idp.BadAssertion:     {statusPage, "give the administrator the words above"},
	idp.WSFederation:     {statusUsage, "use the IdP-initiated SAML address of the provider as gatehop_url"},
	idp.AWSPage:          {statusUsage, "gatehop_url must be the identity provider's address, not AWS's"},
	idp.NotHTML:          {statusPage, "check gatehop_url in a browser"},
	idp.NotFound:         {statusUsage, "check gatehop_url: that host has no sign-in page there"},
	idp.Unavailable:      {statusNetwork, "try again later"},
	idp.ProxyRefused:     {statusNetwork, "the proxy wants a sign-in of its own; set gatehop_proxy, or none"},
	idp.TooLarge:         {statusPage, "check gatehop_url in a browser: that is not a sign-in page"},
	idp.OtherUser:        {statusUsage, "sign out there, or correct gatehop_username"},
	idp.BareUser:         {statusUsage, `write the user name as DOMAIN\name or name@domain, or set gatehop_adfs_domain`},
	idp.UnreadableForm:   {statusPage, "the page's form would send what you type in the clear; tell its administrator"},
	idp.Unknown:          {statusPage, "the sign-in page is not one that gatehop knows; open it in a browser to see what it asks"},
}

// changeAt says where a password is changed: at the page, if that is what it is for.
func changeAt(page string) string {
	if strings.Contains(strings.ToLower(page), "/updatepassword") {
		return "in a browser at " + page
	}
	return "on Windows: Ctrl+Alt+Del; else as your company does it"
}

func explainPage(err error, e *explanation) bool {
	var page *idp.PageError
	if !errors.As(err, &page) {
		return false
	}
	advice, ok := pageAdvices[page.Verdict]
	if !ok {
		advice = pageAdvices[idp.Unknown]
	}
	e.status = advice.status
	e.hint = strings.NewReplacer("$URL", page.URL, "$CHANGE", changeAt(page.URL), "$HOST", hostOf(page.URL)).Replace(advice.hint)
	if hint := hintOfScheme(page); hint != "" {
		e.hint = hint
	}
	if page.Verdict == idp.Rejected && page.Charset != "" {
		e.hint += "; the page is in " + page.Charset + ", in which letters beyond ASCII may be sent otherwise than they were set"
	}
	if where := (*signInError)(nil); page.Verdict == idp.Certificate && errors.As(err, &where) && where.Certificate != "" {
		e.hint = "the server does not take the certificate in " + where.Certificate + ": ask the administrator which authority's it takes, and whose name must stand in it"
	}
	e.detail = append(e.detail, page.Options...)
	if page.Verdict == idp.Unknown && page.Title != "" {
		e.detail = append(e.detail, "title: "+page.Title)
	}
	if page.Fingerprint != "" {
		e.detail = append(e.detail, "fields: "+page.Fingerprint)
	}
	return true
}

// What to do about a server that speaks old TLS alone, without the key and with it.
const (
	brokenHint = "open gatehop_url in a browser; " + legacyHint
	legacyHint = "if that is your company's own old server, set gatehop_tls = legacy in the profile: it lowers TLS for that host alone"
	strictHint = "gatehop_tls = legacy is set and this host has nothing in common with it either, or is another one: its administrator must turn on TLS 1.2"
)

// networkHints is what to do about each kind of network failure.
var networkHints = map[idp.NetKind]string{
	idp.NetDNS:         "check gatehop_url, and that the VPN or the company network is up",
	idp.NetRefused:     "check gatehop_url, and that the VPN or the company network is up",
	idp.NetUnreachable: "check that the VPN or the company network is up",
	idp.NetTimeout:     "try again; gatehop_timeout in the profile allows more time for a request",
	idp.NetClosed:      "try again",
	idp.NetProxy:       "check the proxy; gatehop_proxy sets another one, or none",
	idp.NetNotTLS:      "check gatehop_url: that port does not speak https",
	idp.NetAuthority:   "if your company signs its own certificates, put its root into a file and name it in gatehop_ca_bundle",
	idp.NetName:        "use the name that the certificate is for in gatehop_url",
	idp.NetExpired:     "check this machine's clock; else the server's certificate needs renewal",
	idp.NetCertificate: "if your company signs its own certificates, put its root into a file and name it in gatehop_ca_bundle",
	idp.NetOldTLS:      legacyHint,
	idp.NetSuite:       legacyHint,
	idp.NetTLS:         brokenHint,
	idp.NetOther:       "try again, with -v to see the requests",
}
