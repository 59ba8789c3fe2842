package ststest

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Operations.
const (
	opSAML     = "AssumeRoleWithSAML"
	opAssume   = "AssumeRole"
	opIdentity = "GetCallerIdentity"

	apiVersion = "2011-06-15"
)

// call is one request on its way through the checks.
type call struct {
	*Server
	http *http.Request
	now  time.Time
	id   string // of the request
	// What signatures must be scoped to; region "" allows any.
	service, region string

	body []byte
	op   string
	form []Param
}

// param is what the API reference says of a parameter.
type param struct {
	name     string // may hold N for a number: Tags.member.N.Key
	label    string // what refusals call it; "" is the name with a small first letter
	required bool   //
	min, max int    // characters; 0: no limit
	extra    string // allowed besides \w, if shown is set
	shown    string // the pattern as refusals quote it; "" allows any characters
	seconds  bool   // a number of seconds, 900 to 43200
}

// params lists the parameters of the operations besides Action and Version (STS API
// reference and service model 2011-06-15).
func params(op string) []param {
	duration := param{name: "DurationSeconds", seconds: true}
	roleARN := param{name: "RoleArn", required: true, min: 20, max: 2048}
	policies := []param{
		{name: "Policy", min: 1, max: 2048},
		{name: "PolicyArns.member.N.arn", label: "arn", min: 20, max: 2048},
	}
	switch op {
	case opSAML:
		return append(policies, roleARN, duration,
			param{name: "PrincipalArn", required: true, min: 20, max: 2048},
			param{name: "SAMLAssertion", label: "sAMLAssertion", required: true, min: 4},
			param{name: "MinimumSessionTokenSize"})
	case opAssume:
		return append(policies, roleARN, duration,
			param{name: "RoleSessionName", required: true, min: 2, max: 64, extra: "+=,.@-", shown: `[\w+=,.@-]*`},
			param{name: "ExternalId", min: 2, max: 1224, extra: "+=,.@:/-", shown: `[\w+=,.@:\/-]*`},
			param{name: "SourceIdentity", min: 2, max: 64, extra: "+=,.@-", shown: `[\w+=,.@-]*`},
			param{name: "SerialNumber", min: 9, max: 256, extra: "+=/:,.@-", shown: `[\w+=/:,.@-]*`},
			param{name: "TokenCode", min: 6, max: 6, shown: `[\d]*`},
			param{name: "Tags.member.N.Key", label: "tags.N.member.key", min: 1, max: 128},
			param{name: "Tags.member.N.Value", label: "tags.N.member.value", max: 256},
			param{name: "TransitiveTagKeys.member.N", label: "transitiveTagKeys", min: 1, max: 128},
			param{name: "MinimumSessionTokenSize"})
	}
	return nil
}

// read takes the request apart and checks its shape.
func (c *call) read() *Fault {
	limit := int64(3*c.opts.AssertionLimit + 1<<16) // base64 grows where + / = are escaped
	body, err := io.ReadAll(io.LimitReader(c.http.Body, limit+1))
	if err != nil || int64(len(body)) > limit {
		return fault(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "Request is too large")
	}
	c.body = body
	if c.form, err = parseForm(string(body)); err != nil {
		return fault(400, "MalformedQueryString", "The query string is malformed")
	}
	c.op = c.get("Action")
	n := c.tally(c.op)
	if no := c.throttle(c.now); no != nil {
		return no
	}
	if c.opts.Fail != nil {
		if no := c.opts.Fail(c.op, n); no != nil {
			return no
		}
	}
	kind, _, err := mime.ParseMediaType(c.http.Header.Get("Content-Type"))
	switch {
	case c.http.Method != http.MethodPost:
		return fault(http.StatusMethodNotAllowed, "MethodNotAllowed", "The simulated STS takes POST only")
	case c.http.URL.Path != "/" && c.http.URL.Path != "" || c.http.URL.RawQuery != "":
		return fault(404, "InvalidAction", "The simulated STS answers at / and takes its parameters from the body")
	case err != nil || kind != "application/x-www-form-urlencoded":
		return fault(http.StatusUnsupportedMediaType, "UnsupportedMediaType", "The content type is not application/x-www-form-urlencoded")
	case c.op == "":
		return fault(400, "MissingAction", "Could not find Action in the request")
	case c.op != opSAML && c.op != opAssume && c.op != opIdentity || c.get("Version") != apiVersion:
		return fault(400, "InvalidAction", fmt.Sprintf("Could not find operation %s for version %s", c.op, c.get("Version")))
	}
	return c.checkParams()
}

