package challenge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/spnego"

	"gatehop/idp"
)

const (
	kdcLimit = 30 * time.Second // for everything that is asked of KDCs in one sign-in
	maxFile  = 4 << 20          // bytes of a cache, a keytab or a krb5.conf
)

// ticket gets a token of SPNEGO for the service HTTP/HOST of page. The host is taken as it
// stands: no name is looked up for another one, and nothing is delegated.
//
// gokrb5 takes no context, and may panic over a file or an answer that is broken on
// purpose: it runs beside ctx, for up to a minute longer.
func (c Config) ticket(ctx context.Context, page *url.URL, who Who) ([]byte, error) {
	type result struct {
		token []byte
		err   error
	}
	limited, cancel := context.WithTimeout(ctx, kdcLimit)
	defer cancel()
	done := make(chan result, 1)
	go func() {
		r := result{err: &TicketError{Kind: OtherError, Detail: "a file or an answer is broken"}}
		defer func() {
			_ = recover()
			done <- r
		}()
		r.token, r.err = c.token("HTTP/"+strings.ToLower(page.Hostname()), who)
	}()
	select {
	case r := <-done:
		var refused *idp.PageError
		if errors.As(r.err, &refused) {
			refused.URL = idp.SafeURL(page)
		}
		return r.token, r.err
	case <-limited.Done():
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &TicketError{Kind: NoKDC, Name: "the KDC"}
	}
}

func (c Config) token(service string, who Who) ([]byte, error) {
	conf, err := readConf(c.Conf)
	if err != nil {
		return nil, err
	}
	cl, a, err := c.client(conf, who)
	if err != nil {
		return nil, err
	}
	defer cl.Destroy() // which ends the renewal in the background
	a.service = service
	a.granted = true
	ticket, key, err := cl.GetServiceTicket(service)
	if err != nil {
		return nil, a.judge(err)
	}
	init, err := spnego.NewNegTokenInitKRB5(cl, ticket, key)
	if err != nil {
		return nil, &TicketError{Kind: OtherError, Name: a.kdc(), Detail: "its ticket cannot be used"}
	}
	return (&spnego.SPNEGOToken{Init: true, NegTokenInit: init}).Marshal()
}

// client is somebody with a ticket to ask for others with.
func (c Config) client(conf *config.Config, who Who) (*client.Client, asked, error) {
	var (
		cl  *client.Client
		a   asked
		err error
	)
	switch {
	case c.Keytab != "":
		cl, a, err = c.byKeytab(conf)
	case c.Cache != "":
		return c.byCache(conf)
	default:
		a.password = true
		if a.user, a.realm, err = principal(who.Name, conf); err == nil {
			cl = client.NewWithPassword(a.user, a.realm, who.Password.Reveal(), conf, client.DisablePAFXFAST(true))
		}
	}
	if err != nil {
		return nil, a, err
	}
	if err := cl.Login(); err != nil {
		cl.Destroy()
		return nil, a, a.judge(err)
	}
	return cl, a, nil
}

// byKeytab signs in as the configured user, else as the only one in the file.
func (c Config) byKeytab(conf *config.Config) (*client.Client, asked, error) {
	a := asked{keytab: c.Keytab}
	data, problem := readFile(c.Keytab)
	kt := keytab.New()
	if problem == "" && kt.Unmarshal(data) != nil || problem == "" && len(kt.Entries) == 0 {
		problem = "its content is something else"
	}
	if problem != "" {
		return nil, a, &TicketError{Kind: NoKeytab, Name: c.Keytab, Detail: problem}
	}
	var err error
	if a.user, a.realm, err = c.inKeytab(kt, conf); err != nil {
		return nil, a, err
	}
	return client.NewWithKeytab(a.user, a.realm, kt, conf, client.DisablePAFXFAST(true)), a, nil
}

// inKeytab finds whose key to use.
func (c Config) inKeytab(kt *keytab.Keytab, conf *config.Config) (user, realm string, err error) {
	if c.Username != "" && strings.Contains(c.Username, "@") {
		return principal(c.Username, conf)
	}
	found := map[[2]string]bool{}
	for _, e := range kt.Entries {
		name := [2]string{strings.Join(e.Principal.Components, "/"), e.Principal.Realm}
		if c.Username == "" || strings.EqualFold(name[0], bareName(c.Username)) {
			found[name] = true
		}
	}
	if len(found) != 1 {
		detail := "of several users"
		if c.Username != "" {
			detail = c.Username
		}
		return "", "", &TicketError{Kind: NoKey, Name: c.Keytab, Detail: detail}
	}
	for name := range found {
		user, realm = name[0], name[1]
	}
	return user, realm, nil
}

// byCache takes the ticket that somebody got before.
func (c Config) byCache(conf *config.Config) (*client.Client, asked, error) {
	var a asked
	file, err := cacheFile(c.Cache)
	if err != nil {
		return nil, a, err
	}
	data, problem := readFile(file)
	cache := &credentials.CCache{}
	if problem == "" && !readCache(cache, data) {
		problem = "its content is something else"
	}
	if problem != "" {
		return nil, a, &TicketError{Kind: NoCache, Name: file, Detail: problem}
	}
	a.cache = file
	a.user, a.realm = cache.GetClientPrincipalName().PrincipalNameString(), cache.GetClientRealm()
	if c.Username != "" && !strings.EqualFold(bareName(c.Username), a.user) {
		return nil, a, &TicketError{Kind: OtherPerson, Name: file, Detail: idp.CleanWords(a.principal())}
	}
	cl, err := client.NewFromCCache(cache, conf)
	if err != nil {
		return nil, a, &TicketError{Kind: NoTicket, Name: file}
	}
	if err := cl.AffirmLogin(); err != nil {
		return nil, a, &TicketError{Kind: ExpiredTicket, Name: file, Until: expiry(cache)}
	}
	return cl, a, nil
}

