package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehop/idp"
	"gatehop/idp/idptest"
)

// faultOutcome is what a sign-in says and ends with, at AD FS and at a form provider.
type faultOutcome struct {
	adfs, form int
	words      string // on standard error at AD FS; "" where the sign-in gets past it
}

// faultOutcomes has a row for every kind.
func faultOutcomes() map[string]faultOutcome {
	const unsafe, origin, unusable, lookup = "would not send what you type safely", "refused to send what you typed", "the SAML response cannot be used", "elsewhere.example"
	return map[string]faultOutcome{
		"foreign-action":     {8, 8, origin},
		"plain-action":       {8, 8, origin},
		"get-form":           {6, 6, unsafe},
		"text-plain":         {6, 6, unsafe},
		"captcha":            {6, 6, "shows a CAPTCHA"},
		"no-words":           {2, 2, "the sign-in page came again without an explanation"},
		"redirect-307":       {8, 8, origin},
		"redirect-plain":     {8, 8, "refused to follow a redirect"},
		"cut":                {8, 8, "connection closed before the answer was complete"},
		"hang-posted":        {8, 8, "no answer in time"},
		"foreign-page":       {8, 8, lookup},
		"redirect-loop":      {6, 6, "the sign-in never ends"},
		"hang":               {8, 8, "no answer in time"},
		"json":               {6, 6, "not a web page"},
		"huge":               {6, 6, "page too large"},
		"deep":               {6, 6, "page too large"},
		"script-only":        {6, 6, "works only with scripts"},
		"firewall":           {6, 6, "a web firewall wants a browser"},
		"proxy":              {8, 8, "the network proxy refuses"},
		"not-found":          {2, 2, "no sign-in page at this address"},
		"integrated":         {2, 2, "asks for integrated sign-in"},
		"basic":              {2, 2, "asks for HTTP Basic"},
		"consent":            {2, 2, "a consent to agree to"},
		"foreign-acs":        {2, 2, "for another service than AWS"},
		"empty-response":     {6, 6, unusable},
		"bad-response":       {6, 6, unusable},
		"refused-response":   {6, 6, unusable},
		"encrypted":          {2, 2, "the assertion is encrypted"},
		"several-assertions": {6, 6, unusable},
		"ws-federation":      {2, 2, "answers in WS-Federation format"},
		"foreign-assertion":  {8, 8, lookup},

		"expired":         {5, 5, "has expired and must be changed"},
		"must-change":     {5, 5, "has expired and must be changed"},
		"locked":          {5, 5, "user name or password refused"},
		"disabled":        {5, 5, "user name or password refused"},
		"not-permitted":   {5, 6, "issues nothing for AWS to this account"},
		"no-roles":        {5, 6, "the assertion offers no AWS role"},
		"second-factor":   {3, 3, "a code is needed"},
		"update-password": {5, 0, "/adfs/portal/updatepassword/"},

		"entry-disabled":      {2, 0, "has its sign-in entry page switched off"},
		"unknown-party":       {2, 0, "does not know this relying party"},
		"unknown-party-page":  {2, 0, "does not know this relying party"},
		"home-realm-open":     {4, 0, "asks which organisation"},
		"german":              {0, 0, ""},
		"basic-first":         {2, 0, "asks for HTTP Basic"},
		"home-realm":          {0, 0, ""},
		"method-choice":       {0, 0, ""},
		"certificate":         {0, 0, ""},
		"certificate-refused": {2, 0, "asks for a TLS client certificate"},
		"paginated":           {0, 0, ""},
		"stepwise":            {0, 0, ""},
		"view-state":          {6, 0, "lost the sign-in session"},
		"integrated-first":    {2, 0, "asks for integrated sign-in"},
		"ntlm":                {0, 0, ""},
		"ntlm-refused":        {5, 0, "user name or password refused"},
		"http-basic":          {0, 0, ""},
		"http-digest":         {0, 0, ""},
		"big-token":           {0, 0, ""},
		"header-limit":        {8, 0, "the server finds the cookies too large"},
		"drop-cookies":        {2, 6, "came again without an explanation"},
		"unavailable":         {8, 8, "the provider is unavailable"},
		"slow":                {0, 0, ""},
	}
}

// TestFaults signs in with every kind, at one AD FS and at the form provider that have it.
// Nothing leaves the machine: another host than loopback is behind a proxy that is none.
func TestFaults(t *testing.T) {
	t.Parallel()
	outcomes := faultOutcomes()
	if got, want := slices.Sorted(maps.Keys(outcomes)), slices.Sorted(slices.Values(faultNames())); !slices.Equal(got, want) {
		t.Fatalf("rows of %q, want one for each of %q", got, want)
	}
	rarelyRaced(t, "its subject is other processes, which do one thing at a time")
	for _, k := range faultKinds() {
		want := outcomes[k.name]
		if k.adfs != nil {
			t.Run(k.name, func(t *testing.T) {
				t.Parallel()
				has := k.providers()
				if slices.Contains(has, "adfs3") {
					has = []string{"adfs3"}
				}
				trySandbox(t, has[0], k.name, want.adfs, want.words)
			})
		}
		if k.form != nil {
			t.Run("form/"+k.name, func(t *testing.T) {
				t.Parallel()
				trySandbox(t, "form", k.name, want.form, "")
			})
		}
	}
}

