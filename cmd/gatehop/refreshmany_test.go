package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"gatehop/idp"
	"gatehop/sts/ststest"
)

// manyDestinations is a company with n destinations behind one gateway, acct-000 and on.
func manyDestinations(n int, more string) worldOptions {
	var config strings.Builder
	gateway, _, _ := strings.Cut(worldConfig, "[profile open]")
	config.WriteString(gateway + "[profile nobody]\nregion = x\n\n")
	o := sandboxOptions{roles: 3, accounts: n}
	for _, d := range destinations(o)[3:] {
		config.WriteString("[profile " + d[0] + "]\ngatehop_role_arn = " + d[1] + "\ngatehop_source_profile = gateway\n")
	}
	return worldOptions{bubble: true, config: config.String() + more, sts: func(s *ststest.Options) {
		s.Latency, s.Roles = 50*time.Millisecond, sandboxRoles(o)
	}}
}

// TestRefreshThrottled refreshes five hundred destinations of an account that AWS allows
// few calls a second: one sign-in, each hop made once, and nothing lost.
func TestRefreshThrottled(t *testing.T) {
	t.Parallel()
	destinations := 500
	if raceDetector {
		destinations = 100
	}
	for _, perSecond := range []int{0, 60, 3} {
		t.Run(fmt.Sprint(perSecond, " a second"), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o := manyDestinations(destinations, "")
				latency := o.sts
				o.sts = func(s *ststest.Options) { latency(s); s.PerSecond = perSecond }
				w := newWorld(t, o)
				w.vars = []string{password(worldPassword)}
				list := w.refresh(0, "--all")
				if len(list) != destinations+1 {
					t.Fatalf("%d profiles, want %d", len(list), destinations+1)
				}
				for _, r := range list {
					if r.Result != "new" || r.Identity == "" || r.Profile != "gateway" && *r.Seconds < 1 {
						t.Errorf("%+v", r)
					}
				}
				c := w.sts.Counts()
				if w.logins() != 1 || c.AssumeRoleWithSAML != 1 || c.AssumeRole-c.Throttled != destinations || c.Refused != c.Throttled {
					t.Errorf("%d sign-ins and %+v, want 1, 1, %d and what was throttled again", w.logins(), c, destinations)
				}
				if (c.Throttled > 0) != (perSecond > 0) {
					t.Errorf("%d calls were throttled", c.Throttled)
				}
			})
		})
	}
}

// TestRefreshThrottledControl makes the same hops as tools do that know of nobody else:
// then some are lost.
func TestRefreshThrottledControl(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := manyDestinations(60, "")
		latency := o.sts
		o.sts = func(s *ststest.Options) { latency(s); s.PerSecond = 3 }
		w := newWorld(t, o)
		w.vars = []string{password(worldPassword)}
		w.run("login", "gateway").want(t, 0)
		var mu sync.Mutex
		var wg sync.WaitGroup
		lost := 0
		for i := range 60 {
			wg.Go(func() {
				if w.run("credential-process", fmt.Sprintf("acct-%03d", i)).status != 0 {
					mu.Lock()
					defer mu.Unlock()
					lost++
				}
			})
		}
		wg.Wait()
		if lost == 0 {
			t.Error("the control: nothing was lost")
		}
	})
}

// TestRefreshManyTwice wants two at once to sign in once and to make every hop once.
func TestRefreshManyTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, manyDestinations(40, ""))
		w.vars = []string{password(worldPassword)}
		var wg sync.WaitGroup
		for _, args := range [][]string{{"refresh", "--all"}, {"refresh", "acct-*", "gate*"}} {
			wg.Go(func() { w.run(args...).want(t, 0, "acct-039") })
		}
		wg.Wait()
		if c := w.sts.Counts(); w.logins() != 1 || c.AssumeRoleWithSAML != 1 || c.AssumeRole != 40 {
			t.Errorf("%d sign-ins and %+v, want 1, 1 and 40", w.logins(), c)
		}
	})
}

