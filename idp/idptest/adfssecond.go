package idptest

import (
	"encoding/base64"
	"net/http"
	"slices"
)

const maxMFATries = 3

// enrolAt is where Azure MFA sends those whose phone it does not know.
const enrolAt = "https://account.activedirectory.windowsazure.com/proofup.aspx"

// beginFactor asks for the second factor that was chosen. A method that is polled has
// pushed its request to the phone by then, whoever has asked for the page.
func (a *ADFS) beginFactor(x *exchange, sess *session) answer {
	step := stepOf(sess.method)
	if a.o.MFA != "" && a.o.MFA != FactorChoice {
		step = stepNamed(a.o.MFA)
	}
	sess.step, sess.pushed = step.Name, false
	if a.o.MFAResult == FactorNotEnrolled && step.method == azureMethod {
		return a.errorPage(x, "", x.text.NotEnrolled+" "+sess.user.Name+". "+x.text.EnrolAt+" "+enrolAt)
	}
	if step.way == wayPoll {
		a.push(sess)
	}
	return a.factorPage(x, sess, "")
}

// factorPage asks for a second factor, with a new context each time.
func (a *ADFS) factorPage(x *exchange, sess *session, words string) answer {
	sess.context = base64.StdEncoding.EncodeToString(a.random(2900))
	if a.o.Flavour == "3.0" {
		sess.context = `<EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#" Type="http://www.w3.org/2001/04/xmlenc#Element"><CipherData><CipherValue>` +
			sess.context + `</CipherValue></CipherData></EncryptedData>`
	}
	step := stepNamed(sess.step)
	title := step.Title
	if title == "" {
		title = x.text.SignIn
	}
	p := a.chrome(x, title)
	p.UserName, p.Context, p.Error, p.AuthMethod, p.Factor = sess.user.Name, sess.context, words, sess.method, step.Name
	if step.Name == FactorAzureNumber {
		p.Number = sess.number
	}
	p.OptionsAction = "https://" + withPort443(x.host) + a.pathAndQuery(x)
	return a.page(http.StatusOK, "adfs/mfa.html", p)
}

// secondFactor takes the answer to factorPage.
func (a *ADFS) secondFactor(x *exchange, sess *session) answer {
	if sess == nil || !sess.partial {
		return a.errorPage(x, "MSIS7001", "")
	}
	if sess.context == "" || x.Form.Get("Context") != sess.context {
		a.bug(BugStaleContext, x.Request, "a context that is not the newest")
		return a.errorPage(x, "MSIS7001", "")
	}
	step := stepNamed(sess.step)
	if step.way == wayNone {
		a.bug(BugBrowserOnly, x.Request, "posted to the page of %s, which is for browsers alone", step.Name)
		return a.refusedFactor(x, sess, x.text.WrongAnswer)
	}
	a.checkFactor(x, sess, step)
	if x.Form.Get("AuthMethod") != sess.method {
		return a.factorPage(x, sess, x.text.WrongAnswer)
	}
	switch step.way {
	case wayPoll:
		return a.polled(x, sess)
	case wayBlock:
		return a.blocked(x, sess)
	case wayScript:
		return a.scripted(x, sess)
	case wayOption:
		return a.option(x, sess)
	}
	return a.code(x, sess, step)
}

// checkFactor looks for client bugs in the fields of a second factor: a browser sends each
// of them once, and those that nobody types into as they stand on the page.
func (a *ADFS) checkFactor(x *exchange, sess *session, step factorStep) {
	fixed := slices.Concat(step.Hidden, step.After)
	names := append([]string{"AuthMethod", "Context"}, Fields(fixed).Names()...)
	for _, name := range []string{step.Code, step.Confirm, step.Button} {
		if name != "" {
			names = append(names, name)
		}
	}
	a.checkFields(x.Request, names...)
	for _, name := range names {
		rule := BugForeignField
		if name == "AuthMethod" {
			rule = BugAuthMethod
		}
		switch n := x.Form.Count(name); {
		case n == 0:
			a.bug(rule, x.Request, "%s was left out", a.named(name))
		case n > 1:
			a.bug(rule, x.Request, "%s %d times", a.named(name), n)
		}
	}
	for _, f := range fixed {
		if x.Form.Count(f.Name) > 0 && x.Form.Get(f.Name) != f.Value && !slices.Contains(step.set, f.Name) {
			a.bug(BugForeignField, x.Request, "%s is not sent as it stands on the page", a.named(f.Name))
		}
	}
	if method := x.Form.Get("AuthMethod"); method == "" && x.Form.Count("AuthMethod") > 0 {
		a.bug(BugAuthMethod, x.Request, "AuthMethod empty")
	} else if method != "" && method != sess.method {
		a.bug(BugForeignField, x.Request, "another method than that of the page")
	}
}

// code takes a code. One that was refused before is nobody's new answer.
func (a *ADFS) code(x *exchange, sess *session, step factorStep) answer {
	code := x.Form.Get(step.Code)
	key := step.Code + "\x00" + code
	a.noteCode(x, sess.refused[key], code)
	switch {
	case sess.refused[key]:
	case step.Name == FactorRSA && code == NextTokenCode:
		sess.step = stepRSANext
		return a.factorPage(x, sess, "")
	case code == step.right() && a.o.MFAResult != FactorDenied:
		return a.passed(x, sess)
	}
	if sess.refused == nil {
		sess.refused = map[string]bool{}
	}
	sess.refused[key] = code != ""
	if step.Name == stepRSANext {
		sess.step = FactorRSA
	}
	return a.refusedFactor(x, sess, x.text.WrongAnswer)
}

// scripted takes what the script of RSA's first page fills in; as the page stands it gets
// nobody any further.
func (a *ADFS) scripted(x *exchange, sess *session) answer {
	if x.Form.Get("InitStatus") == "true" {
		sess.step = stepRSA2Passcode
	}
	return a.factorPage(x, sess, "")
}

// option takes the choice of how Azure MFA Server is to reach the person.
func (a *ADFS) option(x *exchange, sess *session) answer {
	switch x.Form.Get("__EVENTTARGET") {
	case "verificationOption0", "verificationOption1", "verificationOption2":
		sess.step = FactorAzureServer
	case "verificationOption3":
		sess.step = FactorAzureServerCode
	case "":
	default:
		a.bug(BugForeignField, x.Request, "a choice that the page does not offer")
	}
	return a.factorPage(x, sess, "")
}

// refusedFactor asks again with words, up to the last try.
func (a *ADFS) refusedFactor(x *exchange, sess *session, words string) answer {
	if sess.tries++; sess.tries >= maxMFATries {
		sess.context = ""
		return a.errorPage(x, "", "")
	}
	return a.factorPage(x, sess, words)
}

// passed sends the client on with a new session cookie, the one of both factors.
func (a *ADFS) passed(x *exchange, sess *session) answer {
	sess.partial, sess.context, sess.tries, sess.refused = false, "", 0, nil
	delete(a.sessions, a.authCookie(x))
	token := base64.StdEncoding.EncodeToString(a.random(1500))
	a.sessions[token] = sess
	return a.authCookies(redirect(http.StatusFound, a.self(x, x.flow.id)), token, sess)
}
