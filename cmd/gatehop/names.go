package main

import (
	"context"
	"errors"
	"slices"
	"sync"

	"gatehop/cmd/gatehop/internal/names"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/creds"
	"gatehop/creds/store"
	"gatehop/saml"
)

// namesFile holds what accounts are called, as AWS answered.
const namesFile = "accounts.json"

// accountAliases is what accounts are called: by gatehop_alias, else as was learned.
func (a *app) accountAliases() map[string]string {
	given, taken := a.configuredAliases()
	return names.Merge(given, taken, a.names().Names(a.now()))
}

// givenAliases are the names that the configuration gives.
func (a *app) givenAliases() map[string]string {
	given, _ := a.configuredAliases()
	return given
}

// aliasesFor is accountAliases, but for a gateway that wants to hear of no names but
// those that are configured.
func (a *app) aliasesFor(s *settings) func() map[string]string {
	if s.SignIn.AccountNames == profile.NamesNone {
		return a.givenAliases
	}
	return a.accountAliases
}

// configuredAliases collects gatehop_alias of all readable profiles by account. That of
// a gateway without a configured role is of the account that was pinned for it; taken
// are those whose account is not known.
func (a *app) configuredAliases() (given map[string]string, taken []string) {
	given = map[string]string{}
	config, err := a.profiles()
	if err != nil {
		return given, nil
	}
	dir, _, err := a.state("none", false)
	if err != nil {
		return given, nil
	}
	choices := a.choices(dir)
	for _, ch := range config.Chains() {
		p := ch[len(ch)-1]
		if p.Alias == "" {
			continue
		}
		account := accountOf(p.RoleARN)
		if account == "" {
			known, _ := choices.Get(p.Name) // a name for people: without it the number is shown
			account = known.Account
		}
		if account == "" {
			taken = append(taken, p.Alias)
			continue
		}
		if before := given[account]; before != "" {
			taken = append(taken, before)
		}
		given[account] = p.Alias
	}
	return given, taken
}

// names is the book of learned names, in the state directory as it is when it is read
// or written: it may be made in between.
func (a *app) names() *names.Book {
	file := func() (stateFile, error) {
		dir, _, err := a.state("none", false)
		if err == nil && dir.Path() == "" {
			err = errors.New("there is no state directory")
		}
		return plainFile(dir, namesFile), err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.book.Read == nil {
		a.book.Read = func() ([]byte, error) {
			f, err := file()
			if err != nil {
				return nil, err
			}
			return f.read()
		}
		a.book.Update = func(change func([]byte) ([]byte, error)) error {
			f, err := file()
			if err != nil {
				return err
			}
			return f.update(change)
		}
	}
	return &a.book
}

// forgetNames removes the book and reports whether there was one.
func forgetNames(dir store.Dir) (found bool, err error) {
	if dir.Path() == "" {
		return false, nil
	}
	return plainFile(dir, namesFile).remove()
}

// offering asks what accounts are called before a person chooses among roles.
func (a *app) offering(s *settings) func(context.Context, *saml.Assertion) {
	return func(ctx context.Context, assertion *saml.Assertion) { a.askSignInPage(ctx, s, assertion) }
}

// askSignInPage learns names from AWS's sign-in page, if somebody is there to read them.
// It is an extra: it takes 2 s at most, and its failure is a line of --verbose. Where
// the STS is not AWS's, nothing else that has to do with the sign-in goes to AWS either.
func (a *app) askSignInPage(ctx context.Context, s *settings, assertion *saml.Assertion) {
	_, ok := names.SignInPage(assertion)
	if !ok || s.SignIn.AccountNames == profile.NamesNone || s.Endpoint != "" || a.isUnattended() {
		return
	}
	var offered []string
	for _, r := range assertion.Roles {
		offered = append(offered, r.Account())
	}
	if len(a.names().Due(a.now(), names.Page, offered)) == 0 {
		return
	}
	client, err := a.namesClient(s)
	if err != nil {
		a.log().Debug("account names", "from", "sign-in page", "error", err)
		return
	}
	got, err := client.FromPage(ctx, assertion)
	if ctx.Err() != nil {
		return
	}
	a.learn(names.Page, offered, got, err)
}

// learn keeps what was answered, and says at debug level why there is less of it.
func (a *app) learn(from names.Source, asked []string, got map[string]string, problem error) {
	kept := a.names().Learn(a.now(), from, asked, got)
	for _, err := range []error{problem, kept} {
		if err != nil {
			a.log().Debug("account names", "from", from, "error", err)
		}
	}
}

// namesClient asks AWS over the connections of the hops.
func (a *app) namesClient(s *settings) (names.Client, error) {
	client, err := a.stsClient(s)
	if err != nil {
		return names.Client{}, err
	}
	return names.Client{Transport: client.HTTP.Transport, Now: a.now}, nil
}

// nameHops puts names to hops that have none. With gatehop_account_names = iam it first
// asks in each account whose name nobody knows, with the credentials of its hop.
func (a *app) nameHops(ctx context.Context, ch profile.Chain, hops []hopReport, held []creds.Credentials) {
	s, err := a.settings(ch)
	if err != nil {
		return
	}
	if s.SignIn.AccountNames == profile.NamesIAM && s.Endpoint == "" {
		a.askIAM(ctx, s, hops, held)
	}
	known := a.aliasesFor(s)()
	for i := range hops {
		if hops[i].Alias == "" {
			hops[i].Alias = known[hops[i].Account]
		}
	}
}

// askIAM asks in all accounts at once. hops and held go together.
func (a *app) askIAM(ctx context.Context, s *settings, hops []hopReport, held []creds.Credentials) {
	client, err := a.namesClient(s)
	if err != nil {
		return
	}
	given := a.givenAliases()
	var accounts []string
	for _, h := range hops {
		if given[h.Account] == "" {
			accounts = append(accounts, h.Account)
		}
	}
	due := a.names().Due(a.now(), names.IAM, accounts)
	if len(due) == 0 {
		return
	}
	limited, cancel := context.WithTimeout(ctx, names.Limit)
	defer cancel()
	got, problems := map[string]string{}, make([]error, len(due))
	var mu sync.Mutex
	var all sync.WaitGroup
	for i, account := range due {
		at := slices.IndexFunc(hops, func(h hopReport) bool { return h.Account == account })
		all.Go(func() {
			alias, err := client.FromIAM(limited, held[at])
			mu.Lock()
			defer mu.Unlock()
			problems[i] = err
			if err == nil || errors.Is(err, names.ErrDenied) { // a refusal is an answer: CloudTrail has it
				got[account] = alias
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return
	}
	a.learn(names.IAM, due, got, errors.Join(problems...))
}
