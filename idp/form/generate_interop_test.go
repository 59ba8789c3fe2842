//go:build interop

package form_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator makes sign-in pages by lot, for what nobody thought of writing down. Every
// page has one form #f with a field "password" and one button #go that can be pressed.
type generator struct {
	*rand.Rand
	out strings.Builder
}

// generate makes the page of a seed: the same one for the same seed.
func generate(seed uint64) testPage {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 1))}
	page := testPage{name: fmt.Sprintf("seed %d", seed), path: "/idp/in?step=1", form: "f", press: "#go"}
	page.contentType = g.pick("text/html; charset=utf-8", "text/html; charset=utf-8", "text/html; charset=iso-8859-1",
		"text/html; charset=shift_jis", "text/html; charset=iso-8859-15")
	// Every page names its charset: for one that does not, browsers guess by their locale.
	page.typed = [][2]string{{"password", g.text()}}
	g.put("<!DOCTYPE html><html><head><title>Sign in</title>")
	g.maybe(4, `<base href="`+g.pick("/other/place?x=1", "sub/", "/")+`">`)
	g.put("</head><body>")
	g.controls(2, `form="f"`)
	g.form()
	g.controls(3, `form="f"`)
	g.maybe(3, `<form id="other" method="post" action="/wrong"><input name="o" value="x"><input name="back" form="f" value="y"></form>`)
	g.put("</body></html>")
	page.html = []byte(g.out.String())
	return page
}

func (g *generator) form() {
	table := g.IntN(5) == 0 // where the parser closes the form at once
	if table {
		g.put("<table>")
	}
	g.put(`<form id="f" method="post"`)
	if action := g.pick("none", "/sent", "", "?", "next?a=1", "#x", "../up", "/s%20t &#233;?q=&#252;"); action != "none" {
		g.put(` action="` + action + `"`)
	}
	g.maybe(4, ` enctype="multipart/form-data"`)
	g.maybe(6, ` accept-charset="`+g.pick("utf-8", "iso-8859-1", "nonsense windows-1252")+`"`)
	g.put(">")
	if table {
		g.put("<tr><td>")
	}
	g.controls(5, "")
	g.put(`<input type="password" name="password">`)
	g.controls(3, "")
	g.put(g.pick(
		`<button id="go" name="go" value="`+g.value()+`">Go</button>`, `<input type="submit" id="go" name="go" value="`+g.value()+`">`,
		`<button id="go">Go</button>`, `<input type="image" id="go" name="pic" src="data:,">`,
		`<button id="go" name="go" formaction="over?b=2" formenctype="`+g.pick("multipart/form-data", "application/x-www-form-urlencoded")+`">Go</button>`,
	))
	g.controls(2, "")
	if table {
		g.put("</table>")
	}
	g.put("</form>")
}

// controls puts up to n of what can stand in a form, each with attr.
func (g *generator) controls(n int, attr string) {
	for range g.IntN(n + 1) {
		switch g.IntN(5) {
		case 0:
			g.put("<fieldset" + g.pick("", "", " disabled") + ">")
			g.maybe(2, "<legend>"+g.control(attr)+"</legend>")
			g.put(g.control(attr))
			g.maybe(3, "<fieldset"+g.pick("", " disabled")+"><legend>"+g.control(attr)+"</legend>"+g.control(attr)+"</fieldset>")
			g.put("</fieldset>")
		case 1:
			g.put("<div" + g.pick("", " hidden") + ">" + g.control(attr) + "</div>")
		default:
			g.put(g.control(attr))
		}
	}
}

// control is one control, or something that looks like one.
func (g *generator) control(attr string) string {
	common := attr + g.pick("", "", "", "", ` disabled`, ` readonly`)
	name := g.pick(` name="a"`, ` name="b"`, ` name="c d"`, ` name="&#233;"`, ` name=""`, "", ` name="`+g.value()+`"`)
	value := g.pick(` value="`+g.value()+`"`, ` value="`+g.value()+`"`, "", ` value=""`)
	checked := g.pick("", " checked")
	switch g.IntN(9) {
	case 0:
		return `<input type="hidden" ` + common + name + value + ">"
	case 1:
		return `<input ` + g.pick("", `type="text" `, `type="tel" `, `type="search" `, `type="unknown" `) + common + name + value + ">"
	case 2:
		return `<input type="checkbox" ` + common + name + value + checked + ">"
	case 3:
		return `<input type="radio" ` + common + g.pick(` name="r"`, ` name="q"`, name) + value + checked + ">"
	case 4:
		return g.choice(common + name)
	case 5:
		// Not a carriage return written as a reference first: x/net/html takes it for a line end to be dropped.
		text := strings.TrimPrefix(g.value(), "&#13;")
		return "<textarea " + common + name + ">" + g.pick("", "\n", "\n\n") + text + g.pick("", "\r\n", "\n x") + "</textarea>"
	case 6:
		return `<input type="` + g.pick("button", "reset", "submit", "image", "file") + `" ` + common + name + value + ">"
	case 7:
		return `<button type="` + g.pick("button", "reset", "submit") + `" ` + common + name + value + ">x</button>"
	default:
		around := g.pick("<template>%s</template>", "<!-- %s -->", "<noscript>%s</noscript>")
		return strings.Replace(around, "%s", "<p><input "+attr+name+value+">", 1)
	}
}

// choice is a select.
func (g *generator) choice(attr string) string {
	s := "<select " + attr + g.pick("", "", " multiple", ` size="3"`, ` size="1"`) + ">"
	for range g.IntN(4) {
		group := g.IntN(4) == 0
		if group {
			s += "<optgroup" + g.pick("", " disabled") + ">"
		}
		s += "<option" + g.pick("", ` value="`+g.value()+`"`, ` value=""`) + g.pick("", "", " selected") + g.pick("", "", "", " disabled") + ">" +
			g.pick("one", " two \n words ", "<b>bold</b>", "") + g.pick("", "</option>")
		if group {
			s += "</optgroup>"
		}
	}
	return s + "</select>"
}

// pieces are what values are made of: what encoders get wrong.
var pieces = []string{
	"a", "Z", "0", " ", "+", "%41", "%", "&", "=", ";", "~", "*", "-", "_", ".", "!", "'", "(", "/", "?", "#", "<", ">", "\\", "|",
	"é", "ü", "€", "ß", "漢", "字", "ｱ", "😀", "\u00a0", "\u0301", "·",
}

// text is what a person could type: one line.
func (g *generator) text() string {
	var s strings.Builder
	for range 1 + g.IntN(8) {
		s.WriteString(g.pick(pieces...))
	}
	return s.String()
}

// value is text as it stands in an attribute or in an element, ASCII only, so that it is
// the same whatever the page's charset; now and then with quotes and line ends.
func (g *generator) value() string {
	var s strings.Builder
	for range g.IntN(5) {
		for _, r := range g.pick(append([]string{`"`, "\n", "\r\n"}, pieces...)...) {
			fmt.Fprintf(&s, "&#%d;", r)
		}
	}
	return s.String()
}

func (g *generator) pick(of ...string) string { return of[g.IntN(len(of))] }

func (g *generator) put(s string) { g.out.WriteString(s) }

// maybe puts s once in n times.
func (g *generator) maybe(n int, s string) {
	if g.IntN(n) == 0 {
		g.put(s)
	}
}
