package flow

import (
	"encoding/json"
	"errors"

	"gatehop/saml"
)

// kept is a Signed as it lies in memory.
type kept struct {
	User      string
	Typed     bool
	Assertion string
}

// EncodeSigned reveals the assertion: its result may only lie in memory.
func EncodeSigned(s Signed) ([]byte, error) {
	return json.Marshal(kept{User: s.User, Typed: s.Typed, Assertion: s.Assertion.Encoded().Reveal()})
}

// DecodeSigned reads what EncodeSigned wrote.
func DecodeSigned(data []byte) (Signed, error) {
	var k kept
	if err := json.Unmarshal(data, &k); err != nil {
		return Signed{}, errors.New("kept sign-in is not readable")
	}
	a, err := saml.Decode(k.Assertion)
	return Signed{Assertion: a, User: k.User, Typed: k.Typed}, err
}
