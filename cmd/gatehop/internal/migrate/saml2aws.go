package migrate

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehop/cmd/gatehop/internal/anyurl"
	"gatehop/cmd/gatehop/internal/awsfile"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/saml"
)

// Saml2aws reads the file ~/.saml2aws as saml2aws does (pkg/cfg/cfg.go at 65195ee). Its
// errors are *SyntaxError.
func Saml2aws(data []byte) ([]Account, error) {
	file, err := parseINI(data)
	if err != nil {
		return nil, err
	}
	var accounts []Account
	var wishes [][]string
	rows := rowsByKey()
	for _, s := range file.sections {
		if len(s.keys) == 0 {
			continue
		}
		r := &samlReading{file: file, section: s, rows: rows}
		r.get = r.text
		a := r.account()
		accounts = append(accounts, a)
		wishes = append(wishes, []string{a.Keys, fallback(s.name)})
	}
	nameProfiles(accounts, wishes)
	for i := range accounts {
		accounts[i].noteName()
	}
	return accounts, nil
}

// fallback is a profile's name made of the account's. The account called default is not
// what every tool uses that names no profile.
func fallback(account string) string {
	if strings.EqualFold(account, "default") {
		return "saml2aws"
	}
	return strings.ReplaceAll(account, " ", "-")
}

// samlProfile is where saml2aws keeps keys unless told otherwise (DefaultProfile).
const samlProfile = "saml"

// reading is one account on its way to a draft.
type reading struct {
	draft profile.Draft
	get   func(setting string) string // by the name that saml2aws has for it; "" if there is none
}

// samlReading is one section of saml2aws's file.
type samlReading struct {
	reading
	file    *iniFile
	section *iniSection
	rows    map[string]row
}

// text returns a setting's text, "" if it has none or one that nobody could mean.
func (r *samlReading) text(name string) string {
	if k := r.file.find(r.section, name); k != nil {
		if text, ok := r.file.text(k); ok {
			return text
		}
	}
	return ""
}

// keys are the section's own, and of its parents' those that saml2aws looks for.
func (r *samlReading) keys() []*iniKey {
	keys := slices.Clone(r.section.keys)
	if r.file.parent(r.section.name) == nil {
		return keys
	}
	for _, name := range slices.Sorted(maps.Keys(r.rows)) {
		if k := r.file.find(r.section, name); k != nil && k.in != r.section {
			keys = append(keys, k)
		}
	}
	return keys
}

func (r *samlReading) account() Account {
	a := Account{Name: clean(r.section.name), Line: r.section.line, Keys: r.get("aws_profile")}
	switch {
	case a.Keys == "":
		a.Keys = samlProfile
	case clean(a.Keys) != a.Keys:
		a.Keys = ""
	}
	p := findProvider(r.get("provider"))
	for _, k := range r.keys() {
		n := r.note(k, p)
		n.Key, n.Line = clean(k.name), k.line
		a.Notes = append(a.Notes, n)
	}
	switch {
	case p.kind == "":
		a.Why = p.why
	case r.draft.URL == "":
		a.Why = "has no address that gatehop signs in at"
	default:
		r.draft.Kind = p.kind
		a.Draft = &r.draft
	}
	a.untake()
	return a
}

// noteName says what became of aws_profile, once all names are known.
func (a *Account) noteName() {
	i := slices.IndexFunc(a.Notes, func(n Note) bool { return n.Key == "aws_profile" && n.Fate == Taken })
	if i < 0 {
		return
	}
	n, problem := &a.Notes[i], awsfile.NameProblem(a.Keys)
	switch {
	case a.Draft.Name == a.Keys && a.Keys == "default":
		n.Value, n.Why = a.Keys, whyHides+"; every tool that names no profile uses it"
	case a.Draft.Name == a.Keys:
		n.Value, n.Why = a.Keys, whyHides
	case problem != "":
		n.Fate, n.Why = NotPossible, "it "+problem+"; the profile is called "+a.Draft.Name
	default:
		n.Fate, n.Why = NotPossible, "another account has the same; the profile is called "+a.Draft.Name
	}
}

const whyHides = "keys that saml2aws left under that name hide the profile"

// note says what becomes of one setting, and puts into the draft what does.
func (r *samlReading) note(k *iniKey, p provider) Note {
	row, ok := r.rows[k.name]
	if !ok {
		return unknown("saml2aws", k.name, k.line)
	}
	text, ok := r.file.text(k)
	if !ok {
		return Note{Fate: NotPossible, Why: "its references make a text without end"}
	}
	return row.note(&r.reading, text, p)
}

// note says what becomes of a setting with that text.
func (r row) note(in *reading, text string, p provider) Note {
	switch {
	case text == "" || slices.Contains(r.same, text) || r.flag && !isTrue(text):
		return Note{Fate: NotNeeded, Why: r.whySame(text)}
	case r.read != nil:
		return r.read(in, text, p)
	}
	return Note{Fate: r.fate, Why: r.why}
}

// take sets a key of the draft.
func (r *reading) take(key, text string) Note {
	if problem := r.draft.Set(key, text, profile.Place{URLs: anyurl.Read}); problem != "" {
		return Note{Fate: NotPossible, Why: "it " + problem}
	}
	return Note{Fate: Taken, As: key, Value: text}
}

