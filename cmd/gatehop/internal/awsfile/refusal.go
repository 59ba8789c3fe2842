package awsfile

import "fmt"

// RefusalError is an edit that is not made, and why. It holds names, never a value.
type RefusalError struct {
	Section string
	Line    int    // 0 if it is about the edit and not about the file
	Key     string // "" if it is about the whole section
	Problem string // the end of a sentence that begins with the key, else the section, else the file
	File    bool   // it is about the whole file
	Foreign bool   // Overwrite would make the edit
}

func (e *RefusalError) Error() string {
	where := ""
	if e.Line > 0 {
		where = fmt.Sprintf("line %d: ", e.Line)
	}
	switch {
	case e.File:
		return where + "the file " + e.Problem
	case e.Key != "":
		return fmt.Sprintf("%ssection %q: %s %s", where, e.Section, e.Key, e.Problem)
	}
	return fmt.Sprintf("%ssection %q %s", where, e.Section, e.Problem)
}

func (e *Edit) refuse(line int, key, problem string) *RefusalError {
	return &RefusalError{Section: e.Section, Line: line, Key: key, Problem: problem}
}

func (e *Edit) refuseFile(line int, problem string) *RefusalError {
	return &RefusalError{Section: e.Section, Line: line, Problem: problem, File: true}
}
