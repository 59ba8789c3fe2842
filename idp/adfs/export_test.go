package adfs

import (
	"testing"

	"gatehop/idp/form"
)

// StepsOf are the steps of a sign-in at any server.
func StepsOf(t *testing.T) []form.Step {
	t.Helper()
	a, err := New(Config{URL: "adfs.corp.example"})
	if err != nil {
		t.Fatal(err)
	}
	return steps(a.(adapter).visit())
}

// CookiePath is cookiePath.
func CookiePath(path string) string { return cookiePath(path) }
