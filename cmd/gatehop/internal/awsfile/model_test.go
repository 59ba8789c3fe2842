package awsfile

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gatehop/creds/secret"
)

func settings(pairs ...string) []Setting {
	var set []Setting
	for i := 0; i < len(pairs); i += 2 {
		set = append(set, Setting{pairs[i], secret.New(pairs[i+1])})
	}
	return set
}

// sessionEdit is what login writes.
func sessionEdit(section, id string) Edit {
	return Edit{Kind: Credentials, Section: section, Owner: "prod", Set: settings(
		"aws_access_key_id", "ASIA"+id, "aws_secret_access_key", "s/e+c"+id, "aws_session_token", "to=ken#"+id+"==",
		"region", "eu-west-1", "x_security_token_expires", "2026-03-01T10:00:00Z")}
}

var sessionKeys = []string{"aws_access_key_id", "aws_secret_access_key", "aws_session_token", "region", "x_security_token_expires"}

func apply(data []byte, e Edit) ([]byte, error) { return Scan(data).Apply(e) }

func withdraw(data []byte, e Edit) ([]byte, error) {
	return Scan(data).Withdraw(e.Kind, e.Section, sessionKeys)
}

// piece is a part of a generated file. The model edits pieces and never looks for
// anything in bytes: it knows what each of them is because it made it.
type piece struct {
	text string // everything but the value
	key  string // of gatehop's: the key whose value stands behind text
	old  string // that value
	tail string // what stands behind the value, with the line end
	more bool   // a line that continues gatehop's value above it
}

func (p piece) String() string { return p.text + p.old + p.tail }

// modelFile is a generated file: what stands before and in the section (nil: there is
// none), and behind it.
type modelFile struct {
	before, section, behind []piece
	indent, eol             string
	bare                    bool // the file does not end with a line end
}

func (m modelFile) bytes() []byte {
	var b strings.Builder
	for _, p := range slices.Concat(m.before, m.section, m.behind) {
		b.WriteString(p.String())
	}
	return m.end(b.String())
}

func (m modelFile) end(text string) []byte {
	if m.bare {
		text = strings.TrimSuffix(text, m.eol)
	}
	return []byte(text)
}

// edited is the model of Apply.
func (m modelFile) edited(e Edit) []byte {
	want := map[string]string{OwnerKey: e.Owner}
	order := []string{OwnerKey}
	for _, s := range e.Set {
		want[s.Name] = s.Value.Reveal()
		order = append(order, s.Name)
	}
	var b strings.Builder
	write := func(pieces []piece) {
		for _, p := range pieces {
			if value, ok := want[p.key]; ok && p.key != "" {
				if p.text[len(p.text)-1] == '=' && p.old == "" {
					value = " " + value
				}
				p.old = value
				delete(want, p.key)
			}
			if !p.more {
				b.WriteString(p.String())
			}
		}
	}
	rest := func(indent string) {
		for _, name := range order {
			if value, ok := want[name]; ok {
				b.WriteString(indent + name + " = " + value + m.eol)
			}
		}
	}
	write(m.before)
	if m.section == nil {
		write(m.behind)
		if b.Len() > 0 {
			b.WriteString(m.eol)
		}
		b.WriteString("[" + e.Section + "]" + m.eol)
		rest("")
		return m.end(b.String())
	}
	write(m.section)
	order = append(order[1:], OwnerKey)
	rest(m.indent)
	write(m.behind)
	return m.end(b.String())
}

