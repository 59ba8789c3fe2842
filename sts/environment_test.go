package sts

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"

	"gatehop/creds"
	"gatehop/creds/secret"
)

// poison sets every variable that an AWS SDK or a Lambda runtime reads (AWS SDKs and
// Tools reference guide, "Environment variables"; Lambda developer guide, "Defined
// runtime environment variables"; and the switches in the source of aws-sdk-go-v2) to
// something that must not matter.
func poison(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_REGION": "cn-north-1", "AWS_DEFAULT_REGION": "us-gov-west-1",
		"AWS_ENDPOINT_URL": "http://127.0.0.1:1/poison", "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1/poison-sts",
		"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false", "AWS_STS_REGIONAL_ENDPOINTS": "legacy",
		"AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true",
		"AWS_NEW_RETRIES_2026": "true", "AWS_ENABLE_DEFAULT_SOCKET_TIMEOUT_2026": "true",
		"AWS_MAX_ATTEMPTS": "1", "AWS_RETRY_MODE": "adaptive", "AWS_DEFAULTS_MODE": "legacy",
		"AWS_DISABLE_CLOCK_SKEW_CORRECTION": "true", "AWS_EC2_METADATA_DISABLED": "false",
		"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1/", "AWS_ACCOUNT_ID_ENDPOINT_MODE": "required",
		"AWS_AUTH_SCHEME_PREFERENCE": "sigv4a", "AWS_SIGV4A_SIGNING_REGION_SET": "*",
		"AWS_ROLE_ARN": "arn:aws:iam::999999999999:role/Poison", "AWS_ACCOUNT_ID": "999999999999",
		"AWS_ACCESS_KEY_ID": "AKIAPOISONPOISONPOIS", "_X_AMZN_TRACE_ID": "Root=1-poison",
	} {
		t.Setenv(name, value)
	}
	for _, name := range []string{
		"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_ACCESS_KEY", "AWS_SECRET_KEY",
		"AWS_CREDENTIAL_EXPIRATION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_CONFIG_FILE",
		"AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE", "AWS_SDK_LOAD_CONFIG", "AWS_SDK_UA_APP_ID",
		"AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_RUNTIME_API", "AWS_ROLE_SESSION_NAME",
		"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_METADATA_SERVICE_TIMEOUT",
		"AWS_REQUEST_CHECKSUM_CALCULATION", "AWS_RESPONSE_CHECKSUM_VALIDATION", "AWS_DISABLE_REQUEST_COMPRESSION",
		"AWS_LOGIN_CACHE_DIRECTORY", "AWS_SSO_ACCOUNT_ID", "AWS_S3_USE_ARN_REGION", "AWS_ENABLE_ENDPOINT_DISCOVERY",
	} {
		t.Setenv(name, "/poison/"+name)
	}
}

// canned answers every call and keeps the bytes that a connection would have carried.
type canned struct{ wire []string }

