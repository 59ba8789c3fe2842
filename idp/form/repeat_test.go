package form_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"gatehop/idp"
)

const loginPage = `<form method=post action=/in><input name=user><input type=password name=pass></form>`

// TestRedirectsRepeatNothing: a redirect to a host that is not trusted does not carry
// what was typed there, however short it is; without it, the same redirect is followed.
func TestRedirectsRepeatNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, typed, target string }{
		{"query", "hunter22x", "https://other.example/?p=hunter22x"},
		{"path", "hunter22x", "https://other.example/x/hunter22x"},
		{"inside a value", "hunter22x", "https://other.example/?p=xhunter22xx"},
		{"short", "abc12", "https://other.example/?p=abc12"},
		{"short in the path", "abc12", "https://other.example/abc12/x"},
		{"harmless", "hunter22x", "https://other.example/?p=nothing"},
		{"short and a part of a word", "abc", "https://other.example/?p=abcdefgh"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &site{serve: func(_ *site, w http.ResponseWriter, r *http.Request, _ string) {
				if r.Method == http.MethodPost {
					http.Redirect(w, r, c.target, http.StatusFound)
					return
				}
				_, _ = io.WriteString(w, loginPage)
			}}
			other := &site{serve: func(_ *site, w http.ResponseWriter, _ *http.Request, _ string) { _, _ = io.WriteString(w, "<p>") }}
			_, err := walk(t, s, other, map[string][]string{"username": {"alice"}, "password": {c.typed}})
			refused := errors.As(err, new(*idp.OriginError))
			if control := strings.HasPrefix(c.name, "harmless") || strings.HasPrefix(c.name, "short and"); refused == control {
				t.Errorf("Login = %v, refused %v", err, refused)
			}
			if got := len(other.requests()); (got == 0) != refused {
				t.Errorf("%d requests to the other host: %q", got, other.requests())
			}
			if refused && strings.Contains(err.Error(), c.typed) && len(c.typed) >= 4 {
				t.Errorf("the error shows what was typed: %v", err)
			}
		})
	}
}

// TestPasswordIsSentOnce: a server that answers the password with 307 does not get it
// again, neither there nor at another address of its own.
func TestPasswordIsSentOnce(t *testing.T) {
	t.Parallel()
	for _, to := range []string{"/in", "/in?again=1", "/other"} {
		s := &site{serve: func(_ *site, w http.ResponseWriter, r *http.Request, _ string) {
			if r.Method == http.MethodPost {
				http.Redirect(w, r, to, http.StatusTemporaryRedirect)
				return
			}
			_, _ = io.WriteString(w, loginPage)
		}}
		_, err := walk(t, s, nil, map[string][]string{"username": {"alice"}, "password": {"hunter22x"}})
		posts := 0
		for _, r := range s.requests() {
			if strings.HasPrefix(r, "POST ") {
				posts++
			}
		}
		if page := (*idp.PageError)(nil); posts != 1 || !errors.As(err, &page) {
			t.Errorf("307 to %s: the password was posted %d times, %v", to, posts, err)
		}
	}
}
