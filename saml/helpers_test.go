package saml_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehop/saml"
	"gatehop/saml/samltest"
)

// nine is when every response of these tests is issued.
var nine = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

const entityID = "http://adfs.corp.example/adfs/services/trust"

var provider = sync.OnceValues(func() (*samltest.IDP, error) { return samltest.New(entityID, nil, nine) })

func idp(t testing.TB) *samltest.IDP {
	t.Helper()
	p, err := provider()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func issue(t testing.TB, r samltest.Response) string {
	t.Helper()
	encoded, err := idp(t).Issue(r)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// plain returns the XML of a response.
func plain(t testing.TB, r samltest.Response) string {
	t.Helper()
	xml, err := idp(t).XML(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(xml)
}

func encode(xml string) string { return base64.StdEncoding.EncodeToString([]byte(xml)) }

// edit replaces one occurrence of old, which must be there.
func edit(t testing.TB, xml, old, new string) string {
	t.Helper()
	if !strings.Contains(xml, old) {
		t.Fatalf("the document has no %q to edit", old)
	}
	return strings.Replace(xml, old, new, 1)
}

func capture(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func names(roles []saml.Role) []string {
	var out []string
	for _, r := range roles {
		out = append(out, r.Account()[:1]+"/"+r.Name())
	}
	return out
}

func equalRoles(t *testing.T, got, want []saml.Role) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("roles = %v, want %v", got, want)
	}
}

// pair is a role of account 111111111111, provider P, in the commercial partition.
func pair(role string) saml.Role {
	return saml.Role{ARN: "arn:aws:iam::111111111111:role/" + role, Provider: "arn:aws:iam::111111111111:saml-provider/P"}
}
