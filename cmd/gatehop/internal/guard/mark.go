// Package guard remembers which secrets an identity provider refused, so that none is sent to it again unasked.
package guard

import (
	"crypto/rand"
	"crypto/subtle"

	"golang.org/x/crypto/argon2"

	"gatehop/creds/secret"
)

// Mark recognises a secret without holding it: argon2id with a random salt. The zero
// value is the mark of no secret. A mark belongs in a sealed store all the same: a weak
// password can be guessed from it.
type Mark struct {
	Salt []byte `json:"salt,omitempty"`
	Hash []byte `json:"hash,omitempty"`
}

// The cost of one comparison: OWASP Password Storage Cheat Sheet, the argon2id
// configuration of 19 MiB. It takes some 25 ms, on failing paths alone.
const (
	markTime, markMemory, markThreads = 2, 19 << 10, 1 // passes, KiB, lanes
	markSize                          = 32             // bytes of salt and of hash
)

// NewMark returns the mark of a secret; two marks of one secret differ.
func NewMark(t secret.Text) Mark {
	if t.IsZero() {
		return Mark{}
	}
	salt := newSalt()
	return Mark{Salt: salt, Hash: hash(t, salt)}
}

func newSalt() []byte {
	salt := make([]byte, markSize)
	_, _ = rand.Read(salt) // never fails: it ends the process instead
	return salt
}

// Matches reports whether m is a mark of t.
func (m Mark) Matches(t secret.Text) bool {
	if t.IsZero() || len(m.Hash) == 0 {
		return t.IsZero() && len(m.Hash) == 0
	}
	return m.equal(Mark{Hash: hash(t, m.Salt)})
}

func (m Mark) equal(n Mark) bool {
	return len(m.Hash) == len(n.Hash) && subtle.ConstantTimeCompare(m.Hash, n.Hash) == 1
}

func hash(t secret.Text, salt []byte) []byte {
	return argon2.IDKey([]byte(t.Reveal()), salt, markTime, markMemory, markThreads, markSize)
}
