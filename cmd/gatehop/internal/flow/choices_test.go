package flow

import (
	"fmt"
	"slices"
	"testing"
)

// memory is a choices file in memory.
func memory() *Choices {
	var file []byte
	return &Choices{
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
	c.remember("other", "", "x")
	var want []string
	for _, role := range []string{"a", "b", "a", "c", "b", "b"} {
		c.remember("g", "", role)
	}
	c.remember("g", "alice", "") // no role: nothing to remember of one
	known, err := c.Get("g")
	if want = []string{"b", "c", "a"}; err != nil || !slices.Equal(known.Recent, want) || known.Role != "b" {
		t.Errorf("known = %+v, %v; want recent %q", known, err, want)
	}
	for i := range recentLimit + 3 {
		c.remember("g", "", fmt.Sprint(i))
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
