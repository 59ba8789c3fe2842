// Package awsfile finds sections and keys in the two AWS files by their bytes, as botocore reads them.
//
// The grammar is that of Python's configparser in the way botocore uses it
// (RawConfigParser with its defaults, then one level of nested blocks). A file that
// botocore refuses is read as far as it goes; what it refuses is kept as data.
package awsfile

// Kind says what a section header has to look like to name something.
type Kind int

// The kinds. Config and Credentials are the profiles of the two files.
const (
	Config      Kind = iota // [profile NAME] and [default] of the config file
	Credentials             // [NAME] of the credentials file
	Services                // [services NAME] of the config file
)

// Range is a half-open range of byte offsets into File.Data.
type Range struct{ Start, End int }

// Len is the number of bytes in r.
func (r Range) Len() int { return r.End - r.Start }

// File is one scanned file. It is never changed once Scan has returned it, and may be
// used at once from many goroutines. Every byte of Data after the byte order mark and
// before the first header is in no section; every other one is in exactly one.
type File struct {
	Data     []byte // as given to Scan, which does not copy it
	Sections []Section
	Oddities []Oddity // in document order

	hidden []Section // the lines of HiddenHeader
}

// Section is a header and what follows it up to the next header.
type Section struct {
	Name   string // what stands between the brackets, as written
	Line   int    // of the header, counted from 1 as botocore counts: CR, LF and CRLF each end a line
	Header Range  // the header's line with its line end
	Body   Range  // from Header.End to the next header's line, comments before that line included

	// Keys and Differs are filled in by File.Section and Index.Section alone.
	Keys []Key
	// Differs says how the SDKs (botocore, Go, JavaScript) differ over this section,
	// as the end of a sentence that begins with the profile; "" if they agree.
	Differs string

	bracket int // offset of the closing bracket
	form    form
}

// Key is one key of a section with its value as botocore reads it.
type Key struct {
	Name  string // lower case, as all but the JavaScript SDK compare it
	Value string // surrounding white space removed; further lines joined by "\n"
	Line  int
	// Lines covers the key's line and, up to the last of them, the lines that continue
	// its value; comments and blank lines in between included, those after it not.
	Lines Range
	Text  Range // the value on the key's own line; empty at its end if there is none
	// Differs says how the SDKs differ over this key, as the end of a sentence that
	// begins with the key; "" if they agree.
	Differs string
}

// Oddity is something that botocore or another SDK stumbles over. It stops nobody who
// does not ask for the section that it is in.
type Oddity struct {
	Problem Problem
	Line    int
	At      Range
}

// Problem is what is odd, as a noun phrase.
type Problem string

// The problems. botocore refuses the whole file for each but BareCR and HiddenHeader.
const (
	ByteOrderMark     Problem = "a byte order mark"
	RepeatedSection   Problem = "a section that stands twice"
	Junk              Problem = "a line that is neither section, key nor comment"
	KeyOutsideSection Problem = "a key before any section"
	BareCR            Problem = "a carriage return without a line feed" // once per file: the first
	HiddenHeader      Problem = "an indented section header that botocore takes for a part of a value"
	NotUTF8           Problem = "bytes that are not UTF-8" // once per line
)

// defaultsName is the section whose keys botocore adds to every other one.
const defaultsName = "DEFAULT"

// Defaults returns the [DEFAULT] sections with their Keys. botocore adds their keys to
// every other section of the file; no other SDK does.
func (f *File) Defaults() []Section {
	var found []Section
	for _, s := range f.Sections {
		if s.Name == defaultsName {
			s.Keys, s.Differs = f.keys(s)
			found = append(found, s)
		}
	}
	return found
}
