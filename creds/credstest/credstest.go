// Package credstest says what every credential store must do.
package credstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"gatehop/creds"
)

// TestStore runs every check of the contract of creds.Store. open returns a new, empty
// store each time; it must be usable until the test that it is given ends.
func TestStore(t *testing.T, open func(t *testing.T) creds.Store) {
	t.Helper()
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if err := c.run(t.Context(), open(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

// check returns its finding instead of failing a test, so that a test of the checks can
// see them find something.
type check struct {
	name string
	run  func(ctx context.Context, s creds.Store) error
}

func checks() []check {
	return []check{
		{"absent", checkAbsent},
		{"get what was put", checkPut},
		{"replace", checkReplace},
		{"delete", checkDelete},
		{"delete what is absent", checkDeleteAbsent},
		{"empty value", checkEmptyValue},
		{"binary value", checkBinaryValue},
		{"longest value", checkLongestValue},
		{"too long value", checkTooLongValue},
		{"longest keys", checkLongestKeys},
		{"too long key", checkTooLongKey},
		{"empty key", checkEmptyKey},
		{"similar keys", checkSimilarKeys},
		{"value belongs to the caller", checkAliasing},
		{"context that has ended", checkContext},
		{"one key at once", checkTorn},
		{"many keys at once", checkManyKeys},
	}
}

func want(ctx context.Context, s creds.Store, key string, value []byte) error {
	got, err := s.Get(ctx, key)
	if err != nil {
		return fmt.Errorf("Get(%s) = %v, want a value", short(key), err)
	}
	if !bytes.Equal(got, value) {
		return fmt.Errorf("Get(%s) = %s, want %s", short(key), short(string(got)), short(string(value)))
	}
	return nil
}

func wantAbsent(ctx context.Context, s creds.Store, key string) error {
	if got, err := s.Get(ctx, key); !errors.Is(err, creds.ErrNotFound) {
		return fmt.Errorf("Get(%s) = %s, %v, want ErrNotFound", short(key), short(string(got)), err)
	}
	return nil
}

func put(ctx context.Context, s creds.Store, key string, value []byte) error {
	if err := s.Put(ctx, key, value); err != nil {
		return fmt.Errorf("Put(%s, %s) = %v, want nil", short(key), short(string(value)), err)
	}
	return nil
}

func putAndWant(ctx context.Context, s creds.Store, key string, value []byte) error {
	if err := put(ctx, s, key, value); err != nil {
		return err
	}
	return want(ctx, s, key, value)
}

func short(text string) string {
	if len(text) > 60 {
		return fmt.Sprintf("%.40q... (%d bytes)", text, len(text))
	}
	return fmt.Sprintf("%q", text)
}

func checkAbsent(ctx context.Context, s creds.Store) error {
	return wantAbsent(ctx, s, "nothing")
}

func checkPut(ctx context.Context, s creds.Store) error {
	if err := putAndWant(ctx, s, "key", []byte("value")); err != nil {
		return err
	}
	return errors.Join(want(ctx, s, "key", []byte("value")), wantAbsent(ctx, s, "other key"))
}

// checkReplace ends with a shorter value than it began with: one that is written over
// the old one would have its tail.
func checkReplace(ctx context.Context, s creds.Store) error {
	for _, value := range []string{"the first value", "the second value, longer", "third"} {
		if err := putAndWant(ctx, s, "key", []byte(value)); err != nil {
			return err
		}
	}
	return nil
}

func checkDelete(ctx context.Context, s creds.Store) error {
	if err := errors.Join(put(ctx, s, "key", []byte("value")), put(ctx, s, "kept", []byte("kept value"))); err != nil {
		return err
	}
	if err := s.Delete(ctx, "key"); err != nil {
		return fmt.Errorf("Delete = %v, want nil", err)
	}
	if err := errors.Join(wantAbsent(ctx, s, "key"), want(ctx, s, "kept", []byte("kept value"))); err != nil {
		return fmt.Errorf("after Delete: %v", err)
	}
	return putAndWant(ctx, s, "key", []byte("again"))
}

func checkDeleteAbsent(ctx context.Context, s creds.Store) error {
	for range 2 { // the second time the store may have made its folder
		if err := s.Delete(ctx, "nothing"); err != nil {
			return fmt.Errorf("Delete of an absent key = %v, want nil", err)
		}
		if err := put(ctx, s, "key", []byte("value")); err != nil {
			return err
		}
	}
	return nil
}

func checkEmptyValue(ctx context.Context, s creds.Store) error {
	return errors.Join(putAndWant(ctx, s, "nil", nil), putAndWant(ctx, s, "empty", []byte{}))
}

func checkBinaryValue(ctx context.Context, s creds.Store) error {
	var every []byte
	for b := range 256 {
		every = append(every, byte(b))
	}
	return errors.Join(
		putAndWant(ctx, s, "every byte", every),
		putAndWant(ctx, s, "line ends", []byte("\r\n\n\r \x1a\t")),
		putAndWant(ctx, s, "not UTF-8", []byte("\xff\xfe\xc0\x80")))
}

func checkLongestValue(ctx context.Context, s creds.Store) error {
	return putAndWant(ctx, s, "key", bytes.Repeat([]byte("0123456789abcdef"), creds.MaxValue/16))
}

func checkTooLongValue(ctx context.Context, s creds.Store) error {
	if err := put(ctx, s, "key", []byte("old")); err != nil {
		return err
	}
	if err := s.Put(ctx, "key", make([]byte, creds.MaxValue+1)); err == nil {
		return errors.New("Put of a value over MaxValue = nil, want an error")
	}
	return want(ctx, s, "key", []byte("old"))
}

func checkLongestKeys(ctx context.Context, s creds.Store) error {
	stem := strings.Repeat("k", creds.MaxKey-1)
	if err := errors.Join(put(ctx, s, stem+"1", []byte("one")), put(ctx, s, stem+"2", []byte("two"))); err != nil {
		return err
	}
	return errors.Join(want(ctx, s, stem+"1", []byte("one")), want(ctx, s, stem+"2", []byte("two")), wantAbsent(ctx, s, stem))
}

func checkTooLongKey(ctx context.Context, s creds.Store) error {
	if s.Put(ctx, strings.Repeat("k", creds.MaxKey+1), []byte("value")) == nil {
		return errors.New("Put of a key over MaxKey = nil, want an error")
	}
	return nil
}

func checkEmptyKey(ctx context.Context, s creds.Store) error {
	if s.Put(ctx, "", []byte("value")) == nil {
		return errors.New("Put of the empty key = nil, want an error")
	}
	return nil
}

// checkSimilarKeys holds keys that some file system, encoding or separator makes one.
func checkSimilarKeys(ctx context.Context, s creds.Store) error {
	keys := []string{
		"key", "KEY", "Key", "key ", " key", "key.", ".key", "key\x00", "\x00key", "key\n", "key\r\n",
		"a/b", "a\\b", "a:b", "a|b", "a\x00b", "a\x1fb", "a b", "ab", "a%2Fb", "a//b", "a/./b", "/a/b",
		".", "..", "../key", "~", "CON", "con.txt", "*", "?", "key*", "-", "--", "=", "key=",
		"\u00e9", "e\u0301", "\xe9", "\xff", "\ufffd", "stra\u00dfe", "strasse", "STRASSE", "\u0130", "i",
	}
	for _, key := range keys {
		if err := put(ctx, s, key, []byte("value of "+key)); err != nil {
			return err
		}
	}
	var found []error
	for _, key := range keys {
		found = append(found, want(ctx, s, key, []byte("value of "+key)))
	}
	return errors.Join(found...)
}

func checkAliasing(ctx context.Context, s creds.Store) error {
	value := []byte("value")
	if err := put(ctx, s, "key", value); err != nil {
		return err
	}
	copy(value, "XXXXX")
	got, err := s.Get(ctx, "key")
	if err != nil || string(got) != "value" {
		return fmt.Errorf("Get after the slice that was put had changed = %q, %v, want %q", got, err, "value")
	}
	copy(got, "YYYYY")
	return want(ctx, s, "key", []byte("value"))
}

func checkContext(ctx context.Context, s creds.Store) error {
	if err := put(ctx, s, "key", []byte("value")); err != nil {
		return err
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, errGet := s.Get(ended, "key")
	_, errAbsent := s.Get(ended, "nothing")
	for doing, err := range map[string]error{
		"Get":                  errGet,
		"Get of an absent key": errAbsent,
		"Put":                  s.Put(ended, "key", []byte("new value")),
		"Delete":               s.Delete(ended, "key"),
	} {
		if !errors.Is(err, context.Canceled) {
			return fmt.Errorf("%s with a context that has ended = %v, want context.Canceled", doing, err)
		}
	}
	return want(ctx, s, "key", []byte("value"))
}

// checkTorn reads a key for as long as it is being replaced: each value is one byte
// repeated, of a length of its own, so that a mixture shows.
func checkTorn(ctx context.Context, s creds.Store) error {
	const writers, readers, rounds = 4, 4, 25
	value := func(n int) []byte { return bytes.Repeat([]byte{byte('a' + n)}, 1000*(n+1)) }
	whole := func(got []byte) bool {
		n := len(got)/1000 - 1
		return 0 <= n && n < writers && bytes.Equal(got, value(n))
	}
	if err := put(ctx, s, "key", value(0)); err != nil {
		return err
	}
	findings := make(chan error, writers+readers)
	written := make(chan struct{})
	var writing, reading sync.WaitGroup
	for n := range writers {
		writing.Go(func() {
			for range rounds {
				if err := put(ctx, s, "key", value(n)); err != nil {
					findings <- err
					return
				}
			}
		})
	}
	for range readers {
		reading.Go(func() {
			for {
				got, err := s.Get(ctx, "key")
				if err == nil && !whole(got) {
					err = errors.New("no value that was put")
				}
				if err != nil {
					findings <- fmt.Errorf("Get while others Put = %s, %w", short(string(got)), err)
					return
				}
				select {
				case <-written:
					return
				default:
				}
			}
		})
	}
	writing.Wait()
	close(written)
	reading.Wait()
	close(findings)
	return <-findings
}

func checkManyKeys(ctx context.Context, s creds.Store) error {
	const workers, keys = 8, 6
	findings := make(chan error, workers)
	var all sync.WaitGroup
	for n := range workers {
		all.Go(func() {
			for k := range keys {
				key, value := fmt.Sprintf("%d/%d", n, k), fmt.Appendf(nil, "value %d of %d", k, n)
				err := putAndWant(ctx, s, key, value)
				if err == nil && k%2 == 0 {
					err = errors.Join(s.Delete(ctx, key), wantAbsent(ctx, s, key))
				}
				if err != nil {
					findings <- err
					return
				}
			}
		})
	}
	all.Wait()
	close(findings)
	if err := <-findings; err != nil {
		return err
	}
	var found []error
	for n := range workers {
		found = append(found,
			wantAbsent(ctx, s, fmt.Sprintf("%d/%d", n, 0)),
			want(ctx, s, fmt.Sprintf("%d/%d", n, 1), fmt.Appendf(nil, "value 1 of %d", n)))
	}
	return errors.Join(found...)
}
