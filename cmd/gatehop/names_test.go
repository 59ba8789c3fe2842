package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gatehop/cmd/gatehop/internal/names"
	"gatehop/saml/samltest"
	"gatehop/sts/ststest"
)

const (
	otherAccount = "222222222222"
	otherARN     = "arn:aws:iam::222222222222:role/Gateway"
)

// named is a world whose AWS also has a sign-in page and an IAM. The gateway account is
// called corp-gateway, the destination of profile dev corp-dev.
type named struct {
	*world
	page *ststest.SignIn
	iam  *ststest.IAM
}

func newNamed(t *testing.T, o worldOptions) *named {
	t.Helper()
	o.bubble = true
	aliases := map[string]string{gatewayAccount: "corp-gateway", otherAccount: "corp-other", "444444444444": "corp-dev"}
	n := &named{page: &ststest.SignIn{Names: aliases}, iam: &ststest.IAM{Region: "us-east-1", Aliases: aliases}}
	o.extra = map[string]http.Handler{"signin.aws.amazon.com": n.page, "iam.amazonaws.com": n.iam}
	more := o.sts
	o.sts = func(s *ststest.Options) {
		s.Providers = append(s.Providers, ststest.Provider{ARN: "arn:aws:iam::222222222222:saml-provider/" + sandboxProvider,
			EntityID: s.Providers[0].EntityID, Certs: s.Providers[0].Certs})
		s.Roles = append(s.Roles, ststest.Role{ARN: otherARN, MaxSession: 12 * time.Hour, TrustProviders: []string{"arn:aws:iam::222222222222:saml-provider/" + sandboxProvider}})
		if more != nil {
			more(s)
		}
	}
	if o.roles == nil {
		o.roles = []string{
			samltest.RoleValue(gatewayAccount, "Gateway", sandboxProvider, false),
			samltest.RoleValue(gatewayAccount, "ReadOnly", sandboxProvider, true),
			samltest.RoleValue(otherAccount, "Gateway", sandboxProvider, true),
		}
	}
	n.world = newWorld(t, o)
	n.page.Server, n.iam.Server = n.sts, n.sts
	n.vars = []string{password(worldPassword), "GATEHOP_USERNAME=CORP\\alice"}
	n.answer = map[string]string{"role": gatewayARN}
	return n
}

// inBubble runs a test on a clock that stands still while there is work: the 2 s that a
// page has are not much on a busy machine.
func inBubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}

// learned writes what was learned before, by account.
func (n *named) learned(aliases map[string]string) {
	n.t.Helper()
	var parts []string
	for account, alias := range aliases {
		parts = append(parts, fmt.Sprintf("%q:{\"page\":{\"alias\":%q,\"at\":%q}}", account, alias, n.clock().UTC().Format(time.RFC3339)))
	}
	n.write("state/"+namesFile, "{"+strings.Join(parts, ",")+"}")
}

func TestRolesNames(t *testing.T) { inBubble(t, testRolesNames) }

func testRolesNames(t *testing.T) {
	n := newNamed(t, worldOptions{})
	n.run("roles", "open").want(t, 0, "111111111111  corp-gateway  Gateway", "222222222222  corp-other")
	n.run("roles", "open").want(t, 0, "corp-other")
	n.run("roles", "gateway", "--json").want(t, 0, `"alias": "corp-gateway"`)
	if got := len(n.page.Requests()); got != 1 {
		t.Errorf("the page was asked %d times, want once", got)
	}
	file := filepath.Join(n.home, "state", namesFile)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("file of names: %v, %v", info, err)
	}
	time.Sleep(31 * 24 * time.Hour)
	n.run("roles", "open").want(t, 0, "corp-other")
	if got := len(n.page.Requests()); got != 2 {
		t.Errorf("the page was asked %d times in two months, want twice", got)
	}
	n.run("logout", "open")
	n.run("roles", "open").want(t, 0, "corp-other")
	n.run("logout", "--all").want(t, 0, "forgot the names of accounts")
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("after logout --all the file of names is there: %v", err)
	}
	if got := len(n.page.Requests()); got != 2 {
		t.Errorf("the page was asked %d times, want twice", got)
	}
	if n.page.Consoles() != 0 {
		t.Error("a console session was opened")
	}
}

// TestNamesGiven: gatehop_alias wins.
func TestNamesGiven(t *testing.T) { inBubble(t, testNamesGiven) }

func testNamesGiven(t *testing.T) {
	n := newNamed(t, worldOptions{config: worldConfig + "\n[profile other]\ngatehop_role_arn = arn:aws:iam::222222222222:role/Admins\ngatehop_source_profile = gateway\ngatehop_alias = mine\n"})
	out := n.run("roles", "open").want(t, 0, "corp-gateway", "222222222222  mine ")
	if strings.Contains(out.stdout, "corp-other") {
		t.Errorf("the learned name is shown:\n%s", out.stdout)
	}
}

