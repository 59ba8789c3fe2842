package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"gatehop/cmd/gatehop/internal/awsdisk"
	"gatehop/cmd/gatehop/internal/awsfile"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/creds"
	"gatehop/creds/secret"
	"gatehop/creds/sink"
)

// writing is one section of the credentials file and what is to stand there.
type writing struct {
	Profile string // whose credentials they are
	Section string
	Region  string // "" removes the key
	Session creds.Credentials
}

// defaultSection is where the credentials of a profile are written unless the command
// line says otherwise: never the profile's own name, which keys there would shadow.
func defaultSection(profile string) string { return profile + "-session" }

// writeError reports that a section was not written. The file is whole.
type writeError struct {
	File    string
	Profile string // whose credentials they are
	Err     error
}

func (e *writeError) Error() string { return "write credentials to " + e.File + ": " + e.Err.Error() }

// Unwrap returns the reason.
func (e *writeError) Unwrap() error { return e.Err }

// errBusyFile is the reason of a writeError after too long a wait for the file's lock.
var errBusyFile = errors.New("another gatehop is writing there and has not finished")

// shadowError reports a section that would hide another source of credentials.
type shadowError struct {
	Section, Key, File string
	Line               int
}

func (e *shadowError) Error() string {
	return fmt.Sprintf("section %q of the credentials file would hide for ever where that profile gets its credentials: %s:%d has %s",
		e.Section, e.File, e.Line, e.Key)
}

// edits are the writings as edits of the credentials file, their keys as keysOf says.
func edits(ws []writing, overwrite bool, keysOf func(writing) ([]sink.Var, error)) ([]awsfile.Edit, error) {
	var all []awsfile.Edit
	for _, w := range ws {
		keys, err := keysOf(w)
		if err != nil {
			return nil, err
		}
		e := awsfile.Edit{Kind: awsfile.Credentials, Section: w.Section, Owner: w.Profile, Overwrite: overwrite}
		for _, k := range keys {
			e.Set = append(e.Set, awsfile.Setting{Name: k.Name, Value: k.Value})
		}
		if w.Region == "" {
			e.Remove = []string{"region"}
		}
		all = append(all, e)
	}
	return all, nil
}

func (w writing) keys() ([]sink.Var, error) { return sink.Section(w.Session, w.Region) }

// placeholders are the keys before the sign-in: what is not known yet says so.
func (w writing) placeholders() ([]sink.Var, error) {
	later := secret.New("<after the sign-in>")
	keys := []sink.Var{{Name: "aws_access_key_id", Value: later}, {Name: "aws_secret_access_key", Value: later}, {Name: "aws_session_token", Value: later}}
	if w.Region != "" {
		keys = append(keys, sink.Var{Name: "region", Value: secret.New(w.Region)})
	}
	return append(keys, sink.Var{Name: "x_security_token_expires", Value: later}), nil
}

// applyAll makes all edits or none.
func applyAll(all []awsfile.Edit) func(*awsfile.File) ([]byte, error) {
	return func(f *awsfile.File) ([]byte, error) { return f.ApplyAll(all) }
}

// planSections finds every refusal that can be found without the credentials, and what
// would change: the file with links resolved, and a diff for people without a secret.
func (a *app) planSections(ctx context.Context, ws []writing, overwrite bool) (file, diff string, err error) {
	config, err := a.profiles()
	if err != nil {
		return "", "", err
	}
	if err := shadowed(config, ws); err != nil {
		return "", "", err
	}
	files, err := a.awsFiles()
	if err != nil {
		return "", "", err
	}
	all, err := edits(ws, overwrite, writing.placeholders)
	if err != nil {
		return "", "", err
	}
	file, before, after, err := awsdisk.Preview(ctx, files.Credentials, applyAll(all))
	if err != nil {
		return "", "", &writeError{File: files.Credentials, Profile: ws[0].Profile, Err: err}
	}
	a.warnDefault(ws)
	return file, awsfile.Diff(file, before, after), nil
}

// warnDefault says what else a section does that is every tool's own.
func (a *app) warnDefault(ws []writing) {
	for _, w := range ws {
		if w.Section == "default" {
			a.warn(fmt.Errorf("section [default] will hold the credentials of profile %s: every tool that names no profile uses them", w.Profile))
		}
	}
}

func shadowed(config *profile.Config, ws []writing) error {
	for _, w := range ws {
		if key, file, line := config.ConfigSource(w.Section); key != "" {
			return &shadowError{Section: w.Section, Key: key, File: file, Line: line}
		}
	}
	return nil
}

// writeWait is how long other gatehops may take that are writing the same file.
const writeWait = 2 * time.Minute

// writeSections writes all sections in one step, or none. It does not look whether they
// shadow anything: planSections does, before anybody signs in.
func (a *app) writeSections(ctx context.Context, ws []writing, overwrite bool) (awsdisk.Written, error) {
	files, err := a.awsFiles()
	if err != nil {
		return awsdisk.Written{}, err
	}
	state, err := a.stateDir()
	if err != nil {
		return awsdisk.Written{}, err
	}
	all, err := edits(ws, overwrite, writing.keys)
	if err != nil {
		return awsdisk.Written{}, err
	}
	waiting, cancel := context.WithTimeout(ctx, writeWait)
	defer cancel()
	o := awsdisk.Options{Backups: filepath.Join(state, "backups"), Secret: true}
	atRest := a.progress.begin("the lock of " + files.Credentials)
	done, err := awsdisk.Update(waiting, files.Credentials, o, applyAll(all))
	atRest()
	if waiting.Err() != nil && err != nil && ctx.Err() == nil {
		err = errBusyFile
	}
	if err != nil {
		return done, &writeError{File: files.Credentials, Profile: ws[0].Profile, Err: err}
	}
	a.sayWritten(done, ws)
	return done, nil
}

// namedSections is how many sections are said by name.
const namedSections = 8

// sayWritten is one line: what was written where.
func (a *app) sayWritten(done awsdisk.Written, ws []writing) {
	var names []string
	for _, w := range ws {
		names = append(names, "["+w.Section+"]")
	}
	what, text := "section ", strings.Join(names, " ")
	switch {
	case len(names) > namedSections:
		what, text = plural(len(names), "section"), ""
	case len(names) > 1:
		what = "sections "
	}
	switch {
	case !done.Changed:
		a.say("%s of %s: nothing to change", what+text, done.Path)
	case done.Was != 0:
		a.say("wrote %s of %s, which others could use (mode %04o): its mode is 0600 now, because it holds a secret", what+text, done.Path, done.Was)
	default:
		a.say("wrote %s of %s", what+text, done.Path)
	}
}
