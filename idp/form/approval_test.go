package form_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gatehop/idp"
	"gatehop/idp/form"
	"gatehop/idp/idptest"
)

// waitingRoom is a server whose page waits for somebody.
type waitingRoom struct {
	polls  int           // posts until the assertion; 0: never
	holds  time.Duration // how long it takes to answer a post
	action string        // of the form
	number func(posted int) string
	posted []time.Duration // since the beginning
}

func (r *waitingRoom) site(value string) *site {
	begin := time.Now()
	return &site{serve: func(_ *site, w http.ResponseWriter, req *http.Request, asked string) {
		if strings.HasPrefix(asked, "POST") {
			newest := fmt.Sprintf("n=%d", len(r.posted))
			if !strings.HasSuffix(asked, newest) {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			r.posted = append(r.posted, time.Since(begin))
			select {
			case <-time.After(r.holds):
			case <-req.Context().Done():
				return
			}
			if len(r.posted) == r.polls {
				_, _ = io.WriteString(w, strings.Replace(final(samlInput), "%s", value, 1))
				return
			}
		}
		number := ""
		if r.number != nil {
			number = r.number(len(r.posted))
		}
		fmt.Fprintf(w, `<p id=say>Look at your phone.%s</p><form id=waits method=post action="%s"><input type=hidden name=n value=%d></form>`,
			number, r.action, len(r.posted))
	}}
}

// waitAt signs in there with one step of its own.
func waitAt(ctx context.Context, t *testing.T, s, other *site, answers idp.Prompter, blocks bool, waits *[]string) error {
	trust, err := idp.NewTrust(start, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	entry, err := url.Parse(start)
	if err != nil {
		t.Fatal(err)
	}
	find := func(p *form.Page) *form.Form { return p.FormByID("waits") }
	step := form.Step{Name: "waits", Match: func(p *form.Page, _ *form.State) bool { return find(p) != nil },
		Act: func(ctx context.Context, w *form.Walk, p *form.Page) (form.Next, error) {
			return w.Await(ctx, p, form.Pending{Form: find, Blocks: blocks, Say: func(p *form.Page) (text, sense string) {
				text = p.VisibleText("#say")
				return text, text
			}})
		}}
	walk := form.Walk{Entry: entry, Steps: append([]form.Step{step}, form.Steps()...), Session: &idp.Session{
		HTTP: idp.NewClient(idp.ClientOptions{Trust: trust, Transport: idptest.Transport(map[string]http.Handler{
			host: s, idptest.AnyHost: other,
		})}),
		Trust: trust, Prompt: answers,
		Waiting: func(what string) func() {
			*waits = append(*waits, "begin "+what)
			return func() { *waits = append(*waits, "end "+what) }
		},
	}}
	_, err = walk.Run(ctx)
	return err
}

// TestAwait: the page that waits is posted once a second, always the newest one, until it is
// another; that counts neither as requests nor as time of the sign-in.
func TestAwait(t *testing.T) {
	const look = "idp.example: Look at your phone."
	const holds = 10 * time.Millisecond // so that no post is due just when the time is up
	seconds := func(n int) (all []time.Duration) {
		for i := range n {
			all = append(all, time.Duration(i+1)*time.Second+time.Duration(i)*holds)
		}
		return all
	}
	cases := []struct {
		name   string
		room   waitingRoom
		blocks bool
		nobody bool
		want   idp.Verdict // "": an assertion
		posted []time.Duration
		told   []string
	}{
		{name: "approved", room: waitingRoom{polls: 3, holds: holds}, posted: seconds(3), told: []string{look}},
		{name: "approved late", room: waitingRoom{polls: 100, holds: holds}, posted: seconds(100), told: []string{look}},
		{name: "never", room: waitingRoom{holds: holds}, want: idp.MFATimeout, posted: seconds(118), told: []string{look}},
		{name: "another number", room: waitingRoom{polls: 4, holds: holds, number: func(n int) string { return fmt.Sprintf(" Number %d", 42+n/3) }}, posted: seconds(4),
			told: []string{look + " Number 42", look + " Number 43"}},
		{name: "a server that blocks", room: waitingRoom{polls: 1, holds: 90 * time.Second}, blocks: true, posted: []time.Duration{0}, told: []string{look}},
		{name: "one that answers with the same page", room: waitingRoom{polls: 2, holds: 40 * time.Second}, blocks: true, want: idp.MFATimeout, posted: []time.Duration{0}, told: []string{look}},
		{name: "one that blocks for ever", room: waitingRoom{polls: 1, holds: time.Hour}, blocks: true, want: idp.MFATimeout, posted: []time.Duration{0}, told: []string{look}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			value := assertion()
			synctest.Test(t, func(t *testing.T) {
				answers, waits := idptest.NewAnswers(nil), []string(nil)
				begin := time.Now()
				err := waitAt(t.Context(), t, c.room.site(value), nil, answers, c.blocks, &waits)
				took := time.Since(begin)
				synctest.Wait() // the server notices that nobody waits
				switch {
				case c.want == "" && err != nil:
					t.Errorf("Run = %v", err)
				case c.want != "":
					wantVerdict(t, err, c.want)
				}
				if took > 120*time.Second {
					t.Errorf("Run took %v", took)
				}
				if !slices.Equal(c.room.posted, c.posted) {
					t.Errorf("posted after %v, want %v", c.room.posted, c.posted)
				}
				if got := answers.Told(); !slices.Equal(got, c.told) {
					t.Errorf("told %q, want %q", got, c.told)
				}
				if want := []string{"begin your approval", "end your approval"}; !slices.Equal(waits, want) {
					t.Errorf("waits %q, want %q", waits, want)
				}
			})
		})
	}
}

// TestAwaitTime: what the person took for the approval is not taken off the time for the
// pages after it.
func TestAwaitTime(t *testing.T) {
	value := assertion()
	synctest.Test(t, func(t *testing.T) {
		room := waitingRoom{polls: 1, holds: 59 * time.Second}
		inner := room.site(value)
		s := &site{serve: func(s *site, w http.ResponseWriter, r *http.Request, asked string) {
			if n := len(s.requests()); n < 10 { // 243 s before the wait
				time.Sleep(27 * time.Second)
				fmt.Fprintf(w, `<meta http-equiv=refresh content="0;url=/%d">`, n)
				return
			}
			inner.serve(inner, w, r, asked)
		}}
		var waits []string
		if err := waitAt(t.Context(), t, s, nil, idptest.NewAnswers(nil), true, &waits); err != nil {
			t.Errorf("Run = %v", err)
		}
		synctest.Wait()
	})
}

// TestAwaitNobody: where nobody is there the page is not posted, and nobody is told.
func TestAwaitNobody(t *testing.T) {
	t.Parallel()
	room := waitingRoom{polls: 1}
	answers, waits := idptest.NewAnswers(map[string][]string{idp.Approval: {idptest.NoAnswer}}), []string(nil)
	err := waitAt(t.Context(), t, room.site(""), nil, answers, true, &waits)
	var needs *idp.NeedsInputError
	if !errors.As(err, &needs) || needs.Question.Field != idp.Approval {
		t.Errorf("Run = %v, want a *idp.NeedsInputError for the approval", err)
	}
	if len(room.posted)+len(waits)+len(answers.Told()) > 0 {
		t.Errorf("posted %v, told %q, waited %q; want nothing", room.posted, answers.Told(), waits)
	}
}

// TestAwaitElsewhere: a page that waits is posted to trusted origins alone, though nobody
// has typed anything.
func TestAwaitElsewhere(t *testing.T) {
	t.Parallel()
	room := waitingRoom{polls: 1, action: "https://other.example/wait"}
	other := &site{serve: func(*site, http.ResponseWriter, *http.Request, string) {}}
	var waits []string
	err := waitAt(t.Context(), t, room.site(""), other, idptest.NewAnswers(nil), true, &waits)
	var origin *idp.OriginError
	if !errors.As(err, &origin) || len(other.requests()) > 0 {
		t.Errorf("Run = %v, and %q was asked; want a *idp.OriginError, and nothing", err, other.requests())
	}
}

// TestAwaitCancel: the wait ends with its context, as itself and at once.
func TestAwaitCancel(t *testing.T) {
	for _, c := range []struct {
		name   string
		room   waitingRoom
		blocks bool
		after  time.Duration
	}{
		{name: "between two posts", room: waitingRoom{}, after: 2500 * time.Millisecond},
		{name: "under a post that blocks", room: waitingRoom{holds: time.Hour}, blocks: true, after: 20 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				begin := time.Now()
				time.AfterFunc(c.after, cancel)
				var waits []string
				err := waitAt(ctx, t, c.room.site(""), nil, idptest.NewAnswers(nil), c.blocks, &waits)
				if took := time.Since(begin); !errors.Is(err, context.Canceled) || took != c.after {
					t.Errorf("Run = %v after %v, want context.Canceled after %v", err, took, c.after)
				}
				if len(waits) != 2 {
					t.Errorf("waits %q, want a beginning and an end", waits)
				}
				synctest.Wait()
			})
		})
	}
}

