package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"os"
	"runtime"
	"strings"

	"gatehop/cmd/gatehop/internal/environ"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/cmd/gatehop/internal/setting"
	"gatehop/idp"
	"gatehop/idp/challenge"
)

// challengeConfig is how a 401 is answered; the zero value answers none. Only here is the
// environment of Kerberos read.
func (a *app) challengeConfig(s *settings) challenge.Config {
	kind, ok := challenge.ParseKind(s.SignIn.Auth)
	if !ok {
		return challenge.Config{}
	}
	c := challenge.Config{Kind: kind, Username: s.SignIn.Username, Keytab: s.SignIn.Keytab, Cache: s.SignIn.CCache}
	if kind == challenge.Kerberos {
		env := environ.Vars(a.env)
		c.Cache = cmp.Or(c.Cache, env.Get("KRB5CCNAME"))
		if c.Cache == "" && c.Keytab == "" && a.tickets != nil && !a.givesPassword(s) {
			c.Cache = a.tickets()
		}
		c.Conf = cmp.Or(s.SignIn.Krb5Conf, confOf(env), defaultKerberosConf())
	}
	return c
}

// confOf is the krb5.conf that the environment names.
func confOf(env environ.Vars) string {
	text := env.Get("KRB5_CONFIG")
	if runtime.GOOS == "windows" {
		return text
	}
	first, _, _ := strings.Cut(text, ":") // of several
	return first
}

// redirectsKey notes a krb5.conf of the environment where it says which KDC a password or a
// key is used at: what either sends is enough to guess it by. A ticket tells nobody anything.
func (a *app) redirectsKey(s *settings) {
	conf := confOf(environ.Vars(a.env))
	if s.SignIn.Auth != profile.AuthKerberos || s.SignIn.Krb5Conf != "" || conf == "" || conf == defaultKerberosConf() {
		return
	}
	if c := a.challengeConfig(s); c.Keytab != "" || c.Cache == "" && !c.IsLoggedOn() {
		s.Changed = append(s.Changed, setting.Changed{Variable: "KRB5_CONFIG", Was: defaultKerberosConf(), Now: conf})
	}
}