// expiry is when the ticket for other tickets ends.
func expiry(c *credentials.CCache) time.Time {
	for _, cred := range c.GetEntries() {
		if name := cred.Server.PrincipalName.NameString; len(name) == 2 && name[0] == "krbtgt" && name[1] == c.GetClientRealm() {
			return cred.EndTime
		}
	}
	return time.Time{}
}

// cacheFile is the file of a credential cache as KRB5CCNAME names it: TYPE:REST, or a path.
func cacheFile(name string) (string, error) {
	kind, rest, ok := strings.Cut(name, ":")
	switch {
	case !ok, strings.ContainsAny(kind, `/\`), len(kind) == 1: // a drive of Windows
		return name, nil
	case strings.EqualFold(kind, "FILE"):
		return rest, nil
	}
	return "", &TicketError{Kind: CacheType, Name: idp.CleanWords(kind) + ":"}
}

// bareName is a user name without its domain or realm.
func bareName(name string) string {
	name = name[strings.LastIndexByte(name, '\\')+1:]
	name, _, _ = strings.Cut(name, "@")
	return name
}

// principal reads a user name: name@realm, REALM\name with a realm that has a dot (the
// short name of a Windows domain is none), or a name of the default realm.
func principal(name string, conf *config.Config) (user, realm string, err error) {
	user, realm = strings.TrimSpace(name), conf.LibDefaults.DefaultRealm
	if domain, rest, ok := strings.Cut(user, `\`); ok {
		user = rest
		if strings.Contains(domain, ".") {
			realm = strings.ToUpper(domain)
		}
	} else if rest, suffix, ok := strings.Cut(user, "@"); ok {
		user, realm = rest, realmOf(suffix, conf)
	}
	if realm == "" || user == "" {
		return "", "", &TicketError{Kind: NoRealm, Name: fmt.Sprintf("the user name %q", idp.CleanWords(name))}
	}
	return user, realm, nil
}

// realmOf is the realm that a suffix stands for: one of krb5.conf's, written as there, else
// itself in capitals.
func realmOf(suffix string, conf *config.Config) string {
	for _, r := range conf.Realms {
		if strings.EqualFold(r.Realm, suffix) {
			return r.Realm
		}
	}
	return strings.ToUpper(suffix)
}

// readConf reads krb5.conf as far as gokrb5 understands it. What the file does not say is
// as MIT's library has it: KDCs are looked up in DNS. They are asked over TCP alone: an
// answer that is lost on UDP would have a password tried twice.
func readConf(file string) (*config.Config, error) {
	text := ""
	if file != "" {
		data, problem := readFile(file)
		if problem != "" && problem != notThere {
			return nil, &TicketError{Kind: NoConf, Name: file, Detail: problem}
		}
		text = string(data)
	}
	var lines []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(line), "include") { // gokrb5 would not go on
			lines = append(lines, strings.TrimRight(line, "\r\n"))
		}
	}
	conf, err := config.NewFromString(strings.Join(lines, "\n"))
	if err != nil && !errors.As(err, new(config.UnsupportedDirective)) {
		return nil, &TicketError{Kind: NoConf, Name: file, Detail: "its content is something else"}
	}
	if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), "dns_lookup_kdc") }) {
		conf.LibDefaults.DNSLookupKDC = true
	}
	conf.LibDefaults.UDPPreferenceLimit = 1
	conf.LibDefaults.Forwardable, conf.LibDefaults.Proxiable = false, false
	return conf, nil
}

// notThere is readFile's problem with a file that does not exist.
const notThere = "it does not exist"

// readFile reads a regular file; problem is "" if that went well.
func readFile(name string) (data []byte, problem string) {
	info, err := os.Stat(name) // before it is opened: a pipe would wait for its writer
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, notThere
	case err != nil:
		return nil, reason(err)
	case !info.Mode().IsRegular():
		return nil, "it is not a regular file"
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, reason(err)
	}
	defer func() { _ = f.Close() }()
	if data, err = io.ReadAll(io.LimitReader(f, maxFile+1)); err != nil {
		return nil, reason(err)
	}
	if len(data) > maxFile {
		return nil, "it is too large"
	}
	return data, ""
}

// reason is what the system says of a file, without its name.
func reason(err error) string {
	if path := (*os.PathError)(nil); errors.As(err, &path) {
		err = path.Err
	}
	return err.Error()
}

// KerberosRefusal is what a server says about the ticket that it refused, as far as that is
// about clocks; nil if it says nothing of the kind.
func KerberosRefusal(host string, offers []Offer) (err error) {
	defer func() {
		if recover() != nil { // gokrb5 over a token that is broken
			err = nil
		}
	}()
	for _, o := range offers {
		if code := serverCode(o); code == apErrSkew {
			return &TicketError{Kind: ClockSkew, Name: host}
		}
	}
	return nil
}
