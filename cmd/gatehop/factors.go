package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gatehop/cmd/gatehop/internal/near"
	"gatehop/idp/idptest"
)

const (
	formFactor   = "code"                 // the one second factor of the form provider
	phoneTakes   = 3 * time.Second        // until the sandbox's person has answered their phone
	noSoonerPoll = 900 * time.Millisecond // a second, and what a timer may be early by
)

// factorKinds are all kinds that --mfa takes: those of the simulated AD FS, and the one of
// the form provider.
func factorKinds() []idptest.FactorInfo {
	return append(idptest.Factors(), idptest.FactorInfo{
		Factor: formFactor, About: "a code, at the form provider", Results: []idptest.FactorResult{idptest.FactorApproved}})
}

// factorProviders are the values of --idp that have the kind.
func factorProviders(kind idptest.Factor) []string {
	if kind == formFactor {
		return []string{"form"}
	}
	return since30()
}

func factorNames() []string {
	var names []string
	for _, k := range factorKinds() {
		names = append(names, string(k.Factor))
	}
	return names
}

// factorResults are all values of --mfa-result, with those first that most kinds have.
func factorResults() []string {
	return []string{string(idptest.FactorApproved), string(idptest.FactorDenied), string(idptest.FactorNever), string(idptest.FactorNotEnrolled)}
}

func resultWords(results []idptest.FactorResult) string {
	var words []string
	for _, r := range results {
		words = append(words, string(r))
	}
	return strings.Join(words, ", ")
}

// factorTable is every kind with what it does, who has it and how it can end.
func factorTable() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-20s %-8s %s\n", "MFA", "--IDP", "WHAT IS ASKED FOR")
	for _, k := range factorKinds() {
		where := "adfs3 on"
		if k.Factor == formFactor {
			where = "form"
		}
		fmt.Fprintf(&b, "%-20s %-8s %s\n", k.Factor, where, k.About)
	}
	fmt.Fprintf(&b, "\nEvery code is %s; custom takes %s. A phone is answered after %v.\n", idptest.MFACode, idptest.CustomCode, phoneTakes)
	b.WriteString("--mfa-result says how: approve, deny, never or, with Azure MFA, notenrolled.\n")
	return b.String()
}

// checkFactor refuses a second factor that there is not, or not there, or that never ends
// so.
func (o sandboxOptions) checkFactor() error {
	refuse := func(near, format string, args ...any) error {
		return &usageError{text: fmt.Sprintf(format, args...), command: "gatehop sandbox", near: near}
	}
	if o.mfa == "" {
		if o.mfaResult != "" {
			return refuse("", "--mfa-result is for a second factor: it needs --mfa KIND")
		}
		return nil
	}
	kinds := factorKinds()
	i := slices.IndexFunc(kinds, func(k idptest.FactorInfo) bool { return string(k.Factor) == o.mfa })
	switch {
	case i < 0:
		return refuse(near.Nearest(o.mfa, factorNames()), "--mfa %q is not known", o.mfa)
	case !slices.Contains(factorProviders(kinds[i].Factor), o.idp):
		return refuse("", "--mfa %s is not for --idp %s (it is for: %s)", o.mfa, o.idp, strings.Join(factorProviders(kinds[i].Factor), ", "))
	case o.mfaResult != "" && !slices.Contains(factorResults(), o.mfaResult):
		return refuse(near.Nearest(o.mfaResult, factorResults()), "--mfa-result %q is not known", o.mfaResult)
	case o.mfaResult != "" && !slices.Contains(kinds[i].Results, idptest.FactorResult(o.mfaResult)):
		return refuse("", "--mfa %s never ends in %s (it ends in: %s)", o.mfa, o.mfaResult, resultWords(kinds[i].Results))
	}
	return nil
}

// askFactor makes a simulated AD FS ask for the second factor.
func (o sandboxOptions) askFactor(options *idptest.Options) {
	options.MFA, options.MFAResult = idptest.Factor(o.mfa), idptest.FactorResult(o.mfaResult)
	options.MFABlocks, options.PollEvery = phoneTakes, noSoonerPoll
}

// factorValues completes --mfa, for the provider that is chosen.
func factorValues(c *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	idp, _ := c.Flags().GetString("idp")
	var values []cobra.Completion
	for _, k := range factorKinds() {
		if slices.Contains(factorProviders(k.Factor), idp) {
			values = append(values, cobra.CompletionWithDesc(string(k.Factor), k.About))
		}
	}
	return values, cobra.ShellCompDirectiveNoFileComp
}
