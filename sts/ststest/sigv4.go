package ststest

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// AWS's texts; those about clocks and scopes are in the code.
const (
	noToken      = "Request is missing Authentication Token"
	unknownToken = "The security token included in the request is invalid."
	oldToken     = "The security token included in the request is expired"
	badSignature = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."

	algorithm  = "AWS4-HMAC-SHA256"
	amzDate    = "20060102T150405Z"
	clockLimit = 15 * time.Minute
)

// authorization is the header of that name taken apart.
type authorization struct {
	key, date, region, service string // of the credential scope
	signed                     []string
	signature                  string
}

// caller verifies the signature of a call (AWS Signature Version 4, "Create a signed
// AWS API request") and returns the session that made it.
func (c *call) caller() (*session, *Fault) {
	a, no := c.authorization()
	if no != nil {
		return nil, no
	}
	at, err := time.Parse(amzDate, c.http.Header.Get("X-Amz-Date"))
	if err != nil {
		return nil, fault(400, "IncompleteSignature", "Date must be in ISO-8601 'basic format' in the X-Amz-Date header")
	}
	if no := c.checkScope(a, at); no != nil {
		return nil, no
	}
	s := c.session(a.key)
	token := c.http.Header.Get("X-Amz-Security-Token")
	if s == nil || subtle.ConstantTimeCompare([]byte(token), []byte(s.SessionToken)) != 1 {
		return nil, fault(403, "InvalidClientTokenId", unknownToken)
	}
	if no := c.checkClock(at); no != nil {
		return nil, no
	}
	if !hmac.Equal([]byte(a.signature), []byte(c.sign(a, s.SecretAccessKey, at))) {
		return nil, mismatch(badSignature)
	}
	if !c.now.Before(s.expires) {
		return nil, fault(403, "ExpiredToken", oldToken)
	}
	return s, nil
}

func mismatch(message string) *Fault { return fault(403, "SignatureDoesNotMatch", message) }

// authorization reads "ALGORITHM Credential=KEY/DATE/REGION/SERVICE/aws4_request,
// SignedHeaders=A;B, Signature=HEX".
func (c *call) authorization() (authorization, *Fault) {
	header := c.http.Header.Get("Authorization")
	if header == "" {
		return authorization{}, fault(403, "MissingAuthenticationToken", noToken)
	}
	fields := map[string]string{}
	rest, ok := strings.CutPrefix(header, algorithm+" ")
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[name] = value
	}
	scope := strings.Split(fields["Credential"], "/")
	for _, name := range []string{"Credential", "SignedHeaders", "Signature"} {
		if !ok || fields[name] == "" {
			return authorization{}, fault(400, "IncompleteSignature", "Authorization header requires '"+name+"' parameter.")
		}
	}
	if len(scope) != 5 || scope[4] != "aws4_request" {
		return authorization{}, fault(400, "IncompleteSignature", "Credential must have exactly 5 slash-delimited elements")
	}
	a := authorization{key: scope[0], date: scope[1], region: scope[2], service: scope[3], signature: fields["Signature"]}
	a.signed = strings.Split(fields["SignedHeaders"], ";")
	for _, name := range []string{"host", "x-amz-date", "x-amz-security-token"} {
		sent := name == "host" || c.http.Header.Get(name) != ""
		if sent && !slices.Contains(a.signed, name) {
			return authorization{}, mismatch("'" + name + "' must be a 'SignedHeader' in the AWS Authorization.")
		}
	}
	return a, nil
}

func (c *call) checkScope(a authorization, at time.Time) *Fault {
	switch {
	case a.service != c.service:
		return mismatch("Credential should be scoped to correct service: '" + c.service + "'.")
	case a.region == "" || c.region != "" && a.region != c.region:
		return mismatch("Credential should be scoped to a valid region.")
	case a.date != at.Format("20060102"):
		return mismatch(fmt.Sprintf("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.",
			a.date, at.Format("20060102"), at.Format(amzDate)))
	}
	return nil
}

func (c *call) checkClock(at time.Time) *Fault {
	now, early, late := c.now.Format(amzDate), c.now.Add(-clockLimit), c.now.Add(clockLimit)
	switch {
	case at.Before(early.Truncate(time.Second)):
		return mismatch(fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - 15 min.)", at.Format(amzDate), early.Format(amzDate), now))
	case at.After(late):
		return mismatch(fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + 15 min.)", at.Format(amzDate), late.Format(amzDate), now))
	}
	return nil
}

// sign computes the signature that the request should have.
func (c *call) sign(a authorization, secret string, at time.Time) string {
	var canonical strings.Builder
	canonical.WriteString("POST\n/\n\n")
	for _, name := range a.signed {
		canonical.WriteString(name + ":" + c.header(name) + "\n")
	}
	canonical.WriteString("\n" + strings.Join(a.signed, ";") + "\n" + digest(c.body))

	scope := strings.Join([]string{a.date, a.region, a.service, "aws4_request"}, "/")
	text := strings.Join([]string{algorithm, at.Format(amzDate), scope, digest([]byte(canonical.String()))}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range []string{a.date, a.region, a.service, "aws4_request", text} {
		key = mac(key, part)
	}
	return hex.EncodeToString(key)
}

// header returns a header as it is signed: values trimmed, runs of spaces made one,
// several joined by commas.
func (c *call) header(name string) string {
	switch name {
	case "host":
		return c.http.Host
	case "content-length":
		return strconv.FormatInt(c.http.ContentLength, 10)
	}
	var values []string
	for _, v := range c.http.Header.Values(name) {
		values = append(values, strings.Join(strings.Fields(v), " "))
	}
	return strings.Join(values, ",")
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
