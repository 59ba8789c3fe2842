package secret

import (
	"bytes"
	"encoding"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"text/template"
	"unicode/utf16"
)

// canary has characters that encoders change.
const canary = "Kanarie<&>\"'+/ \\0123456789"

// plain is what a secret must not be: a string with a String method that hides it. Every
// shape that holds a Text below is also made of plain, and must be found out.
type plain string

func (plain) String() string { return Redacted }

// bare is a string without any defence.
type bare string

// hidden holds a secret where its methods cannot be called.
type hidden[V any] struct {
	name  string
	value V
}

// carrier is what programs print, log and encode.
type carrier[V any] struct {
	Name  string
	Value V
	Ref   *V
	List  []V
	Map   map[string]V
}

// carryingError is an error of somebody's that holds a secret.
type carryingError[V any] struct{ value V }

func (e *carryingError[V]) Error() string { return fmt.Sprintf("refused %v, %+v", e.value, *e) }

type keyed[V comparable] struct{ ByKey map[V]int }

// shapes are the ways in which a value ends up in something that is printed.
func shapes[V comparable](v V) map[string]any {
	ref := &v
	return map[string]any{
		"value":                      v,
		"pointer":                    ref,
		"pointer to pointer":         &ref,
		"struct":                     carrier[V]{"n", v, ref, []V{v}, map[string]V{"k": v}},
		"pointer to struct":          &carrier[V]{"n", v, ref, []V{v}, map[string]V{"k": v}},
		"unexported field":           hidden[V]{"n", v},
		"pointer to unexported":      &hidden[V]{"n", v},
		"unexported in unexported":   hidden[hidden[V]]{"n", hidden[V]{"n", v}},
		"unexported list":            hidden[[]V]{"n", []V{v}},
		"unexported array":           hidden[[1]V]{"n", [1]V{v}},
		"unexported map":             hidden[map[string]V]{"n", map[string]V{"k": v}},
		"unexported map key":         hidden[map[V]int]{"n", map[V]int{v: 1}},
		"unexported interface":       hidden[any]{"n", v},
		"list":                       []V{v},
		"list of pointers to struct": []carrier[V]{{Value: v}},
		"array":                      [2]V{v, v},
		"map":                        map[string]V{"k": v},
		"map key":                    map[V]int{v: 1},
		"map key in struct":          keyed[V]{map[V]int{v: 1}},
		"map of structs":             map[string]hidden[V]{"k": {"n", v}},
		"interface":                  []any{v},
		"error":                      &carryingError[V]{v},
		"wrapped error":              fmt.Errorf("signing in: %w", &carryingError[V]{v}),
		"joined errors":              errors.Join(errors.New("first"), &carryingError[V]{v}),
		"error of the value":         fmt.Errorf("refused %v", v),
		"error of the hidden value":  fmt.Errorf("refused %+v", hidden[V]{"n", v}),
	}
}

// channels are the ways out. Each returns everything that it wrote, errors too.
func channels() map[string]func(v any) string {
	return map[string]func(v any) string{
		"fmt":           everyVerb,
		"Sprint":        func(v any) string { return fmt.Sprint(v) + fmt.Sprintln(v, v) },
		"json":          func(v any) string { return encoded(json.Marshal(v)) },
		"json indented": func(v any) string { return encoded(json.MarshalIndent(v, "", " ")) },
		"xml":           func(v any) string { return encoded(xml.Marshal(v)) },
		"gob": func(v any) string {
			var b bytes.Buffer
			err := gob.NewEncoder(&b).Encode(v)
			return encoded(b.Bytes(), err)
		},
		"slog text": func(v any) string {
			return logged(v, func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) })
		},
		"slog json": func(v any) string {
			return logged(v, func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) })
		},
		"template": func(v any) string {
			var b bytes.Buffer
			err := template.Must(template.New("").Parse(`{{.}} {{printf "%#v" .}} {{print .}} {{js .}} {{html .}} {{urlquery .}}`)).Execute(&b, v)
			return encoded(b.Bytes(), err)
		},
		"text marshaler": func(v any) string {
			if m, ok := v.(encoding.TextMarshaler); ok {
				return encoded(m.MarshalText())
			}
			return fmt.Sprint(v)
		},
	}
}

