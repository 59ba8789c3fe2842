//go:build interop

package main_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// fileGen makes AWS files that are odd to a degree drawn for each: a file that is odd all
// over is refused as a whole and shows nothing of its parts.
type fileGen struct {
	r     *rand.Rand
	odd   float64 // how likely a thing is odd
	where string  // "config" or "credentials"
}

// newFileGen makes the generator of pair number n; the same seed gives the same files.
func newFileGen(seed, n uint64) *fileGen {
	return &fileGen{r: rand.New(rand.NewPCG(seed, n))}
}

func (g *fileGen) is(probability float64) bool { return g.r.Float64() < probability }

func (g *fileGen) isOdd() bool { return g.is(g.odd) }

func pick[T any](g *fileGen, from ...T) T { return from[g.r.IntN(len(from))] }

// pair makes the text of a config and of a credentials file.
func (g *fileGen) pair() (config, credentials string) {
	g.odd = pick(g, 0, 0.03, 0.06, 0.12, 0.3)
	g.where = "config"
	config = g.file()
	g.where = "credentials"
	return config, g.file()
}

func (g *fileGen) file() string {
	var b strings.Builder
	if g.is(g.odd / 5) {
		b.WriteString("\ufeff")
	}
	for g.is(0.3) {
		b.WriteString(g.filler())
	}
	if g.is(g.odd / 5) {
		b.WriteString(pick(g, "region = x\n", "junk\n", " junk\n", "= v\n", "[]\n", "[p\n", "]\n"))
	}
	for range 1 + g.r.IntN(4) {
		b.WriteString(g.header())
		for range g.r.IntN(6) {
			b.WriteString(g.entry())
		}
	}
	text := b.String()
	if g.is(0.2) {
		text = strings.TrimSuffix(text, "\n")
	}
	return g.lineEnds(text)
}

// lineEnds writes the text with other line ends.
func (g *fileGen) lineEnds(text string) string {
	switch {
	case g.is(0.15):
		return strings.ReplaceAll(text, "\n", "\r\n")
	case g.is(g.odd / 6):
		return strings.ReplaceAll(text, "\n", "\r")
	case g.is(g.odd / 3):
		lines := strings.SplitAfter(text, "\n")
		i := g.r.IntN(len(lines))
		lines[i] = strings.ReplaceAll(lines[i], "\n", pick(g, "\r", "\r\n", "\r\r\n"))
		return strings.Join(lines, "")
	}
	return text
}

// filler is a line that says nothing.
func (g *fileGen) filler() string {
	return pick(g, "\n", "# a comment\n", "; another\n", "  # indented\n", "  \n", "\t\n", "#[profile p]\n", "# role_arn = x\n", ";\n")
}

var plainNames = []string{"p", "q", "default", "prod-1", "a.b/c:d@e", "x+y%z_1", "UP"}

func (g *fileGen) header() string {
	name := pick(g, plainNames...)
	if g.isOdd() {
		name = pick(g, "a b", "ü", "a=b", "a#b", "a;b", "a]b", "", " p", "p ", "DEFAULT", "Default", "profile", "constructor",
			"toString", "profile.p", "services.p", `p\ q`, "[p", "(p)", "p,q", "services s", "sso-session s", "\u00a0p")
	}
	header := "[" + g.named(name) + "]"
	if g.isOdd() {
		header = pick(g, " ", "  ", "\t", "\u00a0", "\x0c", "") + header
	}
	if g.is(0.1) {
		header += pick(g, " ", "\t ", " # comment", " ; comment", "\t# [x", " #")
	}
	if g.isOdd() {
		header += pick(g, "# c", "; c", " x", " # [x]", "\u00a0", "\x1c", "]", " = v", "\x0c# c", "\u00a0; c")
	}
	return header + "\n"
}

// named is what stands between the brackets for the profile name.
func (g *fileGen) named(name string) string {
	if g.isOdd() {
		return pick(g, name, "profile "+name, `profile "`+name+`"`, "profile '"+name+"'", "profile  "+name, "profile\t"+name, "profile "+name+" ",
			" profile "+name, "Profile "+name, "profiles "+name, "profile."+name, "profile"+name, " "+name+" ", `"`+name+`"`, "profile \u00a0"+name,
			"profile\x0c"+name, "services "+name, "profile "+name+" x", `profile "`+name, `profile "`+name+`"x`, "profile\u00a0"+name)
	}
	if g.where == "config" && (name != "default" || g.is(0.1)) {
		return "profile " + name
	}
	return name
}

