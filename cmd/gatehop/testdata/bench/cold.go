//go:build unix

package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The roles of the sandbox that a cold sign-in goes through.
const (
	gatewayRole     = "arn:aws:iam::111111111111:role/Gateway"
	gatewayProvider = "arn:aws:iam::111111111111:saml-provider/Corp"
	nextRole        = "arn:aws:iam::444444444444:role/Admins"
)

func (t tools) cold(runs int) error {
	for _, c := range []struct{ latency, rtt time.Duration }{{0, 0}, {50 * time.Millisecond, 0}, {20 * time.Millisecond, 30 * time.Millisecond}} {
		if err := t.coldWith(runs, c.latency, c.rtt); err != nil {
			return err
		}
	}
	return nil
}

// coldWith measures a sign-in with one hop, both servers behind TLS and a relay.
func (t tools) coldWith(runs int, latency, rtt time.Duration) error {
	s, err := t.sandbox("--latency", latency.String())
	if err != nil {
		return err
	}
	defer s.stop()
	config, err := os.ReadFile(s.vars["AWS_CONFIG_FILE"])
	if err != nil {
		return err
	}
	entry := valueOf(string(config), "gatehop_url")
	front, err := frontOf(s.vars["AWS_ENDPOINT_URL_STS"])
	if err != nil {
		return err
	}
	defer front.Close()
	awsCA := filepath.Join(s.dir, "sts-ca.pem")
	if err := os.WriteFile(awsCA, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw}), 0o600); err != nil {
		return err
	}
	idp, err := relay(strings.TrimPrefix(entry, "https://"), rtt)
	if err != nil {
		return err
	}
	defer idp.Close()
	aws, err := relay(front.Listener.Addr().String(), rtt)
	if err != nil {
		return err
	}
	defer aws.Close()
	idpURL, awsURL := "https://"+idp.Addr().String(), "https://"+aws.Addr().String()
	if err := os.WriteFile(s.vars["AWS_CONFIG_FILE"], []byte(strings.ReplaceAll(string(config), entry, idpURL)), 0o600); err != nil {
		return err
	}
	idpCA := valueOf(string(config), "gatehop_ca_bundle")
	gatehop := func(args ...string) row {
		r := t.command(s, strings.Join(args, " "), args...)
		state := s.vars["GATEHOP_HOME"]
		r.words = append([]string{"REMOVE=" + state, "AWS_CA_BUNDLE=" + awsCA}, r.words...)
		for i, word := range r.words {
			if strings.HasPrefix(word, "AWS_ENDPOINT_URL_STS=") {
				r.words[i] = "AWS_ENDPOINT_URL_STS=" + awsURL
			}
		}
		return r
	}
	return t.table(fmt.Sprintf("Cold sign-in and one hop, %v per response, %v there and back", latency, rtt), runs, []row{
		{"reference", []string{t.reference, idpURL, idpCA, s.vars["GATEHOP_USERNAME"], s.vars["GATEHOP_PASSWORD"], awsURL, awsCA,
			s.vars["AWS_REGION"], gatewayRole, gatewayProvider, nextRole}},
		gatehop("login", "dev"), gatehop("credential-process", "dev"),
	})
}

// valueOf is the first value of a key.
func valueOf(config, key string) string {
	_, rest, _ := strings.Cut(config, key+" = ")
	value, _, _ := strings.Cut(rest, "\n")
	return value
}

// frontOf puts TLS in front of a plain http server.
func frontOf(plain string) (*httptest.Server, error) {
	target, err := url.Parse(plain)
	if err != nil {
		return nil, err
	}
	server := httptest.NewUnstartedServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
		r.Out.Host = r.In.Host // the signature covers it
	}, Transport: &http.Transport{MaxIdleConnsPerHost: 4}})
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
	server.StartTLS()
	if _, err := x509.ParseCertificate(server.Certificate().Raw); err != nil {
		return nil, err
	}
	return server, nil
}

// relay passes connections on to an address as a network would: what is sent arrives half
// an rtt later, and nothing before the handshake of TCP could have been over.
func relay(to string, rtt time.Duration) (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			go pass(from, to, rtt)
		}
	}()
	return l, nil
}

func pass(from net.Conn, to string, rtt time.Duration) {
	server, err := net.Dial("tcp", to)
	if err != nil {
		_ = from.Close()
		return
	}
	connected := time.Now().Add(rtt)
	go carry(server, from, connected, rtt/2)
	carry(from, server, connected, rtt/2)
}

// piece is what was read at once, and when it arrives.
type piece struct {
	data []byte
	due  time.Time
}

// carry writes what it reads, each piece late, and then closes the writing side.
func carry(to, from net.Conn, connected time.Time, late time.Duration) {
	pieces := make(chan piece, 256)
	go func() {
		defer close(pieces)
		for {
			buffer := make([]byte, 64<<10)
			n, err := from.Read(buffer)
			if n > 0 {
				sent := time.Now()
				if sent.Before(connected) {
					sent = connected
				}
				pieces <- piece{buffer[:n], sent.Add(late)}
			}
			if err != nil {
				return
			}
		}
	}()
	for p := range pieces {
		time.Sleep(time.Until(p.due))
		if _, err := to.Write(p.data); err != nil {
			_ = from.Close() // ends the reader
		}
	}
	_ = to.Close()
}
