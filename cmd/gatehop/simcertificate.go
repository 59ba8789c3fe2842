package main

import (
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"software.sslmate.com/src/go-pkcs12"

	"gatehop/idp/idptest"
)

// certifiedPerson is what a profile of the sandbox needs to sign in by certificate. The
// zero value is nobody.
type certifiedPerson struct{ file, port string }

// keys are the lines of the profile.
func (p certifiedPerson) keys() string {
	if p.file == "" {
		return ""
	}
	return fmt.Sprintf("gatehop_auth = certificate\ngatehop_client_cert = %s\ngatehop_adfs_certificate_port = %s\n", p.file, p.port)
}

// askCertificate makes the AD FS ask for certificates at a port of its own, and the file
// with the person's, whose passphrase is the password.
func (s *sandbox) askCertificate(ca *idptest.CA) error {
	adfs, ok := s.provider.(*idptest.ADFS)
	if !ok {
		return fmt.Errorf("only an AD FS asks for certificates")
	}
	server, err := adfs.ServeCertificates(ca, "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.closers = append(s.closers, server.Close)
	at, err := url.Parse(server.URL())
	if err != nil {
		return err
	}
	pair, err := ca.IssueClient(s.user)
	if err != nil {
		return err
	}
	data, err := pkcs12.Modern.WithRand(rand.Reader).Encode(pair.PrivateKey, pair.Leaf, nil, sandboxPassword)
	if err != nil {
		return err
	}
	s.person = certifiedPerson{file: filepath.Join(s.dir, "alice.p12"), port: at.Port()}
	return os.WriteFile(s.person.file, data, 0o600)
}
