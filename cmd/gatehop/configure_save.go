package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"gatehop/cmd/gatehop/internal/anyurl"
	"gatehop/cmd/gatehop/internal/awsdisk"
	"gatehop/cmd/gatehop/internal/awsfile"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/creds/secret"
	"gatehop/idp"
)

// draftEdit is a profile as an edit of the config file. Keys that the draft does not
// have stay as they are.
func draftEdit(d profile.Draft) awsfile.Edit {
	e := awsfile.Edit{Kind: awsfile.Config, Section: d.Name}
	for _, v := range d.Values() {
		e.Set = append(e.Set, awsfile.Setting{Name: v.Name, Value: secret.New(v.Value)})
	}
	return e
}

func draftEdits(drafts []profile.Draft) []awsfile.Edit {
	var all []awsfile.Edit
	for _, d := range drafts {
		all = append(all, draftEdit(d))
	}
	return all
}

// isTemporary knows where `go run` and `go test` put the programs that they build: below
// a folder go-build4711.
func isTemporary(path string) bool {
	for _, part := range strings.Split(filepath.ToSlash(path), "/") {
		number, ok := strings.CutPrefix(part, "go-build")
		if ok && number != "" && strings.Trim(number, "0123456789") == "" {
			return true
		}
	}
	return false
}

// helperPath is the program that tools are to start.
func (c *configuring) helperPath() (string, error) {
	path := c.o.helper
	if path == "" {
		own, err := c.executable()
		if err != nil {
			return "", err
		}
		if isTemporary(own) {
			return "", &helperError{Path: own, Problem: "is gone when this run ends (go run)"}
		}
		path = own
	} else if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return "", &helperError{Path: path, Problem: "is no program"}
	} else if _, err := lookPath(path, c.env); err != nil {
		return "", &helperError{Path: path, Problem: "cannot be run"}
	}
	if problem := profile.HelperProblem(path); problem != "" {
		return "", &helperError{Path: path, Problem: problem}
	}
	return path, nil
}

// save shows what will change and writes it.
func (c *configuring) save(ctx context.Context) error {
	drafts := append([]profile.Draft{c.gateway}, c.hops...)
	if c.o.brings() {
		drafts = c.brought
	}
	edit := applyAll(draftEdits(drafts))
	target, before, after, err := awsdisk.Preview(ctx, c.files.Config, edit)
	if err != nil {
		return &configWriteError{File: c.files.Config, Err: err}
	}
	if err := c.readable(drafts, after); err != nil {
		return err
	}
	scanned, result := awsfile.Scan(before), awsfile.Scan(after)
	for _, d := range drafts {
		c.report.Profiles = append(c.report.Profiles, c.reportOf(d, scanned, result))
	}
	c.report.File = target
	moves, err := c.moves(ctx, drafts, result)
	if err != nil {
		return err
	}
	diff := awsfile.Diff(target, before, after)
	if c.o.dryRun {
		return c.showDry(diff, moves)
	}
	if diff == "" && len(moves) == 0 {
		c.say("%s: nothing to change", target)
		return nil
	}
	if err := c.agree(ctx, diff, moves); err != nil {
		return err
	}
	// What tools use today is there until there is something else for them.
	if err := c.writeConfig(ctx, edit); err != nil {
		return err
	}
	return c.move(ctx, moves, result)
}

// readable makes sure that gatehop itself reads what is to be written as it is meant.
func (c *configuring) readable(drafts []profile.Draft, after []byte) error {
	config, err := profile.ReadWritten(c.files, anyurl.Read, after)
	if err != nil {
		return err
	}
	for _, d := range drafts {
		if _, err := config.Chain(d.Name); err != nil {
			return err
		}
	}
	return nil
}

func (c *configuring) showDry(diff string, moves []awsfile.Shadow) error {
	for _, m := range moves {
		c.say("section [%s] of %s would become [%s]", m.Profile, c.files.Credentials, m.MoveTo)
	}
	if diff == "" {
		c.say("nothing would change in %s", c.report.File)
	}
	if c.o.json {
		c.report.Diff = diff
		return nil
	}
	_, err := io.WriteString(c.stdout, diff)
	return err
}