// trySandbox wants a login in the sandbox to end with status and to say words.
func trySandbox(t *testing.T, idp, fault string, status int, words string) {
	t.Helper()
	inside := []string{"gatehop", "login", "dev"}
	if strings.HasPrefix(fault, "hang") {
		inside = append([]string{"env", "GATEHOP_TIMEOUT=1s"}, inside...)
	}
	cmd := exec.Command("gatehop", append([]string{"sandbox", "--idp", idp, "--fault", fault, "--"}, inside...)...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "HTTPS_PROXY=http://127.0.0.1:1", "NO_PROXY=")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	said := stderr.String()
	if got := cmd.ProcessState.ExitCode(); got != status || !strings.Contains(said, words) {
		t.Errorf("status %d, want %d and %q on standard error:\n%s", got, status, words, said)
	}
	if signedIn := strings.Contains(string(out), "444444444444"); signedIn != (status == 0) || (status != 0) != strings.Contains(said, "gatehop: ") {
		t.Errorf("status %d with standard output %q and standard error:\n%s", status, out, said)
	}
}

// TestFaultOutcomes: what a kind ends with is the catalogue's status for what is said.
func TestFaultOutcomes(t *testing.T) {
	t.Parallel()
	found := 0
	for kind, o := range faultOutcomes() {
		for _, row := range idp.Catalogue() {
			if o.words == "" || !strings.Contains(row.Summary, o.words) {
				continue
			}
			found++
			if want := statusOfRow(row); o.adfs != want {
				t.Errorf("%s ends with %d, the catalogue has %d for %s", kind, o.adfs, want, row.ID)
			}
			break
		}
	}
	if found < 20 {
		t.Errorf("only %d kinds say what the catalogue has: the check looks in the wrong place", found)
	}
}

// TestFaultsChange makes the simulator of each kind at each provider that has it: a kind
// changes what it is made of, and is one that the provider can be.
func TestFaultsChange(t *testing.T) {
	t.Parallel()
	signer := testSigner(t, time.Now())
	for _, k := range append(faultKinds(), faultKind{name: "nothing", adfs: func(*idptest.Options) {}, form: func(*idptest.FormOptions) {}}) {
		user := func() []idptest.User { return []idptest.User{{Name: "alice"}} }
		if k.adfs != nil {
			plain, changed := idptest.Options{Users: user()}, idptest.Options{Users: user()}
			if k.adfs(&changed); reflect.DeepEqual(plain, changed) != (k.name == "nothing") {
				t.Errorf("%s changes nothing of an AD FS", k.name)
			}
		}
		if k.form != nil {
			plain, changed := idptest.FormOptions{Users: user()}, idptest.FormOptions{Users: user()}
			if k.form(&changed); reflect.DeepEqual(plain, changed) != (k.name == "nothing") {
				t.Errorf("%s changes nothing of a form provider", k.name)
			}
		}
		for _, provider := range k.providers() {
			o := sandboxOptions{idp: provider, fault: strings.TrimPrefix(k.name, "nothing")}
			if _, err := newSimulatedIDP(`CORP\alice`, time.Now, o, signer); err != nil {
				t.Errorf("--idp %s --fault %s: %v", provider, k.name, err)
			}
		}
	}
}

// TestFaultTable wants every kind said in 80 columns, once, and to be somebody's.
func TestFaultTable(t *testing.T) {
	names := faultNames()
	if len(names) != len(slices.Compact(slices.Sorted(slices.Values(names)))) || slices.Contains(names, "help") {
		t.Errorf("a name is there twice, or means the list: %q", names)
	}
	for _, f := range idptest.Faults() {
		if !slices.Contains(names, string(f.Fault)) {
			t.Errorf("the simulator's %s is no kind", f.Fault)
		}
	}
	for line := range strings.SplitSeq(faultTable()+inLines(faultNames()), "\n") {
		if len(line) > 80 {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
	for _, k := range faultKinds() {
		if len(k.providers()) == 0 || !strings.Contains(faultTable(), "\n"+fmt.Sprintf("%-18s ", k.name)) {
			t.Errorf("%s is at %q, and has no line of its own or no provider", k.name, k.providers())
		}
	}
}

// TestFaultElsewhere refuses a kind that the chosen provider cannot have.
func TestFaultElsewhere(t *testing.T) {
	for _, o := range []sandboxOptions{
		{idp: "form", fault: "home-realm"}, {idp: "adfs3", fault: "paginated"}, {idp: "adfs2016", fault: "stepwise"}, {idp: "adfs3", fault: "gremlin"},
	} {
		var usage *usageError
		if err := o.check(); !errors.As(err, &usage) {
			t.Errorf("--idp %s --fault %s: %v, want a usage error", o.idp, o.fault, err)
		}
	}
	for _, o := range []sandboxOptions{{idp: "adfs2019", fault: "paginated"}, {idp: "form", fault: "captcha"}, {idp: "adfs3"}} { // the controls
		if err := o.check(); err != nil {
			t.Errorf("--idp %s --fault %q: %v", o.idp, o.fault, err)
		}
	}
}
