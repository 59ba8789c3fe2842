package tty

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"gatehop/idp"
)

func open() (in, out *os.File, err error) {
	if in, err = os.OpenFile("CONIN$", os.O_RDWR, 0); err != nil {
		return nil, nil, err
	}
	if out, err = os.OpenFile("CONOUT$", os.O_RDWR, 0); err != nil {
		_ = in.Close()
		return nil, nil, err
	}
	return in, out, nil
}

// foreground is always true: Windows has no job control that stops a reader.
func foreground(*os.File) bool { return true }

// Windows has no key that stops a process either.
func (t *Terminal) obeyStopKey()   {}
func (t *Terminal) forgetStopKey() {}

// lookEvery is how often a list looks whether its window has changed its size.
const lookEvery = 50 * time.Millisecond

// modes is how the terminal was before the question.
type modes struct {
	mu     sync.Mutex
	before *term.State // nil while no answer is read
}

// read asks and reads one line, echoed or not. Reading from a console cannot be
// cancelled, so it runs beside the context; when that ends first the reader is left
// behind, which is fine for a process that is about to leave.
func (t *Terminal) read(ctx context.Context, prompt string, echo bool) (string, error) {
	type result struct {
		line string
		err  error
	}
	_, _ = io.WriteString(t.out, prompt)
	if err := t.save(); err != nil {
		return "", idp.ErrNoAnswer
	}
	done := make(chan result, 1)
	go func() {
		if !echo {
			line, err := term.ReadPassword(int(t.in.Fd()))
			done <- result{string(line), err}
			return
		}
		line, err := readLine(t.in)
		done <- result{line, err}
	}()
	select {
	case <-ctx.Done():
		t.restore()
		_, _ = fmt.Fprintln(t.out)
		return "", ctx.Err()
	case r := <-done:
		t.restore()
		if !echo || r.err != nil {
			_, _ = fmt.Fprintln(t.out)
		}
		if r.err != nil {
			return "", idp.ErrNoAnswer
		}
		return r.line, nil
	}
}

// save remembers the terminal's state for restore.
func (t *Terminal) save() error {
	t.modes.mu.Lock()
	defer t.modes.mu.Unlock()
	state, err := term.GetState(int(t.in.Fd()))
	t.modes.before = state
	return err
}

// restore sets the state that save remembered; without one it does nothing.
func (t *Terminal) restore() {
	t.modes.mu.Lock()
	defer t.modes.mu.Unlock()
	if t.modes.before != nil {
		_ = term.Restore(int(t.in.Fd()), t.modes.before)
	}
	t.modes.before = nil
}

// readLine reads byte by byte, so that nothing typed ahead for the next question is lost.
func readLine(r io.Reader) (string, error) {
	line, err := bufio.NewReaderSize(oneByte{r}, 16).ReadString('\n')
	if err != nil {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// oneByte hands out one byte at a time whatever is asked for.
type oneByte struct{ r io.Reader }

func (o oneByte) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	return o.r.Read(p[:1])
}
