package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"gatehop/cmd/gatehop/internal/near"
)

func manCommand(a *app) *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use: "man [COMMAND]", Short: "print the manual page of gatehop, or of a command",
		Long: `Prints a manual page, made of the words that --help prints. With --dir, writes
the pages of gatehop and of all commands into that folder, as gatehop.1,
gatehop-login.1 and so on: for who packages gatehop, or for a folder man1 in
MANPATH.`,
		Example: `  gatehop man | man -l -                              # -l is of man-db
  gatehop man login > "$HOME/gatehop-login.1"
  gatehop man --dir "$HOME/.local/share/man/man1"`,
		Args: args(0, 1, "one COMMAND"),
		ValidArgsFunction: func(c *cobra.Command, given []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(given) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return commandNames(c.Root()), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, given []string) error {
			if dir != "" && len(given) > 0 {
				return &usageError{text: "--dir writes the pages of all commands", command: "gatehop man"}
			}
			if dir != "" {
				return writeManPages(c.Root(), dir)
			}
			page := c.Root()
			if len(given) > 0 {
				if page = subcommand(c.Root(), given[0]); page == nil {
					return &usageError{text: fmt.Sprintf("unknown command %q", given[0]), near: near.Nearest(given[0], commandNames(c.Root())), noCommand: true}
				}
			}
			_, err := io.WriteString(a.stdout, manPage(page))
			return err
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "write all pages into this folder, which is made")
	_ = c.MarkFlagDirname("dir") // the flag is there
	return c
}

func subcommand(root *cobra.Command, name string) *cobra.Command {
	for _, c := range root.Commands() {
		if c.Name() == name && c.IsAvailableCommand() {
			return c
		}
	}
	return nil
}

func writeManPages(root *cobra.Command, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, c := range append([]*cobra.Command{root}, root.Commands()...) {
		if c != root && !c.IsAvailableCommand() {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, manName(c)+".1"), []byte(manPage(c)), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func manName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// manPage is the page of a command in the man macros of roff (groff_man(7), mandoc's
// man(7)), of nothing but what --help prints.
func manPage(c *cobra.Command) string {
	c.InitDefaultHelpFlag()
	c.InitDefaultVersionFlag()
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1 \"\" \"gatehop %s\" \"gatehop\"\n", strings.ToUpper(roff(manName(c))), roff(versionReport()["version"]))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(manName(c)), roffLine(c.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", roff(c.UseLine()))
	fmt.Fprintf(&b, ".SH DESCRIPTION\n%s", roffText(c.Long))
	if !c.HasParent() {
		b.WriteString(".SH COMMANDS\n")
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(strings.Replace(sub.Use, "[flags] ", "", 1)), roffLine(sub.Short))
			}
		}
	}
	manFlags(&b, "OPTIONS", c.NonInheritedFlags())
	manFlags(&b, "OPTIONS OF ALL COMMANDS", c.InheritedFlags())
	if c.Example != "" {
		fmt.Fprintf(&b, ".SH EXAMPLES\n.nf\n%s.fi\n", roffLines(c.Example))
	}
	manAlso(&b, c)
	return b.String()
}

func manFlags(b *strings.Builder, title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		names := "\\fB\\-\\-" + roff(f.Name) + "\\fR"
		if f.Shorthand != "" {
			names = "\\fB\\-" + roff(f.Shorthand) + "\\fR, " + names
		}
		switch {
		case f.NoOptDefVal != "" && value != "": // may stand without a value
			names += "[=\\fI" + roff(value) + "\\fR]"
		case value != "":
			names += " \\fI" + roff(value) + "\\fR"
		}
		fmt.Fprintf(b, ".TP\n%s\n%s\n", names, roffLine(usage))
	})
}

func manAlso(b *strings.Builder, c *cobra.Command) {
	var names []string
	for _, other := range append([]*cobra.Command{c.Root()}, c.Root().Commands()...) {
		if other != c && (other == c.Root() || other.IsAvailableCommand()) {
			names = append(names, "\\fB"+roff(manName(other))+"\\fR(1)")
		}
	}
	fmt.Fprintf(b, ".SH SEE ALSO\n%s\n", strings.Join(names, ",\n"))
}

// roff is text without what roff would do something with. A minus sign is that of ASCII,
// which can be pasted into a shell.
func roff(text string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", "\\`", "^", `\(ha`, "~", `\(ti`, `"`, `\(dq`).Replace(text)
}

// roffLine is one line of text, which must not look like a request.
func roffLine(text string) string {
	text = roff(strings.ReplaceAll(strings.TrimSpace(text), "\n", " "))
	if strings.HasPrefix(text, ".") {
		return `\&` + text
	}
	return text
}

// roffText is text in paragraphs; one with columns or indented lines stays as it is.
func roffText(text string) string {
	var all []string
	for _, paragraph := range strings.Split(strings.TrimSpace(text), "\n\n") {
		lines := roffLines(paragraph)
		if strings.Contains(paragraph, "   ") || strings.HasPrefix(paragraph, "  ") || strings.Contains(paragraph, "\n  ") {
			lines = ".nf\n" + lines + ".fi\n"
		}
		all = append(all, lines)
	}
	return strings.Join(all, ".PP\n")
}

// roffLines are lines with their blanks.
func roffLines(text string) string {
	var b strings.Builder
	for _, line := range strings.Split(text, "\n") {
		line = roff(strings.TrimRight(line, " "))
		if strings.HasPrefix(line, ".") {
			line = `\&` + line
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}
