package main

import (
	"errors"
	"fmt"
	"strings"

	"gatehop/cmd/gatehop/internal/awsdisk"
	"gatehop/cmd/gatehop/internal/awsfile"
	"gatehop/cmd/gatehop/internal/destination"
	"gatehop/cmd/gatehop/internal/flow"
	"gatehop/cmd/gatehop/internal/team"
	"gatehop/idp"
	"gatehop/sts"
)

// missingError reports that a person is needed for an answer that a flag could give.
type missingError struct{ What, Flag string }

func (e *missingError) Error() string { return e.What + " is needed and nobody is there to ask" }

// takenError reports a profile that is something else than what is to be written.
type takenError struct{ Profile, Why string }

func (e *takenError) Error() string { return fmt.Sprintf("profile %q %s", e.Profile, e.Why) }

// helperError reports a program that tools could not start.
type helperError struct{ Path, Problem string }

func (e *helperError) Error() string {
	return fmt.Sprintf("write %q into credential_process: it %s", e.Path, e.Problem)
}

// configWriteError reports that one of the AWS files was not written. It is whole.
type configWriteError struct {
	File string
	Err  error
}

func (e *configWriteError) Error() string { return "write " + e.File + ": " + e.Err.Error() }

// Unwrap returns the reason.
func (e *configWriteError) Unwrap() error { return e.Err }

// shadowedError reports keys that every tool would use instead of what is written.
type shadowedError struct {
	awsfile.Shadow
	File string // the credentials file
}

func (e *shadowedError) Error() string {
	where := fmt.Sprintf("section [%s] of %s (line %d)", e.Profile, e.File, e.Line)
	if e.Kind == awsfile.Config {
		where = fmt.Sprintf("profile %q (line %d)", e.Profile, e.Line)
	}
	text := fmt.Sprintf("%s has keys of its own (%s), which tools use instead of gatehop", where, strings.Join(e.Keys, ", "))
	if e.Refused != nil {
		text += ", and it cannot get another name: " + e.Refused.Error()
	}
	return text
}

// configureError is a failure of configure: whoever reads it has flags, and no profile yet.
type configureError struct{ err error }

func (e *configureError) Error() string { return e.err.Error() }

// Unwrap returns the failure.
func (e *configureError) Unwrap() error { return e.err }

func configureProblem(err error) error { return &configureError{err} }

// flagsOfKeys are the flags that say what a key would.
var flagsOfKeys = strings.NewReplacer(
	"set gatehop_role_arn and gatehop_principal_arn in the profile", "write gatehop_role_arn and gatehop_principal_arn by hand",
	"gatehop_auth = ", "--auth ", "gatehop_relying_party", "--relying-party", "gatehop_adfs_domain", "--adfs-domain", "gatehop_ca_bundle", "--ca-bundle",
	"gatehop_username", "--username", "gatehop_url", "--url", "gatehop_role_arn", "--role",
)

// explainConfigure says what to do about a failure of configure.
func explainConfigure(err error) explanation {
	e := explain(err)
	if explainSetup(err, &e) {
		return e
	}
	e.hint = flagsOfKeys.Replace(e.hint)
	if strings.Contains(e.hint, "`gatehop login") {
		e.hint = "run `gatehop configure` in a terminal"
	}
	return e
}

