package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"gatehop/cmd/gatehop/internal/awsdisk"
	"gatehop/cmd/gatehop/internal/awsfile"
	"gatehop/cmd/gatehop/internal/choices"
	"gatehop/cmd/gatehop/internal/environ"
	"gatehop/cmd/gatehop/internal/flow"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/creds/sink"
	"gatehop/creds/store"
	"gatehop/idp"
	"gatehop/saml"
	"gatehop/sts"
)

// statusOfRow is the exit status of a catalogue row by its class (design 4).
func statusOfRow(r idp.Row) int {
	return map[idp.Class]int{
		idp.Auth: statusRefused, idp.Config: statusUsage, idp.Choice: statusAmbiguous, idp.MFA: statusRefused,
		idp.Unsupported: statusPage, idp.Server: statusPage, idp.Net: statusNetwork,
	}[r.Class]
}

// TestExplainCatalogue takes every row of the one table of pages and wants its exit
// status, exactly one hint, and the word "password" only where the password was refused.
func TestExplainCatalogue(t *testing.T) {
	t.Parallel()
	rows := idp.Catalogue()
	if len(rows) < 40 {
		t.Fatalf("the catalogue has only %d rows", len(rows))
	}
	seen := map[idp.Verdict]bool{}
	for _, row := range rows {
		seen[row.Verdict] = true
		err := fmt.Errorf("sign in at x: %w", &idp.PageError{Verdict: row.Verdict, URL: "https://idp.example/page"})
		e := explain(err)
		if want := statusOfRow(row); e.status != want {
			t.Errorf("%s %s: status %d, want %d", row.ID, row.Verdict, e.status, want)
		}
		if e.hint == "" || strings.Contains(e.hint, "\n") || strings.Contains(e.hint, "$URL") {
			t.Errorf("%s %s: hint %q", row.ID, row.Verdict, e.hint)
		}
		blames := strings.Contains(e.message+e.hint, "password")
		if allowed := row.Verdict == idp.Rejected || row.Verdict == idp.PasswordExpired; blames && !allowed {
			t.Errorf("%s %s mentions the password: %q %q", row.ID, row.Verdict, e.message, e.hint)
		}
	}
	for verdict := range pageAdvices {
		if !seen[verdict] {
			t.Errorf("advice for %q, which is in no row", verdict)
		}
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    error
		status int
		hint   string // a part of it
	}{
		{errors.New("anything"), statusFailed, ""},
		{context.Canceled, statusInterrupted, ""},
		{fmt.Errorf("x: %w", context.Canceled), statusInterrupted, ""},
		{context.DeadlineExceeded, statusNetwork, "gatehop_timeout"},
		{&usageError{text: "x", command: "gatehop login"}, statusUsage, "gatehop login --help"},
		{&usageError{text: "x", noCommand: true}, statusUsage, "lists the commands"},
		{&usageError{text: "x", command: "gatehop login", near: "--role"}, statusUsage, `did you mean "--role"?`},
		{&sink.UnknownShellError{Name: "fish", Known: []string{"bash", "zsh"}}, statusUsage, "use --shell bash or --shell zsh"},
		{&profile.Error{File: "/x/config", Line: 3, Problem: "y"}, statusUsage, "/x/config"},
		{&profile.Error{File: "/x/config", Problem: "cannot be read"}, statusUsage, "AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE"},
		{&profile.Error{File: "/x/config", Profile: "p", Problem: "is in neither this file nor /x/credentials"}, statusUsage, "`gatehop configure` writes profiles"},
		{&profile.Error{File: "/x/config", Problem: "y", Near: "gatehop_url"}, statusUsage, `"gatehop_url"`},
		{&environ.HomeError{For: "x", Variable: "Y"}, statusUsage, ""},
		{&noProfilesError{}, statusUsage, "configure"},
		{&openProfileError{names: []string{"a", "b"}}, statusAmbiguous, "GATEHOP_PROFILE"},
		{&flow.EncryptedError{Profile: "p"}, statusUsage, "gatehop_principal_arn"},
		{&store.DirError{Path: "/x", Problem: "can be used by others (mode 0755)"}, statusUsage, "chmod 700"},
		{&store.DirError{Path: "/x", Problem: "is a symbolic link"}, statusUsage, "GATEHOP_HOME"},
		{&shadowError{Section: "p", Key: "role_arn"}, statusUsage, "--write=NAME"},
		{&writeError{File: "/x", Err: &awsfile.RefusalError{Line: 2, Foreign: true}}, statusUsage, "--overwrite"},
		{&writeError{File: "/x", Err: &awsfile.RefusalError{Line: 2}}, statusUsage, "edit /x"},
		{&writeError{File: "/x", Err: &awsfile.RefusalError{}}, statusUsage, "--write=NAME"},
		{&writeError{File: "/x", Err: &awsdisk.TargetError{Path: "/d/x", Kind: awsdisk.TargetShared, Problem: "is in a folder that others can write (/d, mode 0775)"}}, statusUsage, `chmod go-w "/d"`},
		{&writeError{File: "/x", Err: &awsdisk.TargetError{Path: "/d/x", Kind: awsdisk.TargetReadOnly, Problem: "is read-only (mode 0400)"}}, statusUsage, "chmod u+w"},
		{&writeError{File: "/x", Err: &awsdisk.TargetError{Path: "/d/x", Problem: "belongs to another user"}}, statusUsage, "AWS_SHARED_CREDENTIALS_FILE"},
		{&writeError{File: "/x", Err: &awsdisk.TargetError{Path: "/d/x", Kind: awsdisk.TargetBusy, Problem: "is being written all the time by another program"}}, statusFailed, "try again"},
		{&writeError{File: "/x", Profile: "p", Err: &awsdisk.TargetError{Path: "/d/x", Problem: "cannot be replaced", Err: fs.ErrPermission}}, statusFailed, "gatehop exec p"},
		{&writeError{File: "/x", Profile: "p", Err: errBusyFile}, statusFailed, "gatehop exec p"},
		{&writeError{File: "/x", Profile: "p", Err: &store.FileError{Path: "/s", Problem: "cannot be written"}}, statusFailed, "gatehop exec p"},
		{&writeError{File: "/x", Err: &store.DirError{Path: "/s", Problem: "can be used by others (mode 0755)"}}, statusUsage, "chmod 700"},
		{&choices.Error{Err: fs.ErrInvalid}, statusUsage, "logout --all"},
		{&waitError{Profile: "p"}, statusHuman, "gatehop login p"},
		{&signInError{Profile: "p", Err: &idp.NeedsInputError{Question: idp.Question{Field: "username"}}}, statusHuman, "gatehop login p"},
		{&flow.HopError{Profile: "p", Err: &sts.Error{Hop: "AssumeRole"}}, statusAWS, "gatehop login p --force"},
		{&flow.RoleError{Profile: "p"}, statusAmbiguous, "--role"},
		{&flow.RoleError{Profile: "p", Want: "x", Configured: true}, statusRefused, "gatehop_role_arn"},
		{&flow.RoleError{Profile: "p", Want: "x"}, statusUsage, "gatehop roles p"},
		{&flow.RoleError{Profile: "p", Want: "x", Matches: make([]saml.Role, 2)}, statusAmbiguous, "ACCOUNT/NAME"},
		{&flow.RoleError{Profile: "p", Want: "x", Matches: make([]saml.Role, 1), Shared: []string{"1", "2"}}, statusAmbiguous, "gatehop_alias"},
		{&flow.PinError{Profile: "p"}, statusHuman, "gatehop login p"},
		{&flow.PinError{Profile: "p", Declined: true}, statusFailed, "yes"},
		{&needsLoginError{Profile: "p"}, statusHuman, "gatehop login p"},
		{&idp.NeedsInputError{Question: idp.Question{Field: "password"}}, statusHuman, "GATEHOP_PASSWORD"},
		{&idp.OriginError{}, statusNetwork, "gatehop_trusted_hosts"},
		{&idp.NetworkError{Kind: idp.NetAuthority}, statusNetwork, "gatehop_ca_bundle"},
		{&idp.NetworkError{Kind: idp.NetOldTLS}, statusNetwork, "gatehop_tls = legacy in the profile"},
		{&signInError{Err: &idp.NetworkError{Kind: idp.NetSuite}}, statusNetwork, "gatehop_tls = legacy in the profile"},
		{&signInError{Legacy: true, Err: &idp.NetworkError{Kind: idp.NetOldTLS}}, statusNetwork, "TLS 1.2"},
		{&signInError{Err: &idp.NetworkError{Kind: idp.NetTLS}}, statusNetwork, "gatehop_tls = legacy in the profile"},
		{&signInError{Legacy: true, Err: &idp.NetworkError{Kind: idp.NetTLS}}, statusNetwork, "TLS 1.2"},
		{&sts.Error{Hop: "AssumeRole"}, statusAWS, ""},
		{&sts.IdentityError{}, statusAWS, "thrown away"},
		{&sts.MismatchError{}, statusUsage, "partition"},
		{&sts.ReplyError{}, statusNetwork, "proxy"},
		{&sts.EndpointError{}, statusUsage, "https"},
		{&sts.NetError{Err: fs.ErrClosed}, statusNetwork, "region"},
		{startProblem("x", fs.ErrPermission), statusCannotRun, ""},
		{startProblem("x", fs.ErrNotExist), statusNotFound, ""},
	} {
		e := explain(c.err)
		if e.status != c.status || !strings.Contains(e.hint, c.hint) || c.hint == "" && e.hint != "" {
			t.Errorf("explain(%T %v) = %d, %q; want %d, %q", c.err, c.err, e.status, e.hint, c.status, c.hint)
		}
	}
}

// TestNetworkHints wants advice for every kind of network failure.
func TestNetworkHints(t *testing.T) {
	t.Parallel()
	for _, kind := range []idp.NetKind{
		idp.NetDNS, idp.NetRefused, idp.NetUnreachable, idp.NetTimeout, idp.NetClosed, idp.NetProxy, idp.NetNotTLS,
		idp.NetAuthority, idp.NetName, idp.NetExpired, idp.NetCertificate, idp.NetOldTLS, idp.NetSuite, idp.NetTLS, idp.NetOther,
	} {
		if networkHints[kind] == "" {
			t.Errorf("no hint for %q", kind)
		}
	}
}
