package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"gatehop/cmd/gatehop/internal/near"
)

// commandError is err, but with what cobra has no type for as a usageError.
func commandError(root *cobra.Command, err error) error {
	if err == nil {
		return nil
	}
	rest, ok := strings.CutPrefix(err.Error(), "unknown command ")
	if !ok {
		return err
	}
	quoted, quoteErr := strconv.QuotedPrefix(rest)
	typed, unquoteErr := strconv.Unquote(quoted)
	if errors.Join(quoteErr, unquoteErr) != nil {
		return err
	}
	return unknownCommand(root, typed)
}

func unknownCommand(root *cobra.Command, typed string) error {
	return &usageError{text: fmt.Sprintf("unknown command %q", typed), near: near.Nearest(typed, commandNames(root)), noCommand: true}
}

func commandNames(root *cobra.Command) []string {
	var names []string
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return names
}

// flagError is what pflag says of a command line, with the nearest flag.
func flagError(c *cobra.Command, err error) error {
	e := &usageError{text: err.Error(), command: c.CommandPath()}
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return e
	}
	typed := unknown.GetSpecifiedName()
	e.text = fmt.Sprintf("unknown flag %q", "--"+typed)
	if group := unknown.GetSpecifiedShortnames(); group != "" { // which may hold a value, and is not shown
		e.text = fmt.Sprintf("unknown flag %q", "-"+typed)
		typed = group
	}
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	if meant := near.Nearest(typed, names); meant != "" {
		e.near = "--" + meant
	}
	return e
}
