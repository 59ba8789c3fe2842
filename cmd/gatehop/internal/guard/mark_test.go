package guard

import (
	"bytes"
	"encoding/json"
	"testing"

	"gatehop/creds/secret"
)

func TestMark(t *testing.T) {
	t.Parallel()
	right, other := secret.New("k4n4ry"), secret.New("k4n4rY")
	m := NewMark(right)
	for _, c := range []struct {
		name string
		mark Mark
		text secret.Text
		want bool
	}{
		{"the same", m, right, true},
		{"another", m, other, false},
		{"none", m, secret.Text{}, false},
		{"empty is not none", NewMark(secret.New("")), secret.Text{}, false},
		{"empty", NewMark(secret.New("")), secret.New(""), true},
		{"none of none", Mark{}, secret.Text{}, true},
		{"one of none", Mark{}, right, false},
	} {
		if got := c.mark.Matches(c.text); got != c.want {
			t.Errorf("%s: Matches = %v, want %v", c.name, got, c.want)
		}
	}
	if again := NewMark(right); bytes.Equal(again.Hash, m.Hash) {
		t.Error("two marks of one secret are equal")
	}
	text, err := json.Marshal(m)
	if err != nil || bytes.Contains(text, []byte("k4n4ry")) {
		t.Errorf("encoded mark = %s, %v", text, err)
	}
	var back Mark
	if err := json.Unmarshal(text, &back); err != nil || !back.Matches(right) {
		t.Errorf("a mark that was written and read does not match: %v", err)
	}
}
