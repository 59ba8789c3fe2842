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

// door is what AD FS knows of people for HTTP authentication.
func (a *ADFS) door() doors { return doors{find: a.user, tickets: a.o.Tickets, epa: a.o.EPA} }

// wia is where integrated sign-in is asked for, and answered.
func (a *ADFS) wia(x *exchange) answer {
	if x.flow = a.flows[x.Query.Get(requestID)]; x.flow == nil {
		x.flow = a.pool
	}
	user, offers := a.integratedUser(x, a.door())
	if user == nil {
		return a.challenge(offers...)
	}
	return a.signInWindows(x, user)
}

// integrated20 is the same at AD FS 2.0, where no id tells sign-ins apart.
func (a *ADFS) integrated20(x *exchange) answer {
	x.flow = a.pool
	user, offers := a.integratedUser(x, a.door())
	if user == nil {
		return a.challenge20(offers...)
	}
	a.pool.starts++
	return a.signInWindows(x, user)
}

// basic20 is HTTP Basic at AD FS 2.0.
func (a *ADFS) basic20(x *exchange) answer {
	x.flow = a.pool
	if x.Header.Get("Authorization") == "" {
		a.pool.starts++
	} else if user := a.basicUser(x, a.door()); user != nil {
		to := a.atEntry(x)
		return a.signIn(to, user, "")
	}
	return a.challenge20(`Basic realm="` + x.host + `"`)
}

// atEntry is the exchange as if it were at the entry, where a sign-in goes on.
func (a *ADFS) atEntry(x *exchange) *exchange {
	at, rec := *x, *x.Request
	rec.Path = "/adfs/ls/IdpInitiatedSignOn.aspx"
	at.Request = &rec
	return &at
}

// signInWindows begins a session of somebody whom Windows knows.
func (a *ADFS) signInWindows(x *exchange, user *User) answer {
	to := a.signIn(a.atEntry(x), user, "")
	for _, sess := range a.sessions {
		if sess.flow == x.flow && sess.user == user && !sess.issued {
			sess.windows = true
		}
	}
	return to
}
