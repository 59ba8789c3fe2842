package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gatehop/cmd/gatehop/internal/choices"
	"gatehop/cmd/gatehop/internal/clientcert"
	"gatehop/cmd/gatehop/internal/environ"
	"gatehop/cmd/gatehop/internal/flow"
	"gatehop/cmd/gatehop/internal/near"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/creds/sink"
	"gatehop/creds/store"
	"gatehop/idp"
	"gatehop/sts"
)

// The exit statuses, as the README lists them.
const (
	statusOK          = 0
	statusFailed      = 1
	statusUsage       = 2   // usage or configuration
	statusHuman       = 3   // a person is needed and none is there
	statusAmbiguous   = 4   // a choice is open
	statusRefused     = 5   // the identity provider refused the person
	statusPage        = 6   // its pages were not understood or need a browser
	statusAWS         = 7   // AWS refused a hop
	statusNetwork     = 8   // network or TLS
	statusInterrupted = 130 // Ctrl-C
)

// explanation is an error as its user reads it.
type explanation struct {
	message string
	detail  []string
	hint    string
	status  int
}

// explain is the only place that knows both the errors and the commands and keys
// that help.
func explain(err error) explanation {
	var configure *configureError
	if errors.As(err, &configure) {
		return explainConfigure(configure.err)
	}
	e := explanation{message: err.Error(), status: statusFailed}
	for _, rule := range explainers {
		if rule(err, &e) {
			return e
		}
	}
	return e
}

// explainers are asked in order; the first that knows the error fills in the rest.
var explainers = []func(error, *explanation) bool{
	explainShared, explainInterrupt, explainStart, explainUsage, explainProfile, explainWrite, explainState, explainRole, explainPin,
	explainSecret, explainNeedsInput, explainTicket, explainPage, explainOrigin, explainNetwork, explainAWS,
}

func explainInterrupt(err error, e *explanation) bool {
	if !errors.Is(err, context.Canceled) {
		return false
	}
	e.status = statusInterrupted
	return true
}

func explainStart(err error, e *explanation) bool {
	var start *startError
	if !errors.As(err, &start) {
		return false
	}
	e.status = start.status
	return true
}

func explainUsage(err error, e *explanation) bool {
	var usage *usageError
	var shell *sink.UnknownShellError
	var value *sink.ValueError
	var bundle *bundleError
	var cert *clientcert.Error
	var shadowing *defaultError
	switch {
	case errors.As(err, &cert), errors.As(err, new(*certificateKeysError)):
		e.hint = "gatehop_client_cert names the certificate (PEM or PKCS#12), and gatehop_client_key its key if that is in a file of its own"
	case errors.As(err, &shadowing):
		e.hint = "give that profile another name, or run the command without --serve"
	case errors.As(err, &bundle):
		e.hint = "name a file of certificates in PEM form: gatehop_ca_bundle for the provider, AWS_CA_BUNDLE or ca_bundle for AWS"
	case errors.As(err, &value):
		e.hint = "correct the region or the name of the profile"
	case errors.As(err, &usage):
		e.hint = usage.hint()
	case errors.As(err, &shell):
		e.hint = "use --shell " + strings.Join(shell.Known, " or --shell ")
		if meant := near.Nearest(shell.Name, shell.Known); meant != "" {
			e.hint = didYouMean("--shell " + meant)
		}
	default:
		return false
	}
	e.status = statusUsage
	return true
}

func didYouMean(what string) string { return fmt.Sprintf("did you mean %q?", what) }

// hint is what was meant, else where it is explained.
func (e *usageError) hint() string {
	command := e.command
	if command == "" {
		command = "gatehop"
	}
	if e.near != "" {
		return didYouMean(e.near)
	}
	if e.noCommand {
		return "`" + command + " --help` lists the commands"
	}
	return "`" + command + " --help` shows how it is used"
}

func explainProfile(err error, e *explanation) bool {
	var bad *profile.Error
	var home *environ.HomeError
	var encrypted *flow.EncryptedError
	var none *noProfilesError
	var open *openProfileError
	var unmatched *noMatchError
	switch {
	case errors.As(err, &unmatched):
		e.hint = "`gatehop configure` writes profiles; a pattern stands for names, with * and ?"
	case errors.As(err, &none):
		e.hint = "`gatehop configure` writes one"
	case errors.As(err, &open):
		e.status, e.detail, e.hint = statusAmbiguous, open.names, "name one, or set GATEHOP_PROFILE"
		return true
	case errors.As(err, &bad):
		switch {
		case bad.Near != "":
			e.hint = didYouMean(bad.Near)
		case bad.Line > 0:
			e.hint = "edit " + bad.File
		case bad.Profile != "" && bad.Key == "": // it is in neither file
			e.hint = "`gatehop configure` writes profiles"
		case bad.Profile == "":
			e.hint = "replace it, or name another file: AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE"
		}
	case errors.As(err, &home):
	case errors.As(err, &encrypted):
		e.hint = "set gatehop_role_arn and gatehop_principal_arn in the profile"
	default:
		return false
	}
	e.status = statusUsage
	return true
}

func explainState(err error, e *explanation) bool {
	var choices *choices.Error
	var dir *store.DirError
	switch {
	case errors.As(err, &choices):
		e.hint = "the file pins whom you signed in to: mend it, or begin anew with `gatehop logout --all`"
	case !errors.As(err, &dir):
		return false
	case strings.Contains(dir.Problem, "mode"):
		e.hint = fmt.Sprintf("chmod 700 %q", dir.Path)
	default:
		e.hint = "gatehop's state must be a directory of yours alone: set GATEHOP_HOME to another one"
	}
	e.status = statusUsage
	return true
}

