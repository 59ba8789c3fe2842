package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"

	"gatehop/cmd/gatehop/internal/clientcert"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/creds/secret"
	"gatehop/idp"
)

// clientCerts are the certificates that this run has read, by their files.
type clientCerts struct {
	mu   sync.Mutex
	read map[clientcert.Files]*tls.Certificate
}

// certificateKeysError reports keys about the certificate that do not fit together.
type certificateKeysError struct{ text string }

func (e *certificateKeysError) Error() string { return e.text }

// checkCertificate finds what is wrong with the keys before a file is read.
func checkCertificate(s *settings) error {
	in := s.SignIn
	byCertificate := in.Auth == profile.AuthCertificate
	switch {
	case byCertificate && in.ClientCert == "":
		return &certificateKeysError{"gatehop_auth = certificate needs gatehop_client_cert"}
	case in.ClientKey != "" && in.ClientCert == "":
		return &certificateKeysError{"gatehop_client_key is of no use without gatehop_client_cert"}
	case byCertificate && in.Kind != "adfs":
		return &certificateKeysError{"gatehop_auth = certificate is for gatehop_idp = adfs; elsewhere gatehop_client_cert alone shows the certificate where it is asked for"}
	}
	return nil
}

// clientCert is the certificate that the person signs in with, nil if there is none. It is
// read, and its passphrase asked for, once per run. A person confirms that it is shown
// where the environment leads instead of where the profile does.
func (a *app) clientCert(ctx context.Context, profile string, s *settings) (*tls.Certificate, error) {
	if err := checkCertificate(s); err != nil || s.SignIn.ClientCert == "" {
		return nil, err
	}
	if err := a.mayShow(ctx, profile, s, "the certificate is not shown", "Show your certificate there?"); err != nil {
		return nil, err
	}
	f := clientcert.Files{Cert: s.SignIn.ClientCert, Key: s.SignIn.ClientKey}
	a.certs.mu.Lock()
	defer a.certs.mu.Unlock()
	if pair := a.certs.read[f]; pair != nil {
		return pair, nil
	}
	if file := f.Loose(); file != "" {
		a.warn(fmt.Errorf("%s holds a private key and can be read by others: chmod 600 %[1]s", file))
	}
	pair, err := clientcert.Read(f, a.now(), a.passphrase(ctx, profile, s))
	if err != nil {
		return nil, err
	}
	if a.certs.read == nil {
		a.certs.read = map[clientcert.Files]*tls.Certificate{}
	}
	a.certs.read[f] = pair
	return pair, nil
}

// mayShow lets something that proves who the person is be shown where the profile says, or
// where a person confirms that it is shown instead. is says that it is not.
func (a *app) mayShow(ctx context.Context, profile string, s *settings, is, question string) error {
	if len(s.Changed) == 0 {
		return nil
	}
	why := is + " unasked while " + s.Changed[0].Variable + " overrides the profile"
	if a.isUnattended() {
		return &needsLoginError{Profile: profile, Why: why}
	}
	switch yes, err := a.confirm(ctx, s.confirmation(question)); {
	case err != nil:
		return err
	case !yes:
		return &needsLoginError{Profile: profile, Why: why}
	}
	return nil
}

// passphrase asks the sources of passwords in their order, each once, then the person. A
// passphrase is nobody's password: it goes nowhere, and no refusal of it is remembered.
func (a *app) passphrase(ctx context.Context, profile string, s *settings) clientcert.Passphrase {
	sources := a.sources(s, true)
	return func(file string, again bool) (secret.Text, error) {
		for len(sources) > 0 {
			source := sources[0]
			sources = sources[1:]
			if source.Field != "password" {
				continue
			}
			text, err := source.Get(ctx)
			if errors.Is(err, idp.ErrNoAnswer) || err == nil && text.IsZero() {
				continue
			}
			return text, err
		}
		q := idp.Question{Field: "password", Label: "Passphrase of " + file}
		if again {
			q.Retry = "That passphrase does not open the file."
		}
		text, err := a.prompter().Ask(ctx, q)
		if errors.Is(err, idp.ErrNoAnswer) || errors.As(err, new(*idp.NeedsInputError)) {
			why := "nobody to ask for the passphrase of " + file
			if again {
				why = "the passphrase given for " + file + " does not open it, and there is nobody to ask"
			}
			return text, &needsLoginError{Profile: profile, Why: why}
		}
		return text, err
	}
}
