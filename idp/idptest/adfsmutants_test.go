package idptest_test

import "gatehop/idp/idptest"

// methodMutants post the form of the alternative methods, which from 2019 on holds a user
// name as well.
func methodMutants() []mutant {
	post := func(fields ...idptest.Field) func(*browser) {
		return func(b *browser) {
			p := b.get(entry)
			b.post(p.resolve(val(p.id("options"), "action"), true).String(), fields)
		}
	}
	forms, empty, name := idptest.Field{Name: "AuthMethod", Value: "FormsAuthentication"}, idptest.Field{Name: "AuthMethod"}, idptest.Field{Name: "UserName", Value: alice}
	in2019 := idptest.Options{Flavour: "2019"}
	return []mutant{
		{name: "the form of the methods as it stands", bug: 5, o: in2019, walk: post(empty, idptest.Field{Name: "UserName"})},
		{name: "the same before 2019", bug: 5, walk: post(empty)},
		{name: "the form of the methods instead of the sign-in form", bug: 16, o: in2019, walk: post(forms, name)},
		{name: "the same on a paginated page", bug: 16, o: idptest.Options{Flavour: "2019", Paginated: idptest.PaginatedNative}, walk: post(forms, name)},
		{name: "a method that is not offered", bug: 16, o: in2019, walk: post(idptest.Field{Name: "AuthMethod", Value: "CertificateAuthentication"}, name)},
		{name: "a user name in the form of the methods of 2016", bug: 16, o: idptest.Options{Flavour: "2016", MethodChoice: true}, walk: post(forms, name)},
		{name: "two user names in the form of the methods", bug: 6, o: idptest.Options{Flavour: "2019", MethodChoice: true}, walk: post(forms, name, name)},
		{name: "a password before the method is chosen", bug: 16, o: idptest.Options{Flavour: "2019", MethodChoice: true},
			walk: post(forms, name, idptest.Field{Name: "Password", Value: idptest.AlicePassword})},
	}
}

// pageMutants fill the pages of a paginated sign-in wrongly.
func pageMutants() []mutant {
	native := idptest.Options{Flavour: "2019", Paginated: idptest.PaginatedNative}
	steps := idptest.Options{Flavour: "2019", Paginated: idptest.PaginatedSteps}
	name, password := idptest.Field{Name: "UserName", Value: alice}, idptest.Field{Name: "Password", Value: idptest.AlicePassword}
	forms := idptest.Field{Name: "AuthMethod", Value: "FormsAuthentication"}
	post := func(fields ...idptest.Field) func(*browser) {
		return func(b *browser) {
			p := b.get(entry)
			b.post(p.resolve(val(p.id("loginFormPaginated"), "action"), true).String(), fields)
		}
	}
	return []mutant{
		{name: "leaves the hidden user name empty", bug: 21, o: native, fields: func(f []idptest.Field) []idptest.Field { f[0].Value = ""; return f }},
		{name: "leaves the hidden user name empty in the second step", bug: 21, o: steps, fields: func(f []idptest.Field) []idptest.Field { f[0].Value = ""; return f }},
		{name: "leaves the hidden user name out", bug: 21, o: native, fields: func(f []idptest.Field) []idptest.Field { return f[1:] }},
		{name: "a password without a user name on a plain page", bug: 21, fields: func(f []idptest.Field) []idptest.Field { f[0].Value = ""; return f }},
		{name: "only the fields of the form", bug: 5, o: native, fields: func(f []idptest.Field) []idptest.Field { return f[:2] }},
		{name: "the first block alone, of three", bug: 5, o: native, walk: post(name)},
		{name: "the password with the user name", bug: 16, o: steps, walk: post(name, password, forms)},
		{name: "the method with the user name", bug: 16, o: steps, walk: post(name, forms)},
		{name: "two user names in the first step", bug: 6, o: steps, walk: post(name, name)},
		{name: "unchecked Kmsi in the first step", bug: 7, o: steps, walk: post(name, idptest.Field{Name: "Kmsi", Value: "true"})},
		{name: "a button in the first step", bug: 16, o: steps, walk: post(name, idptest.Field{Name: "nextButton", Value: "Next"})},
		{name: "the form that only a script makes", bug: 17, o: idptest.Options{Flavour: "2016", Themed: true},
			fields: func(f []idptest.Field) []idptest.Field { f[0].Value = "decoy"; return f }},
	}
}
