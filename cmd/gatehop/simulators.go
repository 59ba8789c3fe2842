package main

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"gatehop/idp/idptest"
	"gatehop/saml/samltest"
	"gatehop/sts/ststest"
)

const (
	sandboxRegion   = "eu-west-1"
	sandboxPassword = "correct horse"
	sandboxProvider = "Corp"
	gatewayAccount  = "111111111111"
	gatewayARN      = "arn:aws:iam::" + gatewayAccount + ":role/Gateway"
	providerARN     = "arn:aws:iam::" + gatewayAccount + ":saml-provider/" + sandboxProvider
)

// sandbox is the simulators and their throw-away folder.
type sandbox struct {
	dir, user              string
	idpURL, stsURL, caFile string
	person                 certifiedPerson
	auth                   string // gatehop_auth of the profile
	provider               simulatedIDP
	aws                    *ststest.Server
	closers                []func() error
}

// simulatedIDP is what the sandbox wants of either provider.
type simulatedIDP interface {
	http.Handler
	Stats() idptest.Stats
}

// startSandbox starts the simulators on loopback and writes the throw-away files.
func (a *app) startSandbox(o sandboxOptions) (s *sandbox, err error) {
	dir, err := os.MkdirTemp("", "gatehop-sandbox-")
	if err != nil {
		return nil, err
	}
	s = &sandbox{dir: dir, user: `CORP\alice`}
	s.closers = append(s.closers, func() error { return os.RemoveAll(dir) })
	defer func() {
		if err != nil {
			_ = s.close("")
		}
	}()
	if o.idp == "form" {
		s.user = "alice"
	}
	signer, err := samltest.New("http://adfs.corp.example/adfs/services/trust", rand.Reader, a.now())
	if err != nil {
		return s, err
	}
	if err := s.startIDP(a, o, signer); err != nil {
		return s, err
	}
	if err := s.startSTS(a, o, signer); err != nil {
		return s, err
	}
	return s, s.writeFiles(a, o)
}

func (s *sandbox) startIDP(a *app, o sandboxOptions, signer *samltest.IDP) error {
	ca, err := idptest.NewCA(rand.Reader, a.now())
	if err != nil {
		return err
	}
	s.caFile = filepath.Join(s.dir, "idp-ca.pem")
	if err := os.WriteFile(s.caFile, ca.PEM(), 0o600); err != nil {
		return err
	}
	if s.provider, err = newSimulatedIDP(s.user, a.now, o, signer); err != nil {
		return err
	}
	server, err := idptest.Serve(s.provider, ca, "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.closers = append(s.closers, server.Close)
	s.idpURL = server.URL()
	kind, err := o.kind()
	if err != nil || kind.certificate {
		return errors.Join(err, s.askCertificate(ca))
	}
	s.auth = kind.auth
	if o.idp == "form" {
		s.idpURL += idptest.FormEntry
	}
	return nil
}

func newSimulatedIDP(user string, now func() time.Time, o sandboxOptions, signer *samltest.IDP) (simulatedIDP, error) {
	users := []idptest.User{{Name: user, Password: sandboxPassword, Roles: offeredRoles(o.roles), SessionName: "alice", MFA: o.mfa != ""}}
	kind, err := o.kind()
	if err != nil {
		return nil, err
	}
	if o.idp == "form" {
		options := idptest.FormOptions{Users: users, Latency: o.latency, Signer: signer, Now: now, Rand: rand.Reader}
		if kind.form != nil {
			kind.form(&options)
		}
		return idptest.NewForm(options)
	}
	options := idptest.Options{Flavour: o.flavour(), Users: users, Latency: o.latency, Signer: signer, Now: now, Rand: rand.Reader}
	if o.mfa != "" {
		o.askFactor(&options)
	}
	if kind.adfs != nil {
		kind.adfs(&options)
	}
	return idptest.NewADFS(options)
}

func (s *sandbox) startSTS(a *app, o sandboxOptions, signer *samltest.IDP) error {
	options := ststest.Options{
		Now: a.now, Rand: rand.Reader, Latency: o.latency, PerSecond: o.throttle,
		Providers: []ststest.Provider{{ARN: providerARN, EntityID: signer.EntityID, Certs: []*x509.Certificate{signer.Cert}}},
		Roles:     sandboxRoles(o),
	}
	if o.roles > 500 {
		options.AssertionLimit = 10_000_000
	}
	s.aws = ststest.New(options)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: s.aws, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	s.closers = append(s.closers, server.Close)
	s.stsURL = "http://" + listener.Addr().String()
	return nil
}

// offeredRoles is what the assertion offers: the gateway's role, another one, and as
// many more as are asked for.
func offeredRoles(n int) []string {
	var values []string
	for i := range n {
		name := fmt.Sprintf("Role-%04d", i)
		switch i {
		case 0:
			name = "Gateway"
		case 1:
			name = "ReadOnly"
		case 2:
			name = "Auditor"
		}
		values = append(values, samltest.RoleValue(gatewayAccount, name, sandboxProvider, i%2 == 1))
	}
	return values
}

// destinations is every destination role by profile name, in the order of the file.
func destinations(o sandboxOptions) [][2]string {
	list := [][2]string{
		{"prod", "arn:aws:iam::222222222222:role/Admins"},
		{"staging", "arn:aws:iam::333333333333:role/Admins"},
		{"dev", "arn:aws:iam::444444444444:role/Admins"},
	}
	for i := range o.accounts {
		list = append(list, [2]string{fmt.Sprintf("acct-%03d", i), fmt.Sprintf("arn:aws:iam::%012d:role/Admins", 900_000_000_000+i)})
	}
	return list
}

func sandboxRoles(o sandboxOptions) []ststest.Role {
	var roles []ststest.Role
	for _, value := range offeredRoles(max(o.roles, 1)) {
		for _, half := range strings.Split(value, ",") {
			if strings.Contains(half, ":role/") {
				roles = append(roles, ststest.Role{ARN: half, MaxSession: 12 * time.Hour, TrustProviders: []string{providerARN}})
			}
		}
	}
	for _, d := range destinations(o) {
		roles = append(roles, ststest.Role{ARN: d[1], MaxSession: time.Hour, TrustRoles: []string{gatewayARN}})
	}
	return roles
}

// writeFiles writes the AWS files and the folder that holds this gatehop.
func (s *sandbox) writeFiles(a *app, o sandboxOptions) error {
	exe, err := a.executable()
	if err != nil {
		return err
	}
	bin := filepath.Join(s.dir, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		return err
	}
	if err := placeBinary(exe, bin); err != nil {
		return err
	}
	if o.empty {
		return nil
	}
	if err := os.WriteFile(filepath.Join(s.dir, "credentials"), nil, 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.dir, "config"), []byte(s.configFile(exe, o)), 0o600)
}