func explainSetup(err error, e *explanation) bool {
	var missing *missingError
	var taken *takenError
	var helper *helperError
	var shadowed *shadowedError
	var aws *awsError
	var other *otherIdentityError
	var bad *destination.Error
	var fragment *team.Error
	var foreign *importError
	var bundle *bundleError
	var refused *sts.Error
	switch {
	case errors.As(err, new(*writtenError)) && errors.As(err, &refused) && refused.Hop == "AssumeRole":
		e.hint = "check the account and the role's name, and that the role trusts the gateway's"
	case errors.As(err, &bundle):
		e.status, e.hint = statusUsage, "give --ca-bundle FILE, with root certificates in PEM form"
	case errors.As(err, &missing):
		e.status, e.hint = statusHuman, "run `gatehop configure` in a terminal, or give "+missing.Flag
	case errors.As(err, &taken):
		e.status, e.hint = statusUsage, "choose another name: `gatehop configure NAME` for the gateway, NAME=ACCOUNT for an account"
	case errors.As(err, &helper):
		e.status, e.hint = statusUsage, "install gatehop (`go install ./cmd/gatehop`), or name an installed one with --helper PATH"
	case errors.As(err, &shadowed):
		e.status, e.hint = statusUsage, shadowHint(shadowed)
	case errors.As(err, &aws):
		e.status, e.hint = statusFailed, "try `gatehop login "+aws.Profile+"`, then `aws sts get-caller-identity --profile "+aws.Profile+"`"
		if aws.Old {
			e.hint = "this aws does not know AWS_ENDPOINT_URL_STS: 1.29, 2.13 and later releases do"
		}
	case errors.As(err, &other):
		e.status, e.hint = statusFailed, "`gatehop status "+other.Profile+"` shows what else gives tools credentials for it"
	case errors.As(err, &bad):
		e.status, e.hint = statusUsage, "an account is 12 digits or NAME=ACCOUNT; a role is its ARN or NAME=ROLE_ARN, of the gateway's partition"
	case errors.As(err, &fragment):
		e.status, e.hint = statusUsage, "nothing of the file is taken; whoever made it must mend it"
		if fragment.Unread {
			e.hint = "give --team the path of the file"
		}
		for _, p := range fragment.Problems[1:] { // the first is the message's
			e.detail = append(e.detail, p.String())
		}
	case errors.As(err, &foreign):
		e.status, e.hint = statusUsage, "`gatehop configure --url URL` begins without it"
	case errors.Is(err, errNotWritten):
		e.status, e.hint = statusFailed, ""
	default:
		return explainLook(err, e) || explainChoice(err, e) || explainConfigWrite(err, e)
	}
	return true
}

func shadowHint(e *shadowedError) string {
	switch {
	case e.Kind == awsfile.Config:
		return "take those keys out of the profile, or choose another name"
	case e.Refused != nil:
		return "choose another name for the new profile"
	}
	return "--move-static renames that section to [" + e.MoveTo + "]; or choose another name"
}

// explainLook is about what the look at the sign-in address found.
func explainLook(err error, e *explanation) bool {
	var look *lookError
	var elsewhere *elsewhereError
	var page *idp.PageError
	var network *idp.NetworkError
	switch {
	case errors.As(err, &elsewhere):
		e.status, e.hint = statusUsage, "if that is your company's, give --url "+elsewhere.There
	case !errors.As(err, &look):
		return false
	case errors.As(err, &network) && (network.Kind == idp.NetAuthority || network.Kind == idp.NetCertificate):
		e.hint = "if your company signs its own certificates, put its root into a file and give --ca-bundle FILE"
	case errors.As(err, &page) && page.Verdict == idp.ScriptOnly:
		e.hint = "gatehop cannot sign in where scripts make the page; ask the administrator for an address with a plain sign-in form (AD FS has one)"
	case errors.As(err, &page) && (page.Verdict == idp.Unknown || page.Verdict == idp.NotFound):
		e.hint = "give the address at which your company signs in to AWS, as a browser shows it; --idp adfs or form says the kind"
	default:
		return false
	}
	return true
}

// explainChoice is about roles.
func explainChoice(err error, e *explanation) bool {
	var role *flow.RoleError
	if !errors.As(err, &role) || role.Configured && role.Want == "" {
		return false
	}
	switch {
	case role.Want == "":
		e.hint = "choose one with --role ACCOUNT/NAME"
	case len(role.Matches) > 1:
		e.hint = "give more of it: --role ACCOUNT/NAME or the whole ARN"
	case role.Near != "":
		e.hint = didYouMean("--role " + role.Near)
	default:
		e.hint = "choose one of these with --role"
	}
	return true
}

// explainConfigWrite is about what keeps gatehop from writing one of the AWS files.
func explainConfigWrite(err error, e *explanation) bool {
	var write *configWriteError
	if !errors.As(err, &write) {
		return false
	}
	var refusal *awsfile.RefusalError
	var target *awsdisk.TargetError
	switch {
	case errors.Is(err, errBusyFile):
		e.hint = "try again"
	case errors.As(err, &refusal) && refusal.Foreign:
		e.status, e.hint = statusUsage, fmt.Sprintf("that profile gets its credentials otherwise: choose another name, or take %s out of [%s] first", refusal.Key, refusal.Section)
	case errors.As(err, &refusal) && refusal.Line > 0:
		e.status, e.hint = statusUsage, "edit "+write.File
	case errors.As(err, &refusal):
		e.status, e.hint = statusUsage, "choose another name"
	case errors.As(err, &target) && target.Err == nil:
		e.status, e.hint = statusUsage, strings.Replace(targetHint(target), "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", 1)
	default:
		e.hint = "the file is as it was"
	}
	return true
}
