package flow

import (
	"context"
	"encoding/json"
	"testing"

	"gatehop/cmd/gatehop/internal/choices"
	"gatehop/idp"
)

// TestPinOfNothing wants an issuer that is not named any more treated as a change.
func TestPinOfNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		was, now string
		asked    bool
	}{{"", "", false}, {"", "x", false}, {"x", "x", false}, {"x", "y", true}, {"x", "", true}} {
		asked := false
		file, err := json.Marshal(map[string]choices.Choice{"p": {Issuer: c.was}})
		if err != nil {
			t.Fatal(err)
		}
		f := &Flow{
			Gateway: "p",
			Choices: &choices.File{
				Read:   func() ([]byte, error) { return file, nil },
				Update: func(change func([]byte) ([]byte, error)) error { _, err := change(file); return err },
			},
			Confirm: func(context.Context, idp.Question) (bool, error) { asked = true; return false, nil },
		}
		err = f.pin(t.Context(), choices.PinIssuer, c.now)
		if asked != c.asked || (err != nil) != c.asked {
			t.Errorf("pin from %q to %q: asked %v, %v", c.was, c.now, asked, err)
		}
	}
}
