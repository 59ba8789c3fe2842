package form_test

import (
	"testing"

	"gatehop/idp/form"
)

func TestRole(t *testing.T) {
	t.Parallel()
	cases := []struct {
		in   string
		want form.Role
	}{
		{`<input name=x autocomplete="section-a username webauthn">`, form.User},
		{`<input name=password autocomplete=email>`, form.User},
		{`<input type=password name=x autocomplete=one-time-code>`, form.Code},
		{`<input type=password name=password autocomplete=new-password>`, form.NewPassword},
		{`<input type=password name=x>`, form.Password},
		{`<input type=PASSWORD name=user>`, form.Password},
		{`<input type=password name=Passcode>`, form.Code},
		{`<input type=email name=x>`, form.User},
		{`<input name=UserName>`, form.User},
		{`<input name=j_username>`, form.User},
		{`<input name=pf.username>`, form.User},
		{`<input name=Ecom_User_ID>`, form.User},
		{`<input name=totp>`, form.Code},
		{`<input name=security_code>`, form.Code},
		{`<input name=VerificationCode>`, form.Code},
		{`<input type=tel name=token>`, form.Code},
		{`<input type=tel name=phone>`, form.User},
		{`<input type=number name=code>`, form.Code},
		{`<input name="ctl00$ContentPlaceHolder1$UsernameTextBox">`, form.User},
		{`<input name=first>`, form.NoRole},
		{`<input type=search name=user>`, form.NoRole},
		{`<input type=hidden name=username>`, form.NoRole},
		{`<input type=checkbox name=user>`, form.NoRole},
		{`<textarea name=user></textarea>`, form.NoRole},
		{`<select name=user></select>`, form.NoRole},
		{`<button name=login>`, form.NoRole},
	}
	for _, c := range cases {
		f := read(t, "https://idp.example/", utf8HTML, "<form>"+c.in+"</form>").Forms[0]
		if got := f.Controls[0].Role(); got != c.want {
			t.Errorf("%s: Role = %q, want %q", c.in, got, c.want)
		}
	}
}

// TestPageLogin: which form signs in, and by which fields.
func TestPageLogin(t *testing.T) {
	t.Parallel()
	const fields = `<input name=username><input type=password name=password>`
	cases := []struct {
		name, in string
		want     string // id of the form, user field, password field, fixed user field; "" is none
	}{
		{"plain", `<form id=f method=post>` + fields, "f username password "},
		{"search form first", `<form id=s action=/search role=search><input name=user></form><form id=f method=post>` + fields, "f username password "},
		{"search by the name of its field", `<form id=s method=post><input name=q><input name=user></form>`, ""},
		{"search form that has everything else", `<form id=s role=search method=post action=/auth/sso><input name=user></form>`, ""},
		{"user name alone by GET at a sign-in address", `<form id=f action=/login><input name=username>`, ""},
		{"registration first", `<form id=r method=post action=/register>` + fields + `</form><form id=f method=post>` + fields, "f username password "},
		{"registration only", `<form id=r method=post action=/signup><input type=email name=email>`, ""},
		{"forgotten password", `<form id=r method=post action=/forgot><input type=email name=email></form>`, ""},
		{"change of the password", `<form id=r method=post>` + fields + `<input type=password name=again>`, ""},
		{"user name alone", `<form id=f method=post><input name=username>`, "f username  "},
		{"user name alone by GET", `<form id=f><input name=username>`, ""},
		{"password alone", `<form id=f method=post><input type=password name=p>`, "f  p "},
		{"password by GET", `<form id=f>` + fields, "f username password "},
		{"report of an error", `<form id=r method=post><input name=email><textarea name=text></textarea>`, ""},
		{"profile", `<form id=r method=post><input name=email><input name=first>`, ""},
		{"profile filled in", `<form id=r method=post><input name=email value=a><input name=first value=b><input name=last value=c>`, ""},
		{"read-only user name", `<form id=f method=post><input name=username value=a readonly><input type=password name=password>`, "f  password username"},
		{"disabled user name", `<form id=f method=post><input name=username value=a disabled><input type=password name=password>`, "f  password username"},
		{"a fieldset that is not in use", `<form id=f method=post><fieldset disabled><input name=username value=x><input type=password name=password></fieldset><input name=user><input type=password name=pass>`, "f user pass "},
		{"hidden user name carried along", `<form id=f method=post><input type=hidden name=pf.username value=a><input type=password name=pf.pass>`, "f  pf.pass pf.username"},
		{"hidden user name to be filled in", `<form id=f method=post><input type=hidden name=UserName><input type=password name=Password>`, "f UserName Password "},
		{"hidden user name alone", `<form id=f method=post><input type=hidden name=UserName>`, ""},
		{"hidden field called login", `<form id=f method=post><input type=hidden name=login value=1>` + fields, "f username password "},
		{"new-password against filling in", `<form id=f method=post><input name=username><input type=password name=p autocomplete=new-password>`, "f username p "},
		{"hidden form first", `<div style="display:none"><form id=e method=post>` + fields + `</form></div><form id=f method=post>` + fields, "f username password "},
		{"first of two alike", `<form id=f method=post>` + fields + `</form><form id=e method=post>` + fields, "f username password "},
		{"passcode beside the password", `<form id=f method=post>` + fields + `<input type=password name=passcode>`, "f username password "},
		{"button outside", `<form id=f method=post>` + fields + `</form><button form=f>Go</button>`, "f username password "},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l, ok := read(t, "https://idp.example/", utf8HTML, c.in).Login()
			got := ""
			if ok {
				got = l.Form.ID + " " + name(l.User) + " " + name(l.Password) + " " + name(l.Fixed)
			}
			if got != c.want {
				t.Errorf("Login = %q, want %q", got, c.want)
			}
		})
	}
}

