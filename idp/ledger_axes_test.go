package idp_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
)

// setting is one configured address and the addresses that its pages lead to.
type setting struct {
	url, origin string
	targets     []target
}

// target is an address as a page writes it, and the origin that a browser would take
// it to: written down here, not worked out by a parser.
type target struct {
	name, url, origin string
	unlistable        bool // nobody can list it in gatehop_trusted_hosts
}

func settings() []setting {
	const (
		host  = "adfs.corp.example"
		home  = "https://" + host
		local = "http://127.0.0.1:8080"
	)
	return []setting{
		{home, home + ":443", []target{
			{"same", home, home + ":443", false},
			{"same, default port", home + ":443", home + ":443", false},
			{"same, upper case", "HTTPS://ADFS.corp.example", home + ":443", false},
			{"same, user part", "https://alice:x@" + host, home + ":443", false},
			{"sub-domain", "https://a." + host, "https://a." + host + ":443", false},
			{"sibling", "https://sso.corp.example", "https://sso.corp.example:443", false},
			{"parent", "https://corp.example", "https://corp.example:443", false},
			{"look-alike suffix", home + ".evil.example", home + ".evil.example:443", false},
			{"look-alike prefix", "https://evil-" + host, "https://evil-" + host + ":443", false},
			{"look-alike letter", "https://adfs.corp.examp1e", "https://adfs.corp.examp1e:443", false},
			{"userinfo", home + "@evil.example", "https://evil.example:443", false},
			{"userinfo with port", home + ":443@evil.example", "https://evil.example:443", false},
			{"other port", home + ":8443", home + ":8443", false},
			{"http", "http://" + host, "http://" + host + ":80", true},
			{"http on port 443", "http://" + host + ":443", "http://" + host + ":443", true},
			{"loopback", "https://127.0.0.1", "https://127.0.0.1:443", false},
			{"http loopback", local, local, true},
			{"trailing dot", home + ".", home + ".:443", false},
		}},
		{local, local, []target{
			{"same", local, local, false},
			{"other port", "http://127.0.0.1:8081", "http://127.0.0.1:8081", false},
			{"default port", "http://127.0.0.1", "http://127.0.0.1:80", false},
			{"another loopback", "http://127.0.0.2:8080", "http://127.0.0.2:8080", false},
			{"localhost", "http://localhost:8080", "http://localhost:8080", false},
			{"https", "https://127.0.0.1:8080", "https://127.0.0.1:8080", false},
			{"http elsewhere", "http://" + host + ":8080", "http://" + host + ":8080", true},
		}},
	}
}

// stage is what the provider asks for next.
type stage int

const (
	user stage = iota
	password
	code
	done
)

func (s stage) String() string { return [...]string{"user", "password", "code", "done"}[s] }

// column is a secret that is looked for, and the walk in whose accounts it is: at which
// stage the trick is played and what the hosts ask for. Columns that differ in the name
// alone are read from one walk.
//
// NTLM and ticket are the challenge that might make a sign-in by forms send one: what must
// hold is that nobody gets an Authorization header. Sign-ins that answer challenges have a
// ledger of their own (TestLedgerAuthorization).
type column struct {
	name        string
	stage       stage
	challenge   string // of the 401 that the trick leads to; "" for none
	certificate bool   // the client has one; every host asks for it in any case
}

func columns() []column {
	return []column{
		{name: "user", stage: user},
		{name: "password", stage: password},
		{name: "code", stage: code, certificate: true},
		{name: "cookie", stage: password},
		{name: "NTLM", stage: password, challenge: "NTLM"},
		{name: "ticket", stage: password, challenge: "Negotiate"},
		{name: "certificate", stage: code, certificate: true},
	}
}

// where is what a trick stands in for.
type where int

const (
	page   where = iota // the page that asks
	answer              // the response to what was typed
	end                 // the page with the assertion
)

// place is where a trick writes the target. receives and accepted say what must come
// of it for an honest client.
type place struct {
	name  string
	where where
	trick func(r run, s stage, typed string) reply
	// sends says who is sent the column's secret in the body of a POST: the origin of
	// the configured host, of the target, or nobody.
	sends receiver
	// byGet: the target is first asked for a page, and a 401 there ends everything
	// before anything is typed.
	byGet bool
	// echoes: the provider itself writes what was typed into an address or a form; a
	// trusted origin may get it that way, the target only besides the configured one.
	echoes bool
	// repeats: the redirect asks for the same method and body again, which only the
	// first page, asked for by GET, may be sent.
	repeats bool
	// fails: there is no assertion in the end, wherever the target is.
	fails bool
}

// receiver is who gets what is typed if the target is trusted, and if it is not.
type receiver struct{ trusted, untrusted who }

type who int

const (
	nobody who = iota
	home
	there
)

