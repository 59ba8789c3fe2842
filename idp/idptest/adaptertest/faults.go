package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gatehop/idp"
	"gatehop/idp/idptest"
	"gatehop/saml"
)

// outcome is how a sign-in over a fault must end.
type outcome struct {
	fault idptest.Fault
	want  []idp.Verdict // one of these verdicts; none: see the fields below
	// An *idp.OriginError; any error; success with this said of the assertion.
	origin, any bool
	success     func(*saml.Assertion) bool
	logins      int  // passwords that may be posted
	elsewhere   bool // another host may be asked for a page, without anything of the person
}

// verdicts has every fault but those that only end with somebody's patience.
func verdicts() []outcome {
	is := func(v ...idp.Verdict) []idp.Verdict { return v }
	return []outcome{
		{fault: idptest.FaultForeignAction, origin: true},
		{fault: idptest.FaultPlainAction, origin: true},
		{fault: idptest.FaultGetForm, want: is(idp.UnreadableForm)},
		{fault: idptest.FaultTextPlain, want: is(idp.UnreadableForm)},
		{fault: idptest.FaultCaptcha, want: is(idp.Captcha)},
		{fault: idptest.FaultNoWords, want: is(idp.Unexplained, idp.Rejected), logins: 1},
		{fault: idptest.FaultRedirect307, origin: true, logins: 1},
		{fault: idptest.FaultRedirectPlain, origin: true, logins: 1},
		{fault: idptest.FaultCut, any: true, logins: 1},
		{fault: idptest.FaultRedirectLoop, want: is(idp.SignInLoop)},
		{fault: idptest.FaultJSON, want: is(idp.NotHTML)},
		{fault: idptest.FaultHuge, want: is(idp.TooLarge)},
		{fault: idptest.FaultDeep, want: is(idp.TooLarge)},
		{fault: idptest.FaultScriptOnly, want: is(idp.ScriptOnly)},
		{fault: idptest.FaultFirewall, want: is(idp.Firewall)},
		{fault: idptest.FaultProxy, want: is(idp.ProxyRefused)},
		{fault: idptest.FaultNotFound, want: is(idp.NotFound)},
		{fault: idptest.FaultIntegrated, want: is(idp.Integrated)},
		{fault: idptest.FaultBasic, want: is(idp.BasicAuth)},
		{fault: idptest.FaultConsent, want: is(idp.Consent)},
		{fault: idptest.FaultForeignACS, want: is(idp.ForeignAssertion), logins: 1},
		{fault: idptest.FaultEmptyResponse, want: is(idp.BadAssertion, idp.AWSPage), logins: 1},
		{fault: idptest.FaultBadResponse, want: is(idp.BadAssertion), logins: 1},
		{fault: idptest.FaultRefusedResponse, want: is(idp.BadAssertion), logins: 1},
		{fault: idptest.FaultSeveralAssertions, want: is(idp.BadAssertion), logins: 1},
		{fault: idptest.FaultEncrypted, success: func(a *saml.Assertion) bool { return a.Encrypted }, logins: 1},
		{fault: idptest.FaultWSFederation, want: is(idp.WSFederation), logins: 1},
		{fault: idptest.FaultForeignResponse, origin: true, logins: 1, elsewhere: true},
	}
}

func (o outcome) run(ctx context.Context, s Suite) error {
	w, err := s.start(o.fault, s.script(idptest.AlicePassword, idptest.NoAnswer), nil)
	if err != nil {
		return err
	}
	a, err := w.login(ctx)
	problem := errors.Join(w.check(err, o.logins), o.judge(a, err))
	if n := len(w.provider.RequestsElsewhere()); n > 0 && !o.elsewhere {
		problem = errors.Join(problem, fmt.Errorf("%d requests to another host", n))
	}
	return problem
}

func (o outcome) judge(a *saml.Assertion, err error) error {
	var page *idp.PageError
	var origin *idp.OriginError
	switch {
	case o.success != nil:
		if err != nil || a == nil || !o.success(a) {
			return fmt.Errorf("Login = %v, want an assertion", err)
		}
	case err == nil || a != nil:
		return errors.New("Login succeeded, want an error")
	case o.origin:
		if !errors.As(err, &origin) {
			return fmt.Errorf("Login = %v, want an *idp.OriginError", err)
		}
	case !o.any:
		if !errors.As(err, &page) || !slices.Contains(o.want, page.Verdict) {
			return fmt.Errorf("Login = %v, want verdict %q", err, o.want)
		}
	}
	return nil
}