func everyVerb(v any) string {
	var b strings.Builder
	for verb := 'A'; verb <= 'z'; verb++ {
		for _, flags := range []string{"", "+", "#", " ", "0", "-", "# ", "40", ".3", "-40.60", "#+", "[1]"} {
			fmt.Fprintf(&b, "%"+flags+string(verb)+"\n", v)
		}
	}
	return b.String()
}

func encoded(data []byte, err error) string { return fmt.Sprintf("%s %v", data, err) }

func logged(v any, handler func(*bytes.Buffer) slog.Handler) string {
	var b bytes.Buffer
	log := slog.New(handler(&b))
	log.Info("message", "value", v, "group", slog.GroupValue(slog.Any("inner", v)))
	log.With("value", v).WithGroup("group").Info("message", slog.Any("inner", []any{v}))
	return b.String()
}

// leaks searches for the canary in all the forms that the ways out have: as it is, quoted,
// escaped, and in other alphabets.
func leaks(text string) bool {
	for _, needle := range needles() {
		if strings.Contains(text, needle) {
			return true
		}
	}
	return false
}

func needles() []string {
	list := []string{
		canary, "Kanarie", "0123456789",
		html.EscapeString(canary), url.QueryEscape(canary), url.PathEscape(canary),
		hex.EncodeToString([]byte("Kanarie")), strings.ToUpper(hex.EncodeToString([]byte("Kanarie"))),
		fmt.Sprintf("% x", "Kanarie"), fmt.Sprintf("% X", "Kanarie"), fmt.Sprintf("%# x", "Kanarie"),
		strings.Trim(fmt.Sprint([]byte("Kanarie")), "[]"),
		fmt.Sprintf("%q", "Kanarie")[1:8],
	}
	for offset := range 3 { // base64 of it at any place of a longer text
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", offset) + "Kanarie0"))
		list = append(list, text[4:8])
	}
	var wide strings.Builder
	for _, unit := range utf16.Encode([]rune("Kanarie")) {
		wide.WriteByte(byte(unit))
		wide.WriteByte(0)
	}
	return append(list, wide.String())
}

// TestTextDoesNotLeak sends every shape through every way out. The controls are the same
// shapes of strings: every shape must leak somewhere, and every way out must leak something.
func TestTextDoesNotLeak(t *testing.T) {
	t.Parallel()
	secrets, plains, bares := shapes(New(canary)), shapes(plain(canary)), shapes(bare(canary))
	shapeLeaks, channelLeaks := map[string]int{}, map[string]int{}
	for channel, write := range channels() {
		for shape, v := range secrets {
			if text := write(v); leaks(text) {
				t.Errorf("%s of %s leaks: %s", channel, shape, text)
			}
			if leaks(write(plains[shape])) || leaks(write(bares[shape])) {
				shapeLeaks[shape]++
				channelLeaks[channel]++
			}
		}
	}
	for shape := range secrets {
		if shapeLeaks[shape] == 0 {
			t.Errorf("no way out finds a string in the shape %q: the test is blind to it", shape)
		}
	}
	for channel := range channels() {
		if channelLeaks[channel] == 0 {
			t.Errorf("%s leaks no string in any shape: the test is blind to it", channel)
		}
	}
}

// TestStringMethodIsNotEnough is why Text is not a string with methods.
func TestStringMethodIsNotEnough(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"unexported field": fmt.Sprintf("%v", hidden[plain]{"n", canary}),
		"%#v":              fmt.Sprintf("%#v", plain(canary)),
		"every verb":       everyVerb(hidden[plain]{"n", canary}),
		"json":             encoded(json.Marshal(plain(canary))),
	} {
		if !leaks(text) {
			t.Errorf("%s of a string with a String method = %s, want it to leak", name, text)
		}
	}
}

