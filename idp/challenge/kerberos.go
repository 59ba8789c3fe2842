package challenge

import (
	"cmp"
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
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/spnego"
	"github.com/jcmturner/gokrb5/v8/types"

	"gatehop/idp"
)

const (
	kdcLimit = 30 * time.Second // for everything that is asked of KDCs in one sign-in
	maxFile  = 4 << 20          // bytes of a cache, a keytab or a krb5.conf
)

// ticket gets a token of SPNEGO for the service HTTP/HOST of page. The host is taken as it
// stands: no name is looked up for another one, and nothing is delegated.
//
// gokrb5 may panic over a file or an answer that is broken on purpose.
func (c Config) ticket(ctx context.Context, page *url.URL, who Who) ([]byte, error) {
	return c.ticketFrom(ctx, page, who, newKDCs)
}

func (c Config) ticketFrom(ctx context.Context, page *url.URL, who Who, at func(*config.Config) *kdcs) (token []byte, err error) {
	limited, cancel := context.WithTimeout(ctx, kdcLimit)
	defer cancel()
	defer func() {
		if recover() != nil {
			token, err = nil, &TicketError{Kind: OtherError, Detail: "a file or an answer is broken"}
		}
		if err != nil && ctx.Err() != nil {
			err = ctx.Err()
		}
		var refused *idp.PageError
		if errors.As(err, &refused) {
			refused.URL = idp.SafeURL(page)
		}
	}()
	return c.token(limited, strings.ToLower(page.Hostname()), who, at)
}

func (c Config) token(ctx context.Context, host string, who Who, at func(*config.Config) *kdcs) ([]byte, error) {
	conf, err := readConf(c.Conf)
	if err != nil {
		return nil, err
	}
	l, err := c.login(conf, who)
	if err != nil {
		return nil, err
	}
	l.kdcs, l.service = at(conf), "HTTP/"+host
	got, err := l.serviceTicket(ctx, host)
	if err != nil {
		return nil, l.judge(err)
	}
	// It needs a client for the name alone.
	holder := &client.Client{Credentials: credentials.NewFromPrincipalName(l.name, l.realm)}
	init, err := spnego.NewNegTokenInitKRB5(holder, got.ticket, got.key)
	if err != nil {
		return nil, &TicketError{Kind: OtherError, Name: l.kdc(), Detail: "its ticket cannot be used"}
	}
	return (&spnego.SPNEGOToken{Init: true, NegTokenInit: init}).Marshal()
}

// serviceTicket is the one for l.service at host: out of the cache, or from a KDC of the
// realm that krb5.conf has for that host, else of the client's own.
func (l *login) serviceTicket(ctx context.Context, host string) (grant, error) {
	service := types.NewPrincipalName(nametype.KRB_NT_PRINCIPAL, l.service)
	if got, ok := l.tickets.service(service); ok {
		return got, nil
	}
	known := l.conf.ResolveRealm(host)
	if got, ok := l.tickets.granting(l.realm, known); ok {
		l.granted = true
		return l.ticketFor(ctx, got, known, service)
	}
	tgt, err := l.ownTicket(ctx)
	if err != nil {
		return grant{}, err
	}
	l.granted = true
	realm := cmp.Or(known, l.realm) // which a KDC may have changed
	if tgt, err = l.toRealm(ctx, tgt, realm); err != nil {
		return grant{}, err
	}
	return l.ticketFor(ctx, tgt, realm, service)
}

// ownTicket is the one to ask for others with in the client's realm.
func (l *login) ownTicket(ctx context.Context) (grant, error) {
	if l.cache == "" {
		return l.tgt(ctx)
	}
	if got, ok := l.tickets.granting(l.realm, l.realm); ok {
		return got, nil
	}
	if until := l.tickets.expiry(l.realm); !until.IsZero() {
		return grant{}, &TicketError{Kind: ExpiredTicket, Name: l.cache, Until: until}
	}
	return grant{}, &TicketError{Kind: NoTicket, Name: l.cache}
}

// login is somebody who can get tickets.
func (c Config) login(conf *config.Config, who Who) (l *login, err error) {
	l = &login{conf: conf}
	switch {
	case c.Keytab != "":
		err = c.byKeytab(l)
	case c.Cache != "":
		return l, c.byCache(l)
	default:
		l.password, l.typed = true, who.Password
		l.user, l.realm, err = principal(who.Name, conf)
	}
	l.name = types.NewPrincipalName(nametype.KRB_NT_PRINCIPAL, l.user)
	return l, err
}

// byKeytab signs in as the configured user, else as the only one in the file.
func (c Config) byKeytab(l *login) (err error) {
	data, problem := readFile(c.Keytab)
	l.keytab, l.keys = c.Keytab, keytab.New()
	if problem == "" && l.keys.Unmarshal(data) != nil || problem == "" && len(l.keys.Entries) == 0 {
		problem = "its content is something else"
	}
	if problem != "" {
		return &TicketError{Kind: NoKeytab, Name: c.Keytab, Detail: problem}
	}
	l.user, l.realm, err = c.inKeytab(l.keys, l.conf)
	return err
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

// byCache takes the tickets that somebody got before.
func (c Config) byCache(l *login) error {
	file, err := cacheFile(c.Cache)
	if err != nil {
		return err
	}
	data, problem := readFile(file)
	cache := &credentials.CCache{}
	if problem == "" && !readCache(cache, data) {
		problem = "its content is something else"
	}
	if problem != "" {
		return &TicketError{Kind: NoCache, Name: file, Detail: problem}
	}
	l.name, l.realm = cache.GetClientPrincipalName(), cache.GetClientRealm()
	l.cache, l.user, l.tickets = file, l.name.PrincipalNameString(), cache.GetEntries()
	if c.Username != "" && !strings.EqualFold(bareName(c.Username), l.user) {
		return &TicketError{Kind: OtherPerson, Name: file, Detail: idp.CleanWords(l.principal())}
	}
	return nil
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
// as MIT's library has it: KDCs are looked up in DNS.
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
	if !isSet(lines, "dns_lookup_kdc") {
		conf.LibDefaults.DNSLookupKDC = true
	}
	conf.LibDefaults.DefaultTktEnctypeIDs = passwordTypes(conf.LibDefaults, lines)
	conf.LibDefaults.Forwardable, conf.LibDefaults.Proxiable = false, false
	return conf, nil
}

// isSet reports whether a line of a krb5.conf sets something that begins with key.
func isSet(lines []string, key string) bool {
	return slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), key) })
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
