//go:build interop

package main_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// wire stands between a client and a SimpleSAMLphp over TLS and keeps what the client
// says. Each connection of the client is one at the server, as NTLM needs it.
type wire struct {
	addr   string // of localhost and of 127.0.0.1
	hangUp bool   // after what answers a message of NTLM, and it is said there

	mu    sync.Mutex
	conns []*bytes.Buffer
	alpn  []string // every protocol that a client offered
}

// tap makes one; the test's end closes it.
func (s simpleSAML) tap(t *testing.T, hangUp bool) *wire {
	t.Helper()
	dir := filepath.Dir(s.ca)
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"))
	if err != nil {
		t.Fatal(err)
	}
	server, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{hangUp: hangUp}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}, GetConfigForClient: w.hello})
	if err != nil {
		t.Fatal(err)
	}
	w.addr = listener.Addr().String()
	var running sync.WaitGroup
	running.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { w.serve(client, server.Host) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		running.Wait() // every client has ended
	})
	return w
}

func (w *wire) hello(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.alpn = append(w.alpn, hello.SupportedProtos...)
	return nil, nil
}

// protocols are what the clients offered to speak.
func (w *wire) protocols() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.alpn)
}

// serve connects a client with the server until one of them ends.
func (w *wire) serve(client net.Conn, server string) {
	defer client.Close()
	upstream, err := tls.Dial("tcp", server, &tls.Config{InsecureSkipVerify: true}) // the test's own server
	if err != nil {
		return
	}
	defer upstream.Close()
	w.mu.Lock()
	said := &bytes.Buffer{}
	w.conns = append(w.conns, said)
	w.mu.Unlock()
	var last atomic.Bool
	go func() {
		defer client.Close()
		buf := make([]byte, 32<<10)
		for {
			n, err := upstream.Read(buf)
			answer := buf[:n]
			hangUp := last.Load()
			if hangUp {
				answer = bytes.Replace(answer, []byte("\r\n"), []byte("\r\nConnection: close\r\n"), 1)
			}
			if _, werr := client.Write(answer); err != nil || werr != nil || hangUp {
				return
			}
		}
	}()
	buf := make([]byte, 32<<10)
	for {
		n, err := client.Read(buf)
		w.mu.Lock()
		said.Write(buf[:n])
		w.mu.Unlock()
		last.Store(w.hangUp && bytes.Contains(buf[:n], []byte("Authorization: NTLM")))
		if _, werr := upstream.Write(buf[:n]); err != nil || werr != nil {
			return
		}
	}
}

// said is one request, with what it proves who asks.
type said struct {
	conn          int
	path          string
	scheme, proof string // of Authorization, "" if it has none
	agent         string // User-Agent
	body          string
	all           string // its target, its header and its body
}

// requests is what the clients asked so far, connection by connection.
func (w *wire) requests(t *testing.T) []said {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []said
	for i, conn := range w.conns {
		in := bufio.NewReader(bytes.NewReader(conn.Bytes()))
		for {
			req, err := http.ReadRequest(in)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("connection %d carries no HTTP: %v", i, err)
			}
			body, err := io.ReadAll(req.Body)
			if err != nil {
				t.Fatalf("connection %d: %v", i, err)
			}
			scheme, proof, _ := strings.Cut(req.Header.Get("Authorization"), " ")
			all = append(all, said{conn: i, path: req.URL.Path, scheme: scheme, proof: proof, agent: req.UserAgent(),
				body: string(body), all: fmt.Sprintln(req.RequestURI, req.Header, string(body))})
		}
	}
	return all
}

// ntlmType is the type of an NTLM message, 0 if the proof is none.
func (s said) ntlmType() int {
	_, message, ok := strings.Cut(string(s.decoded()), "NTLMSSP\x00")
	if !ok || message == "" {
		return 0
	}
	return int(message[0])
}

// decoded is what is behind the base64 of the proof.
func (s said) decoded() []byte {
	raw, err := base64.StdEncoding.DecodeString(s.proof)
	if err != nil {
		return nil
	}
	return raw
}

// shows is what was shown, in order: "Negotiate", "NTLM 1", "NTLM 3", "Basic", "Digest",
// "form". It says what else is wrong with the requests: a proof of another connection's
// challenge, and a password that can be read, except where Basic was meant.
func shows(requests []said, password string, basic bool) (order, wrong []string) {
	asked := map[int]bool{} // connections with a type 1 message
	for _, r := range requests {
		switch kind := r.ntlmType(); {
		case r.body != "":
			order = append(order, "form")
		case kind != 0:
			order = append(order, fmt.Sprintf("NTLM %d", kind))
			if kind == 3 && !asked[r.conn] {
				wrong = append(wrong, "a type 3 message went over another connection than its challenge")
			}
			asked[r.conn] = kind == 1
		case r.scheme != "":
			order = append(order, r.scheme)
		}
		seen := r.all
		if r.scheme != "Basic" || !basic {
			seen += string(r.decoded())
		}
		if password != "" && strings.Contains(seen, password) {
			wrong = append(wrong, "the password can be read in a request for "+r.path)
		}
	}
	return order, wrong
}
