package challenge

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// tickets are those of a credential cache. What is valid goes by this machine's clock, as
// everything of gokrb5's does.
type tickets []*credentials.Credential

// service is the ticket for a service that is good for longest, if one is valid now.
func (t tickets) service(name types.PrincipalName) (grant, bool) {
	return t.best(func(c *credentials.Credential) bool {
		return c.Server.PrincipalName.Equal(name) && time.Until(c.StartTime) < 0
	})
}

// granting is the ticket of a client of realm from for tickets of realm to. Whether it is
// valid yet the KDC says, who then says something about the clocks.
func (t tickets) granting(from, to string) (grant, bool) {
	return t.best(isGranting(from, to))
}

// expiry is when the ticket of a client for tickets of its own realm ends; the zero time if
// there is none.
func (t tickets) expiry(realm string) time.Time {
	if i := slices.IndexFunc(t, isGranting(realm, realm)); i >= 0 {
		return t[i].EndTime
	}
	return time.Time{}
}

func isGranting(from, to string) func(*credentials.Credential) bool {
	return func(c *credentials.Credential) bool {
		return c.Server.PrincipalName.Equal(ticketGranting(to)) && c.Server.Realm == from
	}
}

// best is the ticket that is good for longest of those that fit and have not expired.
func (t tickets) best(fits func(*credentials.Credential) bool) (got grant, ok bool) {
	var until time.Time
	for _, c := range t {
		var ticket messages.Ticket
		if !fits(c) || time.Until(c.EndTime) <= 0 || !c.EndTime.After(until) || ticket.Unmarshal(c.Ticket) != nil {
			continue
		}
		got, until, ok = grant{ticket, c.Key}, c.EndTime, true
	}
	return got, ok
}

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