// TestAwaitRedirects: polls that are answered by a redirect to the page are polls too, and
// one that is to be repeated is not sent a second time.
func TestAwaitRedirects(t *testing.T) {
	value := assertion()
	for _, c := range []struct {
		status int
		want   idp.Verdict
		posted int
	}{{http.StatusFound, "", 40}, {http.StatusTemporaryRedirect, idp.Unknown, 1}} {
		synctest.Test(t, func(t *testing.T) {
			posted := 0
			s := &site{serve: func(_ *site, w http.ResponseWriter, r *http.Request, asked string) {
				switch {
				case strings.HasPrefix(asked, "POST"):
					posted++
					http.Redirect(w, r, "/wait", c.status)
				case posted == 40:
					_, _ = io.WriteString(w, strings.Replace(final(samlInput), "%s", value, 1))
				default:
					_, _ = io.WriteString(w, `<form id=waits method=post action=/in><input type=hidden name=n value=1></form>`)
				}
			}}
			var waits []string
			err := waitAt(t.Context(), t, s, nil, idptest.NewAnswers(nil), false, &waits)
			if c.want == "" && err != nil {
				t.Errorf("%d: %v", c.status, err)
			} else if c.want != "" {
				wantVerdict(t, err, c.want)
			}
			if posted != c.posted {
				t.Errorf("%d: posted %d times, want %d", c.status, posted, c.posted)
			}
			synctest.Wait()
		})
	}
}

