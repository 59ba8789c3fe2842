//go:build unix

// Command once runs commands in turn, A B C A B C ..., and prints what each run took:
//
//	once RUNS [NAME=VALUE...] COMMAND [ARG...] -- [NAME=VALUE...] COMMAND [ARG...] ...
//
// REMOVE=DIR removes DIR before each run of the command, which is not counted. A line for
// each run: the number of the command, then wall, user and system time in
// nanoseconds and the peak of its memory in the system's unit (KiB on Linux). It is a
// program of its own, with nothing in it, because the system counts the memory of the
// starter as the started one's until it has become another program.
package main

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type command struct {
	path, remove string
	args, env    []string
}

func main() {
	if err := once(os.Args[1:]); err != nil {
		os.Stderr.WriteString("once: " + err.Error() + "\n")
		os.Exit(1)
	}
}

func once(args []string) error {
	runs, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	commands := parse(args[1:])
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	for i := range commands {
		if commands[i].path, err = exec.LookPath(commands[i].args[0]); err != nil {
			return err
		}
	}
	var out strings.Builder
	for run := -1; run < runs; run++ { // the first is not counted: it fills the caches of the disk
		for i, c := range commands {
			if c.remove != "" {
				if err := os.RemoveAll(c.remove); err != nil {
					return err
				}
			}
			line, err := c.run(null)
			if err != nil {
				return err
			}
			if run >= 0 {
				out.WriteString(strconv.Itoa(i) + line)
			}
		}
	}
	_, err = os.Stdout.WriteString(out.String())
	return err
}

func parse(words []string) (commands []command) {
	c := command{env: os.Environ()}
	for _, word := range append(words, "--") {
		switch {
		case word == "--":
			commands = append(commands, c)
			c = command{env: os.Environ()}
		case len(c.args) == 0 && strings.HasPrefix(word, "REMOVE="):
			c.remove = strings.TrimPrefix(word, "REMOVE=")
		case len(c.args) == 0 && strings.Contains(word, "="):
			c.env = append(c.env, word)
		default:
			c.args = append(c.args, word)
		}
	}
	return commands
}

func (c command) run(null *os.File) (string, error) {
	begin := time.Now()
	p, err := os.StartProcess(c.path, c.args, &os.ProcAttr{Env: c.env, Files: []*os.File{null, null, null}})
	if err != nil {
		return "", err
	}
	state, err := p.Wait()
	wall := time.Since(begin)
	if err != nil {
		return "", err
	}
	if !state.Success() {
		return "", errors.New(strings.Join(c.args, " ") + ": " + state.String())
	}
	line := ""
	for _, n := range []int64{int64(wall), int64(state.UserTime()), int64(state.SystemTime()), int64(state.SysUsage().(*syscall.Rusage).Maxrss)} {
		line += " " + strconv.FormatInt(n, 10)
	}
	return line + "\n", nil
}
