package form

import (
	"context"
	"errors"
	"slices"
	"strings"

	"gatehop/creds/secret"
	"gatehop/idp"
)

// person is what has been asked of the person, and answered.
type person struct {
	name      secret.Text   // as sent; zero until asked
	nameAt    string        // the form that was last sent a user name alone, if nothing else was sent since
	words     string        // the provider's since the last password or code
	passwords []secret.Text // every one that was sent: none is sent twice
	sentIn    string        // the field that a password was last sent in
	codes     []secret.Text // every one that was sent, as with passwords
	codeIn    string        // the field that a code was last sent in
	asked     map[Role]int
}

// again is the Retry of a question whose last answer came back without a word.
const again = "the same page came back without a word about the last answer"

// SignIn answers a sign-in page: it asks for what the page wants and has not been
// answered yet, and posts the form. On the second page of one sign-in the provider
// has refused the last answer, and the person is asked again, with words as the
// reason; who cannot answer differently gets a *idp.PageError with verdict Rejected,
// or Unexplained if there are no words. set are fields to be sent in any case.
//
// Before anything is asked it makes sure that the answer may be sent: the form must be
// posted, and both page and target be of trusted origins.
func (w *Walk) SignIn(ctx context.Context, p *Page, l Login, words string, set ...Field) (Next, error) {
	if w.choosesPassword(l) {
		return Next{}, w.Fail(p, idp.PasswordExpired, words)
	}
	button := l.button()
	if err := w.MayAnswer(p, l.Form, button); err != nil {
		return Next{}, err
	}
	w.heard(words)
	if err := w.askName(ctx, p, l); err != nil {
		return Next{}, err
	}
	fill := Fill{Values: map[*Control]secret.Text{}, Set: set}
	if l.User != nil {
		fill.Values[l.User] = w.person.name
	}
	if l.Password != nil {
		password, err := w.askPassword(ctx, p, l.Password.Label)
		if err != nil {
			return Next{}, err
		}
		fill.Values[l.Password] = password
	}
	if l.Code != nil {
		code, err := w.askCode(ctx, p, l.Code)
		if err != nil {
			return Next{}, err
		}
		fill.Values[l.Code] = code
	}
	return w.post(p, l, button, fill)
}

// choosesPassword reports whether the form is for choosing another password: what the
// person types again would become it. A provider that asks for the refused one again
// does so in the same field, or beside the user name.
func (w *Walk) choosesPassword(l Login) bool {
	if l.Password == nil || w.State.Passwords == 0 || fieldKey(l.Password) == w.person.sentIn {
		return false
	}
	return l.Password.Role() == NewPassword || l.User == nil || l.User.Hidden
}

// fieldKey is a field with what it is for: the field of a sign-in may come back as one
// for a new password.
func fieldKey(c *Control) string { return c.Name + "\x00" + string(c.Role()) }

// SignCode answers a page that asks for nothing but a one-time code, as SignIn does.
// The verdict of a code that is not accepted is MFADenied.
func (w *Walk) SignCode(ctx context.Context, p *Page, l Login, words string) (Next, error) {
	button := l.button()
	if err := w.MayAnswer(p, l.Form, button); err != nil {
		return Next{}, err
	}
	w.heard(words)
	code, err := w.askCode(ctx, p, l.Code)
	if err != nil {
		return Next{}, err
	}
	return w.post(p, l, button, Fill{Values: map[*Control]secret.Text{l.Code: code}})
}

// heard keeps what the provider says about the last answer.
func (w *Walk) heard(words string) {
	if words != "" {
		w.person.words, w.State.Heard = w.Clean(words), true
	}
}

// MayAnswer refuses a form that must not be given anything typed, or anything of what a sign-in
// has come to.
func (w *Walk) MayAnswer(p *Page, f *Form, button *Control) error {
	to, err := f.Target(button)
	if err != nil {
		return w.refused(p, err)
	}
	if err := w.Session.Trust.CheckSubmit(p.URL, to.URL); err != nil {
		return err
	}
	if to.Method != "POST" || to.Enctype == encPlain {
		return w.Fail(p, idp.UnreadableForm, "")
	}
	return nil
}

