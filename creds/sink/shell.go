package sink

import (
	"fmt"
	"strings"

	"gatehop/creds"
	"gatehop/creds/secret"
)

// dialect is how one shell is told to forget variables and to export one.
type dialect struct {
	shell  string
	unset  func(names []string) string
	export func(name, value string) string
}

// dialects returns the shells that Shell knows, in the order in which they are listed.
func dialects() []dialect {
	return []dialect{
		{"bash", unsetPOSIX, exportPOSIX},
		{"zsh", unsetPOSIX, exportPOSIX},
	}
}

// Shells are the names of the shells that Shell writes for.
func Shells() []string {
	var names []string
	for _, d := range dialects() {
		names = append(names, d.shell)
	}
	return names
}

// UnknownShellError reports a shell whose language Shell does not speak.
type UnknownShellError struct {
	Name  string
	Known []string
}

func (e *UnknownShellError) Error() string {
	return fmt.Sprintf("write lines for shell %q: it is not known (known: %s)", e.Name, strings.Join(e.Known, ", "))
}

// CheckShell returns an *UnknownShellError for a shell that Shell cannot write for, so
// that a caller can say so before it asks a person for anything.
func CheckShell(name string) error {
	_, err := find(name)
	return err
}

// Shell returns lines that the named shell evaluates to have the credentials of a
// profile in its environment: first what Unset lists is unset, then the variables of
// Environ and GATEHOP_PROFILE are exported. The errors are *UnknownShellError,
// *creds.FieldError and *ValueError.
func Shell(name, profile string, c creds.Credentials, region string) ([]byte, error) {
	d, err := find(name)
	if err != nil {
		return nil, err
	}
	vars, err := Environ(c, region)
	if err != nil {
		return nil, err
	}
	return d.write(profile, vars, Unset())
}

// ContainerShell returns lines that the named shell evaluates to lead programs to the
// container credentials endpoint at url: first what UnsetForContainer lists is unset, then
// the variables of ContainerEnviron and GATEHOP_PROFILE are exported. The errors are
// *UnknownShellError and *ValueError.
func ContainerShell(name, profile, url string, token secret.Text, region string) ([]byte, error) {
	d, err := find(name)
	if err != nil {
		return nil, err
	}
	vars, err := ContainerEnviron(url, token, region)
	if err != nil {
		return nil, err
	}
	return d.write(profile, vars, UnsetForContainer())
}

func find(name string) (dialect, error) {
	for _, d := range dialects() {
		if d.shell == name {
			return d, nil
		}
	}
	return dialect{}, &UnknownShellError{Name: name, Known: Shells()}
}

func (d dialect) write(profile string, vars []Var, unset []string) ([]byte, error) {
	if err := checkProfile(profile); err != nil {
		return nil, err
	}
	var lines strings.Builder
	lines.WriteString(d.unset(unset) + "\n")
	for _, v := range append(vars, Var{"GATEHOP_PROFILE", secret.New(profile)}) {
		lines.WriteString(d.export(v.Name, v.Value.Reveal()) + "\n")
	}
	return []byte(lines.String()), nil
}

// unsetPOSIX says -v, without which bash goes on to unset a function of that name.
func unsetPOSIX(names []string) string { return "unset -v " + strings.Join(names, " ") }

func exportPOSIX(name, value string) string { return "export " + name + "=" + quotePOSIX(value) }

// quotePOSIX makes one word of any value without NUL. Between single quotes nothing is
// special but the single quote itself, which is written outside of them. POSIX.1-2024,
// Shell Command Language, 2.2.2. The result is the same under zsh's RC_QUOTES, in which
// two single quotes inside quotes are one: no two stand together inside.
func quotePOSIX(value string) string {
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}
