package idptest

import (
	"slices"
	"strings"
)

// WIAUserAgents returns the parts of a User-Agent by which AD FS knows a client of
// integrated sign-in (Microsoft Learn, "Configure intranet forms-based authentication for
// devices that do not support WIA").
func WIAUserAgents() []string {
	return []string{
		"MSAUTHHOST/1.0/In-Domain", "MSIE 6.0", "MSIE 7.0; Windows NT", "MSIE 8.0", "MSIE 9.0", "MSIE 10.0; Windows NT 6",
		"Windows NT 6.1; Trident/7.0", "Windows NT 6.1; Win64; x64; Trident/7.0", "Windows NT 6.1; WOW64; Trident/7.0",
		"Windows NT 6.2; Trident/7.0", "Windows NT 6.2; Win64; x64; Trident/7.0", "Windows NT 6.2; WOW64; Trident/7.0",
		"Windows NT 6.3; Trident/7.0", "Windows NT 6.3; Win64; x64; Trident/7.0", "Windows NT 6.3; WOW64; Trident/7.0",
		"MSIPC", "Windows Rights Management Client",
	}
}

// integrated reports whether the client is sent to integrated sign-in: on the intranet
// those that look able to, and all where there are no forms for the others.
func (a *ADFS) integrated(x *exchange) bool {
	if !a.o.Intranet {
		return false
	}
	agents := a.o.WIAUserAgents
	if agents == nil {
		agents = WIAUserAgents()
	}
	able := slices.ContainsFunc(agents, func(part string) bool { return strings.Contains(x.Header.Get("User-Agent"), part) })
	return able || a.o.FormsOnIntranetOff || a.o.WIAFallbackOff
}

// toIntegrated redirects to integrated sign-in, with the cookie of the sign-on request.
func (a *ADFS) toIntegrated(x *exchange) answer {
	to := a.redirectToSelf(x)
	_, query, _ := strings.Cut(to.header.Get("Location"), "?")
	to.header.Set("Location", "https://"+x.host+"/adfs/ls/wia?"+query)
	return to
}

// wia is where integrated sign-in is asked for. Nothing answers it yet.
func (a *ADFS) wia(*exchange) answer { return a.challenge("Negotiate", "NTLM") }
