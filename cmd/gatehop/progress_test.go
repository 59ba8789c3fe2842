package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gatehop/creds/secret"
	"gatehop/idp"
)

// glass is the screen of a terminal that knows carriage return, backspace and line feed.
type glass struct {
	mu     sync.Mutex
	lines  []string
	at     int
	writes int
}

func (g *glass) Write(data []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.writes++
	if g.lines == nil {
		g.lines = []string{""}
	}
	for _, b := range data {
		line := &g.lines[len(g.lines)-1]
		switch b {
		case '\r':
			g.at = 0
		case '\b':
			g.at = max(0, g.at-1)
		case '\n':
			g.lines, g.at = append(g.lines, ""), 0
		default:
			*line += strings.Repeat(" ", max(0, g.at+1-len(*line)))
			*line = (*line)[:g.at] + string(b) + (*line)[g.at+1:]
			g.at++
		}
	}
	return len(data), nil
}

// written is how many times something was written.
func (g *glass) written() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.writes
}

// String is the screen without blanks at the ends of lines.
func (g *glass) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var lines []string
	for _, line := range g.lines {
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

func onGlass(plain bool) (*progress, *glass) {
	g := &glass{}
	return &progress{w: g, plain: plain, width: func() int { return 60 }, silent: func() bool { return false }}, g
}

func wantGlass(t *testing.T, g *glass, want string) {
	t.Helper()
	synctest.Wait()
	if got := g.String(); got != want {
		t.Errorf("the screen shows %q, want %q", got, want)
	}
}

// TestProgressTime follows one wait: nothing within a second, then the seconds in place,
// and nothing when it is over.
func TestProgressTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, g := onGlass(false)
		end := p.begin("adfs.corp.example")
		time.Sleep(900 * time.Millisecond)
		wantGlass(t, g, "")
		for _, c := range []struct {
			after time.Duration
			want  string
		}{
			{100 * time.Millisecond, "1 s"}, {900 * time.Millisecond, "1 s"}, {100 * time.Millisecond, "2 s"}, {time.Second, "3 s"},
			{56500 * time.Millisecond, "59 s"}, {500 * time.Millisecond, "1 min 0 s"}, {65 * time.Second, "2 min 5 s"},
		} {
			time.Sleep(c.after)
			wantGlass(t, g, "waiting for adfs.corp.example: "+c.want)
		}
		end()
		wantGlass(t, g, "")
		writes := g.writes
		time.Sleep(time.Minute)
		if wantGlass(t, g, ""); g.writes != writes {
			t.Errorf("%d writes after the end", g.writes-writes)
		}
		end = p.begin("adfs.corp.example") // what is quick has no line
		time.Sleep(999 * time.Millisecond)
		end()
		if wantGlass(t, g, ""); g.writes != writes {
			t.Errorf("%d writes for less than a second", g.writes-writes)
		}
	})
}

// TestProgressGoesOn wants requests one after the other to be one wait, unless they are of
// another host, or some time apart.
func TestProgressGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, g := onGlass(false)
		for range 4 {
			end := p.begin("adfs.corp.example")
			time.Sleep(700 * time.Millisecond)
			end()
			time.Sleep(10 * time.Millisecond)
		}
		end := p.begin("adfs.corp.example")
		wantGlass(t, g, "waiting for adfs.corp.example: 2 s")
		end()
		end = p.begin("sts.amazonaws.com")
		wantGlass(t, g, "")
		other := p.begin("another.example")
		time.Sleep(2 * time.Second)
		wantGlass(t, g, "waiting for sts.amazonaws.com: 2 s") // the first of two
		end()
		wantGlass(t, g, "waiting for another.example: 2 s")
		other()
		time.Sleep(time.Second)
		end = p.begin("another.example")
		wantGlass(t, g, "")
		end()
	})
}

// TestProgressBeside writes lines and asks questions while something is waited for: none
// of them stands in a line with the progress, and it is not there under a question.
func TestProgressBeside(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, g := onGlass(false)
		stderr := &besideProgress{p: p, w: g}
		end := p.begin("adfs.corp.example")
		time.Sleep(3 * time.Second)
		fmt.Fprintln(stderr, "gatehop: warning: something")
		wantGlass(t, g, "gatehop: warning: something\nwaiting for adfs.corp.example: 3 s")
		release := p.hold()
		fmt.Fprint(g, "Password: ")
		time.Sleep(10 * time.Second)
		wantGlass(t, g, "gatehop: warning: something\nPassword:")
		fmt.Fprintln(g)
		release()
		wantGlass(t, g, "gatehop: warning: something\nPassword:")
		time.Sleep(time.Second) // the person's time does not count
		wantGlass(t, g, "gatehop: warning: something\nPassword:\nwaiting for adfs.corp.example: 1 s")
		// The control: what is written past it stands in one line with it.
		fmt.Fprintln(g, " and garbage")
		if !strings.Contains(g.String(), "1 s and garbage") {
			t.Errorf("the screen shows no interleaving: %q", g.String())
		}
		end()
	})
}

