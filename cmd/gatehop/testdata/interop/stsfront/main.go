// Command stsfront puts TLS in front of an STS that speaks plain http, under the names
// of AWS's own regional endpoints, for a client that cannot be told another endpoint.
// The names must lead to it (a hosts file), and the client must trust its authority.
//
//	stsfront -listen 127.0.0.1:443 -to http://127.0.0.1:PORT -ca FILE HOST...
//
// It makes an authority and a certificate for the HOSTs, writes the authority to FILE once
// it listens, and serves until it is killed.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"flag"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"time"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:443", "address to listen on")
	to := flag.String("to", "", "URL of the STS")
	ca := flag.String("ca", "", "file for the authority's certificate")
	flag.Parse()
	if err := serve(*listen, *to, *ca, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "stsfront:", err)
		os.Exit(1)
	}
}

func serve(listen, to, ca string, hosts []string) error {
	target, err := url.Parse(to)
	if err != nil || target.Host == "" {
		return fmt.Errorf("-to %q is no URL", to)
	}
	authority, leaf, err := certificates(hosts, time.Now())
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	// A reader that finds the file finds it whole, and finds the server listening.
	if err := os.WriteFile(ca+".new", authority, 0o600); err != nil {
		return err
	}
	if err := os.Rename(ca+".new", ca); err != nil {
		return err
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
		r.Out.Host = r.In.Host // the signature covers it
	}}
	server := &http.Server{Handler: proxy, ReadHeaderTimeout: 10 * time.Second, TLSConfig: &tls.Config{Certificates: []tls.Certificate{leaf}}}
	return server.ServeTLS(l, "", "")
}

// certificates makes an authority, as PEM, and a certificate of it for hosts.
func certificates(hosts []string, now time.Time) ([]byte, tls.Certificate, error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, tls.Certificate{}, err
	}
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, tls.Certificate{}, err
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "interop test STS authority"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "interop test STS"},
		NotBefore: ca.NotBefore, NotAfter: ca.NotAfter, DNSNames: hosts,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		return nil, tls.Certificate{}, err
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, ca, &leafKey.PublicKey, caKey)
	if err != nil {
		return nil, tls.Certificate{}, err
	}
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER})
	return authority, tls.Certificate{Certificate: [][]byte{leafDER}, PrivateKey: leafKey}, nil
}