// TestRefreshSameRole wants one call for profiles that are one hop under several names.
func TestRefreshSameRole(t *testing.T) {
	t.Parallel()
	var config strings.Builder
	for i := range 12 {
		fmt.Fprintf(&config, "[profile same-%d]\ngatehop_role_arn = arn:aws:iam::333333333333:role/Admins\ngatehop_source_profile = gateway\n", i)
	}
	w := newWorld(t, worldOptions{config: worldConfig + config.String()})
	w.vars = []string{password(worldPassword)}
	if list := w.refresh(0, "same-*"); len(list) != 12 {
		t.Errorf("%d profiles, want 12", len(list))
	}
	if c := w.sts.Counts(); w.logins() != 1 || c.AssumeRole != 1 {
		t.Errorf("%d sign-ins and %+v, want one hop", w.logins(), c)
	}
}

// TestRefreshPatterns wants patterns to find what gatehop knows and nothing else, and what
// is broken there said.
func TestRefreshPatterns(t *testing.T) {
	t.Parallel()
	config := worldOfMany + `
[profile dev-typo]
gatehop_rol_arn = arn:aws:iam::444444444444:role/Admins
gatehop_source_profile = gateway

[profile dev-plain]
region = eu-west-1

[profile dev-alias]
gatehop_alias = of nobody
`
	w := newWorld(t, worldOptions{config: config})
	w.vars = []string{password(worldPassword), "GATEHOP_IDP_HOST=adfs.corp.example"}
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"d?v", 0, "dev new"},
		{"staging s* dev", 0, "staging new, dev cached"},
		{"dev*", statusUsage, "dev cached, dev-typo failed"},
		{"dev* staging --profile gateway", statusUsage, "dev cached, dev-typo failed, staging cached, gateway cached"},
		{"b*f gateway --at-least 35m", statusUsage, "brief failed, gateway cached"},
	} {
		if got := results(w.refresh(c.status, strings.Fields(c.args)...)); got != c.want {
			t.Errorf("refresh %s = %s, want %s", c.args, got, c.want)
		}
	}
	sent := w.logins()
	for args, words := range map[string]string{
		"x*":                   `no profile that gatehop knows fits "x*"`,
		"dev-pl*":              `fits "dev-pl*"`,
		"--all dev":            `--all is every profile, and "dev" is named too`,
		"--all --profile dev":  `"dev" is named too`,
		"dev --parallel 0":     "--parallel 0 is not between 1 and 64",
		"dev --parallel 65":    "--parallel 65 is not",
		"dev-t*":               `gatehop_rol_arn`,
		"dev-typo staging":     `gatehop_rol_arn`,
		"b* --at-least 1h":     "29 min at most",
		"--all --at-least -5m": "not a time to come",
	} {
		out := w.run(append([]string{"refresh"}, strings.Fields(args)...)...).want(t, statusUsage, words)
		if out.stdout != "" {
			t.Errorf("refresh %s printed %q", args, out.stdout)
		}
	}
	if w.logins() != sent {
		t.Errorf("%d sign-ins for what is refused", w.logins()-sent)
	}
	none := newWorld(t, worldOptions{config: "[profile x]\nregion = x\n"})
	none.run("refresh", "--all").want(t, statusUsage, "no profile in the AWS configuration is gatehop's")
}

// TestMatchesName compares patterns with what they are as regular expressions.
func TestMatchesName(t *testing.T) {
	t.Parallel()
	names := []string{"", "a", "ab", "abab", "dev", "dev-1", "prod/eu", "größe", "a*b", "[x]", "aaab", "b"}
	for _, pattern := range []string{"", "*", "?", "a*", "*b", "a*b", "*a*b*", "??", "dev*", "dev-?", "*/*", "gr??e", "[x]", "[a-z]", "a.b", "**", "a**b", "*ab?*"} {
		quoted := strings.NewReplacer(`\*`, "(?s:.*)", `\?`, "(?s:.)").Replace(regexp.QuoteMeta(pattern))
		for _, name := range names {
			if want := regexp.MustCompile("^" + quoted + "$").MatchString(name); matchesName(pattern, name) != want {
				t.Errorf("matchesName(%q, %q) = %v", pattern, name, !want)
			}
		}
	}
}