func places() []place {
	list := []place{
		{name: "page", trick: func(r run, s stage, _ string) reply { return moved(302, r.to("/page/%s", s)+"&action=home") }, sends: receiver{home, nobody}, byGet: true},
		{name: "action", trick: asking(`action="%s"`, "", ""), sends: receiver{there, nobody}},
		{name: "action without scheme", trick: asking(`action="%n"`, "", ""), sends: receiver{there, nobody}},
		{name: "formaction", trick: asking(`action="/do/%p"`, `formaction="%s"`, ""), sends: receiver{there, nobody}},
		{name: "base", trick: asking(`action="../do/%p?via=trick"`, "", `<base href="%b/x/">`), sends: receiver{there, nobody}},
		{name: "base, no scheme", trick: asking(`action="/do/%p?via=trick"`, "", `<base href="%B/x/">`), sends: receiver{there, nobody}},
		{name: "meta", trick: refreshing(""), sends: receiver{there, nobody}, byGet: true},
		{name: "refresh header", trick: func(r run, s stage, _ string) reply {
			return reply{200, http.Header{"Refresh": {"0; url=" + r.to("/page/%s", s)}}, "<p>"}
		}, sends: receiver{there, nobody}, byGet: true},
		{name: "page that goes on", trick: func(r run, s stage, _ string) reply { return automatic(r.to("/page/%s", s), "a", "b") }, sends: receiver{there, nobody}, byGet: true},
		{name: "GET form", trick: asking(`method=get action="%s"`, "", ""), fails: true},
		{name: "formmethod", trick: asking(`action="%s"`, "formmethod=get", ""), fails: true},
		{name: "text/plain", trick: asking(`enctype=text/plain action="%s"`, "", ""), fails: true},
		{name: "401", trick: func(r run, s stage, _ string) reply { return moved(302, r.to("/page/%s", s)+"&status=401") }, byGet: true, fails: true},
		{name: "401 to a form", trick: asking(`action="%s&amp;status=401"`, "", ""), sends: receiver{there, nobody}, fails: true},
		{name: "401 to what was typed", where: answer, trick: func(run, stage, string) reply { return challenge() }, sends: receiver{home, home}, fails: true},
		{name: "echo in a refresh", where: answer, trick: refreshing("&echo=%e"), sends: receiver{home, home}, echoes: true},
		{name: "echo in a redirect", where: answer, trick: func(r run, s stage, typed string) reply {
			return moved(302, r.after(s)+"&echo="+url.QueryEscape(typed))
		}, sends: receiver{home, home}, echoes: true},
		{name: "echo in a form", where: answer, trick: func(r run, s stage, typed string) reply { return automatic(r.after(s), "echo", typed) }, sends: receiver{home, home}, echoes: true},
		{name: "SAML page", where: end, trick: func(r run, _ stage, _ string) reply { return moved(303, r.to("/saml")) }, sends: receiver{home, home}},
		{name: "SAML action", where: end, trick: func(r run, _ stage, _ string) reply {
			return automatic(r.to("/acs"), "SAMLResponse", assertion().encoded)
		}, sends: receiver{home, home}},
	}
	for _, status := range []int{301, 302, 303, 307, 308} {
		list = append(list,
			place{name: fmt.Sprintf("%d to a page", status), trick: func(r run, s stage, _ string) reply {
				return moved(status, r.to("/page/%s", s))
			}, sends: receiver{there, nobody}, byGet: true, repeats: status >= 307},
			place{name: fmt.Sprintf("%d of what was typed", status), where: answer, trick: func(r run, s stage, _ string) reply {
				return moved(status, r.after(s))
			}, sends: receiver{home, home}, fails: status >= 307})
	}
	return list
}

// moved is a redirect.
func moved(status int, to string) reply { return reply{status, http.Header{"Location": {to}}, ""} }

// challenge is a 401 that would take any answer.
func challenge() reply {
	return reply{401, http.Header{"Www-Authenticate": {"Negotiate", "NTLM", `Digest realm="x", nonce="y", qop="auth"`, `Basic realm="x"`}}, "<p>no"}
}

// automatic is a page with a form that a script submits.
func automatic(to, name, value string) reply {
	return shown(fmt.Sprintf(`<body onload="document.forms[0].submit()"><form method=post action="%s"><input type=hidden name="%s" value="%s"></form>`,
		html.EscapeString(to), name, html.EscapeString(value)))
}

func shown(body string) reply {
	return reply{200, http.Header{"Content-Type": {"text/html; charset=utf-8"}}, "<!DOCTYPE html><title>Sign in</title>" + body}
}

// asking makes the page of a stage with the target somewhere in it: %s is where the
// answer would go, %n the same without scheme, %b the target alone, %B that without
// scheme, %p the stage.
func asking(form, button, head string) func(run, stage, string) reply {
	return func(r run, s stage, _ string) reply {
		to := r.to("/do/%s", s)
		_, noScheme, _ := strings.Cut(to, ":")
		_, baseNoScheme, _ := strings.Cut(r.target.url, ":")
		fill := strings.NewReplacer("%s", to, "%n", noScheme, "%b", r.target.url, "%B", baseNoScheme, "%p", s.String())
		return signInPage(s, fill.Replace(form), fill.Replace(button), fill.Replace(head))
	}
}

func signInPage(s stage, form, button, head string) reply {
	field := map[stage]string{
		user:     `<form id=loginFormPaginated method=post %s><input name=UserName autocomplete=username>`,
		password: `<form id=loginForm method=post %s><input type=password name=Password>`,
		code:     `<form id=codeForm method=post %s><input name=otp autocomplete=one-time-code>`,
	}[s]
	if strings.Contains(form, "method=") { // an attribute counts once, the first time
		field = strings.Replace(field, "method=post ", "", 1)
	}
	return shown(head + "<h1>Sign in</h1>" + fmt.Sprintf(field, form) + "<button " + button + ">Sign in</button></form>")
}

// refreshing is a page that goes on to the next one: the page that asks itself, or, with
// an echo of what was typed, what comes after it.
func refreshing(echo string) func(run, stage, string) reply {
	return func(r run, s stage, typed string) reply {
		to := r.to("/page/%s", s)
		if echo != "" {
			to = r.after(s) + strings.Replace(echo, "%e", url.QueryEscape(typed), 1)
		}
		return shown(fmt.Sprintf(`<meta http-equiv=refresh content="0; url=%s">`, html.EscapeString(to)))
	}
}
