package anyurl

import (
	"testing"

	"gatehop/cmd/gatehop/internal/weburl"
)

var plain = []string{
	"https://adfs.corp.example", "https://adfs.corp.example:8443/adfs/ls/", "http://127.0.0.1:8080", "http://localhost:1/x",
	"https://idp.example/saml2/idp/SSOService.php?spentityid=urn:amazon:webservices", "socks5://127.0.0.1:1", "https://A.example/~x/y_z", "https://-./..//.",
}

// others are not plain: whatever they are is not for Plain to say.
var others = []string{
	"", "adfs.corp.example", "https://", "https:///x", "https://u@h", "https://u:p@h", "https://h:", "https://h:x", "https://h:1:2", "https://[::1]/",
	"http://127.0.0.2", "http://127.1", "https://h?", "https://h?a?b", "https://h/a%2fb", "https://h#f", "HTTPS://h", "ftp://h", "https://h/é", "https://é", "https:h",
	"https://h\\x", "https://h/a b", "//h", "https://h,i", "https://h/a;b", "https://h/:x", "https://h/\x7f",
}

// agree compares Plain, where it says anything, with Read.
func agree(t *testing.T, text string) (ok bool) {
	t.Helper()
	quick, ok := weburl.Plain(text)
	if !ok {
		return false
	}
	if slow, ok := Read(text); !ok || slow != quick {
		t.Errorf("%q is %+v to Plain and %+v, %v to Read", text, quick, slow, ok)
	}
	return true
}

func TestPlain(t *testing.T) {
	t.Parallel()
	for _, text := range plain {
		if !agree(t, text) {
			t.Errorf("%q is not plain", text)
		}
	}
	for _, text := range others {
		if agree(t, text) {
			t.Errorf("%q is plain", text)
		}
	}
}

func FuzzPlain(f *testing.F) {
	for _, text := range append(plain, others...) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { agree(t, text) })
}
