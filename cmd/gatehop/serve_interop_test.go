//go:build interop

package main_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehop/idp/idptest"
	"gatehop/saml/samltest"
	"gatehop/sts/ststest"
)

// shortLife is what the hops of a brief company live. AWS makes none of under 15 minutes.
const shortLife = 75 * time.Second

// briefSTS is an STS on which hops live for shortLife: its clock is behind while it makes
// one, and right when it is shown one.
type briefSTS struct {
	*ststest.Server
	mu     sync.Mutex
	behind time.Duration
}

func newBriefSTS(signer *samltest.IDP) *briefSTS {
	const provider, gateway = "arn:aws:iam::111111111111:saml-provider/Corp", "arn:aws:iam::111111111111:role/Gateway"
	s := &briefSTS{}
	s.Server = ststest.New(ststest.Options{
		Now:       func() time.Time { return time.Now().Add(-s.behind) },
		Providers: []ststest.Provider{{ARN: provider, EntityID: signer.EntityID, Certs: []*x509.Certificate{signer.Cert}}},
		Roles: []ststest.Role{
			{ARN: gateway, MaxSession: 12 * time.Hour, TrustProviders: []string{provider}},
			{ARN: "arn:aws:iam::444444444444:role/Admins", MaxSession: time.Hour, TrustRoles: []string{gateway}},
		},
	})
	return s
}

func (s *briefSTS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock() // one request at a time has one time
	defer s.mu.Unlock()
	before := s.Counts().AssumeRole
	s.behind = 0
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if bytes.Contains(body, []byte("Action=AssumeRole&")) {
		s.behind = 15*time.Minute - shortLife
	}
	s.Server.ServeHTTP(rightDate{w}, r)
	if made := s.Counts().AssumeRole > before; made != (s.behind > 0) {
		panic("the clock was set for another request")
	}
}

// rightDate sends the date as it is, whatever the simulator goes by.
type rightDate struct{ http.ResponseWriter }

func (w rightDate) WriteHeader(status int) {
	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	w.ResponseWriter.WriteHeader(status)
}

// newBrief is a person with a profile dev behind such an STS.
func newBrief(t *testing.T) (person, *briefSTS) {
	t.Helper()
	now := time.Now()
	ca, err := idptest.NewCA(rand.Reader, now)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := samltest.New("http://adfs.corp.example/adfs/services/trust", rand.Reader, now)
	if err != nil {
		t.Fatal(err)
	}
	adfs, err := idptest.NewADFS(idptest.Options{Signer: signer, Now: time.Now, Rand: rand.Reader, Users: []idptest.User{{
		Name: `CORP\alice`, Password: "correct horse", SessionName: "alice", Roles: []string{samltest.RoleValue("111111111111", "Gateway", "Corp", false)}}}})
	if err != nil {
		t.Fatal(err)
	}
	provider, err := idptest.Serve(adfs, ca, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = provider.Close() })
	sts := newBriefSTS(signer)
	aws := httptest.NewServer(sts)
	t.Cleanup(aws.Close)
	p := newPerson(t, "AWS_ENDPOINT_URL_STS="+aws.URL, "AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=eu-west-1")
	if err := os.WriteFile(filepath.Join(p.home, "ca.pem"), ca.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	p.configure(t, "[profile gateway]", "gatehop_idp = adfs", "gatehop_url = "+provider.URL(), `gatehop_username = CORP\alice`, "gatehop_ca_bundle = ca.pem",
		"gatehop_role_arn = arn:aws:iam::111111111111:role/Gateway", "gatehop_store = file", "region = eu-west-1",
		"[profile dev]", "gatehop_role_arn = arn:aws:iam::444444444444:role/Admins", "gatehop_source_profile = gateway", "gatehop_duration_seconds = 900", "region = eu-west-1")
	return p, sts
}