// TestPageIsAsked counts what leaves for the sign-in page, and for IAM.
func TestPageIsAsked(t *testing.T) {
	t.Parallel()
	open := func(line string) string {
		return strings.Replace(worldConfig, "[profile open]\n", "[profile open]\n"+line+"\n", 1)
	}
	for name, c := range map[string]struct {
		o       worldOptions
		before  []string // run first, without being counted
		args    []string
		vars    []string
		nobody  bool // is at a terminal
		want    int
		wantIAM int
		status  int
	}{
		"roles":                       {args: []string{"roles", "open"}, want: 1},
		"chooser":                     {args: []string{"login", "open"}, want: 1},
		"roles of a configured role":  {args: []string{"roles", "gateway"}, want: 1},
		"by default":                  {o: worldOptions{config: open("gatehop_account_names = page")}, args: []string{"login", "open"}, want: 1},
		"configured role":             {args: []string{"login", "gateway"}},
		"hop":                         {args: []string{"login", "dev"}},
		"--role":                      {args: []string{"login", "open", "--role", "ReadOnly"}},
		"remembered role":             {before: []string{"login", "open"}, args: []string{"login", "open", "--force"}},
		"one role":                    {o: worldOptions{roles: []string{samltest.RoleValue(gatewayAccount, "Gateway", sandboxProvider, false)}}, args: []string{"login", "open"}},
		"roles with one":              {o: worldOptions{roles: []string{samltest.RoleValue(gatewayAccount, "Gateway", sandboxProvider, false)}}, args: []string{"roles", "open"}},
		"none":                        {o: worldOptions{config: open("gatehop_account_names = none")}, args: []string{"login", "open"}},
		"none with roles":             {o: worldOptions{config: open("gatehop_account_names = none")}, args: []string{"roles", "open"}},
		"nobody":                      {args: []string{"roles", "open"}, nobody: true},
		"nobody to choose":            {args: []string{"login", "open"}, nobody: true, status: 4},
		"--no-input":                  {args: []string{"roles", "open", "--no-input"}},
		"helper":                      {args: []string{"credential-process", "open"}, status: 4},
		"another STS":                 {args: []string{"roles", "open"}, vars: []string{"AWS_ENDPOINT_URL_STS=https://" + stsHost}},
		"another STS, chooser":        {args: []string{"login", "open"}, vars: []string{"AWS_ENDPOINT_URL_STS=https://" + stsHost}},
		"another STS in the profile":  {o: worldOptions{config: open("endpoint_url = https://" + stsHost)}, args: []string{"roles", "open"}},
		"IAM":                         {o: worldOptions{config: open("gatehop_account_names = iam")}, args: []string{"login", "open"}, want: 1}, // the page has answered
		"IAM, no page":                {o: worldOptions{config: open("gatehop_account_names = iam")}, args: []string{"login", "open"}, nobody: true, status: 4},
		"IAM, configured role":        {o: worldOptions{config: worldConfig + iamLine}, args: []string{"login", "named"}, wantIAM: 1},
		"IAM, hops":                   {o: worldOptions{config: worldConfig + iamLine}, args: []string{"login", "nameddev"}, wantIAM: 2},
		"IAM, nobody":                 {o: worldOptions{config: worldConfig + iamLine}, args: []string{"login", "nameddev"}, nobody: true, wantIAM: 2},
		"IAM again":                   {o: worldOptions{config: worldConfig + iamLine}, before: []string{"login", "nameddev"}, args: []string{"login", "nameddev", "--force"}},
		"IAM, another STS":            {o: worldOptions{config: worldConfig + iamLine}, args: []string{"login", "nameddev"}, vars: []string{"AWS_ENDPOINT_URL_STS=https://" + stsHost}},
		"IAM is for login":            {o: worldOptions{config: worldConfig + iamLine}, args: []string{"credential-process", "nameddev"}},
		"IAM, one name is configured": {o: worldOptions{config: worldConfig + iamLine + "gatehop_alias = mine\n"}, args: []string{"login", "nameddev"}, wantIAM: 1},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				n := newNamed(t, c.o)
				if c.nobody {
					n.answer = nil
				}
				if c.before != nil {
					n.run(c.before...).want(t, 0)
				}
				page, iam := len(n.page.Requests()), len(n.iam.Requests())
				n.runWith(c.vars, c.args...).want(t, c.status)
				page, iam = len(n.page.Requests())-page, len(n.iam.Requests())-iam
				if page != c.want || iam != c.wantIAM {
					t.Errorf("the page was asked %d times and IAM %d times, want %d and %d", page, iam, c.want, c.wantIAM)
				}
				for _, r := range append(n.page.Requests(), n.iam.Requests()...) {
					if r.Status != http.StatusOK {
						t.Errorf("refused: %s", r.Code)
					}
				}
				if left := n.net.Refused(); len(left) != 0 {
					t.Errorf("left for elsewhere: %+v", left)
				}
			})
		})
	}
}

// iamLine are a gateway and a hop behind it that may ask IAM; the hop is last.
const iamLine = `
[profile named]
gatehop_from = gateway
gatehop_account_names = iam
gatehop_role_arn = arn:aws:iam::111111111111:role/Gateway
region = eu-west-1

[profile nameddev]
gatehop_role_arn = arn:aws:iam::444444444444:role/Admins
gatehop_source_profile = named
region = eu-west-1
`

