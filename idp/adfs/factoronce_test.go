package adfs_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"gatehop/creds/secret"
	"gatehop/idp"
	"gatehop/idp/adfs"
	"gatehop/idp/idptest"
)

// TestDenialWithForm: a denial that Silverfort writes on a page that still has its form is not posted again.
func TestDenialWithForm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := hiddenFactor("SilverfortAdfs")
		s, _, err := at(t, withCode("1"), f, f+"<p>Not authorized</p>", f+"<p>Not authorized</p>", "<p>x")
		if len(s.posted) != 1 {
			t.Errorf("posted %d times: %v", len(s.posted), err)
		}
		wantVerdict(t, err, idp.MFADenied)
	})
}

// TestBlockingOnce: a blocking product whose page comes back has ended; posting it once more
// would ring again.
func TestBlockingOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := hiddenFactor("AzureMfaServerAuthentication")
		s, _, err := at(t, withCode("1"), f)
		wantVerdict(t, err, idp.MFATimeout)
		if len(s.posted) != 1 {
			t.Errorf("called %d times", len(s.posted))
		}
	})
}

func foreign(page string) string {
	return strings.Replace(page, "<form method=post id=loginForm>", `<form method=post id=loginForm action="https://evil.example/x">`, 1)
}

// TestContextStays: what a second factor is posted with goes to no other origin.
func TestContextStays(t *testing.T) {
	t.Parallel()
	for name, page := range map[string]string{
		"rsa2":    foreign(hiddenFactor("SecurIDv2Authentication")),
		"options": `<a id=verificationOption0>It</a>` + foreign(hiddenFactor("AzureMfaServerAuthentication")),
		"await":   foreign(hiddenFactor("AzureMfaAuthentication")),
		"choice":  `<div id=authOptions>` + strings.Replace(options, "https://adfs.corp.example:443", "https://evil.example", 1) + `<a class=actionLink id=Azure>It</a></div>`,
	} {
		t.Run(name, func(t *testing.T) {
			evil := &server{pages: []string{"<p>got you"}}
			s := &server{pages: []string{page}}
			r := newRig(t, idptest.Options{}, withMethod("It", "123456"))
			r.session.HTTP = idp.NewClient(idp.ClientOptions{Trust: r.session.Trust, Transport: idptest.Transport(map[string]http.Handler{host: s, "evil.example": evil}), Now: clock})
			_, err := r.login(t, adfs.Config{})
			if len(evil.posted) > 0 {
				t.Errorf("evil.example got %q (%v)", evil.posted, err)
			}
		})
	}
}

// TestServerOptions: the container of the options is none of them.
func TestServerOptions(t *testing.T) {
	t.Parallel()
	page := `<div id=verificationOptions><a id=verificationOption0>Call</a><a id=verificationOption3>Code</a></div>` + hiddenFactor("AzureMfaServerAuthentication")
	script := withCode("1")
	script["mfa"] = []string{"Call"}
	_, a, _ := at(t, script, page, "<p>x")
	if a.Asked("mfa") != 1 {
		t.Errorf("asked %+v", a.Questions())
	}
	for _, q := range a.Questions() {
		if q.Field == "mfa" && !slices.Equal(q.Options, []string{"Call", "Code"}) {
			t.Errorf("offered %q", q.Options)
		}
	}
}

// TestPollsRedirected: polls that are answered by a redirect to the page are polls too.
func TestPollsRedirected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := hiddenFactor("AzureMfaAuthentication")
		pages := []string{f}
		for range 30 {
			pages = append(pages, "moved", f)
		}
		pages = append(pages, f+"<p id=errorText>Denied.</p>")
		s, _, err := at(t, withCode("1"), pages...)
		wantVerdict(t, err, idp.MFADenied)
		if len(s.posted) != 31 {
			t.Errorf("posted %d times, want 31", len(s.posted))
		}
	})
}

// TestDeniedThenChoice: a denial may be answered with the choice of methods.
func TestDeniedThenChoice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := hiddenFactor("AzureMfaAuthentication")
		m := `<div id=authOptions>` + options + `<a class=actionLink id=AzureMfaAuthentication>It</a><a class=actionLink id=Other>Other</a></div>`
		s, _, err := wishing(t, adfs.Config{MFA: "azure"}, withCode("1"), m, f, m+"<p id=errorText>Authentication denied.</p>")
		wantVerdict(t, err, idp.MFADenied)
		if len(s.posted) != 2 {
			t.Errorf("posted %q, want the choice and a poll", s.posted)
		}
	})
}

