package form_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"gatehop/idp"
	"gatehop/idp/form"
	"gatehop/idp/idptest"
)

// TestRefusedByRedirect: a server that answers a wrong password by leading to another address
// of its own, which wants it again, has refused it before long.
func TestRefusedByRedirect(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"redirect", "refresh"} {
		sent := 0
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, _, ok := r.BasicAuth(); !ok {
				w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			sent++
			to := fmt.Sprintf("/node%d", sent)
			if way == "redirect" {
				http.Redirect(w, r, to, http.StatusFound)
				return
			}
			w.Header().Set("Content-Type", utf8HTML)
			fmt.Fprintf(w, `<meta http-equiv=refresh content="0;url=%s"><body>wrong`, to)
		})
		answers := idptest.NewAnswers(map[string][]string{"username": {"alice"}, "password": {"wrong one", idptest.NoAnswer}})
		a, err := form.New(form.Config{URL: start, Auth: "basic"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.Login(t.Context(), newSession(t, idptest.Transport(map[string]http.Handler{host: h}), start, answers))
		if sent != 3 || !errors.Is(err, &idp.PageError{Verdict: idp.Rejected}) {
			t.Errorf("%s: the same wrong password was sent %d times: %v", way, sent, err)
		}
	}
}