// FuzzMatchesName compares any pattern and name in the same way.
func FuzzMatchesName(f *testing.F) {
	f.Add("a*b?", "aabbc")
	f.Add("**?", "")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if !utf8.ValidString(pattern + name) {
			return
		}
		quoted := strings.NewReplacer(`\*`, "(?s:.*)", `\?`, "(?s:.)").Replace(regexp.QuoteMeta(pattern))
		re, err := regexp.Compile("^(?:" + quoted + ")$")
		if err == nil && !strings.Contains(pattern, `\`) && re.MatchString(name) != matchesName(pattern, name) {
			t.Errorf("matchesName(%q, %q) = %v", pattern, name, matchesName(pattern, name))
		}
	})
}

// TestRefreshRunsOut wants one new sign-in, and no second question, where an assertion
// grows too old on the way, and none where that cannot help.
func TestRefreshRunsOut(t *testing.T) {
	t.Parallel()
	expired := func(nth ...int) func(*ststest.Options) {
		return func(o *ststest.Options) {
			o.Fail = func(op string, n int) *ststest.Fault {
				if op == "AssumeRoleWithSAML" && slices.Contains(nth, n) {
					return &ststest.Fault{Status: 400, Code: "ExpiredTokenException", Message: "Token must be redeemed within 5 minutes of issuance"}
				}
				return nil
			}
		}
	}
	const once = "gatehop_keep_session = no\ngatehop_store"
	for name, c := range map[string]struct {
		args      string
		thinks    time.Duration // the person, over the role
		sts       func(*ststest.Options)
		status    int
		logins    int
		exchanges int
	}{
		"while a person chooses a role":      {args: "open", thinks: 6 * time.Minute, logins: 2, exchanges: 1},
		"not while they are quick":           {args: "open", thinks: time.Minute, logins: 1, exchanges: 1},
		"that was kept from the one before":  {args: "gateway reader", sts: expired(2), logins: 2, exchanges: 3},
		"and so does the next":               {args: "gateway reader", sts: expired(2, 3), status: statusAWS, logins: 2, exchanges: 3},
		"that was new: a clock is wrong":     {args: "gateway", sts: expired(1), status: statusAWS, logins: 1, exchanges: 1},
		"between two gateways, by the clock": {args: "gateway pick", thinks: 5 * time.Minute, logins: 2, exchanges: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, worldOptions{sts: c.sts, config: strings.ReplaceAll(worldOfMany, "gatehop_store", once) +
				"\n[profile pick]\ngatehop_from = gateway\nregion = eu-west-1\n"})
			w.vars = []string{password(worldPassword), `GATEHOP_USERNAME=CORP\alice`}
			w.answer = map[string]string{"role": gatewayARN}
			w.onAsk = func() { w.now = w.now.Add(c.thinks) }
			w.run(append([]string{"refresh"}, strings.Fields(c.args)...)...).want(t, c.status)
			roles := slices.DeleteFunc(slices.Clone(w.asked), func(q idp.Question) bool { return q.Field != "role" })
			if len(roles) > 1 {
				t.Errorf("the role was asked for %d times", len(roles))
			}
			if got := w.sts.Counts().AssumeRoleWithSAML; w.logins() != c.logins || got != c.exchanges {
				t.Errorf("%d sign-ins and %d exchanges, want %d and %d", w.logins(), got, c.logins, c.exchanges)
			}
		})
	}
}

// TestRefreshFailedPerson wants somebody who fails to sign in not asked again for another
// gateway of theirs, and one of another provider asked all the same.
func TestRefreshFailedPerson(t *testing.T) {
	t.Parallel()
	asked := func(args ...string) (n int) {
		w := newWorld(t, worldOptions{config: worldOfMany})
		w.answer = map[string]string{"password": "wrong"}
		w.run(append([]string{"refresh"}, args...)...).want(t, statusRefused, "failed")
		for _, q := range w.asked {
			if q.Field == "password" {
				n++
			}
		}
		return n
	}
	one, same := asked("gateway"), asked("gateway", "reader", "dev")
	if one == 0 || same != one {
		t.Errorf("asked %d times for one gateway and %d times for two of one person", one, same)
	}
}

// TestRefreshManyFailures wants every failure in the table and in JSON, and what can be
// done about one kind of them said once.
func TestRefreshManyFailures(t *testing.T) {
	t.Parallel()
	var config strings.Builder
	for i := range 8 {
		fmt.Fprintf(&config, "[profile no-%d]\ngatehop_role_arn = arn:aws:iam::66666666666%d:role/Admins\ngatehop_source_profile = gateway\n", i, i)
	}
	w := newWorld(t, worldOptions{config: worldConfig + config.String()})
	w.vars = []string{password(worldPassword)}
	out := w.run("refresh", "no-*", "dev").want(t, statusAWS, "dev      new")
	if n := strings.Count(out.stdout, "AccessDenied"); n != 8 {
		t.Errorf("%d errors in the table, want 8:\n%s", n, out.stdout)
	}
	if said, causes := strings.Count(out.stderr, "gatehop: "), strings.Count(out.stderr, "or its account, path or name is spelled otherwise"); said != 8 || causes != 1 {
		t.Errorf("%d failures said and their causes %d times, want 8 and 1:\n%s", said, causes, out.stderr)
	}
	for _, r := range w.refresh(statusAWS, "no-*") {
		if r.Result != "failed" || !strings.Contains(r.Error, "AccessDenied") || r.Expires != nil {
			t.Errorf("%+v", r)
		}
	}
}

// TestRefreshManyWrite wants hundreds of sections written in one step and said in one line.
func TestRefreshManyWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, manyDestinations(100, "[profile denied]\ngatehop_role_arn = arn:aws:iam::666666666666:role/Admins\ngatehop_source_profile = gateway\n"))
		w.vars = []string{password(worldPassword)}
		out := w.run("refresh", "--all", "--write").want(t, statusAWS, "wrote 101 sections of ")
		if n := strings.Count(out.stderr, "wrote "); n != 1 {
			t.Errorf("written in %d steps:\n%s", n, out.stderr)
		}
		text := readFile(t, filepath.Join(w.home, ".aws", "credentials"))
		if n := strings.Count(text, "\naws_session_token = "); n != 101 || strings.Contains(text, "[denied-session]") {
			t.Errorf("%d sections", n)
		}
	})
}

// TestRefreshManyKeptNowhere wants one sign-in and one gateway session for all of a run
// that may keep nothing, and none of it for the next run.
func TestRefreshManyKeptNowhere(t *testing.T) {
	t.Parallel()
	for name, variable := range map[string]string{"store none": "GATEHOP_STORE=none", "no folder": "GATEHOP_HOME=/dev/null/state"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, manyDestinations(20, ""))
				w.vars = []string{password(worldPassword), variable}
				for run := range 2 {
					out := w.run("refresh", "acct-*", "--json").want(t, 0)
					if n := strings.Count(out.stdout, `"new"`); n != 20 {
						t.Errorf("%d of 20 are new:\n%s", n, out.stdout)
					}
					if n := strings.Count(out.stderr, "\n"); n > 1 {
						t.Errorf("%d lines say that nothing is kept:\n%s", n, out.stderr)
					}
					if c, n := w.sts.Counts(), run+1; w.logins() != n || c.AssumeRoleWithSAML != n || c.AssumeRole != 20*n {
						t.Errorf("after run %d: %d sign-ins and %+v", n, w.logins(), c)
					}
				}
			})
		})
	}
}

// TestSignInAllBesideOthers: the sign-ins of some gateways go on while those ask for
// settings that need none; the race detector watches.
func TestSignInAllBesideOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{config: worldOfMany})
	a := &app{process: process{env: []string{"HOME=" + w.home}, now: w.clock}}
	targets, err := a.targets([]string{"gateway", "elsewhere"})
	if err != nil {
		t.Fatal(err)
	}
	a.openAll(targets, nil)
	var beside sync.WaitGroup
	led := 0
	lead := func(int) error {
		beside.Wait() // what was made beside is over, and nothing but signInAll came before it
		led++
		return nil
	}
	a.signInAll(t.Context(), targets, lead, func([]int, error) {
		beside.Go(func() {
			if _, err := a.settings(targets[0].chain); err != nil {
				t.Error(err)
			}
		})
	})
	if beside.Wait(); led != 2 {
		t.Errorf("%d gateways were signed in to, want 2", led)
	}
}
