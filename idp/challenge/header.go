package challenge

import "strings"

// Offer is one challenge of WWW-Authenticate (RFC 9110, section 11.6.1).
type Offer struct {
	Scheme string            // as written
	Token  string            // what follows, where it is no list of parameters
	Params map[string]string // names in lower case; of a name that is repeated the first
}

// parse reads challenges as they stand in header fields: several in one, or one in each.
// What cannot be read ends its field.
func parse(fields []string) []Offer {
	var offers []Offer
	for _, text := range fields {
		s := scanner{text}
		for s.separators(); s.text != ""; s.separators() {
			scheme := s.token()
			if scheme == "" {
				break
			}
			offers = append(offers, s.offer(scheme))
		}
	}
	return offers
}

// scanner reads a header field from its beginning.
type scanner struct{ text string }

// offer reads what follows a scheme, up to the next one.
func (s *scanner) offer(scheme string) Offer {
	o := Offer{Scheme: scheme, Params: map[string]string{}}
	if !strings.HasPrefix(s.text, " ") && !strings.HasPrefix(s.text, "\t") {
		return o
	}
	s.text = strings.TrimLeft(s.text, " \t")
	if token, rest, ok := s.token68(); ok {
		o.Token, s.text = token, rest
		return o
	}
	for {
		s.separators()
		before := *s
		name := strings.ToLower(s.token())
		s.text = strings.TrimLeft(s.text, " \t")
		if name == "" || !strings.HasPrefix(s.text, "=") { // the next scheme, or nothing
			*s = before
			return o
		}
		s.text = strings.TrimLeft(s.text[1:], " \t")
		value := s.value()
		if _, ok := o.Params[name]; !ok {
			o.Params[name] = value
		}
	}
}

// separators passes over commas and white space.
func (s *scanner) separators() { s.text = strings.TrimLeft(s.text, ", \t") }

func (s *scanner) token() string {
	n := strings.IndexFunc(s.text, func(r rune) bool { return !isTokenRune(r) })
	if n < 0 {
		n = len(s.text)
	}
	token := s.text[:n]
	s.text = s.text[n:]
	return token
}

func isTokenRune(r rune) bool {
	return r > ' ' && r < 0x7f && !strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
}

// token68 reads base64 that stands alone: a comma or the end comes after it.
func (s *scanner) token68() (token, rest string, ok bool) {
	n := strings.IndexByte(s.text, ',')
	if n < 0 {
		n = len(s.text)
	}
	token = strings.TrimRight(s.text[:n], " \t")
	bare := strings.TrimRight(token, "=")
	if bare == "" || strings.ContainsFunc(bare, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._~+/", r))
	}) {
		return "", "", false
	}
	return token, s.text[n:], true
}

// value reads a token, or a quoted string.
func (s *scanner) value() string {
	if !strings.HasPrefix(s.text, `"`) {
		return s.token()
	}
	var b strings.Builder
	for i := 1; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '"':
			s.text = s.text[i+1:]
			return b.String()
		case c == '\\' && i+1 < len(s.text):
			i++
			b.WriteByte(s.text[i])
		default:
			b.WriteByte(c)
		}
	}
	s.text = ""
	return b.String()
}
