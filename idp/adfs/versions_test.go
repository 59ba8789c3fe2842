package adfs_test

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"gatehop/idp"
	"gatehop/idp/adfs"
	"gatehop/idp/idptest"
	"gatehop/idp/idptest/adaptertest"
)

// version is one kind of sign-in pages.
type version struct {
	name      string
	flavour   string
	paginated idptest.Pagination
	more      int // requests up to the password besides those of 3.0
}

// versions are the sign-in pages that the adapter knows.
func versions() []version {
	return []version{
		{"3.0", "3.0", idptest.PaginatedOff, 0},
		{"2016", "2016", idptest.PaginatedOff, 0},
		{"2019", "2019", idptest.PaginatedOff, 0},
		{"2019 paginated", "2019", idptest.PaginatedNative, 0},
		{"2019 paginated in steps", "2019", idptest.PaginatedSteps, 1},
	}
}

// of is an AD FS of this version with other options.
func (v version) of(o idptest.Options) idptest.Options {
	o.Flavour, o.Paginated = v.flavour, v.paginated
	return o
}

// each runs a test for every version.
func each(t *testing.T, test func(t *testing.T, v version)) {
	t.Parallel()
	for _, v := range versions() {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			test(t, v)
		})
	}
}

// TestLoginFields has T03 and T04: what is posted is the sign-in form and nothing else,
// each field once, whatever other forms and blocks the page has.
func TestLoginFields(t *testing.T) {
	t.Parallel()
	whole := []string{"UserName Password AuthMethod"}
	cases := []struct {
		name string
		v    version
		o    idptest.Options
		want []string // names of what is posted
	}{
		{"T01 3.0", version{flavour: "3.0"}, idptest.Options{Kmsi: true}, whole},
		{"T03 2016", version{flavour: "2016"}, idptest.Options{Kmsi: true}, whole},
		{"T03 2019", version{flavour: "2019"}, idptest.Options{Kmsi: true}, whole},
		{"T04 2019 paginated", version{flavour: "2019", paginated: idptest.PaginatedNative}, idptest.Options{Kmsi: true}, whole},
		{"T04 2019 paginated in steps", version{flavour: "2019", paginated: idptest.PaginatedSteps}, idptest.Options{Kmsi: true}, []string{"UserName", whole[0]}},
		{"T13 2016, the method chosen", version{flavour: "2016"}, idptest.Options{MethodChoice: true}, []string{"AuthMethod", whole[0]}},
		{"T13 2019, the method chosen", version{flavour: "2019"}, idptest.Options{MethodChoice: true}, []string{"AuthMethod UserName", whole[0]}},
		{"T13 2019 paginated in steps, the method chosen", version{flavour: "2019", paginated: idptest.PaginatedSteps}, idptest.Options{MethodChoice: true},
			[]string{"UserName", "AuthMethod UserName", whole[0]}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, c.v.of(c.o), person(alice, idptest.AlicePassword))
			if _, err := r.login(t, adfs.Config{}); err != nil {
				t.Fatal(err)
			}
			var posted []string
			for _, q := range r.p.Requests() {
				if q.Method != http.MethodPost {
					continue
				}
				posted = append(posted, strings.Join(q.Form.Names(), " "))
				if q.Form.Count("AuthMethod") > 0 && q.Form.Get("AuthMethod") != "FormsAuthentication" {
					t.Errorf("posted AuthMethod %q", q.Form.Get("AuthMethod"))
				}
				if name := q.Form.Get("UserName"); q.Form.Count("Password") > 0 && name != alice {
					t.Errorf("posted the password of %q", name)
				}
			}
			if !slices.Equal(posted, c.want) {
				t.Errorf("posted %q, want %q", posted, c.want)
			}
			r.check(t, 1, 3+len(c.want))
		})
	}
}