// TestNamesAnyTrouble: whatever the page does, roles are listed as without it, and one
// trouble a day is enough.
func TestNamesAnyTrouble(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]func(*named){
		"script":  func(n *named) { n.page.Shape = ststest.ShapeScript },
		"refused": func(n *named) { n.page.Shape = ststest.ShapeError },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				n := newNamed(t, worldOptions{})
				trouble(n)
				out := n.run("roles", "open").want(t, 0, "222222222222  -")
				if out.stderr != "" {
					t.Errorf("it is said: %s", out.stderr)
				}
				n.run("-v", "roles", "open").want(t, 0, "222222222222  -")
				if got := len(n.page.Requests()); got != 1 {
					t.Errorf("the page was asked %d times in a day", got)
				}
				time.Sleep(25 * time.Hour)
				n.run("-v", "roles", "open").want(t, 0, "account names", "222222222222  -")
				n.page.Shape = ststest.ShapeData
				time.Sleep(25 * time.Hour)
				n.run("roles", "open").want(t, 0, "corp-other")
			})
		})
	}
	t.Run("nobody answers", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.vars, w.answer = []string{password(worldPassword), "GATEHOP_USERNAME=CORP\\alice"}, map[string]string{}
			if out := w.run("roles", "open").want(t, 0, "111111111111  -"); out.stderr != "" {
				t.Errorf("it is said: %s", out.stderr)
			}
			if got := len(w.net.Refused()); got != 1 {
				t.Errorf("%d requests to an unknown host, want 1", got)
			}
		})
	})
	t.Run("a file that is none", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			n := newNamed(t, worldOptions{})
			n.write("state/"+namesFile, "nonsense")
			if out := n.run("roles", "open").want(t, 0, "corp-other"); out.stderr != "" {
				t.Errorf("it is said: %s", out.stderr)
			}
		})
	})
}

// TestSlowPage: the question about the role comes at most 2 s later than without a page.
func TestSlowPage(t *testing.T) {
	for latency, want := range map[time.Duration]time.Duration{0: 0, time.Second: time.Second, 3 * time.Second: names.Limit, time.Hour: names.Limit} {
		synctest.Test(t, func(t *testing.T) {
			n := newNamed(t, worldOptions{})
			n.page.Latency = latency
			from, asked := time.Now(), time.Duration(-1)
			n.onAsk = func() { asked = time.Since(from) }
			n.run("login", "open").want(t, 0)
			if asked != want {
				t.Errorf("with a page of %v the question came after %v, want %v", latency, asked, want)
			}
		})
	}
}

// TestSlowIAM: all accounts are asked at once, for 2 s.
func TestSlowIAM(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNamed(t, worldOptions{config: worldConfig + iamLine})
		n.iam.Latency = time.Hour
		from := time.Now()
		n.run("login", "nameddev").want(t, 0, "111111111111")
		if took := time.Since(from); took != names.Limit {
			t.Errorf("login took %v, want %v", took, names.Limit)
		}
		from = time.Now()
		n.run("login", "nameddev").want(t, 0)
		if took := time.Since(from); took != 0 {
			t.Errorf("the second login took %v", took)
		}
	})
}

func TestLoginNames(t *testing.T) { inBubble(t, testLoginNames) }

func testLoginNames(t *testing.T) {
	n := newNamed(t, worldOptions{config: worldConfig + iamLine})
	n.iam.Denied = []string{gatewayAccount}
	out := n.run("login", "nameddev").want(t, 0, "444444444444 (corp-dev)")
	if strings.Contains(out.stdout, "corp-gateway") || out.stderr != "" {
		t.Errorf("a role that may not ask: %s%s", out.stdout, out.stderr)
	}
	time.Sleep(48 * time.Hour) // a denial is an answer
	n.run("login", "nameddev", "--json").want(t, 0, `"alias": "corp-dev"`)
	if got := len(n.iam.Requests()); got != 2 {
		t.Errorf("IAM was asked %d times, want twice", got)
	}
	time.Sleep(31 * 24 * time.Hour)
	n.iam.Denied = nil
	n.run("login", "nameddev").want(t, 0, "444444444444 (corp-dev)", "111111111111 (corp-gateway)")
}

// TestNamedIsNotAsked: IAM is not asked what the configuration says. The control is the
// account beside it, which has no name.
func TestNamedIsNotAsked(t *testing.T) { inBubble(t, testNamedIsNotAsked) }

func testNamedIsNotAsked(t *testing.T) {
	n := newNamed(t, worldOptions{config: worldConfig + iamLine})
	n.write(".aws/config", strings.Replace(worldConfig+iamLine, "role/Gateway\n", "role/Gateway\ngatehop_alias = mine\n", 1))
	n.run("login", "nameddev").want(t, 0, "444444444444 (corp-dev)", "111111111111 (mine)")
	if got := len(n.iam.Requests()); got != 1 {
		t.Errorf("IAM was asked %d times, want once", got)
	}
}