// agree shows the whole change and asks for a yes.
func (c *configuring) agree(ctx context.Context, diff string, moves []awsfile.Shadow) error {
	shown := diff
	for _, m := range moves {
		shown += fmt.Sprintf("--- %s\n+++ %s (after)\n-[%s]\n+[%s]\n", c.files.Credentials, c.files.Credentials, m.Profile, m.MoveTo)
	}
	if !c.quiet || !c.o.yes {
		fmt.Fprint(c.stderr, shown)
	}
	if c.o.yes {
		return nil
	}
	yes, err := c.confirm(ctx, idp.Question{Field: "write", Label: "Write this?", Public: true, Options: []string{"no", "yes"}})
	var needs *idp.NeedsInputError
	switch {
	case errors.As(err, &needs):
		return &missingError{What: "a yes to what is written", Flag: "--yes"}
	case err != nil:
		return err
	case !yes:
		return errNotWritten
	}
	return nil
}

// errNotWritten is a person's no.
var errNotWritten = errors.New("nothing was written")

// writeConfig writes the config file in one step.
func (c *configuring) writeConfig(ctx context.Context, edit func(*awsfile.File) ([]byte, error)) error {
	done, err := c.update(ctx, c.files.Config, edit)
	if err != nil {
		return &configWriteError{File: c.files.Config, Err: err}
	}
	c.report.Changed = done.Changed
	c.app.config = nil // read again by whoever needs it
	if done.Changed {
		c.say("wrote %s", done.Path)
	}
	return nil
}

func (c *configuring) update(ctx context.Context, path string, edit func(*awsfile.File) ([]byte, error)) (awsdisk.Written, error) {
	state, err := c.stateDir()
	if err != nil {
		return awsdisk.Written{}, err
	}
	waiting, cancel := context.WithTimeout(ctx, writeWait)
	defer cancel()
	done, err := awsdisk.Update(waiting, path, awsdisk.Options{Backups: filepath.Join(state, "backups")}, edit)
	if waiting.Err() != nil && err != nil && ctx.Err() == nil {
		err = errBusyFile
	}
	return done, err
}

// movedSection is a section of the credentials file that got another name.
type movedSection struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// moves finds the sections of the credentials file that tools would use instead of what
// is written, and asks whether they may be moved out of the way. config is the config file
// as it will be.
func (c *configuring) moves(ctx context.Context, drafts []profile.Draft, config *awsfile.File) ([]awsfile.Shadow, error) {
	var names []string
	for _, d := range drafts {
		names = append(names, d.Name)
	}
	_, credentials := c.config.Scanned()
	var moves []awsfile.Shadow
	for _, s := range awsfile.Shadows(config, credentials, names) {
		problem := &shadowedError{Shadow: s, File: c.files.Credentials}
		if s.Kind != awsfile.Credentials || s.Refused != nil {
			return nil, problem
		}
		if c.o.moveStatic {
			moves = append(moves, s)
			continue
		}
		if c.isUnattended() || c.o.dryRun {
			return nil, problem
		}
		c.say("%v.", problem)
		yes, err := c.confirm(ctx, idp.Question{Field: "move", Public: true, Options: []string{"no", "yes"},
			Label: fmt.Sprintf("Rename that section to [%s]? Its keys stay as they are", s.MoveTo)})
		if err != nil || !yes {
			return nil, errors.Join(err, problem)
		}
		moves = append(moves, s)
	}
	return moves, nil
}

// move gives sections of the credentials file other names.
func (c *configuring) move(ctx context.Context, moves []awsfile.Shadow, config *awsfile.File) error {
	for _, m := range moves {
		_, err := c.update(ctx, c.files.Credentials, func(f *awsfile.File) ([]byte, error) { return f.Move(config, m.Profile, m.MoveTo) })
		if err != nil {
			return &configWriteError{File: c.files.Credentials, Err: err}
		}
		c.report.Moved = append(c.report.Moved, movedSection{From: m.Profile, To: m.MoveTo})
		c.say("section [%s] of %s is [%s] now", m.Profile, c.files.Credentials, m.MoveTo)
	}
	return nil
}
