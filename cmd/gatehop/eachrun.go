package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

const (
	longestLine = 64 << 10 // of a command: longer ones are passed on in pieces
	keptOutput  = 1 << 20  // of a command, for --json
	// outputWait is how long a command's output is waited for after its end: it may have
	// left something behind that never closes it.
	outputWait = 2 * time.Second
)

// eachRun runs one command for each of many profiles.
type eachRun struct {
	a        *app
	path     string
	argv     []string
	options  eachOptions
	targets  []target
	prefixes [][2]string

	screen sync.Mutex // one writes at a time
	begun  bool       // JSON was

	starting sync.Mutex // one begins at a time: none waits for mu after it has caught up

	mu      sync.Mutex
	next    int  // target
	stopped bool // none is begun any more
	signals int  // that asked to end
	running map[*os.Process]bool
	asked   chan chan<- struct{} // whether all signals were heard; answered by closing
}

// all runs the commands in the order of the profiles. An error is one of writing.
func (r *eachRun) all(ctx context.Context) ([]eachResult, error) {
	r.running = map[*os.Process]bool{}
	defer r.relay()()
	results := make([]eachResult, len(r.targets))
	var problems [mostParallel]error
	r.stopped = r.options.failFast && anyFailed(r.targets)
	var wg sync.WaitGroup
	for n := range r.options.parallel {
		wg.Go(func() {
			for i, ok := r.take(); ok; i, ok = r.take() {
				results[i] = r.one(ctx, i)
				if results[i].err != nil && r.options.failFast {
					r.stop()
				}
				problems[n] = errors.Join(problems[n], r.report(results[i]))
			}
		})
	}
	wg.Wait()
	r.catchUp() // the last of them may have ended by a Ctrl-C
	for i := range results {
		if results[i].Result == "" {
			results[i] = r.unbegun(i)
			problems[0] = errors.Join(problems[0], r.report(results[i]))
		}
	}
	return results, errors.Join(append(problems[:], r.endReport())...)
}

// take is the next target, unless there is none or none is to be begun.
func (r *eachRun) take() (i int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped || r.next == len(r.targets) {
		return 0, false
	}
	r.next++
	return r.next - 1, true
}

func (r *eachRun) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
}

// unbegun is what became of a target whose command was not begun.
func (r *eachRun) unbegun(i int) eachResult {
	result := eachResult{Profile: r.targets[i].name, Result: eachSkipped}
	if err := r.targets[i].err; err != nil {
		result.fail(err)
	}
	return result
}

func (r *eachRun) one(ctx context.Context, i int) eachResult {
	t := r.targets[i]
	if t.err != nil {
		return r.unbegun(i)
	}
	result := eachResult{Profile: t.name, Result: eachOK}
	env, err := r.a.eachEnviron(ctx, t.chain, &result)
	if err == nil {
		err = r.run(i, env, &result)
	}
	switch {
	case err == nil:
		result.Status = new(0)
	case errors.Is(err, context.Canceled): // it was not this profile's fault
		return r.unbegun(i)
	default:
		result.fail(err)
	}
	return result
}

// run runs the command of target i and fills in what it wrote.
func (r *eachRun) run(i int, env []string, result *eachResult) error {
	var kept capped
	out := &lines{run: r, to: r.a.stdout, prefix: r.prefixes[i][0]}
	errs := &lines{run: r, to: r.a.stderr, prefix: r.prefixes[i][1]}
	cmd := &exec.Cmd{Path: r.path, Args: r.argv, Env: env, Stdout: out, Stderr: errs, WaitDelay: outputWait}
	if r.options.json {
		cmd.Stdout = &kept
	}
	if err := r.start(cmd); err != nil {
		return err
	}
	err := cmd.Wait()
	r.mu.Lock()
	delete(r.running, cmd.Process)
	r.mu.Unlock()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil
	}
	err = errors.Join(err, out.end(), errs.end())
	if r.options.json {
		result.Output, result.Cut = new(kept.text.String()), kept.cut
	}
	return exitOf(cmd, err)
}

// report prints one result as an element of an array, if JSON is asked for.
func (r *eachRun) report(result eachResult) error {
	if !r.options.json {
		return nil
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("  ", "  ")
	if err := e.Encode(result); err != nil {
		return err
	}
	r.screen.Lock()
	defer r.screen.Unlock()
	before := "[\n  "
	if r.begun {
		before = ",\n  "
	}
	r.begun = true
	_, err := io.WriteString(r.a.stdout, before+string(bytes.TrimSuffix(text.Bytes(), []byte("\n"))))
	return err
}

func (r *eachRun) endReport() error {
	if !r.options.json {
		return nil
	}
	_, err := io.WriteString(r.a.stdout, "\n]\n")
	return err
}

// capped keeps the first keptOutput bytes of what is written to it.
type capped struct {
	text bytes.Buffer
	cut  bool
}

func (c *capped) Write(data []byte) (int, error) {
	room := keptOutput - c.text.Len()
	c.cut = c.cut || len(data) > room
	c.text.Write(data[:min(len(data), room)])
	return len(data), nil
}

// lines passes on what is written to it in whole lines, each behind a prefix.
type lines struct {
	run    *eachRun
	to     io.Writer
	prefix string
	rest   []byte // of a line without an end
}

func (l *lines) Write(data []byte) (int, error) {
	l.rest = append(l.rest, data...)
	end := bytes.LastIndexByte(l.rest, '\n') + 1
	if len(l.rest)-end > longestLine {
		end = len(l.rest)
	}
	if end == 0 {
		return len(data), nil
	}
	whole := l.rest[:end]
	l.rest = bytes.Clone(l.rest[end:])
	return len(data), l.pass(whole)
}

// end passes on the rest.
func (l *lines) end() error {
	if len(l.rest) == 0 {
		return nil
	}
	return l.pass(l.rest)
}

// pass writes lines at once, so that those of others stand between them and not in them.
func (l *lines) pass(text []byte) error {
	var b bytes.Buffer
	for line := range bytes.Lines(text) {
		b.WriteString(l.prefix)
		b.Write(line)
		if line[len(line)-1] != '\n' {
			b.WriteByte('\n')
		}
	}
	l.run.screen.Lock()
	defer l.run.screen.Unlock()
	_, err := l.to.Write(b.Bytes())
	return err
}