// TestAdapter runs the cases that every adapter passes, at every version.
func TestAdapter(t *testing.T) {
	each(t, func(t *testing.T, v version) {
		adaptertest.Test(t, adaptertest.Suite{
			Open: func(base string) (idp.Adapter, error) { return adfs.New(adfs.Config{URL: base}) },
			Provider: func(f idptest.Fault) (adaptertest.Provider, error) {
				o := v.of(idptest.Options{Fault: f, Now: clock, Rand: rand.NewChaCha8([32]byte{7}), Signer: signer()})
				return idptest.NewADFS(o)
			},
			User: alice, Words: wrong,
		})
	})
}

// The pages of a paginated sign-in that come one at a time, with words in each.
const (
	namePage = `<div id=usernamePage><form id=loginFormPaginated class=paginatedPageForm method=post action="/adfs/ls/"><div id=error><span id=errorText role=alert>NAME</span></div>
		<input id=userNameInput name=UserName type=email value=""><div class=kmsiAreaPaginated><input type=checkbox name=Kmsi value=true></div><span id=nextButton></span></form></div>`
	methodsPage = `<div id=primaryOptionsPage><div id=errorOption><span id=errorTextOption>METHOD</span></div><input id=optionForms type=hidden name=AuthMethod value=FormsAuthentication>
		<form id=options method=post action="/adfs/ls/"><input id=optionSelection type=hidden name=AuthMethod><input id=userNameInputOptionsHolder type=hidden name=UserName value="CORP\alice"></form>
		<div class=optionButton><span id=FormsAuthentication class=actionLink>Password</span></div><div class=optionButton><span id=CertificateAuthentication class=actionLink>Certificate</span></div></div>`
	passwordPage = `<div id=passwordPage><form id=loginForm method=post action="/adfs/ls/"><input id=userNameInputHolder type=hidden name=UserName value=""><input id=passwordInput name=Password type=password>
		<span id=errorTextPassword role=alert>PASSWORD</span><span id=submitButton class=submitPaginated></span></form></div>`
)

// say puts words into a page, and nothing where the others would be.
func say(page string, words ...string) string {
	return strings.NewReplacer(append(words, "NAME", "", "METHOD", "", "PASSWORD", "")...).Replace(page)
}

