// Package tty talks to the person at the controlling terminal.
package tty

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/term"

	"gatehop/creds/secret"
	"gatehop/idp"
)

// ErrNoTerminal says that nobody can be asked: there is no controlling terminal, or
// the process is not in its foreground process group. A background process that
// reads from the terminal would be stopped, timers and all.
var ErrNoTerminal = errors.New("no terminal")

// Terminal is an idp.Prompter on the controlling terminal. Standard input and output
// may point elsewhere. One question is asked at a time.
type Terminal struct {
	in, out *os.File
	mu      sync.Mutex // guards the screen
	modes   modes      // of the terminal under a question
	drawn   atomic.Pointer[drawing]

	files  sync.RWMutex // held by reads that nobody waits for, so that Close does
	closed bool
}

// Open opens the controlling terminal, or returns ErrNoTerminal.
func Open() (*Terminal, error) {
	in, out, err := open()
	if err != nil {
		return nil, ErrNoTerminal
	}
	t := &Terminal{in: in, out: out}
	if !term.IsTerminal(int(in.Fd())) || !foreground(in) {
		t.Close()
		return nil, ErrNoTerminal
	}
	t.obeyStopKey()
	return t, nil
}

// Close puts the terminal back as it was, also under a question that nobody waits for
// any more, and closes it.
func (t *Terminal) Close() {
	if d := t.drawn.Load(); d != nil {
		d.end()
	}
	t.restore()
	t.forgetStopKey()
	t.files.Lock()
	defer t.files.Unlock()
	t.closed = true
	_ = t.in.Close()
	if t.out != t.in {
		_ = t.out.Close()
	}
}

// Screen is what the terminal shows, for a line that nobody answers; not to be closed, and
// not to be written to under a question.
func (t *Terminal) Screen() *os.File { return t.out }

// Tell writes one line.
func (t *Terminal) Tell(_ context.Context, message string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = fmt.Fprintln(t.out, message)
}

// Ask asks until there is a usable answer, the context ends or the terminal does. An
// end of input is ErrNoAnswer. The terminal's state is restored on every way out, and
// while the process is stopped; the question is shown again after that. The signals
// that end a process must end ctx.
func (t *Terminal) Ask(ctx context.Context, q idp.Question) (secret.Text, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !foreground(t.in) {
		return secret.Text{}, idp.ErrNoAnswer
	}
	if q.Retry != "" {
		_, _ = fmt.Fprintln(t.out, q.Retry)
	}
	answer, err := t.ask(ctx, q, prompt(q, q.Options))
	if err != nil {
		return secret.Text{}, err
	}
	return secret.New(answer), nil
}

// ask asks until there is a usable answer.
func (t *Terminal) ask(ctx context.Context, q idp.Question, prompt string) (string, error) {
	for {
		line, err := t.read(ctx, prompt, q.Public)
		if err != nil {
			return "", err
		}
		answer, problem := choose(q, line)
		if problem == "" {
			return answer, nil
		}
		_, _ = fmt.Fprintln(t.out, problem)
	}
}

// chooseNumber is Choose as a numbered list and a line to type the number into.
func (t *Terminal) chooseNumber(ctx context.Context, l *list) (string, error) {
	q := idp.Question{Field: "number", Label: l.title, Public: true}
	shown := make([]string, 0, len(l.lines))
	for _, of := range l.lines {
		q.Options, shown = append(q.Options, of.answer), append(shown, l.plain(of))
	}
	return t.ask(ctx, q, prompt(q, shown))
}

// prompt is what stands before the cursor: the options as they are shown, numbered, and
// the label.
func prompt(q idp.Question, shown []string) string {
	var b strings.Builder
	label := q.Label
	if label == "" {
		label = strings.ToUpper(q.Field[:1]) + q.Field[1:]
	}
	if yesNo(q) {
		return label + " [y/N] "
	}
	for i, option := range shown {
		fmt.Fprintf(&b, "%*d  %s\n", len(strconv.Itoa(len(q.Options))), i+1, option)
	}
	label = strings.TrimRight(label, ": ")
	b.WriteString(label)
	if len(q.Options) > 0 {
		fmt.Fprintf(&b, " (1-%d)", len(q.Options))
	}
	if q.Default != "" {
		fmt.Fprintf(&b, " [%s]", q.Default)
	}
	if strings.HasSuffix(label, "?") && len(q.Options) == 0 && q.Default == "" {
		return b.String() + " "
	}
	b.WriteString(": ")
	return b.String()
}

func yesNo(q idp.Question) bool {
	return len(q.Options) == 2 && q.Options[0] == "no" && q.Options[1] == "yes"
}

// choose turns a typed line into an answer, or says what is wrong with it.
func choose(q idp.Question, line string) (answer, problem string) {
	text := strings.TrimSpace(line)
	switch {
	case line == "" && q.Default != "":
		return q.Default, ""
	case yesNo(q):
		if strings.EqualFold(text, "y") || strings.EqualFold(text, "yes") {
			return "yes", ""
		}
		return "no", ""
	case len(q.Options) > 0:
		if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= len(q.Options) {
			return q.Options[n-1], ""
		}
		for _, option := range q.Options {
			if option == text {
				return option, ""
			}
		}
		return "", fmt.Sprintf("Type a number from 1 to %d.", len(q.Options))
	case q.Public:
		line = text // a password may begin or end with a space; a name does not
	}
	if line == "" {
		return "", "An answer is needed (Ctrl-C leaves)."
	}
	return line, ""
}
