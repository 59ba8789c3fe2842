package idptest_test

import (
	"net/url"
	"slices"
	"time"

	"gatehop/idp/idptest"
)

// withMFA asks the user of a mutant for a second factor.
func withMFA(u *idptest.User) { u.MFA = true }

// factorForm is a client that changes what the form of a second factor sends, once the
// password was right and typed put into it.
func factorForm(typed typing, change func([]idptest.Field) []idptest.Field) func(*browser) {
	return func(b *browser) {
		p := b.signIn(entry, alice, idptest.AlicePassword)
		fields, _ := p.successful(p.form("Context", "adfs_context"), nil)
		for i := range fields {
			if v, ok := typed[fields[i].Name]; ok {
				fields[i].Value = v
			}
		}
		b.post(entry, change(fields))
	}
}

func leaving(name string) func([]idptest.Field) []idptest.Field {
	return func(f []idptest.Field) []idptest.Field {
		return slices.DeleteFunc(f, func(f idptest.Field) bool { return f.Name == name })
	}
}

func as(name, value string) func([]idptest.Field) []idptest.Field {
	return func(f []idptest.Field) []idptest.Field {
		for i := range f {
			if f[i].Name == name {
				f[i].Value = value
			}
		}
		return f
	}
}

// factorMutants answer a second factor wrongly.
func factorMutants() []mutant {
	of := func(kind idptest.Factor) idptest.Options { return idptest.Options{MFA: kind, MFAResult: "approve"} }
	form := func(name string, bug idptest.Bug, kind idptest.Factor, typed typing, change func([]idptest.Field) []idptest.Field) mutant {
		return mutant{name: string(kind) + ": " + name, bug: bug, o: of(kind), user: withMFA, walk: factorForm(typed, change)}
	}
	code := typing{"VerificationCode": idptest.MFACode}
	list := []mutant{
		form("AuthMethod left out", 5, "azure-push", nil, leaving("AuthMethod")),
		form("AuthMethod empty", 5, "azure-push", nil, as("AuthMethod", "")),
		form("AuthMethod twice", 5, "azure-push", nil, add(idptest.Field{Name: "AuthMethod", Value: "AzureMfaAuthentication"})),
		form("AuthMethod of the other form", 5, "azure-push", nil, add(idptest.Field{Name: "AuthMethod"})),
		form("another method", 16, "azure-code", code, as("AuthMethod", "AzureMfaServerAuthentication")),
		form("a field of another page", 16, "azure-push", nil, add(idptest.Field{Name: "VerificationCode", Value: "1"})),
		form("a button that a script presses", 16, "azure-push", nil, add(idptest.Field{Name: "Submit", Value: "Submit"})),
		form("the code left out", 16, "azure-code", code, leaving("VerificationCode")),
		form("the code twice", 16, "azure-code", code, add(idptest.Field{Name: "VerificationCode", Value: "1"})),
		form("the button left out", 16, "vip", typing{"security_code": idptest.MFACode}, leaving("Submit")),
		form("a hidden field left out", 16, "symantec", typing{"SecurityCode": idptest.MFACode}, leaving("EnterpriseId")),
		form("a hidden field changed", 16, "symantec", typing{"SecurityCode": idptest.MFACode}, as("EnterpriseId", "other")),
		form("another mode", 16, "privacyidea", typing{"otp": idptest.MFACode}, as("mode", "push")),
		form("the buttons of scripts", 16, "privacyidea", typing{"otp": idptest.MFACode}, add(idptest.Field{Name: "usePushButton", Value: "Push"})),
		form("a place that nobody is at", 16, "rsa2", typing{"InitStatus": "true"}, as("latitude", "52.5")),
		form("the place left out", 16, "rsa2", typing{"InitStatus": "true"}, leaving("rsa_risk_fp")),
		form("a choice that there is not", 16, "azure-server-choice", nil, as("__EVENTTARGET", "verificationOption4")),
		form("a new PIN", 22, "rsa-pin", typing{"NewPin": "4711", "ConfirmPin": "4711"}, add()),
		form("the frame's form", 22, "duo-frame", nil, add(idptest.Field{Name: "sig_response", Value: "x"})),
		form("a passkey", 22, "passkey", nil, as("assertionResponse", "x")),
	}
	return append(list, factorWalkMutants(of)...)
}

