package names

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"gatehop/creds"
	"gatehop/idp"
)

// ErrDenied reports that the role may not list the aliases of its account. CloudTrail
// has the refusal: it is not to be asked again soon.
var ErrDenied = errors.New("the role may not list the account's aliases")

const maxAnswer = 64 << 10 // bytes; an account has at most one alias

// iam is IAM's one endpoint in a partition and the region that signs for it (endpoint
// rules of the AWS SDKs, service "iam").
func iam(partition string) (host, region string) {
	switch partition {
	case "aws":
		return "iam.amazonaws.com", "us-east-1"
	case "aws-cn":
		return "iam.cn-north-1.amazonaws.com.cn", "cn-north-1"
	case "aws-us-gov":
		return "iam.us-gov.amazonaws.com", "us-gov-west-1"
	case "aws-iso":
		return "iam.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"
	case "aws-iso-b":
		return "iam.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"
	case "aws-iso-e":
		return "iam.eu-isoe-west-1.cloud.adc-e.uk", "eu-isoe-west-1"
	case "aws-iso-f":
		return "iam.us-isof-south-1.csp.hci.ic.gov", "us-isof-south-1"
	case "aws-eusc":
		return "iam.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"
	}
	return "", ""
}

// FromIAM asks for the alias of the account that the credentials are of, "" if it has
// none (ListAccountAliases, IAM API reference). It needs iam:ListAccountAliases there;
// without, the error wraps ErrDenied.
func (c Client) FromIAM(ctx context.Context, of creds.Credentials) (alias string, err error) {
	arn := strings.SplitN(of.Identity, ":", 6) // arn:PARTITION:sts::ACCOUNT:assumed-role/NAME/SESSION
	if len(arn) != 6 {
		return "", errors.New("the credentials are of no account")
	}
	host, region := iam(arn[1])
	if host == "" {
		return "", fmt.Errorf("partition %q has no IAM that is known", arn[1])
	}
	ctx, cancel := context.WithTimeout(ctx, Limit)
	defer cancel()
	body := url.Values{"Action": {"ListAccountAliases"}, "Version": {"2010-05-08"}}.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+host+"/", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	r.Header.Set("User-Agent", idp.DefaultUserAgent)
	sum := sha256.Sum256([]byte(body))
	err = v4.NewSigner().SignHTTP(ctx, aws.Credentials{
		AccessKeyID: of.AccessKeyID, SecretAccessKey: of.SecretAccessKey.Reveal(), SessionToken: of.SessionToken.Reveal(),
	}, r, hex.EncodeToString(sum[:]), "iam", region, c.Now().Add(of.Skew))
	if err != nil {
		return "", errors.New("the question to IAM cannot be signed")
	}
	resp, answer, err := c.do(ctx, r, maxAnswer)
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		code := refusal(answer)
		if resp.StatusCode == http.StatusForbidden && strings.HasPrefix(code, "AccessDenied") {
			return "", fmt.Errorf("ask %s: %w", host, ErrDenied)
		}
		return "", fmt.Errorf("ask %s: status %d %s", host, resp.StatusCode, code)
	}
	return parseAliases(answer)
}

// parseAliases reads a ListAccountAliasesResponse.
func parseAliases(answer []byte) (string, error) {
	var doc struct {
		XMLName xml.Name `xml:"ListAccountAliasesResponse"`
		Members []string `xml:"ListAccountAliasesResult>AccountAliases>member"`
	}
	if err := xml.Unmarshal(answer, &doc); err != nil {
		return "", errors.New("the answer of IAM cannot be read")
	}
	for _, alias := range doc.Members {
		if alias = strings.TrimSpace(alias); IsAlias(alias) {
			return alias, nil
		}
	}
	return "", nil
}

// refusal is the code of an ErrorResponse as far as it is one, fit to be shown.
func refusal(answer []byte) string {
	var doc struct {
		Code string `xml:"Error>Code"`
	}
	if err := xml.Unmarshal(answer, &doc); err != nil {
		return ""
	}
	return idp.CleanWords(doc.Code)
}