// TestPaginated walks pages that come one at a time: what is posted, and what becomes of
// it. Nothing there may depend on the order in which a server shows them.
func TestPaginated(t *testing.T) {
	t.Parallel()
	const (
		name   = `UserName=CORP%5Calice`
		signed = name + "&Password=correct+horse&AuthMethod=FormsAuthentication"
		method = "AuthMethod=FormsAuthentication&" + name
		words  = "Falsche Benutzer-ID."
	)
	hidden := func(page string) string { return strings.Replace(page, "<div id=", `<div style="display:none" id=`, 1) }
	first, methods, second := say(namePage), say(methodsPage), say(passwordPage)
	refused := say(passwordPage, "PASSWORD", words)
	cases := []struct {
		name   string
		pages  []string
		want   idp.Verdict
		words  string
		posted []string
	}{
		{"one after the other", []string{first, second, refused}, idp.Rejected, words, []string{name, signed}},
		{"all in one document", []string{first + methods + second, first + methods + refused}, idp.Rejected, words, []string{signed}},
		{"the password first in the document", []string{second + first, refused + first}, idp.Rejected, words, []string{signed}},
		{"every block hidden", []string{hidden(first) + hidden(methods) + hidden(second), hidden(first) + hidden(methods) + hidden(refused)}, idp.Rejected, words, []string{signed}},
		{"the user name given again by the server", []string{first, strings.Replace(second, `value=""`, `value="CORP\alice"`, 1), refused}, idp.Rejected, words, []string{name, signed}},
		{"the user name changed by the server", []string{first, strings.Replace(second, `value=""`, `value="alice@corp.example"`, 1), refused}, idp.Rejected, words, []string{name, signed}},
		{"AuthMethod empty beside the password", []string{strings.Replace(second, "</form>", "<input type=hidden name=AuthMethod></form>", 1), refused}, idp.Rejected, words, []string{signed}},
		{"a method to be chosen", []string{first, methods, second, refused}, idp.Rejected, words, []string{name, method, signed}},
		{"refused at the first page", []string{first, second, say(namePage, "NAME", words), second}, idp.Rejected, words, []string{name, signed, name}},
		{"refused at the methods", []string{second, methods + say(passwordPage) + say(methodsPage, "METHOD", words)}, idp.Rejected, words, []string{signed}},
		{"the first page again without a word", []string{first, second, first + "<p>"}, idp.Unexplained, "", []string{name, signed}},
		{"the password's page again without a word", []string{first, second, second + "<p>"}, idp.Unexplained, "", []string{name, signed}},
		{"the user name refused", []string{first, say(namePage, "NAME", "Unbekannt.")}, idp.Rejected, "Unbekannt.", []string{name}},
		{"the user name refused, its block hidden", []string{hidden(first), hidden(say(namePage, "NAME", "Unbekannt."))}, idp.Rejected, "Unbekannt.", []string{name}},
		{"the user name's form without its field", []string{strings.Replace(first, "name=UserName", "name=UserName readonly", 1)}, idp.Unknown, "", nil},
		{"the user name again without a word", []string{first, first + "<p>"}, idp.Unexplained, "", []string{name}},
		{"expired at the first page", []string{first, second, say(namePage, "NAME", "Your password has expired.")}, idp.PasswordExpired, "Your password has expired.", []string{name, signed}},
		{"expired at the second page", []string{first, say(passwordPage, "PASSWORD", "Your password has expired.")}, idp.PasswordExpired, "Your password has expired.", []string{name}},
		{"an error beside the user name's form", []string{first + "<div id=errorMessage>Note</div>", second, refused}, idp.Rejected, words, []string{name, signed}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			script := person(alice, idptest.AlicePassword)
			script["username"] = append(script["username"], idptest.NoAnswer)
			s, _, err := at(t, script, c.pages...)
			if got := wantVerdict(t, err, c.want); got.Words != c.words {
				t.Errorf("Words = %q, want %q", got.Words, c.words)
			}
			if !slices.Equal(s.posted, c.posted) {
				t.Errorf("posted %q, want %q", s.posted, c.posted)
			}
		})
	}
}

// TestPaginatedRetry: a person is asked again with the words of a page that did not ask
// for the password.
func TestPaginatedRetry(t *testing.T) {
	t.Parallel()
	script := map[string][]string{"username": {alice}, "password": {"wrong one", idptest.AlicePassword, idptest.NoAnswer}}
	s, answers, err := at(t, script, say(namePage), say(passwordPage), say(namePage, "NAME", "Falsch."), say(passwordPage), say(passwordPage, "PASSWORD", "Auch falsch."))
	wantVerdict(t, err, idp.Rejected)
	if len(s.posted) != 4 {
		t.Errorf("posted %q, want the user name and the password twice each", s.posted)
	}
	var retries []string
	for _, q := range answers.Questions() {
		retries = append(retries, q.Field+" "+q.Retry)
	}
	if want := []string{"username ", "password ", "password Falsch.", "password Auch falsch."}; !slices.Equal(retries, want) {
		t.Errorf("asked %q, want %q", retries, want)
	}
}

// TestPaginatedMethods: methods of which none is the password, each named once.
func TestPaginatedMethods(t *testing.T) {
	t.Parallel()
	page := strings.ReplaceAll(say(methodsPage), "id=FormsAuthentication", "id=AzurePrimaryAuthentication")
	s, _, err := at(t, person(alice, idptest.AlicePassword), page)
	if got := wantVerdict(t, err, idp.MethodChoice); !slices.Equal(got.Options, []string{"Password", "Certificate"}) {
		t.Errorf("Options = %q, want both methods", got.Options)
	}
	if len(s.posted) != 0 {
		t.Errorf("posted %q, want nothing", s.posted)
	}
}