// TestRedacted shows the stand-in, the same for all, where a method can be called.
func TestRedacted(t *testing.T) {
	t.Parallel()
	for _, v := range []Text{New(canary), New(""), {}} {
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%60v", "%.2s"} {
			if got := fmt.Sprintf(format, v); got != Redacted {
				t.Errorf("Sprintf(%q) = %q, want %q", format, got, Redacted)
			}
		}
		for name, got := range map[string]string{
			"String": v.String(), "GoString": v.GoString(), "slog": slog.AnyValue(v).String(), "pointer": fmt.Sprint(&v),
		} {
			if got != Redacted {
				t.Errorf("%s = %q, want %q", name, got, Redacted)
			}
		}
		if got := encoded(json.Marshal(v)); got != `"[secret]" <nil>` {
			t.Errorf("json = %s, want %q", got, Redacted)
		}
		if got := encoded(xml.Marshal(struct {
			XMLName xml.Name `xml:"a"`
			V       Text     `xml:"v,attr"`
			W       Text     `xml:"w"`
		}{V: v, W: v})); got != `<a v="[secret]"><w>[secret]</w></a> <nil>` {
			t.Errorf("xml = %s, want %q", got, Redacted)
		}
	}
}

// TestNoWayBack: what was written cannot be read as a secret that says "[secret]".
func TestNoWayBack(t *testing.T) {
	t.Parallel()
	v := New("before")
	//lint:ignore SA9005 that nothing comes back is what is tested
	if err := json.Unmarshal([]byte(`"[secret]"`), &v); err == nil || v.Reveal() != "before" {
		t.Errorf("json.Unmarshal = %v, want it refused", err)
	}
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(carrier[Text]{Value: v}); err != nil {
		return // refused already
	}
	var back carrier[Text]
	if err := gob.NewDecoder(&b).Decode(&back); err == nil {
		t.Errorf("gob decoded %q, want it refused", back.Value.Reveal())
	}
}

func TestReveal(t *testing.T) {
	t.Parallel()
	for _, value := range []string{canary, "", "\x00\xff"} {
		if v := New(value); v.Reveal() != value || v.IsZero() {
			t.Errorf("New(%q).Reveal() = %q, IsZero %v", value, v.Reveal(), v.IsZero())
		}
	}
	if v := (Text{}); v.Reveal() != "" || !v.IsZero() {
		t.Errorf("zero Text: Reveal %q, IsZero %v, want an empty one that is none", v.Reveal(), v.IsZero())
	}
}

func TestEqual(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b Text
		want bool
	}{
		{New("a"), New("a"), true},
		{New("a"), New("b"), false},
		{New("a"), New("aa"), false},
		{New(""), New(""), true},
		{Text{}, Text{}, true},
		{New(""), Text{}, false},
		{Text{}, New(""), false},
		{New("a"), Text{}, false},
	} {
		if got := c.a.Equal(c.b); got != c.want {
			t.Errorf("Equal(%q, %q) = %v, want %v", c.a.Reveal(), c.b.Reveal(), got, c.want)
		}
	}
}

// panicVariable makes the test binary panic with a secret in hand.
const panicVariable = "GATEHOP_SECRET_TEST_PANIC"

func TestMain(m *testing.M) {
	panics := map[string]any{
		"secret": New(canary), "secret in a struct": hidden[Text]{"n", New(canary)}, "secret in an error": &carryingError[Text]{New(canary)},
		"string": bare(canary), "string in an error": &carryingError[bare]{canary},
	}
	if v, ok := panics[os.Getenv(panicVariable)]; ok {
		panic(v)
	}
	os.Exit(m.Run())
}

// TestPanic: the runtime prints what a panic was given.
func TestPanic(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string]bool{
		"secret": false, "secret in a struct": false, "secret in an error": false, "string": true, "string in an error": true,
	} {
		cmd := exec.CommandContext(t.Context(), exe)
		cmd.Env = append(os.Environ(), panicVariable+"="+what)
		output, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(output), "panic: ") {
			t.Errorf("panic with a %s: %v, %s, want a panic", what, err, output)
		}
		if got := leaks(string(output)); got != want {
			t.Errorf("panic with a %s leaks: %v, want %v: %s", what, got, want, output)
		}
	}
}
