package adfs

import (
	"net/url"
	"testing"

	"gatehop/idp/form"
)

// StepsOf are the steps of a sign-in at any server.
func StepsOf(t *testing.T) []form.Step {
	t.Helper()
	return steps(visitOf(t))
}

// Address corrects an address in a sign-in at adfs.corp.example.
func Address(t *testing.T, u *url.URL) {
	t.Helper()
	visitOf(t).address(u)
}

func visitOf(t *testing.T) *visit {
	t.Helper()
	a, err := New(Config{URL: "adfs.corp.example"})
	if err != nil {
		t.Fatal(err)
	}
	return a.(adapter).visit()
}

// CookiePath is cookiePath.
func CookiePath(path string) string { return cookiePath(path) }
