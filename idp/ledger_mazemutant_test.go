package idp_test

import (
	"net/http"
	"strings"
	"testing"

	"gatehop/idp"
	"gatehop/idp/form"
)

// TestLedgerMazeNoticesMutants: mazes of the same seed show what is wrong with clients
// that break a rule.
func TestLedgerMazeNoticesMutants(t *testing.T) {
	t.Parallel()
	const mazes = 2000
	plain := func(o idp.ClientOptions) *http.Client {
		return &http.Client{Jar: o.Jar, Transport: o.Transport}
	}
	for _, m := range []struct {
		name string
		who  wanderer
		want []string
	}{
		{"plain client", wanderer{client: plain}, []string{"was sent the password", "as Referer", "was written to in clear"}},
		{"the action alone", wanderer{steps: answering(func(w *form.Walk, _ *form.Page, to form.Target) bool {
			return w.Session.Trust.Has(to.URL) && isPost(to)
		}).steps}, []string{"was given the"}},
		{"the page alone", wanderer{steps: answering(func(w *form.Walk, p *form.Page, to form.Target) bool {
			return w.Session.Trust.Has(p.URL) && isPost(to)
		}).steps}, []string{"was sent the password"}},
		{"without base", wanderer{steps: answering(withoutBase).steps}, []string{"was sent the password"}},
		{"without formaction", wanderer{steps: answering(withoutFormaction).steps}, []string{"was sent the password"}},
		{"by GET", wanderer{steps: answering(func(w *form.Walk, p *form.Page, to form.Target) bool {
			return w.Session.Trust.CheckSubmit(p.URL, to.URL) == nil
		}).steps}, []string{"was sent the password in an address"}},
		{"forgets what was typed", wanderer{steps: answering(honest).steps}, []string{"was sent the password"}},
		{"takes any assertion", wanderer{steps: []form.Step{takeAnything}}, []string{"an assertion was taken from"}},
		{"hands the assertion on", wanderer{steps: []form.Step{handOver}}, []string{"was sent the assertion"}},
	} {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			found, _, _ := m.who.wanderMany(t, mazes, m.want)
			for _, want := range m.want {
				if !strings.Contains(strings.Join(found, "\n"), want) {
					t.Errorf("%d mazes show nothing that %q; found %d: %.500q", mazes, want, len(found), found)
				}
			}
		})
	}
}
