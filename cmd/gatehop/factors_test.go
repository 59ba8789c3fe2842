package main

import (
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehop/idp/idptest"
	"gatehop/saml/samltest"
)

// TestFactorKinds makes the simulator of each kind, with each of its results, at each
// provider that has it; at the others, and with other results, it is refused.
func TestFactorKinds(t *testing.T) {
	t.Parallel()
	signer, err := samltest.New("http://adfs.corp.example/adfs/services/trust", rand.Reader, time.Now())
	if err != nil {
		t.Fatal(err)
	}
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
