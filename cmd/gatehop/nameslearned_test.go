package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatehop/saml/samltest"
	"gatehop/sts/ststest"
)

// TestLearnedNames: whoever owns an account chooses its alias. A learned name never
// changes what configuration and assertion decide without it, and never guesses.
func TestLearnedNames(t *testing.T) {
	t.Parallel()
	given := func(account, alias string) string {
		return worldConfig + "\n[profile hop]\ngatehop_role_arn = arn:aws:iam::" + account + ":role/Admins\ngatehop_source_profile = gateway\ngatehop_alias = " + alias + "\n"
	}
	pathed := []string{
		samltest.RoleValue(gatewayAccount, "prod/Gateway", sandboxProvider, false),
		samltest.RoleValue(otherAccount, "Gateway", sandboxProvider, true),
	}
	only := []string{
		samltest.RoleValue(gatewayAccount, "ReadOnly", sandboxProvider, false),
		samltest.RoleValue(otherAccount, "Gateway", sandboxProvider, true),
	}
	for name, c := range map[string]struct {
		o       worldOptions
		learned map[string]string
		role    string
		status  int
		want    string // on either stream
		account string // that was taken; "" for none
	}{
		"a learned name":            {learned: map[string]string{otherAccount: "prod"}, role: "prod/Gateway", account: otherAccount},
		"a learned name, pattern":   {learned: map[string]string{otherAccount: "prod"}, role: "pro*/Gateway", account: otherAccount},
		"not learned":               {role: "prod/Gateway", status: 2, want: "does not offer"},
		"a given name":              {o: worldOptions{config: given(otherAccount, "prod")}, role: "prod/Gateway", account: otherAccount},
		"given and learned":         {o: worldOptions{config: given(gatewayAccount, "prod")}, learned: map[string]string{otherAccount: "prod"}, role: "prod/Gateway", account: gatewayAccount},
		"given, role not offered":   {o: worldOptions{config: given(gatewayAccount, "prod"), roles: only}, learned: map[string]string{otherAccount: "prod"}, role: "prod/Gateway", status: 2, want: "does not offer"},
		"given, account not there":  {o: worldOptions{config: given("555555555555", "PROD")}, learned: map[string]string{otherAccount: "prod"}, role: "prod/Gateway", status: 2, want: "does not offer"},
		"given to no known account": {o: worldOptions{config: strings.Replace(worldConfig, "[profile open]\n", "[profile open]\ngatehop_alias = prod\n", 1)}, learned: map[string]string{otherAccount: "prod"}, role: "prod/Gateway", status: 2, want: "does not offer"},
		"two of one name":           {learned: map[string]string{gatewayAccount: "prod", otherAccount: "prod"}, role: "prod/Gateway", status: 4},
		"two of one name, one fits": {o: worldOptions{roles: only}, learned: map[string]string{gatewayAccount: "prod", otherAccount: "prod"}, role: "prod/Gateway", status: 4, want: "111111111111 and 222222222222 go by that name"},
		"one is not even offered":   {o: worldOptions{roles: only}, learned: map[string]string{"333333333333": "prod", otherAccount: "prod"}, role: "prod/Gateway", status: 4, want: "222222222222 and 333333333333 go by that name"},
		"a path comes first":        {o: worldOptions{roles: pathed}, learned: map[string]string{otherAccount: "prod"}, role: "prod/Gateway", status: 7, want: "arn:aws:iam::111111111111:role/prod/Gateway"},
		"a number is no name":       {o: worldOptions{roles: only}, learned: map[string]string{otherAccount: gatewayAccount}, role: gatewayAccount + "/Gateway", status: 2, want: "does not offer"},
		"none":                      {o: worldOptions{config: strings.Replace(worldConfig, "[profile open]\n", "[profile open]\ngatehop_account_names = none\n", 1)}, learned: map[string]string{otherAccount: "prod"}, role: "prod/Gateway", status: 2, want: "does not offer"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				n := newNamed(t, c.o)
				n.answer = map[string]string{}
				n.learned(c.learned)
				n.run("login", "open", "--role", c.role).want(t, c.status, c.want, c.account)
				var taken []string
				for _, r := range n.sts.Requests() {
					if r.Status == http.StatusOK {
						taken = append(taken, accountOf(r.Get("RoleArn")))
					}
				}
				want := []string{c.account}
				if c.account == "" {
					want = nil
				}
				if !slices.Equal(taken, want) {
					t.Errorf("roles were taken in %v, want %v", taken, want)
				}
			})
		})
	}
}