// entry is one key of a section, or something else that stands among them.
func (g *fileGen) entry() string {
	switch {
	case g.is(0.2):
		return g.filler()
	case g.is(0.08):
		return g.nested()
	case g.is(g.odd / 2):
		return pick(g, "junk\n", "= v\n", ": v\n", "  more\n", "  more = less\n", "\tmore: less\n", "  [profile q]\n", "  [q]\n", " region = deep\n",
			"[\n", "]\n", "[x\n", "\xff\n", "region = \xfe\n", "k\xff = v\n", " \u00a0more\n", "\x1c\n", "\x0cmore\n", "\u2028\n", "\ufeffregion = x\n",
			" k =\n l = w\n", " k = # c\n l = w\n", "  k = \"\"\n  l = w\n")
	}
	line := g.line(g.key(), g.value())
	if g.is(0.05) {
		line += "\n  " + pick(g, "further", "words here", "v", "# comment", "a # b")
		if g.isOdd() {
			line += pick(g, "", "\n  and = more", "\n\n    deeper", "\n# c\n  below", "\n  a:b", "\n\t[x]", "\n  \u00a0x")
		}
	}
	return line + "\n"
}

func (g *fileGen) key() string {
	key := pick(g, "region", "role_arn", "source_profile", "external_id", "duration_seconds", "role_session_name", "mfa_serial", "output",
		"credential_process", "aws_access_key_id", "aws_secret_access_key", "aws_session_token", "ca_bundle", "endpoint_url", "gatehop_url", "k")
	if g.isOdd() {
		key = pick(g, strings.ToUpper(key), strings.ToUpper(key[:1])+key[1:], `"`+key+`"`, "a b", "ü", "Ü", "%(k)s", "-", "[k", "k]",
			"constructor", "\u0130", "K\u212a", "#k", "k#", "k #", "k ;x", "k\u00a0", "k\x0c", "\ufeffk", "key.with.dots", "toString", "k\x00")
	}
	return key
}

func (g *fileGen) value() string {
	value := pick(g, "eu-west-1", "arn:aws:iam::222222222222:role/path/Admins", "gateway", "3600", "a=b", "a:b", "v#c", "v;c", "a b  c", "http://127.0.0.1:1/x",
		`"/usr/local/bin/gatehop" credential-process p`, "%(region)s", "100%", `"""v""" w`, "`v` w", `back\slash\`, "ünï", "C:\\x y\\z", `it's`, `say "no"`, "[x]")
	if g.isOdd() {
		value = pick(g, `"v"`, `'v'`, `"v`, `""`, `"`, "v # c", "v ; c", "v\t# c", "v\t;c", "# c", "; c", "", "v\u00a0# c", "v\x0c; c", "v\x0b#c", "v\ufeff# c",
			"v\u2003;c", "\u00a0v", "v\u00a0", "v\x1c", "\x0cv", "v\ufeff", "\ufeffv", "v\u2028w", "v\x85w", "v\x0bw", "a\u00a0b", "v\u0085", "= v", ": v", `"a" "b"`,
			`"v" # c`, `"v # c"`, `'v"`, "v\x00w", "v\x1cw # c", "v #", "v #c # d", "v\x1f# c", "v\u0085# c", "v\u3000#c")
	}
	return value
}

func (g *fileGen) line(key, value string) string {
	delim := pick(g, "=", " = ", " = ", " = ", "= ", "\t=\t", " =")
	if g.isOdd() {
		delim = pick(g, ":", ": ", " : ", " := ", " =: ", " == ", "\u00a0=\u00a0", "\x0c=", "=\x1c", " = \u2003", "=\ufeff", " ")
	}
	line := key + delim + value
	if g.isOdd() {
		line = pick(g, " ", "  ", "\t", "\u00a0", "\x0c", "\ufeff", "\x1c") + line
	}
	if g.is(0.1) {
		line += pick(g, " ", "\t", "   ")
	}
	return line
}

// nested is a block of a service's own settings.
func (g *fileGen) nested() string {
	block := pick(g, "s3 =", "sts =", "s3=", "emr = ") + "\n"
	for range 1 + g.r.IntN(2) {
		block += fmt.Sprintf("  %s = %s\n", pick(g, "addressing_style", "region", "endpoint_url"), pick(g, "virtual", "http://127.0.0.1:2", "a=b", "x # c"))
		if g.isOdd() {
			block += pick(g, "\n", "  # c\n", "# c\n", "  word\n", "  a: b\n", "\n\n  x = y\n", "  = v\n", "    deeper = z\n", "  [q]\n", " region = r\n")
		}
	}
	return block
}