// ticketSum identifies what a sign-in by Kerberos goes by, and what is in those files: another
// ticket in the same one is tried at once. "" without.
func (a *app) ticketSum(s *settings) string {
	c := a.challengeConfig(s)
	if c.Kind != challenge.Kerberos || c.NeedsPassword() {
		return ""
	}
	sum := sha256.New()
	for _, name := range []string{c.Conf, c.Keytab, c.Cache} {
		var data []byte
		name := strings.TrimPrefix(name, "FILE:")
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			data, _ = os.ReadFile(name) // what cannot be read signs nobody in
		}
		for _, part := range [][]byte{[]byte(name), data} {
			sum.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
			sum.Write(part)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// givesPassword reports whether this run was given a password, or the means to get one.
func (a *app) givesPassword(s *settings) bool {
	return a.secrets.flag() != "" || !s.Password.IsZero() || s.SignIn.PasswordCommand != nil
}

// defaultKerberosConf is where the system has its krb5.conf, "" if nowhere.
func defaultKerberosConf() string {
	if runtime.GOOS == "windows" {
		return ""
	}
	return "/etc/krb5.conf"
}

// needsNoPassword reports whether a ticket, a key or the system's own session signs in.
func (a *app) needsNoPassword(s *settings) bool {
	c := a.challengeConfig(s)
	return c.Kind != "" && !c.NeedsPassword()
}

// mayProve is mayShow for what signs in without a password.
func (a *app) mayProve(ctx context.Context, profile string, s *settings) error {
	if !a.needsNoPassword(s) {
		return nil
	}
	return a.mayShow(ctx, profile, s, "nobody is signed in by a ticket", "Sign in there by your ticket?")
}

// isIntegrated reports whether AD FS must take the client for one of Windows'.
func isIntegrated(s *settings) bool {
	return s.SignIn.Auth == profile.AuthNTLM || s.SignIn.Auth == profile.AuthKerberos
}

// userAgent is the configured one, else what goes with the way to sign in.
func userAgent(s *settings) string {
	if s.SignIn.UserAgent == "" && isIntegrated(s) {
		return idp.IntegratedUserAgent
	}
	return s.SignIn.UserAgent
}

// hintOfScheme is what to do about HTTP authentication that was refused, and about a proxy,
// where that depends on how; "" if it does not.
func hintOfScheme(page *idp.PageError) string {
	const careful = "check the password in a browser before you try again: repeated failures lock accounts"
	switch {
	case page.Verdict == idp.Rejected && page.Scheme == challenge.NTLM.Title():
		return `wrong password, wrong domain (write the user name as DOMAIN\name or name@domain), or a server that requires Extended Protection, which gatehop cannot do: the answer does not tell; ` + careful
	case page.Verdict == idp.Rejected && page.Scheme != "":
		return careful
	case page.Verdict == idp.PasswordExpired && page.Scheme != "":
		return "change the password (kpasswd, on Windows: Ctrl+Alt+Del), then run the command again"
	case page.Verdict == idp.Integrated && page.Scheme == challenge.NTLM.Title():
		return "the server takes no NTLM: gatehop_auth = kerberos signs in by a ticket"
	case page.Verdict != idp.ProxyRefused:
		return ""
	case strings.Contains(strings.ToLower(page.Words), "basic"):
		return "the proxy wants user name and password: gatehop_proxy = http://NAME:PASSWORD@HOST:PORT, or none to go past it"
	case page.Words != "":
		return "the proxy wants Windows sign-in, which gatehop cannot do: let a local proxy that can (px, cntlm) sign in to it and name that one in gatehop_proxy, or set none to go past it"
	}
	return ""
}

// ticketAdvices are the exit status and the hint for why there is no ticket.
var ticketAdvices = map[challenge.TicketKind]pageAdvice{
	challenge.NoCache:        {statusHuman, "get a ticket: kinit -c FILE:$FILE"},
	challenge.CacheType:      {statusUsage, "only files are read: kinit -c FILE:/tmp/krb5cc_gatehop, and KRB5CCNAME or gatehop_ccache = FILE:/tmp/krb5cc_gatehop"},
	challenge.NoTicket:       {statusHuman, "get a ticket: kinit -c FILE:$FILE"},
	challenge.ExpiredTicket:  {statusHuman, "get a new ticket: kinit -c FILE:$FILE"},
	challenge.OtherPerson:    {statusUsage, "correct gatehop_username, or get a ticket of that user: kinit -c FILE:$FILE"},
	challenge.NoKeytab:       {statusUsage, "check gatehop_keytab: klist -k FILE lists what a keytab holds"},
	challenge.NoKey:          {statusUsage, "write gatehop_username as name@REALM, as klist -k FILE lists it"},
	challenge.KeyRefused:     {statusRefused, "make the keytab anew: the password was changed since, or the user name is another's"},
	challenge.NoConf:         {statusUsage, "correct the file, or name another one in KRB5_CONFIG"},
	challenge.NoRealm:        {statusUsage, "write the user name as name@REALM, or set default_realm in krb5.conf"},
	challenge.UnknownUser:    {statusUsage, "check the user name and its realm: name@REALM"},
	challenge.UnknownService: {statusUsage, "gatehop_url must name the server as its service principal does (HTTP/HOST), no alias of it; or the principal is missing: the administrator adds it with setspn"},
	challenge.WrongRealm:     {statusUsage, "write the user name as name@REALM, with the realm of the account itself"},
	challenge.Revoked:        {statusRefused, "ask the administrator to unlock or enable the account"},
	challenge.ClockSkew:      {statusNetwork, "set this machine's clock: Kerberos allows five minutes of difference"},
	challenge.NoKDC:          {statusNetwork, "check that the VPN or the company network is up, and the realm's kdc in krb5.conf"},
	challenge.Unanswered:     {statusNetwork, "the KDC may be overloaded, or something on the way may have ended the connection: wait before you try again, since each try may count"},
	challenge.Encryption:     {statusUsage, "change the account's password once, so that the KDC has an AES key of it; or name in default_tkt_enctypes of krb5.conf what the KDC has"},
	challenge.Windows:        {statusRefused, "see whether a browser on this machine is signed in there by the same account"},
	challenge.OtherError:     {statusRefused, "try kinit and kvno HTTP/HOST with the same user name and server, to see whether it is about gatehop"},
}

func explainTicket(err error, e *explanation) bool {
	var ticket *challenge.TicketError
	if !errors.As(err, &ticket) {
		return false
	}
	advice := ticketAdvices[ticket.Kind]
	e.status, e.hint = advice.status, strings.ReplaceAll(advice.hint, "$FILE", ticket.Name)
	return true
}
