package awsdisk

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"
)

// maxFile is the longest file that is edited: what a backup may hold.
const maxFile = 4 << 20

// snapshot is one reading of a file. The file stays open: what somebody writes into it
// after it was replaced can be seen through it.
type snapshot struct {
	file *os.File    // nil if there is no file
	info fs.FileInfo // as it was after the reading
	data []byte
}

func (s *snapshot) close() {
	if s != nil && s.file != nil {
		_ = s.file.Close()
	}
}

// look reads the file at path and refuses one that must not be edited. No file is an
// empty snapshot.
func look(path string) (*snapshot, error) {
	f, err := openTarget(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &snapshot{}, nil
	}
	if err != nil {
		if info, lerr := os.Lstat(path); lerr == nil && !info.Mode().IsRegular() { // a link, a socket
			return nil, &TargetError{Path: path, Problem: "is not a regular file"}
		}
		return nil, &TargetError{Path: path, Problem: "cannot be read", Err: err}
	}
	s, err := again(f)
	if err == nil {
		err = checkTarget(path, s.info)
	}
	if err != nil {
		_ = f.Close()
		var target *TargetError
		if !errors.As(err, &target) {
			err = &TargetError{Path: path, Problem: "cannot be read", Err: err}
		}
		return nil, err
	}
	return s, nil
}

// again reads an open file from its beginning.
func again(f *os.File) (*snapshot, error) {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return &snapshot{file: f, info: info}, err
	}
	data, err := io.ReadAll(io.NewSectionReader(f, 0, maxFile+1))
	if err != nil {
		return nil, err
	}
	info, err = f.Stat()
	return &snapshot{file: f, info: info, data: data}, err
}

// same reports whether two readings are of one file with the same bytes.
func (s *snapshot) same(t *snapshot) bool {
	if s.file == nil || t.file == nil {
		return s.file == nil && t.file == nil
	}
	return os.SameFile(s.info, t.info) && bytes.Equal(s.data, t.data)
}

// How long a file must not have changed to be taken for whole. The AWS CLI empties a
// file and then writes it, a few thousand bytes at a time.
const (
	lookPause     = 2 * time.Millisecond
	quietWhole    = 20 * time.Millisecond
	quietCut      = time.Second // one that was cut is more likely half of a change, by a program that may have to wait for the processor
	patienceWhole = 5 * time.Second
)

// whole reads by read until nobody seems to be in the middle of writing. The file held was
// before; nil if that is not known.
func (u *updater) whole(ctx context.Context, was []byte, read func() (*snapshot, error)) (*snapshot, error) {
	var last *snapshot
	for waited, unchanged := time.Duration(0), time.Duration(0); ; {
		s, err := read()
		if err != nil {
			last.close()
			return nil, err
		}
		if last != nil && last.same(s) {
			unchanged += lookPause
		} else {
			unchanged = 0
		}
		if last != nil && last.file != s.file {
			last.close()
		}
		last = s
		need := quietWhole
		if u.cut(s.data, was) {
			need = quietCut
		}
		if s.file == nil || unchanged >= need || u.now().Sub(s.info.ModTime()) >= need {
			return s, nil
		}
		if waited += lookPause; waited > patienceWhole {
			s.close()
			return nil, &TargetError{Path: u.path, Kind: TargetBusy, Problem: "is being written all the time by another program"}
		}
		if err := u.pause(ctx, lookPause); err != nil {
			s.close()
			return nil, err
		}
	}
}