// refused puts what Fail adds into the verdict of a form.
func (w *Walk) refused(p *Page, err error) error {
	var page *idp.PageError
	if errors.As(err, &page) {
		return w.Fail(p, page.Verdict, page.Words)
	}
	return err
}

// post submits a form that carries what was typed, and counts what that was.
func (w *Walk) post(p *Page, l Login, button *Control, fill Fill) (Next, error) {
	send, err := l.Form.Submit(button, fill)
	if err != nil {
		return Next{}, w.refused(p, err)
	}
	w.person.nameAt = ""
	if l.Password != nil {
		w.person.sentIn = fieldKey(l.Password)
	}
	if l.Code != nil {
		w.person.codeIn = fieldKey(l.Code)
	}
	switch {
	case l.Password != nil || l.Code != nil:
		w.person.words, w.State.Heard = "", false
	default:
		w.person.nameAt = place(p, l)
	}
	for c, count := range map[*Control]*int{l.User: &w.State.Names, l.Password: &w.State.Passwords, l.Code: &w.State.Codes} {
		if c != nil {
			*count++
		}
	}
	return Next{Send: send, From: p.URL, Typed: true}, nil
}

// place tells forms that ask for a user name alone apart, by where they go: the same
// one comes back under another address of the page.
func place(p *Page, l Login) string {
	action := ""
	if to, err := l.Form.Target(l.button()); err == nil {
		action = idp.SafeURL(to.URL)
	}
	return strings.Join([]string{string(idp.OriginOf(p.URL)), l.Form.ID, action, l.User.Name}, "\x00")
}

// askName makes sure of the user name, and that the page is not for somebody else.
func (w *Walk) askName(ctx context.Context, p *Page, l Login) error {
	field := firstOf(l.User, l.Fixed)
	if field == nil {
		return nil
	}
	retry := ""
	if l.Password == nil && w.person.nameAt != "" && w.person.nameAt == place(p, l) {
		retry = w.retry() // the user name alone was sent, and is asked for again
	}
	if w.person.name.IsZero() || retry != "" {
		if err := w.askNewName(ctx, p, field.Label, retry); err != nil {
			return err
		}
	}
	sent := w.State.Names > 0 // then the provider may call the same person otherwise
	if l.Fixed != nil && !sent && bareName(l.Fixed.Value) != bareName(w.person.name.Reveal()) {
		return w.Fail(p, idp.OtherUser, l.Fixed.Value)
	}
	return nil
}

// askNewName asks for the user name, again if the provider says something in retry.
func (w *Walk) askNewName(ctx context.Context, p *Page, label, retry string) error {
	if !w.mayAsk(User) {
		return w.refusal(p)
	}
	name, err := w.ask(ctx, idp.Question{Field: string(User), Label: w.Clean(label), Public: true, Retry: retry})
	if err != nil {
		return w.unanswered(retry, err, w.refusal(p))
	}
	whole := name.Reveal()
	if w.UserName != nil {
		if whole, err = w.UserName(whole); err != nil {
			return w.refused(p, err)
		}
	}
	if retry != "" && w.person.name.Equal(secret.New(whole)) {
		return w.refusal(p) // the same answer again
	}
	w.person.name = secret.New(whole)
	return nil
}

// bareName is a user name without its domain, in lower case: CORP\alice and
// alice@corp.example are one person.
func bareName(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	if i := strings.LastIndexByte(name, '\\'); i >= 0 {
		name = name[i+1:]
	}
	name, _, _ = strings.Cut(name, "@")
	return name
}

// askPassword asks for a password that has not been sent yet.
func (w *Walk) askPassword(ctx context.Context, p *Page, label string) (secret.Text, error) {
	retry := ""
	if w.State.Passwords > 0 {
		retry = w.retry()
	}
	for w.mayAsk(Password) {
		password, err := w.ask(ctx, idp.Question{Field: string(Password), Label: w.Clean(label), Retry: retry})
		if err != nil {
			return secret.Text{}, w.unanswered(retry, err, w.refusal(p))
		}
		if !slices.ContainsFunc(w.person.passwords, password.Equal) {
			w.person.passwords = append(w.person.passwords, password)
			return password, nil
		}
	}
	return secret.Text{}, w.refusal(p)
}

