// Command reference is a sign-in client with nothing in it but the sign-in: an AD FS form
// walked with net/http and the tokenizer of x/net/html, AssumeRoleWithSAML, one chained
// AssumeRole, each signed and read by hand. It checks and keeps nothing, and is what a
// cold sign-in costs at the least.
//
//	reference URL CA-FILE USER PASSWORD STS-URL CA-FILE REGION ROLE PROVIDER NEXT-ROLE
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/net/html"
)

func main() {
	if err := signIn(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
		os.Exit(1)
	}
}

type credentials struct {
	AccessKeyID     string `xml:"AccessKeyId" json:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

func signIn(args []string) error {
	if len(args) != 10 {
		return errors.New("ten arguments")
	}
	entry, user, password, aws, region := args[0], args[2], args[3], args[4], args[6]
	role, provider, next := args[7], args[8], args[9]
	pool, err := x509.SystemCertPool()
	if err != nil {
		return err
	}
	for _, name := range []string{args[1], args[5]} {
		pem, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		pool.AppendCertsFromPEM(pem)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	client := &http.Client{Jar: jar, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}

	page, err := fetch(client.Get(entry + "/adfs/ls/IdpInitiatedSignOn.aspx?loginToRp=urn:amazon:webservices"))
	if err != nil {
		return err
	}
	page.values.Set("UserName", user)
	page.values.Set("Password", password)
	if page, err = fetch(client.PostForm(page.action, page.values)); err != nil {
		return err
	}
	assertion := page.values.Get("SAMLResponse")
	if assertion == "" {
		return errors.New("the sign-in ended without an assertion")
	}
	gateway, err := call(client, aws, region, nil, url.Values{
		"Action": {"AssumeRoleWithSAML"}, "Version": {"2011-06-15"}, "RoleArn": {role}, "PrincipalArn": {provider},
		"SAMLAssertion": {assertion}, "DurationSeconds": {"43200"},
	})
	if err != nil {
		return err
	}
	last, err := call(client, aws, region, gateway, url.Values{
		"Action": {"AssumeRole"}, "Version": {"2011-06-15"}, "RoleArn": {next}, "RoleSessionName": {"alice"},
	})
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(struct {
		Version int
		*credentials
	}{1, last})
}

// form is the form of a page that asks for a password or holds an assertion.
type form struct {
	action string
	values url.Values
}

func fetch(resp *http.Response, err error) (f form, _ error) {
	if err != nil {
		return f, err
	}
	defer resp.Body.Close()
	f.values = url.Values{}
	for z := html.NewTokenizer(resp.Body); ; {
		switch z.Next() {
		case html.ErrorToken:
			if errors.Is(z.Err(), io.EOF) {
				return f, nil
			}
			return f, z.Err()
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			attrs := map[string]string{}
			for _, a := range token.Attr {
				attrs[a.Key] = a.Val
			}
			switch token.Data {
			case "form":
				u, err := resp.Request.URL.Parse(attrs["action"])
				if err != nil {
					return f, err
				}
				f = form{action: u.String(), values: url.Values{}}
			case "input":
				if attrs["name"] != "" && attrs["type"] != "submit" && attrs["type"] != "checkbox" {
					f.values.Set(attrs["name"], attrs["value"])
				}
			}
		case html.EndTagToken:
			if name, _ := z.TagName(); string(name) == "form" && (f.values.Has("Password") || f.values.Has("SAMLResponse")) {
				return f, nil
			}
		}
	}
}

func call(client *http.Client, endpoint, region string, by *credentials, values url.Values) (*credentials, error) {
	body := values.Encode()
	r, err := http.NewRequest("POST", endpoint+"/", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if by != nil {
		sign(r, region, by, body, time.Now().UTC())
	}
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var answer struct {
		A credentials `xml:"AssumeRoleWithSAMLResult>Credentials"`
		B credentials `xml:"AssumeRoleResult>Credentials"`
	}
	data, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: status %d: %.400s", values.Get("Action"), resp.StatusCode, data)
	}
	if err == nil {
		err = xml.Unmarshal(data, &answer)
	}
	if answer.A.SessionToken != "" {
		return &answer.A, err
	}
	return &answer.B, err
}

// sign is AWS Signature Version 4 of a POST to "/".
func sign(r *http.Request, region string, by *credentials, body string, now time.Time) {
	stamp := now.Format("20060102T150405Z")
	scope := stamp[:8] + "/" + region + "/sts/aws4_request"
	r.Header.Set("X-Amz-Date", stamp)
	r.Header.Set("X-Amz-Security-Token", by.SessionToken)
	const names = "content-type;host;x-amz-date;x-amz-security-token"
	canonical := "POST\n/\n\ncontent-type:" + r.Header.Get("Content-Type") + "\nhost:" + r.URL.Host + "\nx-amz-date:" + stamp +
		"\nx-amz-security-token:" + by.SessionToken + "\n\n" + names + "\n" + hash(body)
	key := []byte("AWS4" + by.SecretAccessKey)
	for _, part := range strings.Split(scope, "/") {
		key = mac(key, part)
	}
	signature := hex.EncodeToString(mac(key, "AWS4-HMAC-SHA256\n"+stamp+"\n"+scope+"\n"+hash(canonical)))
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+by.AccessKeyID+"/"+scope+", SignedHeaders="+names+", Signature="+signature)
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