// TestInteropServe lets real clients work for longer than their credentials live, each with
// one client object, and the AWS CLI with one process after another. They get new ones from
// the endpoint in time, and none of their calls is refused. The control has keys in its
// environment, and is refused.
func TestInteropServe(t *testing.T) {
	t.Parallel()
	bin := build(t, ".", "gatehop")
	p, sts := newBrief(t)
	clients := map[string]string{
		"go":       build(t, interopDir+"/consumer", "consumer") + ` "" 45`,
		"js":       "node --no-warnings " + filepath.Join(jsFolder(t), "identity.mjs") + ` "" 45`,
		"botocore": pythons(t)[0] + " " + absolute(t, filepath.Join(interopDir, "reader", "identity.py")) + ` "" 45`,
	}
	if aws := newestAWS(t); aws != "" {
		clients["aws"] = `sh -c 'for i in $(seq 17); do ` + aws + ` sts get-caller-identity --query Arn --output text || exit; sleep 4; done'`
	} else {
		t.Log("NOT TESTED: no aws on PATH knows AWS_ENDPOINT_URL_STS")
	}
	if got := p.run(t, []string{"GATEHOP_PASSWORD=correct horse"}, bin, "login", "dev"); got.status != 0 {
		t.Fatalf("login: %+v", got)
	}
	work := "pids=\n"
	for name, client := range clients {
		work += "AWS_SDK_UA_APP_ID=served-" + name + " " + client + " & pids=\"$pids $!\"\n"
	}
	work += "status=0; for pid in $pids; do wait $pid || status=1; done; exit $status"
	env := []string{"PAUSE=2000ms", "AWS_PROFILE=nosuch"}
	var control outcome
	var wg sync.WaitGroup
	wg.Go(func() {
		control = p.run(t, append(env, "AWS_SDK_UA_APP_ID=control"), bin, "exec", "dev", "--", "sh", "-c", clients["go"])
	})
	served := p.run(t, env, bin, "exec", "--serve", "dev", "--", "sh", "-c", work)
	wg.Wait()
	if served.status != 0 || slowRequest.ReplaceAllString(served.stderr, "") != "" {
		t.Errorf("served: %+v", served)
	}
	if control.status == 0 || !strings.Contains(control.stderr, "ExpiredToken") {
		t.Errorf("the control: %+v", control)
	}
	checkServed(t, sts, clients)
}

// slowRequest is what the JS SDK says on a busy machine, and goes on: its own time, not an
// answer that was refused.
var slowRequest = regexp.MustCompile(`(?m)^@smithy/node-http-handler - \[WARN\] a request has exceeded the configured \d+ ms requestTimeout\..*\n?`)

var (
	appID = regexp.MustCompile(`app/(served-\w+|control)`)
	keyID = regexp.MustCompile(`Credential=(\w+)/`)
)

// checkServed goes by what the STS was asked.
func checkServed(t *testing.T, sts *briefSTS, clients map[string]string) {
	t.Helper()
	keys, refused := map[string][]string{}, map[string]int{}
	for _, r := range sts.Requests() {
		app, key := appID.FindStringSubmatch(r.Header.Get("User-Agent")), keyID.FindStringSubmatch(r.Header.Get("Authorization"))
		if app == nil || key == nil {
			continue
		}
		if r.Status != http.StatusOK {
			refused[app[1]]++
		} else if !slices.Contains(keys[app[1]], key[1]) {
			keys[app[1]] = append(keys[app[1]], key[1])
		}
	}
	for name := range clients {
		if app := "served-" + name; len(keys[app]) < 2 || refused[app] != 0 {
			t.Errorf("%s worked with %d keys and was refused %d times, want several and never", name, len(keys[app]), refused[app])
		}
	}
	if len(keys["control"]) != 1 || refused["control"] == 0 {
		t.Errorf("the control worked with %d keys and was refused %d times", len(keys["control"]), refused["control"])
	}
	if counts := sts.Counts(); counts.AssumeRoleWithSAML != 1 || counts.AssumeRole < 2 || counts.AssumeRole > 5 {
		t.Errorf("the STS counts %s", fmt.Sprintf("%+v", counts))
	}
}
