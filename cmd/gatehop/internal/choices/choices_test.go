package choices

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"unicode/utf8"
)

// memory is a choices file in memory.
func memory() *File {
	var file []byte
	return &File{
		Read: func() ([]byte, error) { return file, nil },
		Update: func(change func([]byte) ([]byte, error)) (err error) {
			file, err = change(file)
			return err
		},
	}
}

// TestRecent wants the roles that were chosen last, each once, the newest first, no
// more than the limit, and none of another gateway.
func TestRecent(t *testing.T) {
	t.Parallel()
	c := memory()
	c.Remember("other", "", "x")
	var want []string
	for _, role := range []string{"a", "b", "a", "c", "b", "b"} {
		c.Remember("g", "", role)
	}
	c.Remember("g", "alice", "") // no role: nothing to remember of one
	known, err := c.Get("g")
	if want = []string{"b", "c", "a"}; err != nil || !slices.Equal(known.Recent, want) || known.Role != "b" {
		t.Errorf("known = %+v, %v; want recent %q", known, err, want)
	}
	for i := range recentLimit + 3 {
		c.Remember("g", "", fmt.Sprint(i))
	}
	known, err = c.Get("g")
	if err != nil || len(known.Recent) != recentLimit || known.Recent[0] != fmt.Sprint(recentLimit+2) || slices.Contains(known.Recent, "a") {
		t.Errorf("known = %+v, %v; want the newest %d", known, err, recentLimit)
	}
	if found, err := c.Forget("g"); !found || err != nil {
		t.Errorf("Forget = %v, %v", found, err)
	}
	if known, err = c.Get("g"); !known.IsZero() || err != nil {
		t.Errorf("after Forget: %+v, %v", known, err)
	}
}

func FuzzChoices(f *testing.F) {
	f.Add([]byte(`{"open":{"user":"alice","role":"r","issuer":"i","account":"1"}}`), "open")
	f.Add([]byte(`{"open":null}`), "open")
	f.Add([]byte(`[]`), "")
	f.Add([]byte(`{`), "x")
	f.Fuzz(func(t *testing.T, data []byte, profile string) {
		if !utf8.ValidString(profile) {
			return // JSON has no such names; neither has a configuration that was accepted
		}
		file := data
		c := &File{
			Read:   func() ([]byte, error) { return file, nil },
			Update: func(change func([]byte) ([]byte, error)) (err error) { file, err = change(file); return err },
		}
		before, err := c.Get(profile)
		c.SetPin(profile, PinAccount, "123456789012")
		after, again := c.Get(profile)
		if err != nil {
			if again == nil || !bytes.Equal(file, data) {
				t.Errorf("a file that cannot be read was replaced: %v, %q", again, file)
			}
			return
		}
		want := before
		want.Account = "123456789012"
		if !after.equal(want) || again != nil {
			t.Errorf("after a pin: %+v, %v, want %+v", after, again, want)
		}
		if found, err := c.Forget(profile); !found || err != nil {
			t.Fatalf("Forget = %v, %v", found, err)
		}
		if left, err := c.Get(profile); !left.IsZero() || err != nil {
			t.Errorf("after Forget: %+v, %v", left, err)
		}
	})
}