// TestFactorFields: which fields are a code, and what is not understood and not posted. The
// button that is pressed is the one that goes on.
func TestFactorFields(t *testing.T) {
	t.Parallel()
	const sent = "AuthMethod=Acme&Context=x"
	for _, c := range []struct {
		name, fields string
		want         string // posted; "": nothing, and the page is not understood
	}{
		{"a box to remember", `<input name=C><input type=checkbox name=remember value=1><input type=submit name=go value=Verify>`, sent + "&C=123456&go=Verify"},
		{"another method and another code first", `<input type=submit name=other value="Use another method"><input type=submit name=resend value="Send a new code"><input name=C><input type=submit name=go value=Verify>`, sent + "&C=123456&go=Verify"},
		{"cancel first", `<input name=C><input type=submit name=cancel value=Cancel><input type=submit name=go value=Verify>`, sent + "&C=123456&go=Verify"},
		{"resend in a button", `<input name=C><button name=act value=resend>Resend code</button><button name=act value=verify>Verify</button>`, sent + "&C=123456&act=verify"},
		{"devices beside a code", `<select name=dev><option value=1>Phone</option><option value=2>Token</option></select><input name=C>`, sent + "&dev=1&C=123456"},
		{"a number", `<input type=number name=C>`, sent + "&C=123456"},
		{"a name that is shown", `<input name=UserName value="CORP\alice" readonly><input name=C>`, sent + "&UserName=CORP%5Calice&C=123456"},
		{"a list of devices", `<select name=dev><option value=1>Phone</option><option value=2>Token</option></select><input type=submit name=go value=Go>`, ""},
		{"devices to tick", `<input type=radio name=dev value=1 checked>Phone<input type=radio name=dev value=2>Token<input type=submit name=go value=Go>`, ""},
		{"two ways to be reached", `<input type=submit name=call value="Call me"><input type=submit name=sms value="Text me">`, ""},
		{"more than a line", `<textarea name=C></textarea>`, ""},
		{"an address", `<input type=email name=C>`, ""},
		{"a name to type", `<input name=UserName value="CORP\alice"><input name=C>`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			page := strings.Replace(hiddenFactor("Acme"), "</form>", c.fields+"</form>", 1)
			s, a, err := at(t, withCode("123456"), page, "<p>Nothing")
			posted, verdict := []string{c.want}, idp.Unknown
			if c.want == "" {
				posted, verdict = nil, idp.SecondFactor
			}
			wantVerdict(t, err, verdict)
			if !slices.Equal(s.posted, posted) || len(a.Told()) > 0 {
				t.Errorf("posted %q, told %q; want %q", s.posted, a.Told(), posted)
			}
		})
	}
}

// TestCountdown: seconds that the page counts are nothing new to be told.
func TestCountdown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := hiddenFactor("AzureMfaAuthentication")
		_, a, _ := at(t, withCode("1"), f+"<p id=instructions>Approve: 59 seconds left</p>", f+"<p id=instructions>Approve: 58 seconds left</p>", f+"<p id=instructions>Approve: 57 seconds left</p>", "<p>x")
		if len(a.Told()) != 1 {
			t.Errorf("told %q", a.Told())
		}
	})
}

// TestDeniedOnce: whatever error a denial from kept cookies leads to, no second request is
// pushed by itself.
func TestDeniedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := hiddenFactor("AzureMfaAuthentication")
		h := &server{pages: []string{f, "moved", errorPage, f, "moved", errorPage}}
		r := newRig(t, idptest.Options{}, withCode("1"))
		r.session.HTTP = idp.NewClient(idp.ClientOptions{Trust: r.session.Trust, Transport: idptest.Transport(map[string]http.Handler{host: h}), Now: clock})
		jar := idp.NewJar(clock)
		jar.Restore([]idp.Cookie{{Origin: "https://adfs.corp.example:443", Name: "MSISAuth", Value: secret.New("x"), Path: "/adfs", Secure: true}, {Origin: "https://adfs.corp.example:443", Name: "MSISLoopDetectionCookie", Value: secret.New("x"), Path: "/adfs", Secure: true}})
		r.session.HTTP.Jar = jar
		_, err := r.login(t, adfs.Config{})
		if len(h.posted) != 1 {
			t.Errorf("posted %q, %v", h.posted, err)
		}
	})
}
