package awsfile

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// NameProblem says why a profile that every SDK is to read must not be called name, as
// the end of a sentence that begins with the profile; "" if it may.
func NameProblem(name string) string {
	switch {
	case !isWritable(name):
		return "has a name that not every SDK reads (letters, digits and ._@/- are fine)"
	case name == defaultsName:
		return "is no profile: botocore adds the keys of [DEFAULT] to every other section"
	case isJSMixed(name):
		return "has a name under which the JavaScript SDK keeps something else"
	}
	return ""
}

// Move returns the credentials file f with the section called from under the name to, or
// a *RefusalError. Only the name between the brackets changes: what stands around it and
// below stays byte for byte.
//
// What the config file holds for the profile called from stays its own: region, output
// and the like do not come along. Refused is a section that some profile takes its keys
// from (source_profile), unless they end by themselves: those of a tool that signed in
// would be gone in hours, and the profile that is now to be seen gives the like of them.
// Refused is also a name that is taken in either file, and whatever Apply refuses because
// not every SDK would read the same.
func (f *File) Move(config *File, from, to string) ([]byte, error) {
	e := &Edit{Kind: Credentials, Section: from}
	for _, name := range []string{from, to} {
		if problem := NameProblem(name); problem != "" {
			return nil, &RefusalError{Section: name, Problem: problem}
		}
	}
	if err := f.fault([]Edit{*e}); err != nil {
		return nil, err
	}
	s, found := f.Section(Credentials, from)
	line := f.elsewhere(Credentials, from)
	switch {
	case found && s.Differs != "":
		return nil, e.refuse(s.Line, "", s.Differs)
	case !found && line > 0:
		return nil, e.refuse(line, "", "is what only some SDKs read in this line")
	case !found:
		return nil, e.refuse(0, "", "is not in the file")
	}
	if line := f.elsewhere(Credentials, to); line > 0 {
		return nil, &RefusalError{Section: to, Line: line, Problem: "is there already"}
	}
	if line := config.elsewhere(Config, to); line > 0 {
		return nil, &RefusalError{Section: to,
			Problem: fmt.Sprintf("would hide the profile of that name (line %d of the config file)", line)}
	}
	if users := Users(config, f, from); len(users) > 0 && !isSession(s) {
		return nil, e.refuse(0, "", "is the source_profile of "+userList(users))
	}
	name := Range{s.bracket - len(s.Name), s.bracket}
	data := slices.Concat(f.Data[:name.Start], []byte(to), f.Data[name.End:])
	if err := f.verifyMove(data, s, from, to); err != nil {
		return nil, err
	}
	return data, nil
}

// verifyMove reads the result once more: the old name has no section for any SDK, the new
// one has the same keys for all of them, and no other section has moved.
func (f *File) verifyMove(data []byte, was Section, from, to string) error {
	refuse := (&Edit{Section: from}).refuse(was.Line, "", unlikeAfter)
	after := Scan(data)
	want := f.names()
	for i := range f.Sections {
		if f.Sections[i].Header == was.Header {
			want[i] = to
		}
	}
	s, ok := after.Section(Credentials, to)
	if !ok || s.Differs != "" || s.Line != was.Line || len(s.Keys) != len(was.Keys) ||
		!slices.Equal(after.names(), want) || len(after.Oddities) != len(f.Oddities) ||
		len(after.Readings(Credentials, to)) != 1 || len(after.Readings(Credentials, from)) != 0 {
		return refuse
	}
	shift := len(to) - len(was.Name)
	for i, k := range s.Keys {
		k.Lines.Start, k.Lines.End = k.Lines.Start-shift, k.Lines.End-shift
		k.Text.Start, k.Text.End = k.Text.Start-shift, k.Text.End-shift
		if k != was.Keys[i] {
			return refuse
		}
	}
	return nil
}

// isSession reports whether the keys of a section end by themselves.
func isSession(s Section) bool {
	return slices.ContainsFunc(s.Keys, func(k Key) bool { return k.Name == "aws_session_token" || k.Name == "aws_security_token" })
}

// User is a section that takes its keys from another profile.
type User struct {
	Profile string // its name, or what stands between its brackets if that names no profile
	Kind    Kind   // of the file
	Line    int    // of source_profile, as near as it is known
}