// parseForm splits a body into parameters, in order, duplicates kept.
func parseForm(body string) ([]Param, error) {
	var form []Param
	for pair := range strings.SplitSeq(body, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		n, err := url.QueryUnescape(name)
		if err != nil {
			return nil, err
		}
		v, err := url.QueryUnescape(value)
		if err != nil {
			return nil, err
		}
		form = append(form, Param{n, v})
	}
	return form, nil
}

// get returns the first value of a parameter, "" if there is none.
func (c *call) get(name string) string { return Request{Form: c.form}.Get(name) }

func (c *call) has(name string) bool {
	for _, p := range c.form {
		if p.Name == name {
			return true
		}
	}
	return false
}

// checkParams refuses what the API has no parameter for, and values out of range, as
// AWS does before it looks at anything else.
func (c *call) checkParams() *Fault {
	known := map[string]param{"Action": {}, "Version": {}}
	for _, p := range params(c.op) {
		known[p.name] = p
	}
	seen := map[string]bool{}
	for _, given := range c.form {
		p, ok := known[generic(given.Name)]
		switch {
		case !ok:
			return invalid("The simulated STS knows no parameter " + given.Name + " of " + c.op)
		case seen[given.Name]:
			return invalid("The simulated STS got the parameter " + given.Name + " twice")
		}
		seen[given.Name] = true
		if no := p.check(given.Name, given.Value, c.opts.AssertionLimit); no != nil {
			return no
		}
	}
	for _, p := range params(c.op) {
		if p.required && !seen[p.name] {
			return constraint("null", p.labelled(p.name), "Member must not be null")
		}
	}
	return nil
}

func (p param) labelled(name string) string {
	if p.label == "" {
		return strings.ToLower(name[:1]) + name[1:]
	}
	_, n := number(name)
	return strings.Replace(p.label, ".N.", "."+n+".", 1)
}

// number splits the number from a name: of Tags.member.7.Key it is "7", which begins
// at index at; "" for none.
func number(name string) (at int, n string) {
	const before = ".member."
	at = strings.Index(name, before)
	if at < 0 {
		return 0, ""
	}
	at += len(before)
	n, _, _ = strings.Cut(name[at:], ".")
	if n == "" || n[0] == '0' || strings.ContainsFunc(n, func(r rune) bool { return r < '0' || r > '9' }) {
		return 0, ""
	}
	return at, n
}

// generic puts N in place of the number in a name.
func generic(name string) string {
	at, n := number(name)
	if n == "" {
		return name
	}
	return name[:at] + "N" + name[at+len(n):]
}

func isWord(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

func (p param) check(name, value string, assertionLimit int) *Fault {
	if p.name == "SAMLAssertion" {
		p.max = assertionLimit
	}
	quoted, label, n := "'"+value+"'", p.labelled(name), len([]rune(value))
	switch {
	case p.seconds:
		d, err := strconv.Atoi(value)
		switch {
		case err != nil:
			return fault(400, "MalformedInput", "Unexpected value at '"+label+"'")
		case d < 900:
			return constraint(quoted, label, "Member must have value greater than or equal to 900")
		case d > 43200:
			return constraint(quoted, label, "Member must have value less than or equal to 43200")
		}
	case n < p.min:
		return constraint(quoted, label, "Member must have length greater than or equal to "+strconv.Itoa(p.min))
	case p.max > 0 && n > p.max:
		return constraint(quoted, label, "Member must have length less than or equal to "+strconv.Itoa(p.max))
	case p.shown != "" && strings.ContainsFunc(value, func(r rune) bool { return !isWord(r) && !strings.ContainsRune(p.extra, r) }):
		return constraint(quoted, label, "Member must satisfy regular expression pattern: "+p.shown)
	}
	return nil
}

// duration is what DurationSeconds asks for, AWS's default of 1 h if it is absent.
func (c *call) duration() time.Duration {
	if !c.has("DurationSeconds") {
		return time.Hour
	}
	n, _ := strconv.Atoi(c.get("DurationSeconds"))
	return time.Duration(n) * time.Second
}

// members returns the values of NAME.member.1SUFFIX, NAME.member.2SUFFIX and so on.
func (c *call) members(name, suffix string) []string {
	var list []string
	for i := 1; c.has(fmt.Sprintf("%s.member.%d%s", name, i, suffix)); i++ {
		list = append(list, c.get(fmt.Sprintf("%s.member.%d%s", name, i, suffix)))
	}
	return list
}

func constraint(value, label, must string) *Fault {
	return invalid(fmt.Sprintf("1 validation error detected: Value %s at '%s' failed to satisfy constraint: %s", value, label, must))
}

func invalid(message string) *Fault { return fault(400, "ValidationError", message) }

func denied(message string) *Fault { return fault(403, "AccessDenied", message) }

func fault(status int, code, message string) *Fault {
	return &Fault{Status: status, Code: code, Message: message}
}
