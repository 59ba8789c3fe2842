package awsfile

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// moving is one Move: of [w] to [w-static] unless it says otherwise.
type moving struct {
	name, credentials, config string
	from, to                  string
	line                      int
	reason                    string // part of the refusal; "" if there is none
	want                      string
}

func (m moving) names() (from, to string) {
	from, to = "w", "w-static"
	if m.from != "" {
		from = m.from
	}
	if m.to != "" {
		to = m.to
	}
	return from, to
}

const static = "aws_access_key_id = AKIA\naws_secret_access_key = s\n"

func moveRefusals() []moving {
	w := "[w]\n" + static
	return []moving{
		{name: "not there", credentials: "[x]\nk = v\n", reason: `"w" is not in the file`},
		{name: "an empty file", reason: `"w" is not in the file`},
		{name: "no name", credentials: w, to: "a b", reason: `"a b" has a name`},
		{name: "a line end", credentials: w, to: "a\n[x", reason: "has a name"},
		{name: "a bracket", credentials: w, to: "a]", reason: "has a name"},
		{name: "a name that JavaScript's objects have", credentials: w, to: "constructor", reason: "JavaScript"},
		{name: "a name that is a profile's to JavaScript", credentials: w, to: "profile.x", reason: "JavaScript"},
		{name: "to DEFAULT", credentials: w, to: "DEFAULT", reason: "is no profile"},
		{name: "from DEFAULT", credentials: "[DEFAULT]\n" + static, from: "DEFAULT", reason: "is no profile"},
		{name: "to itself", credentials: w, to: "w", line: 1, reason: "is there already"},
		{name: "there already", credentials: w + "[w-static]\n", line: 4, reason: `"w-static" is there already`},
		{name: "there already for Go", credentials: w + "[ w-static ]\n", line: 4, reason: "is there already"},
		{name: "there already, indented", credentials: w + "[x]\nk = v\n  [w-static]\n", line: 6, reason: "is there already"},
		{name: "a profile of the config file", credentials: w, config: "[a]\n[profile w-static]\n", reason: "line 2 of the config file"},
		{name: "a profile of the config file for Go", credentials: w, config: "[profile\tw-static]\n", reason: "line 1 of the config file"},
		{name: "used", credentials: w, config: "[profile x]\nrole_arn = r\nsource_profile = w\n", reason: `source_profile of "x" (line 3 of the config file)`},
		{name: "used by itself", credentials: w, config: "[profile w]\nrole_arn = r\nsource_profile = w\n", reason: `source_profile of "w" (line 3`},
		{name: "used with a comment behind", credentials: w, config: "[profile x]\nsource_profile = w # mine\n", reason: `of "x"`},
		{name: "used in capitals", credentials: w, config: "[profile x]\nSource_Profile: w\n", reason: `of "x"`},
		{name: "used in quotes", credentials: w, config: "[profile x]\nsource_profile = \"w\"\n", reason: `of "x"`},
		{name: "used by an indented key", credentials: w, config: "[profile x]\nregion = r\n  source_profile = w\n", reason: `of "x"`},
		{name: "used by a section that is no profile to botocore", credentials: w, config: "[ profile x ]\nsource_profile = w\n", reason: `of "x"`},
		{name: "used in the credentials file", credentials: w + "[x]\nsource_profile = w\n", reason: `of "x" (line 5 of the credentials file)`},
		{name: "twice", credentials: w + w, line: 4, reason: "stands twice"},
		{name: "another section twice", credentials: w + "[x]\n[x]\n", line: 5, reason: "stands twice"},
		{name: "a key twice", credentials: w + "aws_access_key_id = b\n", line: 4, reason: "key twice"},
		{name: "only Go reads it", credentials: "[ w ]\n" + static, line: 1, reason: "only some SDKs"},
		{name: "not every SDK reads it", credentials: "[w] x\n" + static, line: 1, reason: "does not read"},
		{name: "a bracket in the comment", credentials: "[w] # not [x]\n" + static, line: 1, reason: "only some SDKs"},
		{name: "Go reads a second one", credentials: w + "[ w ]\n", line: 1, reason: "several sections"},
		{name: "botocore takes it for a value", credentials: "[x]\nk = v\n  [w]\n" + static, line: 3, reason: "only some SDKs"},
		{name: "byte order mark", credentials: "\ufeff" + w, line: 1, reason: "byte order mark"},
		{name: "junk", credentials: w + "[x]\njunk\n", line: 5, reason: "neither section"},
		{name: "a key before any section", credentials: "k = v\n" + w, line: 1, reason: "before any section"},
		{name: "not UTF-8", credentials: w + "k = \xff\n", line: 4, reason: "UTF-8"},
		{name: "bare CR", credentials: "[w]\rk = v\r", line: 1, reason: "carriage return"},
		{name: "keys from DEFAULT", credentials: w + "[DEFAULT]\nrole_arn = x\n", line: 5, reason: "[DEFAULT]"},
	}
}

