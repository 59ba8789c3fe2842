package idptest

import (
	"net/http"
	"slices"
)

// methods are the alternatives on a page that asks for that. The one in use is offered
// where a choice is to be made alone.
func (a *ADFS) methods(asked string) []string {
	var list []string
	if asked == askedMethod {
		list = append(list, formsMethod)
		list = append(list, a.o.Methods...)
	}
	if a.o.CertificateLink {
		list = append(list, certificateMethod)
	}
	return list
}

// otherMethod is the page of a method that is neither the password nor a certificate. It
// takes no answer.
func (a *ADFS) otherMethod(x *exchange, method string) answer {
	return a.factorPage(x, &session{user: &a.users[0], method: method, step: stepOf(method).Name}, "")
}

// partial is what somebody is shown whose second factor is missing.
func (a *ADFS) partial(x *exchange, sess *session) answer {
	switch {
	case sess.method != "":
	case len(a.o.Factors) > 1:
		return a.factors(x, sess)
	case len(a.o.Factors) == 1:
		sess.method = a.o.Factors[0]
	default:
		sess.method = sampleMethod
	}
	return a.beginFactor(x, sess)
}

// factors asks which of several second factors is to be used.
func (a *ADFS) factors(x *exchange, sess *session) answer {
	p := a.chrome(x, x.text.SignIn)
	p.UserName, p.Options = sess.user.Name, a.o.Factors
	p.OptionsAction = "https://" + withPort443(x.host) + a.pathAndQuery(x)
	return a.page(http.StatusOK, "adfs/methods.html", p)
}

// chosenFactor takes the answer to factors.
func (a *ADFS) chosenFactor(x *exchange, sess *session) answer {
	a.checkMethod(x)
	allowed := []string{"AuthMethod"}
	if a.o.Flavour == "2019" {
		allowed = append(allowed, "UserName")
	}
	a.checkFields(x.Request, allowed...)
	method := x.Form.Get("AuthMethod")
	if !slices.Contains(a.o.Factors, method) {
		if method != "" {
			a.bug(BugForeignField, x.Request, "a method that the page does not offer: %s", a.named(method))
		}
		return a.factors(x, sess)
	}
	sess.method = method
	return a.beginFactor(x, sess)
}
