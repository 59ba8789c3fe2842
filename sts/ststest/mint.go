package ststest

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"time"
)

// session is what a set of credentials stands for. It is never forgotten, so that
// expired ones are told from unknown ones, and never changed.
type session struct {
	credentials
	role    *role
	arn     string            // arn:P:sts::ACCOUNT:assumed-role/NAME/SESSION
	id      string            // AROA...:SESSION
	expires time.Time         //
	source  string            // source identity, "" if none
	tags    map[string]string // the transitive ones, which the next session inherits
}

// errNoRandom is returned as InternalFailure.
var errNoRandom = errors.New("no randomness")

// open makes a session of a role and keeps it.
func (s *Server) open(r *role, name string, expires time.Time, source string, tags map[string]string) (*session, error) {
	key, err := s.letters(16)
	if err != nil {
		return nil, err
	}
	random, err := s.bytes(30 + 580)
	if err != nil {
		return nil, err
	}
	id, err := s.letters(17)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.id == "" {
		r.id = "AROA" + id
	}
	n := &session{
		credentials: credentials{
			AccessKeyId:     "ASIA" + key,
			SecretAccessKey: base64.StdEncoding.EncodeToString(random[:30]), // 40 characters
			// A real token begins like this and has runs like this; 580 bytes end in "==".
			SessionToken: "IQoJb3JpZ2luX2Vj+//////////" + base64.StdEncoding.EncodeToString(random[30:]),
			Expiration:   expires.UTC().Format("2006-01-02T15:04:05Z"),
		},
		role: r, arn: "arn:" + r.arn.partition + ":sts::" + r.arn.account + ":assumed-role/" + r.arn.name() + "/" + name,
		id: r.id + ":" + name, expires: expires.Truncate(time.Second), source: source, tags: tags,
	}
	s.sessions[n.AccessKeyId] = n
	return n, nil
}

func (s *Server) session(key string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[key]
}

// bytes reads from Rand, which need not be safe for many readers at once.
func (s *Server) bytes(n int) ([]byte, error) {
	b := make([]byte, n)
	s.randMu.Lock()
	defer s.randMu.Unlock()
	if _, err := io.ReadFull(s.opts.Rand, b); err != nil {
		return nil, errNoRandom
	}
	return b, nil
}

// letters returns n of A-Z and 2-7, as AWS's identifiers are made of.
func (s *Server) letters(n int) (string, error) {
	b, err := s.bytes(n)
	if err != nil {
		return "", err
	}
	return base32.StdEncoding.EncodeToString(b)[:n], nil
}

func (s *Server) uuid() (string, error) {
	b, err := s.bytes(16)
	if err != nil {
		return "", err
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:], nil
}