func move(credentials, config []byte, from, to string) ([]byte, error) {
	return Scan(credentials).Move(Scan(config), from, to)
}

func TestMoveRefusals(t *testing.T) {
	t.Parallel()
	for _, tt := range moveRefusals() {
		from, to := tt.names()
		out, err := move([]byte(tt.credentials), []byte(tt.config), from, to)
		var refusal *RefusalError
		if !errors.As(err, &refusal) || out != nil {
			t.Errorf("%s: Move = %q, %v, want a *RefusalError alone", tt.name, out, err)
			continue
		}
		if refusal.Line != tt.line || !strings.Contains(err.Error(), tt.reason) {
			t.Errorf("%s: Move = %v (line %d), want %q in line %d", tt.name, err, refusal.Line, tt.reason, tt.line)
		}
		if strings.Contains(err.Error(), "AKIA") {
			t.Errorf("%s: the refusal %q shows a value", tt.name, err)
		}
	}
}

func moves() []moving {
	return []moving{
		{name: "plain", credentials: "[w]\n" + static, want: "[w-static]\n" + static},
		{name: "between others", credentials: "# a [w]\n[v]\nk = [w]\n\n[w]\n" + static + "\n[x]\nk = w\n", want: "# a [w]\n[v]\nk = [w]\n\n[w-static]\n" + static + "\n[x]\nk = w\n"},
		{name: "a comment on the header's line", credentials: "[w]  # not [x; w\n" + static, to: "z", want: "[z]  # not [x; w\n" + static},
		{name: "odd spacing, line ends and values", credentials: "  [w]\t \r\n  aws_access_key_id=AKIA\r\n  aws_secret_access_key :  \"s\" # c\r\n\r\n  # w\r\n[x]\nk=v",
			want: "  [w-static]\t \r\n  aws_access_key_id=AKIA\r\n  aws_secret_access_key :  \"s\" # c\r\n\r\n  # w\r\n[x]\nk=v"},
		{name: "a value that goes on", credentials: "[w]\n" + static + "s3 =\n  a = [w]\n\n  b = w\n", want: "[w-static]\n" + static + "s3 =\n  a = [w]\n\n  b = w\n"},
		{name: "default", credentials: "[default]\n" + static, from: "default", to: "default-static", want: "[default-static]\n" + static},
		{name: "to default", credentials: "[w]\n" + static, to: "default", want: "[default]\n" + static},
		{name: "to a shorter name", credentials: "[long.name/w]\n" + static + "[x]\n", from: "long.name/w", to: "s", want: "[s]\n" + static + "[x]\n"},
		{name: "a profile of the config file", credentials: "[w]\n" + static, config: "[profile w]\nregion = x\n[profile x]\nsource_profile = ww\ngatehop_source_profile = w\n", want: "[w-static]\n" + static},
		{name: "used, but only for hours", credentials: "[w]\n" + static + "aws_session_token = t\n", config: "[profile x]\nrole_arn = r\nsource_profile = w\n",
			want: "[w-static]\n" + static + "aws_session_token = t\n"},
		{name: "no line end", credentials: "[w]\nk = v", want: "[w-static]\nk = v"},
		{name: "no keys", credentials: "[w]", want: "[w-static]"},
		{name: "a harmless DEFAULT", credentials: "[DEFAULT]\noutput = json\n[w]\n" + static, want: "[DEFAULT]\noutput = json\n[w-static]\n" + static},
	}
}

func TestMove(t *testing.T) {
	t.Parallel()
	for _, tt := range moves() {
		from, to := tt.names()
		given := []byte(tt.credentials)
		out, err := move(given, []byte(tt.config), from, to)
		if err != nil || string(out) != tt.want {
			t.Errorf("%s: Move = %q, %v, want %q", tt.name, out, err, tt.want)
		}
		if string(given) != tt.credentials {
			t.Errorf("%s: Move changed its argument", tt.name)
		}
		back, err := move(out, nil, to, from)
		if err != nil || string(back) != tt.credentials {
			t.Errorf("%s: Move back = %q, %v, want the original", tt.name, back, err)
		}
	}
}

