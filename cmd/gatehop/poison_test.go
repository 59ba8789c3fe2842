package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gatehop/sts/ststest"
)

// poison is every AWS_ variable that might lead a call astray, but for those that may.
var poison = []string{
	"AWS_ACCESS_KEY_ID=AKIAPOISONPOISON0000", "AWS_SECRET_ACCESS_KEY=poison", "AWS_SESSION_TOKEN=poison", "AWS_SECURITY_TOKEN=poison",
	"AWS_ENDPOINT_URL=http://127.0.0.1:9", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true", "AWS_USE_FIPS_ENDPOINT=true",
	"AWS_USE_DUALSTACK_ENDPOINT=true", "AWS_STS_REGIONAL_ENDPOINTS=legacy", "AWS_ROLE_ARN=arn:aws:iam::999999999999:role/Poison",
	"AWS_WEB_IDENTITY_TOKEN_FILE=/poison", "AWS_ROLE_SESSION_NAME=poison", "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:9/",
	"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/poison", "AWS_CONTAINER_AUTHORIZATION_TOKEN=poison", "AWS_MAX_ATTEMPTS=9",
	"AWS_RETRY_MODE=adaptive", "AWS_DEFAULTS_MODE=legacy", "AWS_EXECUTION_ENV=poison", "AWS_LAMBDA_FUNCTION_NAME=poison",
	"_X_AMZN_TRACE_ID=poison", "AWS_SDK_UA_APP_ID=poison", "AWS_ACCOUNT_ID=999999999999", "AWS_ACCOUNT_ID_ENDPOINT_MODE=required",
	"AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:9", "AWS_SDK_LOAD_CONFIG=1", "AWS_CREDENTIAL_FILE=/poison",
	"AWS_DEFAULT_PROFILE=poison", "AWS_CREDENTIAL_EXPIRATION=2000-01-01T00:00:00Z", "AWS_DISABLE_CLOCK_SKEW_CORRECTION=true",
	"AWS_REQUEST_CHECKSUM_CALCULATION=WHEN_REQUIRED", "AWS_AUTH_SCHEME_PREFERENCE=sigv4a", "AWS_SIGV4A_SIGNING_REGION_SET=*",
}

// TestPoisonedEnvironment wants the calls to AWS the same, but for time, nonce and
// signature, whatever AWS_ variables lie around (security.md 5, rule d).
func TestPoisonedEnvironment(t *testing.T) {
	t.Parallel()
	clean, poisoned := stsCalls(t, nil), stsCalls(t, poison)
	if clean != poisoned {
		t.Errorf("the calls differ\n--- clean\n%s--- poisoned\n%s", clean, poisoned)
	}
	// The control: the same comparison sees a setting that changes a call.
	if changed := stsCallsWith(t, nil, "gatehop_session_duration = 1h"); changed == clean {
		t.Error("the comparison does not see another duration")
	}
}

func stsCalls(t *testing.T, vars []string) string {
	t.Helper()
	return stsCallsWith(t, vars, "")
}

// stsCallsWith is what one cold login sends to AWS, without what differs every time.
func stsCallsWith(t *testing.T, vars []string, config string) string {
	t.Helper()
	_, aws, run := realWorldWith(t, realOptions{vars: vars, config: config})
	if out, err := run("login", "dev"); err != nil {
		t.Fatalf("gatehop login dev: %v\n%s", err, out)
	}
	var text strings.Builder
	for _, r := range aws.sts.Requests() {
		fmt.Fprintf(&text, "%s %d\n", r.Op, r.Status)
		for _, p := range r.Form {
			if p.Name != "SAMLAssertion" {
				fmt.Fprintf(&text, "  %s=%s\n", p.Name, p.Value)
			}
		}
		for _, line := range steadyHeaders(r) {
			fmt.Fprintf(&text, "  %s\n", line)
		}
	}
	return text.String()
}

func steadyHeaders(r ststest.Request) []string {
	var lines []string
	for name, values := range r.Header {
		switch name {
		case "X-Amz-Date", "X-Amz-Security-Token", "Amz-Sdk-Invocation-Id", "Content-Length":
		case "Authorization": // the scope and the names that are signed, not the key, the day and the signature
			_, signed, _ := strings.Cut(values[0], "SignedHeaders=")
			signed, _, _ = strings.Cut(signed, ",")
			lines = append(lines, "Authorization: "+signed)
		default:
			lines = append(lines, name+": "+strings.Join(values, ", "))
		}
	}
	slices.Sort(lines)
	return lines
}