func (s *sandbox) configFile(exe string, o sandboxOptions) string {
	var b strings.Builder
	kind := "adfs"
	if o.idp == "form" {
		kind = "form"
	}
	process := func(name string) {
		fmt.Fprintf(&b, "credential_process = \"%s\" credential-process %s\nregion = %s\n\n", exe, name, sandboxRegion)
	}
	fmt.Fprintf(&b, "[profile gateway]\ngatehop_idp = %s\ngatehop_url = %s\ngatehop_ca_bundle = %s\ngatehop_store = file\ngatehop_role_arn = %s\n",
		kind, s.idpURL, s.caFile, gatewayARN)
	b.WriteString(s.person.keys())
	if s.auth != "" {
		b.WriteString("gatehop_auth = " + s.auth + "\n")
	}
	process("gateway")
	run := filepath.Base(s.dir)
	for _, d := range destinations(o) {
		if d[0] == "prod" {
			// The AWS CLI keeps hops of its own by role and session name in the home directory.
			fmt.Fprintf(&b, "[profile prod]\nrole_arn = %s\nsource_profile = gateway\nrole_session_name = alice-%s\nregion = %s\n\n",
				d[1], strings.TrimPrefix(run, "gatehop-sandbox-"), sandboxRegion)
			continue
		}
		fmt.Fprintf(&b, "[profile %s]\ngatehop_role_arn = %s\ngatehop_source_profile = gateway\n", d[0], d[1])
		process(d[0])
	}
	return b.String()
}

// placeBinary puts this gatehop into a folder for PATH.
func placeBinary(exe, bin string) error {
	if runtime.GOOS != "windows" {
		return os.Symlink(exe, filepath.Join(bin, "gatehop"))
	}
	from, err := os.Open(exe)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(filepath.Join(bin, "gatehop.exe"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Close())
}

// close writes the counts, stops the simulators and removes the folder.
func (s *sandbox) close(stats string) error {
	var problems []error
	if stats != "" && s.provider != nil && s.aws != nil {
		problems = append(problems, s.writeStats(stats))
	}
	for i := len(s.closers) - 1; i >= 0; i-- {
		problems = append(problems, s.closers[i]())
	}
	return errors.Join(problems...)
}

func (s *sandbox) writeStats(path string) error {
	idp, aws := s.provider.Stats(), s.aws.Counts()
	bugs := idp.ClientBugs
	if bugs == nil {
		bugs = []string{}
	}
	pushes := 0
	if p, ok := s.provider.(*idptest.ADFS); ok {
		pushes = p.Pushes()
	}
	data, err := json.MarshalIndent(map[string]any{
		"idp": map[string]any{"requests": idp.Requests, "logins": idp.Logins, "pushes": pushes, "client_bugs": bugs},
		"sts": map[string]any{"AssumeRoleWithSAML": aws.AssumeRoleWithSAML, "AssumeRole": aws.AssumeRole,
			"GetCallerIdentity": aws.GetCallerIdentity, "refused": aws.Refused, "throttled": aws.Throttled},
	}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o600)
}