// TestProgressPlain wants one line that stays for a terminal that can only append, after
// two seconds, and none where nobody reads it.
func TestProgressPlain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, g := onGlass(true)
		end := p.begin("adfs.corp.example")
		time.Sleep(1900 * time.Millisecond)
		wantGlass(t, g, "")
		time.Sleep(10 * time.Second)
		wantGlass(t, g, "waiting for adfs.corp.example")
		end()
		end = p.begin("adfs.corp.example")
		time.Sleep(10 * time.Second)
		wantGlass(t, g, "waiting for adfs.corp.example")
		end()

		p, g = onGlass(false)
		p.silent = func() bool { return true }
		end = p.begin("adfs.corp.example")
		time.Sleep(10 * time.Second)
		wantGlass(t, g, "")
		end()
		if g.writes != 0 {
			t.Errorf("%d writes that nobody reads", g.writes)
		}
	})
}

// TestProgressFits wants a line no longer than the terminal: a longer one would not be
// written in its place.
func TestProgressFits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, g := onGlass(false)
		p.width = func() int { return 20 }
		end := p.begin("a-long-name.of-a-server.corp.example")
		time.Sleep(1500 * time.Millisecond)
		wantGlass(t, g, "waiting for a-lon..")
		end()
		wantGlass(t, g, "")
	})
}

// slowly answers after a time, and gives its body after a time.
type slowly struct{ answer, body time.Duration }

func (s slowly) RoundTrip(*http.Request) (*http.Response, error) {
	time.Sleep(s.answer)
	return &http.Response{StatusCode: 200, Body: io.NopCloser(slowBody(s))}, nil
}

type slowBody slowly

func (s slowBody) Read([]byte) (int, error) { time.Sleep(s.body); return 0, io.EOF }

// TestProgressOfRequests wants the answer and its body waited for, and a body that nobody
// reads or closes not.
func TestProgressOfRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, g := onGlass(false)
		client := http.Client{Transport: patient{slowly{1500 * time.Millisecond, 2 * time.Second}, p}}
		got := make(chan *http.Response)
		go func() {
			resp, err := client.Get("https://adfs.corp.example:8443/adfs/ls?secret=1")
			if err != nil {
				t.Error(err)
			}
			got <- resp
			_, _ = io.ReadAll(resp.Body)
		}()
		time.Sleep(1200 * time.Millisecond)
		wantGlass(t, g, "waiting for adfs.corp.example: 1 s")
		resp := <-got
		time.Sleep(time.Second)
		wantGlass(t, g, "waiting for adfs.corp.example: 2 s")
		time.Sleep(5 * time.Second)
		wantGlass(t, g, "")
		_ = resp.Body.Close()
	})
}

// askSlowly is a person who takes a while.
type askSlowly struct{}

func (askSlowly) Ask(context.Context, idp.Question) (secret.Text, error) {
	time.Sleep(5 * time.Second)
	return secret.New("x"), nil
}
func (askSlowly) Tell(context.Context, string) {}

// TestProgressUnderQuestion wants every question to take the line away.
func TestProgressUnderQuestion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, g := onGlass(false)
		defer p.begin("adfs.corp.example")()
		time.Sleep(2 * time.Second)
		person := noticed{askSlowly{}, &waits{progress: p}}
		go func() { _, _ = person.Ask(t.Context(), idp.Question{}) }()
		time.Sleep(3 * time.Second)
		wantGlass(t, g, "")
		time.Sleep(4 * time.Second)
		wantGlass(t, g, "waiting for adfs.corp.example: 2 s")
	})
}

// TestProgressParts follows a piece of work in many parts: from the first part on it is
// the line, whatever else is waited for, and gone at the end.
func TestProgressParts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, g := onGlass(false)
		done, end := p.tally("refreshing", 5000)
		other := p.begin("sts.example")
		time.Sleep(1100 * time.Millisecond)
		wantGlass(t, g, "waiting for sts.example: 1 s")
		done(false)
		wantGlass(t, g, "refreshing: 1 of 5000: 1 s")
		done(false)
		done(true)
		time.Sleep(time.Second)
		wantGlass(t, g, "refreshing: 3 of 5000, 1 failed: 2 s")
		other()
		wantGlass(t, g, "refreshing: 3 of 5000, 1 failed: 2 s")
		before := g.written()
		for range 1000 { // a thousand in a second
			p.begin("sts.example")()
			done(false)
			time.Sleep(time.Millisecond)
		}
		if n := g.written() - before; n < 5 || n > 15 {
			t.Errorf("%d lines in a second, want about ten", n)
		}
		time.Sleep(time.Second)
		wantGlass(t, g, "refreshing: 1003 of 5000, 1 failed: 4 s")
		end()
		wantGlass(t, g, "")
	})
}

// TestProgressPartsPlain wants one line that stays, and none for one part or where there
// is no line.
func TestProgressPartsPlain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, g := onGlass(true)
		done, end := p.tally("refreshing", 500)
		for range 5 {
			done(false)
			time.Sleep(900 * time.Millisecond)
		}
		end()
		wantGlass(t, g, "refreshing: 3 of 500")
		p, g = onGlass(false)
		done, end = p.tally("refreshing", 1)
		done(false)
		time.Sleep(3 * time.Second)
		end()
		wantGlass(t, g, "")
		var none *progress
		done, end = none.tally("refreshing", 500)
		done(false)
		end()
	})
}
