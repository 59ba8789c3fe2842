package profile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"gatehop/cmd/gatehop/internal/awsfile"
	"gatehop/cmd/gatehop/internal/near"
	"gatehop/cmd/gatehop/internal/weburl"
	"gatehop/creds/store/paths"
)

// Config is the two AWS files as they were when Read read them. It is never changed
// and may be used at once from many goroutines.
type Config struct {
	files [2]source // the config file, then the credentials file, whose keys win
}

type source struct {
	path     string
	kind     awsfile.Kind
	file     *awsfile.File
	defaults []awsfile.Section
	urls     weburl.Reader
	unsafe   string // why the file must not name programs to run; "" if it may
}

// place is where the values in the file stand.
func (s *source) place() Place { return Place{Dir: paths.Dir(s.path), URLs: s.urls} }

// Read reads both files. It only finds their sections: what is wrong with a profile is
// said by Chain, which takes URLs apart with urls. Errors are *Error.
func Read(f Files, urls weburl.Reader) (*Config, error) {
	config, unsafe, err := readFile(f.Config)
	if err != nil {
		return nil, err
	}
	credentials, _, err := readFile(f.Credentials)
	if err != nil {
		return nil, err
	}
	c := parse(f, urls, config, credentials)
	c.files[0].unsafe = unsafe
	return c, nil
}

// maxFile is the longest file that is read: far more than anybody has.
const maxFile = 16 << 20

// readFile also says why the file, links followed, must not name programs to run.
func readFile(path string) (data []byte, unsafe string, err error) {
	if !paths.IsAbs(path) {
		// ./.aws/config belongs to whoever made the working directory.
		return nil, "", &Error{File: path, Problem: "is not an absolute path"}
	}
	data, unsafe, err = readOpen(path)
	var bad *Error
	var p *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, "", nil
	case err == nil || errors.As(err, &bad):
		return data, unsafe, err
	case errors.As(err, &p):
		err = p.Err
	}
	return nil, "", &Error{File: path, Problem: fmt.Sprintf("cannot be read: %v", err)}
}

func readOpen(path string) (data []byte, unsafe string, err error) {
	f, err := openFile(path)
	if err != nil {
		if info, serr := os.Stat(path); serr == nil && notRegular(info) != "" { // a socket
			err = &Error{File: path, Problem: notRegular(info)}
		}
		return nil, "", err
	}
	defer f.Close()
	info, err := f.Stat() // of what is read, not of what lies there later
	switch {
	case err != nil:
		return nil, "", err
	case isNull(info):
		return nil, "", nil
	case notRegular(info) != "":
		return nil, "", &Error{File: path, Problem: notRegular(info)}
	case info.Size() > maxFile:
		return nil, "", tooLong(path)
	}
	var text bytes.Buffer
	text.Grow(int(info.Size()) + bytes.MinRead)
	if _, err = text.ReadFrom(io.LimitReader(f, maxFile+1)); err == nil && text.Len() > maxFile { // it grew
		err = tooLong(path)
	}
	return text.Bytes(), ownerProblem(info), err
}

func tooLong(path string) *Error {
	return &Error{File: path, Problem: fmt.Sprintf("is longer than %d MiB", maxFile>>20)}
}

// notRegular says why what is no regular file is not read, "" of one that is.
func notRegular(info fs.FileInfo) string {
	switch {
	case info.Mode().IsRegular():
		return ""
	case info.IsDir():
		return "is a folder, and not a file"
	}
	return "is not a regular file"
}

// parse is Read of files with that content.
func parse(f Files, urls weburl.Reader, config, credentials []byte) *Config {
	c := &Config{files: [2]source{
		{path: f.Config, kind: awsfile.Config, file: awsfile.Scan(config), urls: urls},
		{path: f.Credentials, kind: awsfile.Credentials, file: awsfile.Scan(credentials), urls: urls},
	}}
	for i := range c.files {
		c.files[i].defaults = c.files[i].file.Defaults()
	}
	return c
}

