package form

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

var (
	floatForm = lazily(`^-?(\d+(\.\d+)?|\.\d+)([eE][+-]?\d+)?$`)
	colorForm = lazily(`^#[0-9a-fA-F]{6}$`)
	dateForms = map[string]func() *regexp.Regexp{
		"date":           lazily(`^\d{4,}-\d\d-\d\d$`),
		"month":          lazily(`^\d{4,}-\d\d$`),
		"week":           lazily(`^\d{4,}-W\d\d$`),
		"time":           lazily(`^\d\d:\d\d(:\d\d(\.\d{1,3})?)?$`),
		"datetime-local": lazily(`^\d{4,}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,3})?)?$`),
	}
)

// sanitize is the value sanitization of the HTML standard for an input: what of value
// the control takes. Dates are checked for their form only.
func sanitize(c *Control, value string) string {
	switch c.Type {
	case "text", "search", "tel", "password":
		return oneLine(value)
	case "url", "email":
		return strings.Trim(oneLine(value), asciiSpace)
	case "number":
		if !floatForm().MatchString(value) {
			return ""
		}
	case "range":
		return sanitizeRange(value, c.attr("min"), c.attr("max"))
	case "color":
		if !colorForm().MatchString(value) {
			return "#000000"
		}
		return strings.ToLower(value)
	case "file":
		return "" // a page cannot choose a file
	}
	if form := dateForms[c.Type]; form != nil && !form().MatchString(value) {
		return ""
	}
	return value
}

func oneLine(s string) string {
	if !strings.ContainsAny(s, "\r\n") {
		return s
	}
	return strings.NewReplacer("\r", "", "\n", "").Replace(s)
}

// sanitizeRange puts a slider between its ends, in the middle if it has no value.
// Steps are not rounded to.
func sanitizeRange(value, low, high string) string {
	from, ok := number(low)
	if !ok {
		from = 0
	}
	to, ok := number(high)
	if !ok {
		to = 100
	}
	v, ok := number(value)
	if !ok {
		v = from + (to-from)/2
	}
	limited := math.Max(from, math.Min(v, to))
	if ok && limited == v {
		return value
	}
	return strconv.FormatFloat(limited, 'g', -1, 64)
}

func number(s string) (float64, bool) {
	if !floatForm().MatchString(s) {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}
