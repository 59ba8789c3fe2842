//go:build interop

package main_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gatehop/sts/ststest"
)

// knock is one sign-in at a door, and how it must end.
type knock struct {
	name, path string
	kind       string   // "" is form; adfs has the addresses of AD FS and no path
	host       string   // "" is localhost
	keys       []string // of the profile
	env        []string
	password   string
	hangUp     bool // the wire breaks in the midst of NTLM

	status int
	who    string   // in the assertion that AWS got; "" if nobody
	shows  []string // on the wire, in order
	agent  string   // in every User-Agent
	stderr []string // what must be in it
}

// heard is what came of it, as others saw it.
type heard struct {
	outcome
	requests []said
	alpn     []string // protocols that were offered to the server
	aws      ststest.Counts
	subject  string // of the last assertion that AWS was sent
	sent     string // everything that AWS was sent
}

// visitor is the person who knocks, with a wire and an AWS of their own.
type visitor struct {
	person
	env     []string
	gatehop string
	wire    *wire
	aws     *ststest.Server
	past    int // requests of earlier runs
}

// visit makes the configuration of the case, and what gatehop meets there.
func (k knock) visit(t *testing.T, h httpAuth, gatehop string) *visitor {
	t.Helper()
	w := h.idp.tap(t, k.hangUp)
	aws, endpoint := startSTS(t, h.idp.cert)
	v := &visitor{person: newPerson(t, "KRB5_CONFIG="+h.realm.path("krb5.conf"), "AWS_ENDPOINT_URL_STS="+endpoint), gatehop: gatehop, wire: w, aws: aws}
	_, port, _ := strings.Cut(w.addr, ":")
	url := door(cmp.Or(k.host, "localhost"), port, k.path)
	if k.kind == "adfs" {
		url = "https://localhost:" + port
	}
	if k.password != "" {
		v.env = append(v.env, "GATEHOP_PASSWORD="+k.password)
	}
	for _, e := range k.env {
		v.env = append(v.env, h.words.Replace(e))
	}
	lines := []string{"[profile gateway]", "gatehop_idp = " + cmp.Or(k.kind, "form"), "gatehop_url = " + url, "gatehop_ca_bundle = " + h.idp.ca,
		"gatehop_store = file", "region = eu-west-1"}
	for _, key := range k.keys {
		lines = append(lines, h.words.Replace(key))
	}
	v.configure(t, lines...)
	return v
}

// run runs gatehop once; requests are those of this run.
func (v *visitor) run(t *testing.T, args ...string) heard {
	t.Helper()
	got := heard{outcome: v.person.run(t, v.env, v.gatehop, args...), aws: v.aws.Counts()}
	all := v.wire.requests(t)
	got.requests, v.past = all[v.past:], len(all)
	got.alpn = v.wire.protocols()
	for _, r := range v.aws.Requests() {
		got.sent += fmt.Sprintln(r.Form, r.Header)
		if r.Op == "AssumeRoleWithSAML" {
			got.subject = subject(t, r.Get("SAMLAssertion"))
		}
	}
	return got
}

// check fails where the judge finds fault.
func (k knock) check(t *testing.T, got heard) {
	t.Helper()
	for _, wrong := range k.judge(got) {
		t.Error(wrong)
	}
	if t.Failed() || testing.Verbose() {
		t.Logf("status %d\nstdout:\n%s\nstderr:\n%s", got.status, got.stdout, got.stderr)
	}
}

// judge says what is not as the case wants it.
func (k knock) judge(got heard) (wrong []string) {
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if got.status != k.status {
		say("status %d, want %d", got.status, k.status)
	}
	if got.subject != k.who {
		say("AWS got an assertion about %q, want %q", got.subject, k.who)
	}
	if identity := "assumed-role/ReadOnly/" + k.who + "@corp.example"; k.who != "" && !strings.Contains(got.stdout, identity) {
		say("stdout has no %q", identity)
	}
	if calls := map[bool]int{true: 1}[k.who != ""]; got.aws.AssumeRoleWithSAML != calls || got.aws.Refused != 0 {
		say("STS counts %+v, want %d assertions and no refusal", got.aws, calls)
	}
	for _, want := range k.stderr {
		if !strings.Contains(got.stderr, want) {
			say("stderr has no %q", want)
		}
	}
	order, leaks := shows(got.requests, k.password, strings.HasPrefix(k.path, "/basic"))
	if !slices.Equal(order, k.shows) {
		say("the server was shown %q, want %q", order, k.shows)
	}
	wrong = append(wrong, leaks...)
	for _, r := range got.requests {
		if !strings.Contains(r.agent, k.agent) {
			say("a request for %s is by %q, want %q in it", r.path, r.agent, k.agent)
		}
	}
	if strings.Contains(got.stderr, "windows-1252") {
		say("the encoding of the 401's page is blamed, which no password was typed into")
	}
	if slices.Contains(order, "NTLM 1") && slices.Contains(got.alpn, "h2") {
		say("HTTP/2 was offered, where NTLM does not work")
	}
	if k.password != "" && strings.Contains(got.stdout+got.stderr+got.sent, k.password) {
		say("the password is in the output, or AWS has it")
	}
	return wrong
}

// twice: a password that was refused is not sent once more.
func (k knock) twice(t *testing.T, h httpAuth, gatehop string) {
	v := k.visit(t, h, gatehop)
	k.check(t, v.run(t, "login", "gateway"))
	before := h.realm.refused(t, "bob")
	second := k
	second.shows = nil
	got := v.run(t, "credential-process", "gateway")
	second.check(t, got)
	if after := h.realm.refused(t, "bob"); after != before {
		t.Errorf("the KDC was shown the refused password once more")
	}
}

// unattended: a tool that asks for credentials has them, and no person is needed.
func (k knock) unattended(t *testing.T, h httpAuth, gatehop string) {
	got := k.visit(t, h, gatehop).run(t, "credential-process", "gateway")
	order, _ := shows(got.requests, "", true)
	if got.status != 0 || !strings.Contains(got.stdout, "SessionToken") || got.subject != k.who || !slices.Equal(order, k.shows) {
		t.Errorf("status %d for %q with %q shown, want credentials\n%s", got.status, got.subject, order, got.stderr)
	}
}

// again: who is known to the provider, and is asked at the door all the same, shows
// once more what opens it.
func (k knock) again(t *testing.T, h httpAuth, gatehop string) {
	v := k.visit(t, h, gatehop)
	k.check(t, v.run(t, "login", "gateway"))
	got := v.run(t, "roles", "gateway")
	order, _ := shows(got.requests, "", true)
	if got.status != 0 || !strings.Contains(got.stdout, roleReadOnly) || !slices.Equal(order, k.shows) {
		t.Errorf("status %d with %q shown, want %q and the roles\n%s%s", got.status, order, k.shows, got.stdout, got.stderr)
	}
}