// TestRenamed: a session that was picked by a learned name is not that of the account
// to which the configuration gives the name later.
func TestRenamed(t *testing.T) { inBubble(t, testRenamed) }

func testRenamed(t *testing.T) {
	n := newNamed(t, worldOptions{})
	n.answer = map[string]string{"confirm": "yes"}
	n.learned(map[string]string{otherAccount: "prod"})
	n.run("login", "open", "--role", "prod/Gateway").want(t, 0, otherAccount)
	n.run("login", "open", "--role", "prod/Gateway").want(t, 0, otherAccount)
	if n.logins() != 1 {
		t.Errorf("%d sign-ins for one session", n.logins())
	}
	n.write(".aws/config", worldConfig+"\n[profile hop]\ngatehop_role_arn = arn:aws:iam::111111111111:role/Admins\ngatehop_source_profile = gateway\ngatehop_alias = prod\n")
	out := n.run("login", "open", "--role", "prod/Gateway").want(t, 0, gatewayAccount)
	if strings.Contains(out.stdout, otherAccount) {
		t.Errorf("the session of the other account was used:\n%s", out.stdout)
	}
}

// TestNamesCanary: the assertion is in no log, error and file, whatever the page says.
func TestNamesCanary(t *testing.T) {
	t.Parallel()
	for _, shape := range []ststest.Shape{ststest.ShapeForm, ststest.ShapeData, ststest.ShapeScript, ststest.ShapeError} {
		t.Run(fmt.Sprint(shape), func(t *testing.T) { inBubble(t, func(t *testing.T) { namesCanary(t, shape) }) })
	}
}

func namesCanary(t *testing.T, shape ststest.Shape) {
	n := newNamed(t, worldOptions{config: worldConfig + iamLine})
	n.page.Shape = shape
	out := n.run("-v", "roles", "open").want(t, 0)
	in := n.run("-v", "login", "nameddev").want(t, 0)
	seen := map[string]string{"standard error": out.stderr + in.stderr, "standard output": out.stdout + in.stdout}
	for _, name := range files(t, n.home) {
		if data, err := os.ReadFile(filepath.Join(n.home, name)); err == nil {
			seen["file "+name] = string(data)
		}
	}
	assertion := n.page.Requests()[0].Get("SAMLResponse")
	secrets := map[string]string{"assertion": assertion[200:280]}
	for i, r := range n.iam.Requests() {
		secrets[fmt.Sprintf("token %d", i)] = r.Header.Get("X-Amz-Security-Token")
	}
	if len(secrets) < 2 || len(secrets["token 0"]) < 100 {
		t.Fatalf("only %d secrets are looked for", len(secrets))
	}
	for place, text := range seen {
		for name, value := range secrets {
			if found := leaks(text, value); found != nil {
				t.Errorf("%s is in %s as %v", name, place, found)
			}
		}
	}
	// The control: the same search finds it where it must be.
	if leaks(fmt.Sprint(n.page.Requests()[0].Form), secrets["assertion"]) == nil {
		t.Error("the search does not see the assertion in the request")
	}
}

// TestNamesQuestion: the chooser is asked after the names are known, with the roles as
// they are offered.
func TestNamesQuestion(t *testing.T) { inBubble(t, testNamesQuestion) }

func testNamesQuestion(t *testing.T) {
	n := newNamed(t, worldOptions{})
	n.onAsk = func() {
		if len(n.page.Requests()) != 1 {
			t.Error("the question came before the names")
		}
	}
	n.run("login", "open").want(t, 0, "111111111111 (corp-gateway)")
	if len(n.chosen) != 1 || len(n.chosen[0].Items) != 3 || n.chosen[0].Items[0].Columns[0] != "corp-gateway" {
		t.Errorf("asked %+v, want three roles with their account's name", n.chosen)
	}
}