// generate makes a file that botocore accepts. ours says that the section called w is
// gatehop's already, else it is absent or somebody's without keys of an edit.
func generate(r *rand.Rand) (m modelFile, ours bool) {
	m.eol = pick(r, "\n", "\r\n")
	m.bare = r.IntN(3) == 0
	line := func(format string, args ...any) piece { return piece{text: fmt.Sprintf(format, args...) + m.eol} }
	filler := func() piece {
		return line("%s", pick(r, "", "  \t", "# comment = x", "   ; [w] in a comment", "#", "\t# aws_session_token = old"))
	}
	other := func(name string) (pieces []piece) {
		pieces = append(pieces, line("[%s]%s", name, pick(r, "", "  ", " # c", "\t; [w]")))
		indent := pick(r, "", "", "  ", "\t")
		for i := range r.IntN(4) {
			pieces = append(pieces, line("%sk%d%s%s", indent, i, pick(r, "=", " = ", "\t=   ", ": "), pick(r, "v", "v  ", "a = b", `"q"`, "v # c", "aws_access_key_id")))
			if r.IntN(4) == 0 {
				pieces = append(pieces, line("%s  continued %d", indent, i), line("   # within"), line("%s  [w]? no", indent))
			}
			if r.IntN(4) == 0 {
				pieces = append(pieces, filler())
			}
		}
		if r.IntN(3) == 0 {
			pieces = append(pieces, line("s3 ="), line("    region = nested"), line(""), line("    aws_access_key_id = nested"))
		}
		return pieces
	}
	for range r.IntN(3) {
		m.before = append(m.before, filler())
	}
	for i := range r.IntN(3) {
		m.before = append(m.before, other(fmt.Sprintf("before%d", i))...)
		m.before = append(m.before, filler())
	}
	if kind := r.IntN(3); kind > 0 {
		ours = kind == 1
		m.indent = pick(r, "", "", "  ", "\t")
		m.section = mine(r, ours, m.indent, m.eol, filler)
		for i := range r.IntN(3) {
			m.behind = append(m.behind, filler())
			m.behind = append(m.behind, other(fmt.Sprintf("behind%d", i))...)
		}
	}
	if r.IntN(2) == 0 {
		m.behind = append(m.behind, line("# the last comment"))
	}
	if all := slices.Concat(m.before, m.section, m.behind); len(all) == 0 {
		m.eol, m.bare = "\n", false
	} else if len(all) == 1 { // the only line end says which it is
		m.bare = false
	}
	if bytes.HasSuffix(m.bytes(), []byte("\n")) { // the last line was a blank one
		m.bare = false
	}
	return m, ours
}

// mine makes the section called w, with values of gatehop's in odd order and spacing
// between foreign keys if it is gatehop's. It ends with a key: behind that stands what
// is not the section's.
func mine(r *rand.Rand, ours bool, indent, eol string, filler func() piece) []piece {
	pieces := []piece{{text: pick(r, "[w]", "[w] ", "[w]\t# mine") + eol}}
	var keys []string
	if ours {
		keys = append(slices.Clone(sessionKeys), OwnerKey)
		r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		keys = keys[:1+r.IntN(len(keys))]
		if !slices.Contains(keys, OwnerKey) {
			keys[0] = OwnerKey
		}
	}
	for i, key := range keys {
		if r.IntN(3) == 0 {
			pieces = append(pieces, filler())
		}
		if r.IntN(3) == 0 {
			pieces = append(pieces, piece{text: fmt.Sprintf("%sforeign%d = 1%s", indent, i, eol)})
		}
		p := piece{text: indent + key + pick(r, "=", " = ", "  =\t"), key: key, old: pick(r, "old", "o=l d"), tail: pick(r, "", "", "  ") + eol}
		if indent == "" && r.IntN(6) == 0 {
			p.text, p.old, p.tail = indent+key+"=", "", eol
		}
		pieces = append(pieces, p)
		if p.old != "" && r.IntN(5) == 0 {
			pieces = append(pieces, piece{text: indent + "  more" + eol, more: true}, piece{text: "# between" + eol}, piece{text: indent + " and more" + eol, more: true})
		}
	}
	if r.IntN(2) == 0 || !ours {
		pieces = append(pieces, piece{text: indent + "output = json" + eol})
	}
	return pieces
}

func pick(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }

// editor is what the judge judges.
type editor struct {
	apply, withdraw func(data []byte, e Edit) ([]byte, error)
}

// judge compares an editor with the model over generated files, and wants it to refuse
// what must be refused. It returns the first difference.
func judge(ed editor, cases int) error {
	for _, tt := range refusals() {
		out, err := ed.apply([]byte(tt.data), tt.edit)
		var refusal *RefusalError
		if !errors.As(err, &refusal) {
			return fmt.Errorf("%s: Apply = %q, %v, want a *RefusalError", tt.name, out, err)
		}
	}
	for seed := range uint64(cases) {
		if err := judgeOne(ed, rand.New(rand.NewPCG(seed, 1))); err != nil {
			return fmt.Errorf("file %d: %w", seed, err)
		}
	}
	return nil
}