func explainRole(err error, e *explanation) bool {
	var role *flow.RoleError
	if !errors.As(err, &role) {
		return false
	}
	show := role.Offered
	switch {
	case len(role.Shared) > 0:
		e.status, show = statusAmbiguous, role.Matches
		e.hint = "give the account's number: ACCOUNT/NAME, or name the account with gatehop_alias"
	case len(role.Matches) > 1:
		e.status, show = statusAmbiguous, role.Matches
		e.hint = "give more of it: ACCOUNT/NAME or the whole ARN"
	case role.Want == "":
		e.status = statusAmbiguous
		e.hint = "name one: `gatehop login " + role.Profile + " --role ACCOUNT/NAME`, or set gatehop_role_arn in the profile"
	case role.Configured:
		e.status = statusRefused
		e.hint = "correct gatehop_role_arn, or ask your administrator for that role"
		if role.Near != "" {
			e.hint = didYouMean(role.Near) + " Correct gatehop_role_arn, or ask your administrator for the other role"
		}
	default:
		e.status = statusUsage
		e.hint = "`gatehop roles " + role.Profile + "` lists what is offered"
		if role.Near != "" {
			e.hint = didYouMean(role.Near)
		}
	}
	for _, r := range show {
		e.detail = append(e.detail, r.ARN)
	}
	return true
}

func explainPin(err error, e *explanation) bool {
	var pin *flow.PinError
	if !errors.As(err, &pin) {
		return false
	}
	e.status = statusHuman
	e.hint = "if the change is expected, confirm it with `gatehop login " + pin.Profile + "` in a terminal"
	if pin.Declined {
		e.status, e.hint = statusFailed, "if the change is expected, run the command again and say yes"
	}
	return true
}

func explainNeedsInput(err error, e *explanation) bool {
	var needs *needsLoginError
	var wait *waitError
	var input *idp.NeedsInputError
	var where *signInError
	var short *shortError
	switch {
	case errors.As(err, &short):
		e.status, e.hint = statusFailed, "ask for less, or have the role's maximum session duration raised"
		return true
	case errors.As(err, &needs):
		e.hint = "run `gatehop login " + needs.Profile + "` in a terminal"
	case errors.As(err, &wait):
		e.hint = wait.hint()
	case errors.As(err, &input) && errors.As(err, &where):
		e.hint = "run `gatehop login " + where.Profile + "` in a terminal" + instead(input.Question.Field)
	case errors.As(err, &input):
		e.hint = "run `gatehop login` in a terminal" + instead(input.Question.Field)
	default:
		return false
	}
	e.status = statusHuman
	return true
}

// instead names what would have answered a question, as the end of a hint.
func instead(field string) string {
	switch field {
	case "username":
		return ", or set gatehop_username in the profile"
	case "otp":
		return ", or set GATEHOP_OTP or gatehop_otp_command"
	case idp.Approval:
		return " and answer there and on your phone"
	}
	return ", or set GATEHOP_" + strings.ToUpper(field)
}

func explainOrigin(err error, e *explanation) bool {
	var origin *idp.OriginError
	if !errors.As(err, &origin) {
		return false
	}
	e.status = statusNetwork
	if origin.Doing == idp.DoingAnswer {
		e.hint = "HTTP authentication is answered at gatehop_url's own host and port alone: correct gatehop_url, or sign in by the form (gatehop_auth = forms); nothing was sent there"
		return true
	}
	if strings.HasPrefix(string(origin.Untrusted), "http://") {
		e.hint = "the sign-in would go on in the clear, where anybody can read it: tell its administrator; nothing was sent there"
		return true
	}
	e.hint = "if you know that host and it belongs to your sign-in, list it in gatehop_trusted_hosts; nothing was sent to it"
	return true
}

func explainNetwork(err error, e *explanation) bool {
	var network *idp.NetworkError
	switch {
	case errors.As(err, &network):
		e.hint = networkHints[network.Kind]
		if where := (*signInError)(nil); errors.As(err, &where) && where.Legacy && (e.hint == legacyHint || e.hint == brokenHint) {
			e.hint = strictHint
		}
	case errors.Is(err, context.DeadlineExceeded):
		e.message = "no answer in time: " + e.message
		e.hint = "try again; gatehop_timeout in the profile allows more time for a request"
	default:
		return false
	}
	e.status = statusNetwork
	return true
}

func explainAWS(err error, e *explanation) bool {
	var refused *sts.Error
	var identity *sts.IdentityError
	var endpoint *sts.EndpointError
	var network *sts.NetError
	var mismatch *sts.MismatchError
	var reply *sts.ReplyError
	switch {
	case errors.As(err, &refused):
		e.status, e.detail = statusAWS, refused.Causes
		var hop *flow.HopError
		switch {
		case refused.Throttled:
			e.hint = "try again in a while; whoever calls through the same account takes from the same allowance"
		case errors.As(err, &hop) && refused.Hop == "AssumeRole":
			e.hint = "if AWS revoked the gateway's session, renew it: `gatehop login " + hop.Profile + " --force`"
		}
	case errors.As(err, &identity):
		e.status, e.hint = statusAWS, "check role_arn and the STS endpoint of the profile; the credentials were thrown away"
	case errors.As(err, &endpoint):
		e.status, e.hint = statusUsage, "an STS endpoint is https, or http on this machine"
	case errors.As(err, &mismatch):
		e.status, e.hint = statusUsage, "role, provider, region and sign-in address must be of one AWS partition, role and provider of one account"
	case errors.As(err, &reply):
		e.status, e.hint = statusNetwork, "something between here and AWS answers in its place: check the proxy and the STS endpoint"
	case errors.As(err, &network):
		e.status, e.hint = statusNetwork, "check the network, the region and AWS_CA_BUNDLE"
	default:
		return false
	}
	return true
}
