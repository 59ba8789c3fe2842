package challenge

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/messages"
)

// The limits of one question to one KDC.
const (
	dialLimit   = 5 * time.Second
	answerLimit = 10 * time.Second
	// maxAnswer is the largest answer that is read, in bytes. What it is for is a ticket that
	// goes into a header of HTTP, where Windows takes 64 KiB at most. MIT's library reads
	// 1 MiB; what gokrb5 decodes takes up to 24 times as much memory.
	maxAnswer = 256 << 10
)

var (
	errTooLong = errors.New("the answer of a KDC is too long")
	errAnswer  = errors.New("the answer of a KDC cannot be used")
)

// kdcs asks the KDCs of realms, over TCP alone (RFC 4120, section 7.2.2): an answer that is
// lost on UDP would have a password tried twice. gokrb5's own client is not used for it: it
// knows no context, believes every length, and takes a proof that was not answered to the
// next KDC.
type kdcs struct {
	conf   *config.Config
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	lookup func(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
	known  map[string][]string // addresses by realm, the one that has answered first
}

func newKDCs(conf *config.Config) *kdcs {
	return &kdcs{conf: conf, dial: (&net.Dialer{}).DialContext, lookup: net.DefaultResolver.LookupSRV, known: map[string][]string{}}
}

// kdcOf is what the KDCs of a realm are called.
func kdcOf(realm string) string { return "the KDC of " + realm }

// ask sends a request to the KDCs of a realm, to one after the other until one answers.
//
// A request with a proof, which a password or a keytab has made, goes to the first one that
// takes the connection and to no other: each KDC that gets it may count it as an attempt,
// whether it answers or not.
//
// Errors: messages.KRBError for what the KDC refuses; *TicketError.
func (k *kdcs) ask(ctx context.Context, realm string, request []byte, proof bool) ([]byte, error) {
	addresses := k.of(ctx, realm)
	for i, address := range addresses {
		conn, err := k.connect(ctx, address)
		if err != nil {
			continue // also where ctx has ended: then the others fail at once
		}
		answer, err := talk(ctx, conn, request)
		if errors.Is(err, errTooLong) {
			return nil, &TicketError{Kind: OtherError, Name: kdcOf(realm), Detail: "its answer is too long"}
		}
		if err != nil && proof {
			return nil, &TicketError{Kind: Unanswered, Name: kdcOf(realm)}
		}
		if err != nil {
			continue
		}
		addresses[0], addresses[i] = address, addresses[0]
		return answer, refusal(answer)
	}
	return nil, &TicketError{Kind: NoKDC, Name: kdcOf(realm)}
}

// of finds the addresses of a realm's KDCs: those of krb5.conf in its order, else DNS's
// (RFC 4120, section 7.2.3.2). The name that is looked up is whole: without its dot at the
// end the domains of resolv.conf would be tried behind it.
func (k *kdcs) of(ctx context.Context, realm string) []string {
	if known, ok := k.known[realm]; ok {
		return known
	}
	var found []string
	for _, r := range k.conf.Realms {
		if r.Realm == realm {
			for _, name := range r.KDC {
				found = append(found, withPort(name))
			}
		}
	}
	if len(found) == 0 && k.conf.LibDefaults.DNSLookupKDC {
		_, records, _ := k.lookup(ctx, "kerberos", "tcp", strings.TrimSuffix(realm, ".")+".")
		for _, r := range records {
			if host := strings.TrimSuffix(r.Target, "."); host != "" { // RFC 2782: no such service
				found = append(found, net.JoinHostPort(host, strconv.Itoa(int(r.Port))))
			}
		}
	}
	k.known[realm] = found
	return found
}

// withPort is the address of a KDC that krb5.conf names, with or without a port.
func withPort(name string) string {
	if _, _, err := net.SplitHostPort(name); err == nil {
		return name
	}
	return net.JoinHostPort(strings.Trim(name, "[]"), "88")
}

func (k *kdcs) connect(ctx context.Context, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialLimit)
	defer cancel()
	return k.dial(ctx, "tcp", address)
}

// talk sends one request and reads the answer to it. It closes conn, at the latest when ctx
// ends.
func talk(ctx context.Context, conn net.Conn, request []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(request))), request...)); err != nil {
		return nil, err
	}
	return readAnswer(conn)
}

// readAnswer reads a message and the four bytes before it that say how long it is.
func readAnswer(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxAnswer {
		return nil, errTooLong
	}
	answer := make([]byte, n)
	_, err := io.ReadFull(r, answer)
	return answer, err
}

// refusal is the KRB-ERROR (RFC 4120, section 5.9.1) that an answer is, nil for others.
func refusal(answer []byte) error {
	var e messages.KRBError
	if e.Unmarshal(answer) != nil {
		return nil
	}
	return e
}