// TestMoveVerify hands results that are wrong in one way each to the last look.
func TestMoveVerify(t *testing.T) {
	t.Parallel()
	const data = "[v]\nk = v\n[w] # c\naws_access_key_id = AKIA\naws_secret_access_key = s\n\n# end\n"
	const good = "[v]\nk = v\n[w-static] # c\naws_access_key_id = AKIA\naws_secret_access_key = s\n\n# end\n"
	f := Scan([]byte(data))
	s, _ := f.Section(Credentials, "w")
	if err := f.verifyMove([]byte(good), s, "w", "w-static"); err != nil {
		t.Fatalf("verifyMove of what Move makes = %v", err)
	}
	if err := f.verifyMove([]byte(good), s, "v", "w-static"); err == nil {
		t.Error("verifyMove passes a result in which the old name is still there")
	}
	replace := func(from, to string) string { return strings.Replace(good, from, to, 1) }
	for name, wrong := range map[string]string{
		"nothing moved":               data,
		"copied":                      good + "[w]\naws_access_key_id = AKIA\naws_secret_access_key = s\n",
		"the old header left":         replace("# end", "[w]"),
		"the old header left for Go":  replace("# end", "[ w ]"),
		"a key lost":                  replace("aws_access_key_id = AKIA\n", ""),
		"a key more":                  replace("# end", "region = x"),
		"a value changed":             replace("AKIA", "AKIB"),
		"two keys in another order":   "[v]\nk = v\n[w-static] # c\naws_secret_access_key = s\naws_access_key_id = AKIA\n\n# end\n",
		"a comment for Go in a value": replace("= s", "= s # c"),
		"another section renamed":     replace("[v]", "[u]"),
		"another section lost":        replace("[v]\nk = v\n", ""),
		"two of the new name":         good + "[w-static]\n",
		"two of the new name for Go":  good + "[ w-static ]\n",
		"moved to another line":       replace("[v]\n", "[v]\n\n"),
		"another name":                replace("w-static", "w-other"),
		"a name only Go reads":        replace("[w-static]", "[ w-static ]"),
		"junk":                        replace("# end", "end"),
	} {
		if err := f.verifyMove([]byte(wrong), s, "w", "w-static"); err == nil {
			t.Errorf("verifyMove passes a result with %s", name)
		}
	}
}

// mover is what judgeMoves judges.
type mover func(credentials, config []byte, from, to string) ([]byte, error)

// judgeMoves compares a mover with the model over generated files: one piece changes,
// the header of the section, and there only the name. It returns the first difference.
func judgeMoves(m mover, cases int) error {
	for _, tt := range moveRefusals() {
		from, to := tt.names()
		out, err := m([]byte(tt.credentials), []byte(tt.config), from, to)
		var refusal *RefusalError
		if !errors.As(err, &refusal) {
			return fmt.Errorf("%s: Move = %q, %v, want a *RefusalError", tt.name, out, err)
		}
	}
	for seed := range uint64(cases) {
		file, _ := generate(rand.New(rand.NewPCG(seed, 2)))
		data := file.bytes()
		out, err := m(data, nil, "w", "w-static")
		if file.section == nil {
			if err == nil {
				return fmt.Errorf("file %d: Move of %q = %q, want a refusal: there is no [w]", seed, data, out)
			}
			continue
		}
		file.section[0].text = strings.Replace(file.section[0].text, "w", "w-static", 1)
		if want := file.bytes(); err != nil || !bytes.Equal(out, want) {
			return fmt.Errorf("file %d: Move of %q\n = %q, %w\nwant %q", seed, data, out, err, want)
		}
	}
	return nil
}

func TestMoveModel(t *testing.T) {
	t.Parallel()
	if err := judgeMoves(move, 2000); err != nil {
		t.Error(err)
	}
}

// TestMoveModelControls gives the judge movers that are wrong in one way each.
func TestMoveModelControls(t *testing.T) {
	t.Parallel()
	after := func(change func(old, new []byte) []byte) mover {
		return func(credentials, config []byte, from, to string) ([]byte, error) {
			out, err := move(credentials, config, from, to)
			if err == nil {
				out = change(credentials, out)
			}
			return out, err
		}
	}
	replace := func(from, to string) mover {
		return after(func(_, new []byte) []byte { return bytes.ReplaceAll(new, []byte(from), []byte(to)) })
	}
	mutants := map[string]mover{
		"renames in comments and values": after(func(old, _ []byte) []byte { return bytes.ReplaceAll(old, []byte("[w]"), []byte("[w-static]")) }),
		"renames the first match":        after(func(old, _ []byte) []byte { return bytes.Replace(old, []byte("[w]"), []byte("[w-static]"), 1) }),
		"drops a comment of the header":  replace("\t# mine", ""),
		"drops CR":                       replace("\r\n", "\n"),
		"trims the header":               replace("[w-static] ", "[w-static]"),
		"tidies a neighbour":             replace("\t=   ", " = "),
		"flattens a nested block":        replace("    region", "region"),
		"moves nothing":                  after(func(old, _ []byte) []byte { return old }),
		"copies":                         after(func(old, new []byte) []byte { return append(bytes.Clone(new), old...) }),
		"adds a last line end":           after(func(_, new []byte) []byte { return append(bytes.TrimRight(new, "\r\n"), '\n') }),
	}
	for _, skip := range moveRefusals() {
		mutants["does not refuse: "+skip.name] = func(credentials, config []byte, from, to string) ([]byte, error) {
			if skipFrom, skipTo := skip.names(); skip.credentials == string(credentials) && skip.config == string(config) && skipFrom == from && skipTo == to {
				return credentials, nil
			}
			return move(credentials, config, from, to)
		}
	}
	for name, mutant := range mutants {
		if err := judgeMoves(mutant, 400); err == nil {
			t.Errorf("a mover that %s passes", name)
		}
	}
}