func userList(users []User) string {
	var parts []string
	for i, u := range users {
		if i == 5 {
			parts = append(parts, fmt.Sprintf("%d more", len(users)-i))
			break
		}
		file := "config"
		if u.Kind == Credentials {
			file = "credentials"
		}
		parts = append(parts, fmt.Sprintf("%q (line %d of the %s file)", u.Profile, u.Line, file))
	}
	return strings.Join(parts, ", ")
}

// Users returns the sections of both files whose source_profile is the profile called
// name to any SDK. It would rather find one too many: in lines that continue another
// value, which only some SDKs take for keys, it looks too.
func Users(config, credentials *File, name string) []User {
	var users []User
	for _, in := range []struct {
		f    *File
		kind Kind
	}{{config, Config}, {credentials, Credentials}} {
		for i, s := range in.f.Sections {
			keys, _ := in.f.keys(s)
			for _, k := range keys {
				if k.names(name) {
					users = append(users, User{in.f.nameOf(i, in.kind), in.kind, k.Line})
				}
			}
		}
	}
	return users
}

// names reports whether the key, or a line that continues it, has profile for a
// source_profile.
func (k Key) names(profile string) bool {
	for line := range strings.SplitSeq(k.Name+"="+k.Value, "\n") {
		i := strings.IndexAny(line, "=:")
		if i < 0 || lower(strings.TrimFunc(line[:i], isSpace)) != "source_profile" {
			continue
		}
		value := strings.TrimFunc(line[i+1:], isSpace)
		for _, v := range []string{value, StripComment(value), strings.TrimFunc(jsCut(value), isJSSpace)} {
			if v == profile || strings.Trim(v, `"'`) == profile {
				return true
			}
		}
	}
	return false
}

// nameOf is the profile that section i is to the first SDK that takes it for one.
func (f *File) nameOf(i int, kind Kind) string {
	for reader := range sdks {
		if name, ok := f.name(i, kind, reader); ok {
			return name
		}
	}
	return f.Sections[i].Name
}

// Shadow is a section with keys that tools take before they would run the
// credential_process of the profile.
type Shadow struct {
	Profile string
	Kind    Kind      // Credentials; Config if the keys stand in the profile's own section there
	Line    int       // of the header
	Keys    []string  // their names; none if the section is one that botocore takes for a part of a value
	Session bool      // a session token is among them: the keys end by themselves
	Expires time.Time // what was noted beside them; zero if nothing was
	Owner   string    // the profile for which gatehop itself wrote them; "" if somebody else did
	Users   []User    // who has it for source_profile
	MoveTo  string    // a free name for it; "" of Config
	Refused error     // why Move to that name would not be made; nil if it would
}

// Shadows finds what would shadow the named profiles, in their order.
func Shadows(config, credentials *File, profiles []string) []Shadow {
	var found []Shadow
	for _, name := range profiles {
		for _, s := range credentials.Readings(Credentials, name) {
			shadow := shadowOf(name, Credentials, s)
			if hidden := s.Body.End == 0; len(shadow.Keys) == 0 && !hidden {
				continue
			}
			shadow.Users = Users(config, credentials, name)
			shadow.MoveTo = FreeName(config, credentials, name)
			_, shadow.Refused = credentials.Move(config, name, shadow.MoveTo)
			found = append(found, shadow)
		}
		for _, s := range config.Readings(Config, name) {
			if shadow := shadowOf(name, Config, s); len(shadow.Keys) > 0 {
				found = append(found, shadow)
			}
		}
	}
	return found
}

func shadowOf(name string, kind Kind, s Section) Shadow {
	shadow := Shadow{Profile: name, Kind: kind, Line: s.Line, Session: isSession(s)}
	for _, k := range s.Keys {
		switch k.Name {
		case OwnerKey:
			shadow.Owner = k.Value
		case "x_security_token_expires", "aws_expiration", "aws_credential_expiration", "expiration":
			if at, err := time.Parse(time.RFC3339, k.Value); err == nil {
				shadow.Expires = at
			}
		}
		static := strings.HasPrefix(k.Name, "aws_") && isSource(kind, k.Name)
		if static || kind == Credentials && isSource(kind, k.Name) {
			shadow.Keys = append(shadow.Keys, k.Name)
		}
	}
	return shadow
}

// FreeName returns a name like profile's that no section of either file has.
func FreeName(config, credentials *File, profile string) string {
	for i := 1; ; i++ {
		name := profile + "-static"
		if i > 1 {
			name = fmt.Sprintf("%s-static-%d", profile, i)
		}
		if config.elsewhere(Config, name) == 0 && credentials.elsewhere(Credentials, name) == 0 {
			return name
		}
	}
}
