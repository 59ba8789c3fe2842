package challenge

import (
	"encoding/binary"
	"slices"

	"github.com/jcmturner/gokrb5/v8/credentials"
)

// readCache reads a credential cache of version 3 or 4 (MIT Kerberos documentation,
// "Credential cache file format"). gokrb5 believes the counts and lengths in it, and would
// take memory for them until there is none: whether they fit is looked at before.
func readCache(c *credentials.CCache, data []byte) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	return isWhole(data) && c.Unmarshal(slices.Clip(data)) == nil
}

// isWhole reports whether everything in a cache is as long as it says, up to the end.
func isWhole(data []byte) bool {
	if len(data) < 2 || data[0] != 5 || data[1] != 3 && data[1] != 4 {
		return false
	}
	s := &skipper{data: data[2:], ok: true}
	if data[1] == 4 {
		s.skip(s.number(2))
	}
	s.principal()
	for s.ok && len(s.data) > 0 {
		s.principal()
		s.principal()
		s.skip(2) // of the key: its type, which version 3 has twice
		if data[1] == 3 {
			s.skip(2)
		}
		s.text()
		s.skip(4*4 + 1 + 4) // times, is_skey, flags
		for range 2 {       // addresses, authorization data
			for n := s.number(4); n > 0 && s.ok; n-- {
				s.skip(2)
				s.text()
			}
		}
		s.text()
		s.text()
	}
	return s.ok
}

// skipper passes over the parts of a file. Once something was missing it stays where it is.
type skipper struct {
	data []byte
	ok   bool
}

func (s *skipper) skip(n int) {
	if s.ok = s.ok && n >= 0 && n <= len(s.data); s.ok {
		s.data = s.data[n:]
	}
}

// number reads a number of size 2 or 4; 0 if it is not there.
func (s *skipper) number(size int) int {
	from := s.data
	if s.skip(size); !s.ok {
		return 0
	}
	if size == 2 {
		return int(binary.BigEndian.Uint16(from))
	}
	return int(int32(binary.BigEndian.Uint32(from)))
}

func (s *skipper) text() { s.skip(s.number(4)) }

func (s *skipper) principal() {
	s.skip(4) // the type of the name
	n := s.number(4)
	s.text() // the realm
	for ; n > 0 && s.ok; n-- {
		s.text()
	}
}