// askCode asks for a one-time code that has not been sent yet. One that is asked for in
// another field, without a word about the last, is another one, and not the last again.
func (w *Walk) askCode(ctx context.Context, p *Page, field *Control) (secret.Text, error) {
	retry := ""
	if w.State.Codes > 0 && (w.person.words != "" || w.person.codeIn == fieldKey(field)) {
		retry = w.retry()
	}
	denied := w.Fail(p, idp.MFADenied, w.person.words)
	for w.mayAsk(Code) {
		code, err := w.ask(ctx, idp.Question{Field: string(Code), Label: w.Clean(field.Label), Retry: retry})
		if err != nil {
			return secret.Text{}, w.unanswered(retry, err, denied)
		}
		if !slices.ContainsFunc(w.person.codes, code.Equal) {
			w.person.codes = append(w.person.codes, code)
			return code, nil
		}
	}
	return secret.Text{}, denied
}

// mayAsk counts the answers to one question.
func (w *Walk) mayAsk(r Role) bool {
	if w.person.asked == nil {
		w.person.asked = map[Role]int{}
	}
	w.person.asked[r]++
	return w.person.asked[r] <= maxAnswers
}

func (w *Walk) retry() string {
	if w.person.words == "" {
		return again
	}
	return w.person.words
}

// refusal is the verdict of a provider that will not have the answers there are.
func (w *Walk) refusal(p *Page) error {
	switch {
	case w.person.words != "":
		e := w.Fail(p, idp.Rejected, w.person.words)
		if name := p.cs.name; name != utf8Name {
			e.Charset = name
		}
		return e
	case w.State.Restarts > 0:
		return w.Fail(p, idp.StateLost, "")
	}
	return w.Fail(p, idp.Unexplained, "")
}

// unanswered turns "nobody can answer differently" into the provider's refusal.
func (w *Walk) unanswered(retry string, err, refusal error) error {
	var needs *idp.NeedsInputError
	if retry != "" && (errors.Is(err, idp.ErrNoAnswer) || errors.As(err, &needs)) {
		return refusal
	}
	return err
}

// Choose asks which of q.Options to take and returns that one; open is the error if nobody
// says. The answer is no secret and may be shown. A sign-in that asks nobody at all, as
// Look does, ends with the *idp.NeedsInputError of any other question.
func (w *Walk) Choose(ctx context.Context, q idp.Question, open error) (string, error) {
	q.Public, q.Label = true, w.Clean(q.Label)
	answer, err := w.ask(ctx, q)
	var needs *idp.NeedsInputError
	switch {
	case w.Session.Prompt != nil && (errors.As(err, &needs) || errors.Is(err, idp.ErrNoAnswer)):
		return "", open
	case err != nil:
		return "", err
	}
	return answer.Reveal(), nil
}

// ask asks the person, whose time does not count. What is not public is a secret of
// this sign-in from now on. No answer at all is a *idp.NeedsInputError.
func (w *Walk) ask(ctx context.Context, q idp.Question) (secret.Text, error) {
	if w.Session.Prompt == nil {
		return secret.Text{}, &idp.NeedsInputError{Question: q}
	}
	resume := w.budget.pause()
	defer resume()
	answer, err := w.Session.Prompt.Ask(ctx, q)
	switch {
	case errors.Is(err, idp.ErrNoAnswer) && q.Retry == "":
		return secret.Text{}, &idp.NeedsInputError{Question: q}
	case err != nil:
		return secret.Text{}, err
	case answer.Reveal() == "":
		return secret.Text{}, &idp.NeedsInputError{Question: q}
	}
	if !q.Public {
		w.secrets = append(w.secrets, answer)
	}
	return answer, nil
}
