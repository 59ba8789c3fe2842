package idptest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// firstPage is what somebody is shown who has not answered anything yet.
func (a *ADFS) firstPage(x *exchange) answer {
	switch {
	case a.o.Paginated == PaginatedSteps:
		return a.signInPage(x, askedName, "", "")
	case a.o.MethodChoice:
		return a.signInPage(x, askedMethod, "", "")
	}
	return a.signInPage(x, askedAll, "", "")
}

// loginPage is the page for the password with words about the last attempt, or none.
func (a *ADFS) loginPage(x *exchange, userName, words string) answer {
	if a.o.webForms() {
		return a.signInPage20(x, userName, words)
	}
	return a.signInPage(x, askedAll, userName, words)
}

// again is the page that was shown last, once more and without a word: what AD FS says
// to an answer that it cannot use.
func (a *ADFS) again(x *exchange) answer {
	if x.flow == nil || x.flow == a.pool || x.flow.shown == "" {
		return a.firstPage(x)
	}
	return a.signInPage(x, x.flow.shown, "", "")
}

// signInPage asks for one of askedAll, askedName and askedMethod.
func (a *ADFS) signInPage(x *exchange, asked, userName, words string) answer {
	p := a.chrome(x, x.text.SignIn)
	p.UserName, p.Error, p.Kmsi = userName, words, a.o.Kmsi
	p.Action, p.NoAction, p.RawAmp = a.action(x), a.o.Action == ActionMissing, a.o.Action == ActionUnescapedAmp
	p.OptionsAction = "https://" + withPort443(x.host) + a.pathAndQuery(x)
	p.Options = a.methods(asked)
	name := "adfs/login.html"
	switch {
	case a.o.Paginated == PaginatedNative && asked == askedAll:
		name, p.Blocks = "adfs/paginated.html", []string{userNameBlock, methodsBlock, passwordBlock}
		if words != "" {
			p.Shown = passwordBlock
		}
	case a.o.Paginated == PaginatedSteps:
		block := map[string]string{askedName: userNameBlock, askedMethod: methodsBlock, askedAll: passwordBlock}
		name, p.Blocks = "adfs/paginated.html", []string{block[asked]}
	case asked == askedMethod:
		name = "adfs/methods.html"
	}
	if a.fault.login != nil {
		a.fault.login(&p, x)
	}
	if x.flow != nil {
		x.flow.shown = asked
	}
	return a.page(http.StatusOK, name, p)
}

// checkMethod looks for client bugs in the method that a form names.
func (a *ADFS) checkMethod(x *exchange) {
	switch n := x.Form.Count("AuthMethod"); {
	case n > 1:
		a.bug(BugAuthMethod, x.Request, "AuthMethod %d times", n)
	case x.Form.Get("AuthMethod") == "":
		a.bug(BugAuthMethod, x.Request, "AuthMethod missing or empty")
	}
	if n := x.Form.Count("UserName"); n > 1 {
		a.bug(BugUserNameRepeated, x.Request, "UserName %d times", n)
	}
}

// chosenMethod takes the form of the alternative methods. A page with the form for the
// password does not offer that form as one of them.
func (a *ADFS) chosenMethod(x *exchange) answer {
	a.checkMethod(x)
	allowed := []string{"AuthMethod"}
	if a.o.Flavour == "2019" {
		allowed = append(allowed, "UserName")
	}
	a.checkFields(x.Request, allowed...)
	asked := askedAll
	if a.o.MethodChoice && x.flow != a.pool {
		asked = x.flow.shown
	}
	method := x.Form.Get("AuthMethod")
	switch {
	case method == "":
	case !slices.Contains(a.methods(asked), method):
		a.bug(BugForeignField, x.Request, "a method that the page does not offer: %s", a.named(method))
	case method == certificateMethod:
		return a.toCertificate(x)
	case method != formsMethod:
		return a.otherMethod(x, method)
	default:
		return a.loginPage(x, x.Form.Get("UserName"), "")
	}
	return a.again(x)
}

// namedUser takes the form for the user name alone, and shows the next block to anybody:
// who is known is not told before the password.
func (a *ADFS) namedUser(x *exchange) answer {
	if n := x.Form.Count("UserName"); n > 1 {
		a.bug(BugUserNameRepeated, x.Request, "UserName %d times", n)
	}
	a.checkKmsi(x)
	a.checkFields(x.Request, "UserName", "Kmsi")
	name := x.Form.Get("UserName")
	switch {
	case name == "":
		return a.firstPage(x)
	case a.o.MethodChoice:
		return a.signInPage(x, askedMethod, name, "")
	}
	return a.loginPage(x, name, "")
}

func (a *ADFS) checkKmsi(x *exchange) {
	if x.Form.Count("Kmsi") > 0 && !a.o.Kmsi {
		a.bug(BugUncheckedSent, x.Request, "Kmsi, which is not ticked")
	}
}

// checkLogin looks for client bugs in a posted sign-in form.
func (a *ADFS) checkLogin(x *exchange) {
	a.checkMethod(x)
	a.checkKmsi(x)
	a.checkFields(x.Request, "UserName", "Password", "Kmsi", "AuthMethod")
	if x.Form.Get("Password") != "" && x.Form.Get("UserName") == "" {
		a.bug(BugUserNameMissing, x.Request, "a password without a user name")
	}
}

// login takes a user name and password.
func (a *ADFS) login(x *exchange) answer {
	a.checkLogin(x)
	name, password := x.Form.Get("UserName"), x.Form.Get("Password")
	if password != "" {
		a.notePassword(x, name, password)
	}
	// A page that did not ask for the password was posted with one all the same. That
	// AD FS ignores it is this simulator's choice.
	early := x.flow != a.pool && (x.flow.shown == askedName || x.flow.shown == askedMethod)
	if early {
		a.bug(BugForeignField, x.Request, "a password, which the page did not ask for")
	}
	switch {
	case a.integrated(x):
		return a.toIntegrated(x)
	case early, x.Form.Get("AuthMethod") != formsMethod, name == "", password == "":
		return a.again(x)
	case a.o.RequireRequestCookie && a.flows[x.cookie("MSISSamlRequest")] == nil:
		return a.errorPage(x, "MSIS7001", "")
	case a.o.DirectPostRefused && x.flow.shown == "":
		return a.firstPage(x)
	case a.fault.posted != nil:
		return a.fault.posted(a.simulator, x)
	case a.fault.always:
		a.noteRefusal(x, name, password)
		return a.loginPage(x, name, "")
	}
	return a.judge(x, name, password)
}

// judge looks the person up.
func (a *ADFS) judge(x *exchange, name, password string) answer {
	user := a.user(name)
	locked := a.o.LockAfter > 0 && a.failures[strings.ToLower(name)] >= a.o.LockAfter
	if user == nil || user.Password != password || locked || user.State == UserLocked || user.State == UserDisabled {
		a.noteRefusal(x, name, password)
		return a.loginPage(x, name, x.text.WrongPassword)
	}
	if user.State == UserExpired || user.State == UserMustChange {
		if a.o.UpdatePasswordEndpoint {
			return redirect(http.StatusFound, "https://"+x.host+"/adfs/portal/updatepassword/?username="+url.QueryEscape(name))
		}
		return a.loginPage(x, name, x.text.Expired)
	}
	if a.fault.signed != nil {
		return a.fault.signed(a.simulator, x)
	}
	return a.signIn(x, user, "")
}
