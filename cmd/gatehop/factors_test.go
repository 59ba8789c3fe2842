package main

import (
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehop/idp/idptest"
	"gatehop/sts/ststest"
)

// TestFactorKinds makes the simulator of each kind, with each of its results, at each
// provider that has it; at the others, and with other results, it is refused.
func TestFactorKinds(t *testing.T) {
	t.Parallel()
	signer := testSigner(t, time.Now())
	for _, k := range factorKinds() {
		for _, provider := range sandboxProviders() {
			for _, result := range append(factorResults(), "") {
				o := sandboxOptions{idp: provider, mfa: string(k.Factor), mfaResult: result}
				has := slices.Contains(factorProviders(k.Factor), provider) && (result == "" || slices.Contains(k.Results, idptest.FactorResult(result)))
				var usage *usageError
				if err := o.check(); (err == nil) != has || !has && !errors.As(err, &usage) {
					t.Errorf("--idp %s --mfa %s --mfa-result %q: %v, want it to be had: %v", provider, k.Factor, result, err, has)
				}
				if !has {
					continue
				}
				if _, err := newSimulatedIDP(`CORP\alice`, time.Now, o, signer); err != nil {
					t.Errorf("--idp %s --mfa %s --mfa-result %q: %v", provider, k.Factor, result, err)
				}
			}
		}
	}
	if err := (sandboxOptions{idp: "adfs3"}).check(); err != nil {
		t.Errorf("no second factor: %v", err)
	}
	var usage *usageError
	if err := (sandboxOptions{idp: "adfs3", mfaResult: "deny"}).check(); !errors.As(err, &usage) {
		t.Errorf("--mfa-result without --mfa: %v, want a usage error", err)
	}
}

// TestFactorOptions: what the simulator is told, and that nobody is asked without --mfa.
func TestFactorOptions(t *testing.T) {
	t.Parallel()
	var got idptest.Options
	sandboxOptions{mfa: "azure-push", mfaResult: "deny"}.askFactor(&got)
	if got.MFA != "azure-push" || got.MFAResult != "deny" || got.MFABlocks != 3*time.Second || got.PollEvery != 900*time.Millisecond {
		t.Errorf("askFactor = %+v", got)
	}
}

// TestFactorAsked: the provider asks for the kind, and --stats counts what it pushed.
func TestFactorAsked(t *testing.T) {
	t.Parallel()
	signer := testSigner(t, time.Now())
	for mfa, mark := range map[string]string{"azure-number": "validEntropyNumber", "": "SAMLResponse"} {
		provider, err := newSimulatedIDP(`CORP\alice`, time.Now, sandboxOptions{idp: "adfs3", roles: 1, mfa: mfa}, signer)
		if err != nil {
			t.Fatal(err)
		}
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Jar: jar, Transport: idptest.Transport(map[string]http.Handler{idptest.AnyHost: provider})}
		answer, err := client.PostForm("https://adfs.corp.example"+idptest.ADFSEntry,
			url.Values{"UserName": {`CORP\alice`}, "Password": {sandboxPassword}, "AuthMethod": {"FormsAuthentication"}})
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(answer.Body)
		if err != nil || answer.Body.Close() != nil || !strings.Contains(string(page), mark) {
			t.Errorf("--mfa %q: the page has no %s, %v", mfa, mark, err)
		}
		stats := filepath.Join(t.TempDir(), "stats.json")
		if err := (&sandbox{provider: provider, aws: ststest.New(ststest.Options{Now: time.Now, Rand: rand.Reader})}).writeStats(stats); err != nil {
			t.Fatal(err)
		}
		counts, err := os.ReadFile(stats)
		want := map[bool]string{true: `"pushes": 1`, false: `"pushes": 0`}[mfa != ""]
		if err != nil || !strings.Contains(string(counts), want) {
			t.Errorf("--mfa %q: %s, want %s", mfa, counts, want)
		}
	}
}

// TestFactorTable wants every kind said in 80 columns, once.
func TestFactorTable(t *testing.T) {
	t.Parallel()
	names := factorNames()
	if len(names) != len(slices.Compact(slices.Sorted(slices.Values(names)))) || slices.Contains(names, "help") {
		t.Errorf("a name is there twice, or means the list: %q", names)
	}
	for line := range strings.SplitSeq(factorTable()+inLines(names), "\n") {
		if len(line) > 80 {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
	for _, name := range names {
		if !strings.Contains(factorTable(), "\n"+name+" ") || len(name) > 20 {
			t.Errorf("%s has no line of its own", name)
		}
	}
}
