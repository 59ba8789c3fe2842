package tty

import (
	"strings"
	"testing"

	"gatehop/idp"
)

func TestChoose(t *testing.T) {
	t.Parallel()
	roles := idp.Question{Field: "role", Public: true, Options: []string{"arn:a", "arn:b"}}
	yesno := idp.Question{Field: "confirm", Public: true, Options: []string{"no", "yes"}}
	for _, c := range []struct {
		name         string
		q            idp.Question
		line         string
		want         string
		againBecause string
	}{
		{"number", roles, "2", "arn:b", ""},
		{"number with spaces", roles, " 1 ", "arn:a", ""},
		{"the option itself", roles, "arn:b", "arn:b", ""},
		{"zero", roles, "0", "", "1 to 2"},
		{"too large", roles, "3", "", "1 to 2"},
		{"huge", roles, "99999999999999999999", "", "1 to 2"},
		{"empty", roles, "", "", "1 to 2"},
		{"yes", yesno, "y", "yes", ""},
		{"Yes", yesno, "YES", "yes", ""},
		{"Enter is no", yesno, "", "no", ""},
		{"anything is no", yesno, "maybe", "no", ""},
		{"a name is trimmed", idp.Question{Field: "username", Public: true}, " alice ", "alice", ""},
		{"a password is not", idp.Question{Field: "password"}, " pass ", " pass ", ""},
		{"spaces are a password", idp.Question{Field: "password"}, "  ", "  ", ""},
		{"no answer", idp.Question{Field: "password"}, "", "", "needed"},
		{"the offered answer", idp.Question{Field: "password", Default: "x y"}, "", "x y", ""},
		{"another than offered", idp.Question{Field: "password", Default: "x y"}, "z", "z", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, problem := choose(c.q, c.line)
			if got != c.want || (problem == "") != (c.againBecause == "") || !strings.Contains(problem, c.againBecause) {
				t.Errorf("choose(%q) = %q, %q; want %q, %q", c.line, got, problem, c.want, c.againBecause)
			}
		})
	}
}

func TestPrompt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		q    idp.Question
		want string
	}{
		{idp.Question{Field: "username", Label: "User name: "}, "User name: "},
		{idp.Question{Field: "otp"}, "Otp: "},
		{idp.Question{Field: "password", Label: "Password", Default: "x"}, "Password [x]: "},
		{idp.Question{Field: "confirm", Label: "Go on?", Options: []string{"no", "yes"}}, "Go on? [y/N] "},
		{idp.Question{Field: "role", Label: "Role", Options: []string{"a", "b"}}, "1  a\n2  b\nRole (1-2): "},
	} {
		if got := prompt(c.q, c.q.Options); got != c.want {
			t.Errorf("prompt(%+v) = %q, want %q", c.q, got, c.want)
		}
	}
}