// FuzzMove moves [w] in any file: what is not refused changes the name alone, and moves
// back to the same bytes.
func FuzzMove(f *testing.F) {
	for _, s := range seeds() {
		f.Add([]byte(s), []byte(s))
		f.Add([]byte(s+"\n[w] # c\n"+static), []byte(""))
	}
	for _, tt := range append(moveRefusals(), moves()...) {
		f.Add([]byte(tt.credentials), []byte(tt.config))
	}
	f.Fuzz(func(t *testing.T, credentials, config []byte) {
		Shadows(Scan(config), Scan(credentials), []string{"w", "default"})
		out, err := move(credentials, config, "w", "w-static")
		var refused *RefusalError
		if errors.As(err, &refused) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		head := bytes.Index(out, []byte("w-static]"))
		if head < 0 || !slices.Equal(slices.Concat(out[:head+1], out[head+len("w-static"):]), credentials) {
			t.Fatalf("Move of %q = %q, which differs by more than a name", credentials, out)
		}
		if s, _ := Scan(credentials).Section(Credentials, "w"); len(Users(Scan(config), Scan(credentials), "w")) > 0 && !isSession(s) {
			t.Fatalf("Move of %q with config %q, although somebody uses it", credentials, config)
		}
		if back, err := move(out, nil, "w-static", "w"); err != nil || !bytes.Equal(back, credentials) {
			t.Fatalf("Move of %q back = %q, %v", credentials, back, err)
		}
	})
}

func TestShadows(t *testing.T) {
	t.Parallel()
	credentials := "[other]\n" + static + "[prod]\n" + static + "aws_session_token = t\nx_security_token_expires = 2026-03-01T10:00:00+01:00\n" +
		"[prod-static]\nk = v\n[ours]\n" + OwnerKey + " = dev\n" + static + "[default]\n" + static + "expiration = soon\n[region]\nregion = x\n" +
		"[role]\nrole_arn = r\nsource_profile = default\n[ go ]\n" + static + "[x]\nk = v\n  [hid]\n" + static
	config := "[profile prod]\nregion = x\n[profile here]\naws_access_key_id = AKIA\nrole_arn = r\n[profile prod-static-2]\n[profile uses]\nsource_profile = ours\n"
	names := []string{"none", "prod", "ours", "default", "region", "role", "go", "hid", "here"}
	var got strings.Builder
	for _, s := range Shadows(Scan([]byte(config)), Scan([]byte(credentials)), names) {
		fmt.Fprintf(&got, "%s kind=%d line=%d %s session=%v expires=%v owner=%q users=%v to=%q refused=%v\n",
			s.Profile, s.Kind, s.Line, strings.Join(s.Keys, ","), s.Session, s.Expires.UTC().Format(time.RFC3339), s.Owner, s.Users, s.MoveTo, s.Refused)
	}
	const ids = "aws_access_key_id,aws_secret_access_key"
	const never = "expires=0001-01-01T00:00:00Z"
	want := "prod kind=1 line=4 " + ids + `,aws_session_token session=true expires=2026-03-01T09:00:00Z owner="" users=[] to="prod-static-3" refused=<nil>` + "\n" +
		"ours kind=1 line=11 " + ids + ` session=false ` + never + ` owner="dev" users=[{uses 0 8}] to="ours-static" refused=section "ours" is the source_profile of "uses" (line 8 of the config file)` + "\n" +
		"default kind=1 line=15 " + ids + ` session=false ` + never + ` owner="" users=[{role 1 23}] to="default-static" refused=section "default" is the source_profile of "role" (line 23 of the credentials file)` + "\n" +
		"role kind=1 line=21 role_arn,source_profile session=false " + never + ` owner="" users=[] to="role-static" refused=<nil>` + "\n" +
		"go kind=1 line=24 " + ids + ` session=false ` + never + ` owner="" users=[] to="go-static" refused=line 24: section "go" is what only some SDKs read in this line` + "\n" +
		"hid kind=1 line=29  session=false " + never + ` owner="" users=[] to="hid-static" refused=line 29: section "hid" is what only some SDKs read in this line` + "\n" +
		"here kind=0 line=3 aws_access_key_id session=false " + never + ` owner="" users=[] to="" refused=<nil>` + "\n"
	if got.String() != want {
		t.Errorf("Shadows =\n%s\nwant\n%s", got.String(), want)
	}
}