// value is one value of a section as botocore reads it.
type value struct {
	text    string
	from    *source
	line    int
	differs string // how the SDKs differ over it
}

// section is one profile of both files, merged as botocore does.
type section struct {
	name   string
	from   *source // the config file if both hold it
	line   int
	order  []string // names, those of the config file first
	values map[string]value
}

func (s *section) has(names ...string) bool {
	for _, name := range names {
		if _, ok := s.values[name]; ok {
			return true
		}
	}
	return false
}

// fail is an error about the whole section.
func (s *section) fail(format string, args ...any) *Error {
	return &Error{File: s.from.path, Line: s.line, Profile: s.name, Problem: fmt.Sprintf(format, args...)}
}

// failKey is an error about the key called name.
func (s *section) failKey(name, problem string) *Error {
	v := s.values[name]
	return &Error{File: v.from.path, Line: v.line, Profile: s.name, Key: name, Problem: problem}
}

// finder looks a section up in one file.
type finder func(profile string) (awsfile.Section, bool)

// finders look up one by one, for a few profiles out of many.
func (c *Config) finders() [2]finder {
	var find [2]finder
	for i := range c.files {
		s := &c.files[i]
		find[i] = func(profile string) (awsfile.Section, bool) { return s.file.Section(s.kind, profile) }
	}
	return find
}

// indexed are finders for all profiles, and the names of these: those of the config
// file in document order, then those that only the credentials file has.
func (c *Config) indexed() (find [2]finder, names []string) {
	seen := map[string]bool{}
	for i := range c.files {
		x := c.files[i].file.Index(c.files[i].kind)
		find[i] = x.Section
		for _, name := range x.Names() {
			if !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	return find, names
}

// section merges a profile's sections; nil if neither file has one. An error is about
// how the section stands in its file, not about its keys.
func (c *Config) section(name string, find [2]finder) (*section, *Error) {
	var s *section
	for i := range c.files {
		found, ok := find[i](name)
		if !ok {
			continue
		}
		from := &c.files[i]
		if s == nil {
			s = &section{name: name, from: from, line: found.Line, values: map[string]value{}}
		}
		if found.Differs != "" {
			return s, &Error{File: from.path, Line: found.Line, Profile: name, Problem: found.Differs}
		}
		for _, k := range found.Keys {
			if !s.has(k.Name) {
				s.order = append(s.order, k.Name)
			}
			s.values[k.Name] = value{text: k.Value, from: from, line: k.Line, differs: k.Differs}
		}
		if err := defaultsReach(s, from); err != nil {
			return s, err
		}
	}
	return s, nil
}

// defaultsReach refuses a profile into which botocore, alone of the SDKs, brings a key
// that matters from [DEFAULT].
func defaultsReach(s *section, from *source) *Error {
	for _, d := range from.defaults {
		for _, k := range d.Keys {
			if isKnown(k.Name) {
				return &Error{File: from.path, Line: k.Line, Profile: s.name, Key: k.Name,
					Problem: "stands in [DEFAULT], which botocore alone adds to every profile"}
			}
		}
	}
	return nil
}

// near finds the profile that name was most likely meant to be.
func (c *Config) near(name string) string {
	_, names := c.indexed()
	return near.Nearest(name, slices.DeleteFunc(names, func(n string) bool { return n == name }))
}

// missing is the error about an asked profile that is in neither file.
func (c *Config) missing(name string) *Error {
	for i := range c.files {
		s := &c.files[i]
		if meant, ok := s.file.Meant(s.kind, name); ok {
			header := name
			if s.kind == awsfile.Config && name != "default" {
				header = awsfile.ProfilePrefix + name
			}
			return &Error{File: s.path, Line: meant.Line, Profile: name,
				Problem: fmt.Sprintf("is not what [%s] names: in this file that takes [%s]", meant.Name, header)}
		}
	}
	return &Error{File: c.files[0].path, Profile: name, Near: c.near(name),
		Problem: fmt.Sprintf("is in neither this file nor %s", c.files[1].path)}
}
