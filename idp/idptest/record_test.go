package idptest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"gatehop/idp/idptest"
)

// TestRecord: everything about a request is remembered, in order, and cannot be
// changed from outside.
func TestRecord(t *testing.T) {
	t.Parallel()
	a := newADFS(t, idptest.Options{})
	b := newBrowser(t, a, a.Elsewhere())
	b.header = set("X-Test", "1")
	b.post(entry+"&b=1&a=%zz&b=2", []idptest.Field{{Name: "z", Value: "1"}, {Name: "a", Value: "ü+&"}, {Name: "z", Value: "2"}, {Name: "e"}})
	got := a.Requests()
	if len(got) != 1 {
		t.Fatalf("%d requests, want 1", len(got))
	}
	r := got[0]
	if r.Number != 1 || r.Conn != 1 || !r.TLS || r.Method != http.MethodPost || r.Host != host || r.Path != "/adfs/ls/IdpInitiatedSignOn.aspx" ||
		r.Status != 200 || r.Page != "adfs/login.html" || r.Header.Get("X-Test") != "1" {
		t.Errorf("request = %+v", r)
	}
	if want := "z=1&a=%C3%BC%2B%26&z=2&e="; encode(r.Form) != want {
		t.Errorf("Form = %s, want %s", encode(r.Form), want)
	}
	if want := "loginToRp=urn%3Aamazon%3Awebservices&b=1&a=%25zz&b=2"; encode(r.Query) != want {
		t.Errorf("Query = %s, want %s", encode(r.Query), want)
	}
	if r.Form.Get("z") != "2" || r.Form.Count("z") != 2 || strings.Join(r.Form.Names(), "") != "zaze" {
		t.Errorf("Get, Count, Names of %v", r.Form)
	}
	r.Form[0].Name, r.Query[0].Name = "changed", "changed"
	r.Header.Set("X-Test", "changed")
	if again := a.Requests()[0]; again.Form[0].Name != "z" || again.Query[0].Name != "loginToRp" || again.Header.Get("X-Test") != "1" {
		t.Error("the record can be changed from outside")
	}
	b.get("https://" + idptest.ForeignHost + "/x?y=1")
	if e := a.RequestsElsewhere(); len(e) != 1 || e[0].Path != "/x" || e[0].Query.Get("y") != "1" || a.Stats().Requests != 1 {
		t.Errorf("RequestsElsewhere = %+v", e)
	}
}

// TestStats is what the sandbox writes down.
func TestStats(t *testing.T) {
	t.Parallel()
	a := newADFS(t, idptest.Options{})
	text, err := json.Marshal(a.Stats())
	if want := `{"requests":0,"logins":0,"client_bugs":[]}`; err != nil || string(text) != want {
		t.Errorf("Stats = %s, %v; want %s", text, err, want)
	}
}
