package migrate

import (
	"strings"

	"gatehop/cmd/gatehop/internal/awsfile"
	"gatehop/cmd/gatehop/internal/profile"
)

// adfsPrefix begins the keys that aws-adfs keeps in the AWS config file.
const adfsPrefix = "adfs_config."

// AWSADFS reads what aws-adfs keeps in the AWS config file (aws_adfs/prepare.py at
// 6d243e7): each profile with keys of its is an account, and the draft is of the same
// name, to be written into the same section.
func AWSADFS(config *awsfile.File) []Account {
	var accounts []Account
	rows := adfsRows()
	index := config.Index(awsfile.Config)
	for _, name := range index.Names() {
		s, ok := index.Section(name)
		if a := adfsAccount(name, s, rows); ok && len(a.Notes) > 0 {
			accounts = append(accounts, a)
		}
	}
	return accounts
}

func adfsAccount(name string, s awsfile.Section, rows map[string]row) Account {
	a := Account{Name: clean(name), Line: s.Line}
	if a.Name == name {
		a.Keys = name // where aws-adfs writes keys to
	}
	values := map[string]string{}
	for _, k := range s.Keys {
		values[strings.TrimPrefix(k.Name, adfsPrefix)] = k.Value
	}
	values["aws_urn"] = values["provider_id"]
	r := &reading{draft: profile.Draft{Name: name}, get: func(setting string) string { return values[setting] }}
	for _, k := range s.Keys {
		if !strings.HasPrefix(k.Name, adfsPrefix) {
			continue
		}
		n := adfsNote(k, r, rows)
		n.Key, n.Line = clean(k.Name), k.Line
		a.Notes = append(a.Notes, n)
	}
	if len(a.Notes) > 0 && values["region"] != "" {
		r.take("region", values["region"]) // it stands there already, and stays
	}
	problem := awsfile.NameProblem(name)
	switch {
	case s.Differs != "":
		a.Why = s.Differs
	case problem != "":
		a.Why = problem
	case r.draft.URL == "":
		a.Why = "has no host that gatehop signs in at"
	default:
		r.draft.Kind = "adfs"
		a.Draft = &r.draft
	}
	a.untake()
	return a
}

func adfsNote(k awsfile.Key, r *reading, rows map[string]row) Note {
	row, ok := rows[strings.TrimPrefix(k.Name, adfsPrefix)]
	text := k.Value
	switch {
	case !ok:
		return unknown("aws-adfs", k.Name, k.Line)
	case text == "None": // as Python writes what is not set
		text = ""
	}
	return row.note(r, text, provider{kind: "adfs"})
}

// adfsRows are the settings by their name without the prefix.
func adfsRows() map[string]row {
	const program = "no program comes from a file of another tool"
	const factor = "Duo's prompt needs a browser; gatehop_mfa chooses another second factor"
	rows := map[string]row{}
	for _, r := range []row{
		{key: "adfs_host", read: readHost},
		{key: "adfs_user", read: readUsername},
		{key: "provider_id", read: readURN},
		{key: "role_arn", read: setting("gatehop_role_arn")},
		{key: "session_duration", read: readDuration},
		{key: "ssl_verification", same: []string{"True", "1"}, fate: Refused, why: "the server's certificate is always checked"},
		{key: "sspi", flag: true, read: readSSPI},
		{key: "duo_factor", fate: NotPossible, why: factor},
		{key: "duo_device", fate: NotPossible, why: factor},
		{key: "username_password_command", fate: Refused, why: program},
		{key: "mfa_token_command", fate: Refused, why: program},
	} {
		rows[r.key] = r
	}
	return rows
}

// readSSPI takes the session of Windows for what signs in.
func readSSPI(r *reading, _ string, _ provider) Note {
	n := r.take("gatehop_auth", profile.AuthKerberos)
	n.Why = "the session of Windows signs in where no gatehop_username is set, elsewhere a ticket"
	return n
}

// readHost makes an address of the host, as aws-adfs does.
func readHost(r *reading, text string, _ provider) Note {
	if strings.ContainsAny(text, "/@?#") {
		return Note{Fate: NotPossible, Why: "it is no host, or more than one"}
	}
	return r.take("gatehop_url", "https://"+text)
}