func (c *canned) RoundTrip(r *http.Request) (*http.Response, error) {
	dump, err := httputil.DumpRequestOut(r, true)
	if err != nil {
		return nil, err
	}
	c.wire = append(c.wire, r.URL.Scheme+"://"+r.URL.Host+"\n"+string(dump))
	op := "AssumeRole"
	if strings.Contains(string(dump), opSAML) {
		op = opSAML
	}
	body := fmt.Sprintf(`<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult>
<AssumedRoleUser><Arn>arn:aws:sts::111111111111:assumed-role/Gateway/alice</Arn></AssumedRoleUser>
<Credentials><AccessKeyId>ASIAAAAAAAAAAAAAAAAA</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
<SessionToken>t</SessionToken><Expiration>2026-11-22T10:00:00Z</Expiration></Credentials>
</%[1]sResult></%[1]sResponse>`, op)
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

var (
	nonce     = regexp.MustCompile(`(?m)^(Amz-Sdk-Invocation-Id: ).*$`)
	when      = regexp.MustCompile(`(?m)^(X-Amz-Date: ).*$`)
	signature = regexp.MustCompile(`(Signature=)[0-9a-f]+`)
	scopeDay  = regexp.MustCompile(`(Credential=[A-Z0-9]+/)[0-9]{8}`)
)

// ledger runs both calls and returns what they send, but for time, nonce and signature.
func ledger(t *testing.T, run func(rt http.RoundTripper) error) []string {
	t.Helper()
	c := &canned{}
	if err := run(c); err != nil {
		t.Fatal(err)
	}
	for i, s := range c.wire {
		for _, re := range []*regexp.Regexp{nonce, when, signature, scopeDay} {
			s = re.ReplaceAllString(s, "${1}-")
		}
		c.wire[i] = s
	}
	return c.wire
}

// caller signs the chained call.
func caller() creds.Credentials {
	return creds.Credentials{
		AccessKeyID: "ASIABBBBBBBBBBBBBBBB", SecretAccessKey: secret.New("k"), SessionToken: secret.New("u"),
		Identity: "arn:aws:sts::111111111111:assumed-role/Gateway/alice",
	}
}

// mutants call as the client does but for one thing that each lets in.
func mutants(ctx context.Context) map[string]func(http.RoundTripper) error {
	mutant := func(change func(*awssts.Options)) func(http.RoundTripper) error {
		return func(rt http.RoundTripper) error {
			o := awssts.Options{Region: "eu-west-1", HTTPClient: &http.Client{Transport: rt}}
			o.Credentials = static(caller().AccessKeyID)
			o.APIOptions = append(o.APIOptions, withoutEnvironment)
			change(&o)
			_, err := awssts.New(o).AssumeRole(ctx, &awssts.AssumeRoleInput{RoleArn: aws.String(gateway), RoleSessionName: aws.String("alice")})
			return err
		}
	}
	return map[string]func(http.RoundTripper) error{
		"reads AWS_REGION": mutant(func(o *awssts.Options) {
			if r := os.Getenv("AWS_REGION"); r != "" {
				o.Region = r
			}
		}),
		"reads AWS_ENDPOINT_URL_STS": mutant(func(o *awssts.Options) {
			if e := os.Getenv("AWS_ENDPOINT_URL_STS"); e != "" {
				o.BaseEndpoint = &e
			}
		}),
		"takes ambient keys": mutant(func(o *awssts.Options) {
			if k := os.Getenv("AWS_ACCESS_KEY_ID"); k != "" {
				o.Credentials = static(k)
			}
		}),
		"lets the SDK be": mutant(func(o *awssts.Options) { o.APIOptions = nil }),
	}
}

func static(key string) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: key, SecretAccessKey: "k", SessionToken: "u"}, nil
	})
}

// cleanse takes out of the environment what the machine has of poison's variables.
func cleanse(t *testing.T) {
	t.Helper()
	for _, e := range os.Environ() {
		if name, _, _ := strings.Cut(e, "="); strings.HasPrefix(name, "AWS_") || name == "_X_AMZN_TRACE_ID" {
			t.Setenv(name, "") // so that it is restored at the end
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestPoisonedEnvironment: nothing that the environment says reaches a request. It
// changes the environment, so it is not parallel.
func TestPoisonedEnvironment(t *testing.T) {
	cleanse(t)
	a := directWorld(t, time.Hour).assertion(t, nil)
	ours := func(rt http.RoundTripper) error {
		c := &Client{Region: "eu-west-1", HTTP: &http.Client{Transport: rt}, Now: time.Now}
		if _, err := c.AssumeWithSAML(t.Context(), a, gatewayRole, time.Hour); err != nil {
			return err
		}
		_, err := c.Assume(fixed(caller()), Hop{RoleARN: gateway, Tags: map[string]string{"b": "1", "a": "2"}})(t.Context())
		return err
	}
	clean, before := ledger(t, ours), map[string][]string{}
	for name, run := range mutants(t.Context()) {
		before[name] = ledger(t, run)
	}
	poison(t)
	after := ledger(t, ours)
	if !slices.Equal(clean, after) {
		t.Errorf("the environment changed the requests:\n%s\nbecame\n%s", strings.Join(clean, "\n"), strings.Join(after, "\n"))
	}
	if len(after) != 2 || strings.Contains(strings.ToLower(strings.Join(after, "")), "poison") {
		t.Errorf("requests = %q", after)
	}
	if !strings.HasPrefix(after[0], "https://sts.eu-west-1.amazonaws.com\n") || !strings.Contains(after[0], "User-Agent: aws-sdk-go-v2/") {
		t.Errorf("request = %q", after[0])
	}
	for name, run := range mutants(t.Context()) {
		if slices.Equal(before[name], ledger(t, run)) {
			t.Errorf("a client that %s was not caught", name)
		}
	}
}