// factorWalkMutants post pages of a second factor at wrong times, or elsewhere.
func factorWalkMutants(of func(idptest.Factor) idptest.Options) []mutant {
	twice := func(typed typing) func(*browser) {
		return func(b *browser) {
			p := b.answer(b.signIn(entry, alice, idptest.AlicePassword), typed)
			b.answer(p, typed)
		}
	}
	never := of("azure-push")
	never.MFAResult, never.PollEvery = idptest.FactorNever, 900*time.Millisecond
	return []mutant{
		{name: "follows the form to Duo", bug: 22, o: of("duo-universal"), user: withMFA, walk: func(b *browser) {
			p := b.signIn(entry, alice, idptest.AlicePassword)
			b.submit(p, p.id("adfs_form"), nil)
		}},
		{name: "asks Duo at another port", bug: 22, walk: func(b *browser) { b.get("https://API-1.DuoSecurity.com:8443/frame") }},
		{name: "posts a refused code again", bug: 23, o: of("vip"), user: withMFA, walk: twice(typing{"security_code": "000000"})},
		{name: "posts a refused answer again", bug: 23, user: withMFA, walk: twice(typing{"ChallengeQuestionAnswer": "41"})},
		{name: "the same from the page anew", bug: 23, o: of("vip"), user: withMFA, walk: func(b *browser) {
			b.answer(b.signIn(entry, alice, idptest.AlicePassword), typing{"security_code": "000000"})
			b.answer(b.get(entry), typing{"security_code": "000000"})
		}},
		{name: "polls without a break", bug: 24, o: never, user: withMFA, walk: twice(nil)},
		{name: "polls an old page", bug: 8, o: of("azure-push"), user: withMFA, walk: func(b *browser) {
			p := b.signIn(entry, alice, idptest.AlicePassword)
			b.answer(p, nil)
			b.answer(p, nil)
		}},
		{name: "posts a page that waited again", bug: 8, o: idptest.Options{MFA: "azure-server", MFAResult: "deny"}, user: withMFA, walk: func(b *browser) {
			p := b.signIn(entry, alice, idptest.AlicePassword)
			b.answer(p, nil)
			b.answer(p, nil)
		}},
		{name: "posts after the third wrong code", bug: 8, o: of("vip"), user: withMFA, walk: func(b *browser) {
			p := b.signIn(entry, alice, idptest.AlicePassword)
			fields, _ := p.successful(p.form("Context"), nil)
			for _, code := range []string{"1", "2", "3"} {
				p = b.answer(p, typing{"security_code": code})
			}
			b.post(entry, as("Context", "")(fields))
		}},
		{name: "posts the page of the third wrong code again", bug: 8, o: of("vip"), user: withMFA, walk: func(b *browser) {
			p := b.signIn(entry, alice, idptest.AlicePassword)
			p = b.answer(b.answer(p, typing{"security_code": "1"}), typing{"security_code": "2"})
			b.answer(p, typing{"security_code": "3"})
			b.answer(p, typing{"security_code": "4"})
		}},
		{name: "a code in the query", bug: 2, also: 15, o: of("vip"), user: withMFA, walk: func(b *browser) {
			b.answer(b.signIn(entry, alice, idptest.AlicePassword), typing{"security_code": "654321"})
			b.get(entry + "&x=654321")
		}},
		{name: "a code elsewhere", bug: 3, o: of("vip"), user: withMFA, walk: func(b *browser) {
			b.answer(b.signIn(entry, alice, idptest.AlicePassword), typing{"security_code": "654321"})
			b.get("https://" + idptest.ForeignHost + "/?x=" + url.QueryEscape("654321"))
		}},
	}
}

// factorInnocents do what looks like a bug at a second factor, and is none.
func factorInnocents() []innocent {
	alices := func(o idptest.Options) idptest.Options {
		u := idptest.Alice()
		u.MFA = true
		o.Users = []idptest.User{u}
		return o
	}
	vip := alices(idptest.Options{MFA: idptest.FactorVIP})
	return []innocent{
		{"a second code", vip, func(b *browser) {
			p := b.answer(b.signIn(entry, alice, idptest.AlicePassword), typing{"security_code": "000000"})
			b.answer(p, typing{"security_code": idptest.MFACode})
		}},
		{"the same code in another browser", vip, func(b *browser) {
			rt := b.http.Transport
			b.answer(b.signIn(entry, alice, idptest.AlicePassword), typing{"security_code": "000000"})
			other := browserOver(b.t, rt)
			other.answer(other.signIn(entry, alice, idptest.AlicePassword), typing{"security_code": "000000"})
		}},
		{"the same code as the next one", alices(idptest.Options{MFA: idptest.FactorRSA}), func(b *browser) {
			p := b.answer(b.signIn(entry, alice, idptest.AlicePassword), typing{"Passcode": "000000"})
			p = b.answer(p, typing{"Passcode": "next"})
			b.answer(p, typing{"NextCode": "000000"})
		}},
		{"30 polls", alices(idptest.Options{MFA: idptest.FactorAzurePush, MFAPolls: 30}), func(b *browser) {
			p := b.signIn(entry, alice, idptest.AlicePassword)
			for range 31 {
				p = b.answer(p, nil)
			}
		}},
		{"no choice yet", alices(idptest.Options{MFA: idptest.FactorAzureServerChoice}), func(b *browser) {
			b.answer(b.signIn(entry, alice, idptest.AlicePassword), nil)
		}},
		{"the script of RSA not run", alices(idptest.Options{MFA: idptest.FactorRSA2}), func(b *browser) {
			if p := b.answer(b.signIn(entry, alice, idptest.AlicePassword), nil); p.id("passcodeInput") != nil {
				b.t.Error("asked for a passcode without InitStatus")
			}
		}},
		{"a number elsewhere that an adapter takes for an answer", alices(idptest.Options{}), func(b *browser) {
			b.answer(b.signIn(entry, alice, idptest.AlicePassword), typing{"ChallengeQuestionAnswer": "7"})
			b.get("https://" + idptest.ForeignHost + "/?page=7")
		}},
	}
}