// isTrue is parseBool of ini.v1; what it does not know is false.
func isTrue(text string) bool {
	return slices.Contains([]string{"1", "t", "T", "true", "TRUE", "True", "YES", "yes", "Yes", "y", "ON", "on", "On"}, text)
}

func readProvider(r *reading, _ string, p provider) Note {
	switch {
	case p.runs:
		return Note{Fate: Refused, Why: p.name + " " + p.why}
	case p.name == "":
		return Note{Fate: NotPossible, Why: "saml2aws has no such provider"}
	case p.kind == "":
		return Note{Fate: NotPossible, Why: p.name + " " + p.why}
	}
	n := r.take("gatehop_idp", p.kind)
	n.Why, r.draft.Auth = p.but, p.auth
	return n
}

func readURL(r *reading, text string, p provider) Note {
	if p.kind == "" {
		return Note{Fate: NotNeeded, Why: "there is nothing to sign in at: see provider"}
	}
	if u, err := url.Parse(text); err == nil && (u.User != nil || u.Scheme == "http" && r.draft.Set("gatehop_url", text, profile.Place{URLs: anyurl.Read}) != "") {
		return Note{Fate: Refused, Why: "a password is sent by https alone, and an address holds none"}
	}
	address := text
	if p.path != "" {
		value := r.get(p.ask)
		if value == "" && p.ask == "aws_urn" {
			value = saml.RelyingParty("aws")
		}
		if p.ask != "" && value == "" {
			return Note{Fate: NotPossible, Why: "the provider's address needs " + p.ask}
		}
		address = strings.TrimSuffix(text, "/") + p.path + escape(value)
	}
	n := r.take("gatehop_url", address)
	if n.Fate == Taken && p.path != "" {
		n.Why = "saml2aws adds that path itself"
	}
	return n
}

// escape is url.QueryEscape that leaves the colons and slashes of a URN as people write them.
func escape(value string) string {
	return strings.NewReplacer("%3A", ":", "%2F", "/").Replace(url.QueryEscape(value))
}

func readUsername(r *reading, text string, p provider) Note {
	n := r.take("gatehop_username", text)
	if n.Fate == Taken && p.kind == "adfs" && !strings.ContainsAny(text, `@\`) {
		n.Why = `AD FS wants DOMAIN\name or name@domain: the domain is missing`
	}
	return n
}

func readURN(r *reading, text string, p provider) Note {
	switch {
	case p.ask == "aws_urn":
		return Note{Fate: NotNeeded, Why: "it stands in gatehop_url"}
	case p.kind != "adfs":
		return Note{Fate: NotNeeded, Why: "the provider's address says it"}
	case text == saml.RelyingParty(r.partition()):
		return Note{Fate: NotNeeded, Why: "it is what gatehop asks for anyway"}
	}
	return r.take("gatehop_relying_party", text)
}

// partition is that of the role, else of the region, as a profile's is.
func (r *reading) partition() string {
	if parts := strings.SplitN(r.get("role_arn"), ":", 3); len(parts) == 3 && parts[0] == "arn" {
		return parts[1]
	}
	if id, ok := saml.RegionPartition(r.get("region")); ok {
		return id
	}
	return "aws"
}

// readDuration reads seconds. saml2aws writes an hour into every file.
func readDuration(r *reading, text string, _ provider) Note {
	n, err := strconv.ParseInt(text, 0, 64)
	switch {
	case err != nil || n <= 0 || n > int64(12*time.Hour/time.Second):
		return Note{Fate: NotPossible, Why: "it is no number of seconds up to 12 hours"}
	case n == 3600:
		return Note{Fate: NotNeeded, Why: "an hour is what the tool writes for everybody; gatehop asks for as long as provider and role allow"}
	}
	return r.take("gatehop_session_duration", short(time.Duration(n)*time.Second))
}

// short writes whole hours, minutes and seconds as a person would.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// readMFA knows the second factors that saml2aws has at AD FS (Auto, VIP, Azure, Defender,
// at AD FS 2.0 RSA), which gatehop calls the same.
func readMFA(r *reading, text string, p provider) Note {
	if strings.EqualFold(text, "auto") || strings.EqualFold(text, "none") {
		return Note{Fate: NotNeeded, Why: "gatehop goes by the page that comes"}
	}
	if name := strings.ToLower(text); p.kind == "adfs" && slices.Contains([]string{"vip", "azure", "defender", "rsa"}, name) {
		return r.take("gatehop_mfa", name)
	}
	return Note{Fate: NotPossible, Why: "gatehop goes by the page that comes"}
}

func readTarget(_ *reading, text string, _ provider) Note {
	if _, ok := saml.SignInPartition(text); ok {
		return Note{Fate: NotNeeded, Why: "it is an AWS sign-in address, and gatehop knows those"}
	}
	return Note{Fate: Refused, Why: "no further address that may be sent an assertion comes from a file of another tool"}
}

func readResource(_ *reading, _ string, p provider) Note {
	if p.ask == "resource_id" {
		return Note{Fate: NotNeeded, Why: "it stands in gatehop_url"}
	}
	return Note{Fate: NotNeeded, Why: "only the provider F5APM reads it"}
}

func setting(key string) func(*reading, string, provider) Note {
	return func(r *reading, text string, _ provider) Note { return r.take(key, text) }
}