func judgeOne(ed editor, r *rand.Rand) error {
	m, ours := generate(r)
	data, e := m.bytes(), sessionEdit("w", fmt.Sprint(r.IntN(1000)))
	given := bytes.Clone(data)
	out, err := ed.apply(data, e)
	if err != nil {
		return fmt.Errorf("Apply to %q = %w", data, err)
	}
	if want := m.edited(e); !bytes.Equal(out, want) {
		return fmt.Errorf("Apply to %q\n = %q\nwant %q", data, out, want)
	}
	if !bytes.Equal(data, given) {
		return fmt.Errorf("Apply changed its argument %q", given)
	}
	if again, err := ed.apply(out, e); err != nil || !bytes.Equal(again, out) {
		return fmt.Errorf("Apply twice to %q\n = %q, %w\nwant %q", data, again, err, out)
	}
	if ours {
		return nil
	}
	back, err := ed.withdraw(out, e)
	if err != nil || !bytes.Equal(back, data) {
		return fmt.Errorf("Withdraw after Apply to %q\n = %q, %w", data, back, err)
	}
	return nil
}

func TestModel(t *testing.T) {
	t.Parallel()
	if err := judge(editor{apply, withdraw}, 2000); err != nil {
		t.Error(err)
	}
}

// TestModelControls gives the judge editors that are wrong in one way each.
func TestModelControls(t *testing.T) {
	t.Parallel()
	after := func(change func(old, new []byte) []byte) editor {
		return editor{withdraw: withdraw, apply: func(data []byte, e Edit) ([]byte, error) {
			out, err := apply(data, e)
			if err == nil && !bytes.Equal(out, data) {
				out = change(data, out)
			}
			return out, err
		}}
	}
	replace := func(from, to string) func(_, new []byte) []byte {
		return func(_, new []byte) []byte { return bytes.ReplaceAll(new, []byte(from), []byte(to)) }
	}
	forgiving := func(change func(data []byte, e Edit) []byte) editor {
		return editor{withdraw: withdraw, apply: func(data []byte, e Edit) ([]byte, error) {
			out, err := apply(data, e)
			if err != nil {
				return change(data, e), nil
			}
			return out, nil
		}}
	}
	mutants := map[string]editor{
		"drops CR":                after(replace("\r\n", "\n")),
		"drops CR of new lines":   after(func(old, new []byte) []byte { return bytes.Replace(new, []byte("\r\n"), []byte("\n"), 1) }),
		"tidies a neighbour":      after(replace("\t=   ", " = ")),
		"trims trailing blanks":   after(replace("v  ", "v")),
		"loses the last comment":  after(replace("# the last comment", "")),
		"loses a comment within":  after(replace("# between", "")),
		"flattens a nested block": after(replace("    region", "region")),
		"adds a last line end":    after(func(_, new []byte) []byte { return append(bytes.TrimRight(new, "\r\n"), '\n') }),
		"keeps a stale line":      after(func(_, new []byte) []byte { return append(new, "\naws_session_token = old\n"...) }),
		"forgets a key":           after(replace("region = eu-west-1", "")),
		"forgets the mark":        after(replace(OwnerKey+" = prod", "")),
		"appends each time": {withdraw: withdraw, apply: func(data []byte, e Edit) ([]byte, error) {
			return append(bytes.Clone(data), "[w]\n"...), nil
		}},
		"writes the first of two sections": forgiving(func(data []byte, e Edit) []byte {
			return bytes.Replace(data, []byte("[w]\n"), []byte("[w]\nregion = x\n"), 1)
		}),
		"leaves the header": {apply: apply, withdraw: func(data []byte, e Edit) ([]byte, error) {
			out, err := withdraw(data, e)
			if !bytes.Contains(out, []byte("[w]")) {
				out = append(out, "[w]\n"...)
			}
			return out, err
		}},
		"leaves the blank line": {apply: apply, withdraw: func(data []byte, e Edit) ([]byte, error) {
			out, err := withdraw(data, e)
			return append(out, '\n'), err
		}},
		"withdraws nothing": {apply: apply, withdraw: func(data []byte, e Edit) ([]byte, error) { return data, nil }},
	}
	// Each rule of refusal, one at a time not kept.
	for _, tt := range refusals() {
		mutants["does not refuse: "+tt.name] = forgivingOf(tt.name)
	}
	for name, mutant := range mutants {
		if err := judge(mutant, 400); err == nil {
			t.Errorf("an editor that %s passes", name)
		}
	}
}

// forgivingOf does what it is told in one of the cases that must be refused.
func forgivingOf(name string) editor {
	all := refusals()
	return editor{withdraw: withdraw, apply: func(data []byte, e Edit) ([]byte, error) {
		for _, tt := range all {
			if tt.name == name && tt.data == string(data) && tt.edit.Section == e.Section {
				return data, nil
			}
		}
		return apply(data, e)
	}}
}
