package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"time"
)

// Holder is what the file of a lock says of the process that holds it, for those who
// wait. Nothing in it is secret, and nothing depends on it but what people are told and
// how long they are let wait: the lock itself is the system's.
type Holder struct {
	PID     int       `json:"pid"`
	Command string    `json:"command"` // as a person would say it: "login prod"
	Since   time.Time `json:"since"`   // when it took the lock, by its clock
	Asking  bool      `json:"asking"`  // it waits for a person's answer
}

// A note is one line of noteSize bytes: what it is, a checksum, which half a note does
// not have, the Holder as JSON, and spaces.
const (
	noteFormat = "gatehop holder 1 "
	noteSize   = 512
)

// Say writes into the lock's file who holds it. A Holder whose Command is too long for
// a note, or a disk that is full, leaves those who wait without a name.
func (l *Lock) Say(h Holder) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	l.said = true
	if err := writeHolder(l.file, h); err != nil {
		return &FileError{Path: l.path, Problem: "does not say who holds the lock", Err: err}
	}
	return nil
}

// writeHolder writes the whole note at once, because others read it meanwhile.
func writeHolder(f *os.File, h Holder) error {
	note := bytes.Repeat([]byte(" "), noteSize)
	note[noteSize-1] = '\n'
	if h != (Holder{}) {
		h.Since = h.Since.UTC().Round(0)
		text, err := json.Marshal(h)
		if err != nil {
			return err
		}
		line := fmt.Appendf(nil, "%s%08x %s", noteFormat, crc32.ChecksumIEEE(text), text)
		if len(line) >= noteSize {
			return fmt.Errorf("%d bytes are too many", len(line))
		}
		copy(note, line)
	}
	_, err := f.WriteAt(note, 0)
	return err
}

// readHolder returns the zero Holder for everything that is not a whole note.
func readHolder(f io.ReaderAt) Holder {
	note := make([]byte, noteSize)
	if _, err := f.ReadAt(note, 0); err != nil {
		return Holder{}
	}
	return parseHolder(note)
}

func parseHolder(note []byte) Holder {
	line, ok := bytes.CutPrefix(bytes.TrimRight(note, " \n"), []byte(noteFormat))
	sum, text, found := bytes.Cut(line, []byte(" "))
	if !ok || !found || string(sum) != fmt.Sprintf("%08x", crc32.ChecksumIEEE(text)) {
		return Holder{}
	}
	var h Holder
	if json.Unmarshal(text, &h) != nil || h.PID <= 0 {
		return Holder{}
	}
	return h
}