func name(c *form.Control) string {
	if c == nil {
		return ""
	}
	return c.Name
}

// TestButton: the button that a person would press.
func TestButton(t *testing.T) {
	t.Parallel()
	cases := []struct{ in, want string }{
		{`<button id=a>Sign in</button><button id=b>Other</button>`, "a"},
		{`<button id=a name=cancel>x</button><button id=b>Sign in</button>`, "b"},
		{`<input type=submit id=a value="Go back"><input type=submit id=b value="Send feedback">`, "b"},
		{`<button id=a>Forgot your password?</button><input type=image id=b>`, "b"},
		{`<button id=btnCancel>x</button><button id=b>y</button>`, "b"},
		{`<button id=a type=button>Show</button><button id=b type=reset>Clear</button><button id=c name=login>Log in</button>`, "c"},
		{`<button id=a name="_eventId_authn/SPNEGO">Windows</button><button id=b name=_eventId_proceed>Login</button>`, "b"},
		{`<button id=a disabled>Sign in</button>`, "a"},
		{`<button id=a disabled>Sign in</button><button id=b>Next</button>`, "b"},
		{`<span id=submitButton>Sign in</span>`, ""},
		{`<button id=a>Cancel</button>`, ""},
	}
	for _, c := range cases {
		got := ""
		if b := read(t, "https://idp.example/", utf8HTML, "<form>"+c.in+"</form>").Forms[0].Button(); b != nil {
			got = b.ID
		}
		if got != c.want {
			t.Errorf("%s: Button = %q, want %q", c.in, got, c.want)
		}
	}
}

// TestLabel: the provider's words for a field.
func TestLabel(t *testing.T) {
	t.Parallel()
	cases := []struct{ in, want string }{
		{`<label for=u>User name: *</label><input id=u name=u placeholder=x>`, "User name"},
		{`<label>Password <input name=u></label>`, "Password"},
		{`<input name=u aria-label=Code placeholder=x>`, "Code"},
		{`<input name=u placeholder="Kennwort">`, "Kennwort"},
		{`<input name=u placeholder="someone@example.com">`, ""},
		{`<input name=u title=Token>`, "Token"},
		{`<input name=u>`, ""},
	}
	for _, c := range cases {
		if got := read(t, "https://idp.example/", utf8HTML, "<form>"+c.in+"</form>").Forms[0].Controls[0].Label; got != c.want {
			t.Errorf("%s: Label = %q, want %q", c.in, got, c.want)
		}
	}
}
