// Package askpass asks, or tells, what stands in for the person: a configured program, or a stream with one line.
package askpass

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gatehop/creds/secret"
	"gatehop/idp"
)

const (
	maxOutput = 64 << 10 // bytes of a program's standard output, and of a line
	maxWords  = 4 << 10  // bytes of its standard error that are kept
	timeLimit = 30 * time.Second
	lastGasp  = 500 * time.Millisecond // for pipes that a killed program's children hold
)

// Command is a program that answers one question, or shows one message.
type Command struct {
	Key   string   // the configuration key that names it, for errors
	Words []string // the program, as an absolute path or a bare name, and its arguments
	Env   []string // the caller's environment; the program gets the allowed part of it

	limit time.Duration // 0: timeLimit
}

// Error reports a program that gave no answer.
type Error struct {
	Key, Program string // Program is the base name alone
	Problem      string // the end of a sentence that begins with the program
	Words        string // the program's own on standard error, cleaned; "" if there are none
	Config       bool   // the configuration or the file system is at fault: nothing was run
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %s %s", e.Key, e.Program, e.Problem)
	if e.Words != "" {
		text += fmt.Sprintf(": %q", e.Words)
	}
	return text
}

// Run runs the program and returns the first line that it prints. It is run without a
// shell, in the root folder, with nothing on its standard input and the allow-listed
// part of the environment (Allowed), for at most 30 s and as long as ctx lets it. What
// it says on standard error is shown only if it fails. The error is an *Error, also when
// the time of ctx is up, or context.Canceled.
func (c Command) Run(ctx context.Context) (secret.Text, error) {
	path, problem := find(c.Words[0], c.Env)
	if problem != "" {
		return secret.Text{}, &Error{Key: c.Key, Program: base(c.Words[0]), Problem: problem, Config: true}
	}
	limit := c.limit
	if limit == 0 {
		limit = timeLimit
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var out, words bounded
	out.limit, words.limit, words.drops = maxOutput, maxWords, true
	cmd := exec.CommandContext(limited, path, c.Words[1:]...)
	cmd.Dir, cmd.Env = neutralDir(c.Env), Allowed(c.Env)
	cmd.Stdout, cmd.Stderr = &out, &words
	cmd.WaitDelay = lastGasp
	err := cmd.Run()
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return secret.Text{}, c.Late()
	case ctx.Err() != nil:
		return secret.Text{}, ctx.Err()
	}
	fail := func(problem string) error {
		return &Error{Key: c.Key, Program: base(c.Words[0]), Problem: problem}
	}
	said := func(problem string) error {
		return &Error{Key: c.Key, Program: base(c.Words[0]), Problem: problem, Words: words.clean(out.text)}
	}
	var exit *exec.ExitError
	switch {
	case out.over:
		return secret.Text{}, fail(fmt.Sprintf("prints more than %d bytes", maxOutput))
	case limited.Err() != nil:
		return secret.Text{}, said(fmt.Sprintf("has not answered in %v", limit))
	case errors.As(err, &exit):
		return secret.Text{}, said("ends with " + exit.ProcessState.String())
	case errors.Is(err, exec.ErrWaitDelay): // it has answered; what it left running is not waited for
	case err != nil:
		return secret.Text{}, &Error{Key: c.Key, Program: base(c.Words[0]), Problem: "cannot be run: " + reason(err), Config: true}
	}
	answer, problem := line(out.firstLine())
	if problem != "" {
		return secret.Text{}, fail("prints " + problem)
	}
	return answer, nil
}

// Late is the error of a program that somebody's time was too short for.
func (c Command) Late() *Error {
	return &Error{Key: c.Key, Program: base(c.Words[0]), Problem: "has not answered in time"}
}

// reason is what the system says of a program, without its path and arguments.
func reason(err error) string {
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err.Error()
}

// line is the answer in the bytes of one line without its end.
func line(text []byte) (answer secret.Text, problem string) {
	switch {
	case len(text) == 0:
		return secret.Text{}, "an empty line"
	case !utf8.Valid(text):
		return secret.Text{}, "a line that is not UTF-8"
	case bytes.ContainsFunc(text, unicode.IsControl):
		return secret.Text{}, "a line with control characters"
	}
	return secret.New(string(text)), ""
}

// bounded keeps the first bytes that are written to it.
type bounded struct {
	text  []byte
	limit int
	drops bool // what is too much is dropped, and is no error
	over  bool
}

var errOver = errors.New("too much output")

func (b *bounded) Write(p []byte) (int, error) {
	room := b.limit - len(b.text)
	if len(p) <= room {
		b.text = append(b.text, p...)
		return len(p), nil
	}
	b.text, b.over = append(b.text, p[:room]...), true
	if b.drops {
		return len(p), nil
	}
	return room, errOver
}

// firstLine is what was written up to the first line end.
func (b *bounded) firstLine() []byte {
	first, _, _ := bytes.Cut(b.text, []byte("\n"))
	return bytes.TrimRight(first, "\r")
}

// clean makes what was written fit to be shown, without any line of printed, where the
// answer may be. What cannot be told apart from printed is not shown at all.
func (b *bounded) clean(printed []byte) string {
	var lines []secret.Text
	for l := range bytes.Lines(printed) {
		l = bytes.TrimSpace(l)
		if _, problem := line(l); len(l) > 0 && (problem != "" || len(l) < 4) { // a short one would show by the gaps what it is
			return ""
		}
		lines = append(lines, secret.New(string(l)))
	}
	return idp.CleanWords(string(b.text), lines...)
}

// LineError reports a stream without a usable line.
type LineError struct{ Problem string } // the end of a sentence that begins with the stream

func (e *LineError) Error() string { return "it gives " + e.Problem }

// ReadLine reads one line of r and not a byte more, so that whoever reads r next gets
// the rest. A last line without an end counts. It returns when ctx ends, even if the
// read does not. The error is a *LineError or ctx's.
func ReadLine(ctx context.Context, r io.Reader) (secret.Text, error) {
	type result struct {
		text []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := readLine(r)
		done <- result{text, err}
	}()
	select {
	case got := <-done:
		if got.err != nil {
			return secret.Text{}, got.err
		}
		answer, problem := line(bytes.TrimRight(got.text, "\r"))
		if problem != "" {
			return secret.Text{}, &LineError{Problem: problem}
		}
		return answer, nil
	case <-ctx.Done():
		return secret.Text{}, ctx.Err()
	}
}

func readLine(r io.Reader) ([]byte, error) {
	var text []byte
	one := make([]byte, 1)
	for empty := 0; empty < 100; {
		n, err := r.Read(one)
		switch {
		case n == 1 && one[0] == '\n':
			return text, nil
		case n == 1 && len(text) == maxOutput:
			return nil, &LineError{Problem: fmt.Sprintf("a line of more than %d bytes", maxOutput)}
		case n == 1:
			text, empty = append(text, one[0]), 0
		default:
			empty++
		}
		if errors.Is(err, io.EOF) && len(text) > 0 {
			return text, nil
		}
		if errors.Is(err, io.EOF) {
			return nil, &LineError{Problem: "nothing"}
		}
		if err != nil {
			return nil, &LineError{Problem: "an error: " + reason(err)}
		}
	}
	return nil, &LineError{Problem: "nothing"}
}

// base is the last element of a path with either kind of slash.
func base(program string) string { return program[strings.LastIndexAny(program, `/\`)+1:] }
