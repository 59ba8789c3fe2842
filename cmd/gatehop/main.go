// Command gatehop signs a person in at their company's identity provider and hands
// AWS credentials of a gateway account, and of every account behind it, to whatever
// needs them.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"time"

	"gatehop/cmd/gatehop/internal/early"
	"gatehop/cmd/gatehop/internal/environ"
	"gatehop/cmd/gatehop/internal/tty"
	"gatehop/creds/store/keyring"
	"gatehop/idp"
)

func main() { os.Exit(realMain(keyring.Own(os.Environ()))) }

// realMain runs gatehop as the process it is in. The tests' binary calls it too, without
// anybody's keyring.
func realMain(ring keyring.System) int {
	if environ.Vars(os.Environ()).Get(inSandbox) != "" {
		ring = nil
	}
	early.HideMemory()
	log.SetOutput(io.Discard) // net/http quotes servers there; what matters is an error of ours
	return run(context.Background(), process{
		args: os.Args[1:], env: os.Environ(), looked: early.Looked(),
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		now:        time.Now,
		patience:   unattendedLimit * pace,
		keyring:    ring,
		executable: os.Executable,
		terminal:   openTerminal,
		tickets:    defaultTickets,
		signals: func(ctx context.Context) (context.Context, context.CancelFunc) {
			return signal.NotifyContext(ctx, endSignals()...)
		},
	})
}

func openTerminal() (terminal, error) {
	t, err := tty.Open()
	if err != nil {
		return nil, err
	}
	return t, nil
}

// terminal is a person at the controlling terminal.
type terminal interface {
	idp.Prompter
	Choose(ctx context.Context, c tty.Choice, look tty.Look) (string, error)
	Close()
}