// TestAwaitOnce: a sign-in that has waited for a phone is not begun again.
func TestAwaitOnce(t *testing.T) {
	for name, page := range map[string]string{
		"lost":    `<title>Stale Request</title><h1>Stale Request</h1>`,
		"cookies": "400",
	} {
		synctest.Test(t, func(t *testing.T) {
			posted := 0
			s := &site{serve: func(_ *site, w http.ResponseWriter, _ *http.Request, asked string) {
				if strings.HasPrefix(asked, "POST") {
					posted++
					if page == "400" {
						w.WriteHeader(http.StatusBadRequest)
						page = "<title>Bad Request</title><h2>Bad Request - Request Too Long</h2>"
					}
					_, _ = io.WriteString(w, page)
					return
				}
				_, _ = io.WriteString(w, `<form id=waits method=post action=/in></form>`)
			}}
			var waits []string
			err := waitAt(t.Context(), t, s, nil, idptest.NewAnswers(nil), true, &waits)
			if posted != 1 || err == nil {
				t.Errorf("%s: posted %d times: %v", name, posted, err)
			}
			synctest.Wait()
		})
	}
}

// TestRingingButtons: a button that reaches the person somewhere else is pressed only where
// it is the one thing to do, somebody is there, and once.
func TestRingingButtons(t *testing.T) {
	t.Parallel()
	const login = `<form method=post action=/login><input name=username><input type=password name=password></form>`
	for _, c := range []struct {
		name, fields string
		nobody       bool
		posted       []string // after the password
	}{
		{name: "push before the code", fields: `<input name=otp><button name=f value=push>Send me a push</button><button name=f value=code>Log in</button>`, posted: []string{"POST /mfa otp=123456&f=code"}},
		{name: "another code before", fields: `<input name=otp><button name=f value=1>Send a new code</button><button name=f value=2>Verify</button>`, posted: []string{"POST /mfa otp=123456&f=2"}},
		{name: "resend", fields: `<input name=otp><input type=submit name=f value="Resend"><input type=submit name=f value="OK">`, posted: []string{"POST /mfa otp=123456&f=OK"}},
		{name: "another way before", fields: `<button name=tryAnotherWay value=on>Try another way</button><input name=otp><button name=login value=1>Sign in</button>`, posted: []string{"POST /mfa otp=123456&login=1"}},
		{name: "devices", fields: `<input type=radio name=d value=a checked><input type=radio name=d value=b><input name=otp><input type=submit name=login value="Sign In">`, posted: []string{"POST /mfa d=a&otp=123456&login=Sign+In"}},
		{name: "nothing but a push", fields: `<button name=go value=1>Send me a push</button>`, posted: []string{"POST /mfa go=1"}},
		{name: "nothing but a call", fields: `<input type=submit name=go value="Call me">`, posted: []string{"POST /mfa go=Call+me"}},
		{name: "nothing but a push, nobody there", fields: `<button name=go value=1>Send me a push</button>`, nobody: true},
		{name: "the control: to continue needs nobody", fields: `<button name=go value=1>Continue</button>`, nobody: true, posted: []string{"POST /mfa go=1", "POST /mfa go=1", "POST /mfa go=1", "POST /mfa go=1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := 0
			s := &site{serve: func(_ *site, w http.ResponseWriter, _ *http.Request, asked string) {
				switch {
				case strings.Contains(asked, "otp") || n > 3:
					_, _ = io.WriteString(w, "<p>end")
				case strings.HasPrefix(asked, "POST"):
					n++
					fmt.Fprintf(w, `<form method=post action=/mfa>%s</form><!-- %d -->`, c.fields, n)
				default:
					_, _ = io.WriteString(w, login)
				}
			}}
			script := map[string][]string{"username": {"alice"}, "password": {"right one"}, "otp": {"123456"}}
			if c.nobody {
				script[idp.Approval] = []string{idptest.NoAnswer}
			}
			_, err := walk(t, s, nil, script)
			posted := s.requests()[2:]
			if !slices.Equal(posted, c.posted) {
				t.Errorf("posted %q, want %q (%v)", posted, c.posted, err)
			}
		})
	}
}
