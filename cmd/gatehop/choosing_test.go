package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehop/cmd/gatehop/internal/tty"
	"gatehop/idp"
)

const readOnlyARN = "arn:aws:iam::111111111111:role/ReadOnly"

const notedProfiles = worldConfig + `
[profile behind]
gatehop_role_arn = arn:aws:iam::111111111111:role/ReadOnly
gatehop_source_profile = open
gatehop_alias = the corp
gatehop_color = FF8800

[profile also]
gatehop_role_arn = arn:aws:iam::111111111111:role/ReadOnly
gatehop_source_profile = gateway
gatehop_color = 00ff00
gatehop_note = reads only

[profile hop]
gatehop_role_arn = arn:aws:iam::444444444444:role/Admins
gatehop_source_profile = open
`

// TestChooseAgain wants a person asked among several roles that fit --role, each time
// they say so, and the roles that were chosen last on top.
func TestChooseAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{config: notedProfiles})
	w.vars = []string{password(worldPassword), `GATEHOP_USERNAME=CORP\alice`}
	shown := func() string {
		t.Helper()
		if len(w.chosen) == 0 {
			return ""
		}
		var names []string
		for _, item := range w.chosen[len(w.chosen)-1].Items {
			names = append(names, nameOf(item.Answer))
		}
		w.chosen = nil
		return strings.Join(names, " ")
	}
	for _, step := range []struct {
		args   []string
		answer string
		shown  string
		takes  string
	}{
		{[]string{"login", "open"}, readOnlyARN, "Gateway ReadOnly", "ReadOnly"},
		{[]string{"login", "open"}, gatewayARN, "", "ReadOnly"}, // remembered
		{[]string{"login", "open", "--role", "*"}, gatewayARN, "ReadOnly Gateway", "Gateway"},
		{[]string{"login", "open", "--role", "*"}, gatewayARN, "Gateway ReadOnly", "Gateway"}, // asked again
		{[]string{"login", "open", "--role", "R*"}, gatewayARN, "", "ReadOnly"},               // there is only one
		{[]string{"login", "open", "--force"}, gatewayARN, "", "ReadOnly"},
		{[]string{"login", "hop", "--role", "11*/*"}, gatewayARN, "ReadOnly Gateway", "Gateway"},
		{[]string{"login", "open"}, readOnlyARN, "", "Gateway"},
	} {
		w.answer = map[string]string{"role": step.answer}
		w.run(step.args...).want(t, 0, "assumed-role/"+step.takes+"/alice")
		if got := shown(); got != step.shown {
			t.Errorf("%q: the list is %q, want %q", step.args, got, step.shown)
		}
	}
	w.answer = nil
	w.run("login", "open", "--role", "*").want(t, statusAmbiguous, "matches 2") // nobody is there
	if c := w.status(nil, "open").Profiles[0].Choices; c == nil || !slices.Equal(c.Recent, []string{gatewayARN, readOnlyARN}) {
		t.Errorf("choices = %+v, want the two roles, Gateway first", c)
	}
	w.run("logout", "open").want(t, 0)
	w.answer = map[string]string{"role": gatewayARN}
	w.run("login", "open").want(t, 0)
	if got := shown(); got != "Gateway ReadOnly" {
		t.Errorf("after logout the list is %q, want the provider's order", got)
	}
}

// TestRoleItems wants on a line what the configuration has for the role, whichever
// profile says it.
func TestRoleItems(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{config: notedProfiles})
	w.vars = []string{password(worldPassword), `GATEHOP_USERNAME=CORP\alice`}
	w.answer = map[string]string{"role": readOnlyARN}
	w.run("login", "open").want(t, 0)
	c := w.chosen[0]
	if c.Title != "Which role for profile open at adfs.corp.example?" || len(c.Items) != 2 {
		t.Fatalf("asked %+v", c)
	}
	got := c.Items[1]
	if want := []string{"the corp", "111111111111", "ReadOnly", "reads only"}; !slices.Equal(got.Columns, want) ||
		got.Color != "ff8800" || got.Answer != readOnlyARN || got.Search != readOnlyARN {
		t.Errorf("item = %+v, want columns %q, the colour of the first profile and the ARN", got, want)
	}
	if got := c.Items[0]; got.Color != "" || got.Columns[3] != "" || got.Columns[0] != "the corp" {
		t.Errorf("item = %+v, want the account's name and nothing of the other role", got)
	}
	a := &app{process: process{env: []string{"HOME=" + t.TempDir()}, now: time.Now}}
	items := a.roleItems("none", a.accountAliases(), []string{gatewayARN, "odd", gatewayARN})
	if len(items) != 2 || !slices.Equal(items[0].Columns, []string{"111111111111", "Gateway"}) || !slices.Equal(items[1].Columns, []string{"", "odd"}) {
		t.Errorf("items = %+v, want each role once and no column that nothing is in", items)
	}
}

// TestProfileList wants the profiles with what is known of them.
func TestProfileList(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{config: notedProfiles})
	w.vars = []string{password(worldPassword)}
	w.answer = map[string]string{"profile": "gateway"}
	w.run("login").want(t, 0, "assumed-role/Gateway")
	if len(w.chosen) != 1 {
		t.Fatalf("asked %+v", w.chosen)
	}
	var also tty.Item
	for _, item := range w.chosen[0].Items {
		if item.Answer == "also" {
			also = item
		}
	}
	if want := []string{"also", "the corp", "111111111111", "ReadOnly", "reads only"}; !slices.Equal(also.Columns, want) || also.Color != "00ff00" {
		t.Errorf("item = %+v, want %q", also, want)
	}
	w.answer = nil
	w.run("login").want(t, statusAmbiguous, "also")
}

// TestChooseLeft wants Esc to be what Ctrl-C is: 130, and not a word.
func TestChooseLeft(t *testing.T) {
	t.Parallel()
	if e := explain(&signInError{Err: tty.ErrLeft}); e.status != statusInterrupted {
		t.Errorf("status %d, want %d", e.status, statusInterrupted)
	}
	a := &app{process: process{terminal: func() (terminal, error) { return leaver{}, nil }}}
	_, err := a.choose(t.Context(), choice{Field: "role", Items: []tty.Item{{Answer: "a"}}})
	if !errors.Is(err, context.Canceled) || !a.wait.leftQuestion() {
		t.Errorf("choose = %v, left %v: those who wait do not hear of it", err, a.wait.leftQuestion())
	}
	a = &app{process: process{terminal: func() (terminal, error) { return nil, tty.ErrNoTerminal }}}
	_, err = a.choose(t.Context(), choice{Field: "role", Items: []tty.Item{{Answer: "a"}}})
	if needs := (*idp.NeedsInputError)(nil); !errors.As(err, &needs) || needs.Question.Field != "role" {
		t.Errorf("choose without a terminal = %v, want *idp.NeedsInputError", err)
	}
}

// leaver is a person who leaves every list.
type leaver struct{ terminal }

func (leaver) Choose(context.Context, tty.Choice, tty.Look) (string, error) {
	return "", tty.ErrLeft
}

func TestLook(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		env  []string
		want tty.Look
	}{
		{[]string{"TERM=xterm"}, tty.Look{Term: "xterm"}},
		{[]string{"TERM=dumb"}, tty.Look{Term: "dumb", Plain: true}},
		{nil, tty.Look{Plain: true}},
		{[]string{"TERM=xterm", "GATEHOP_PLAIN=1"}, tty.Look{Term: "xterm", Plain: true}},
		{[]string{"TERM=xterm", "GATEHOP_PLAIN=", "NO_COLOR=1"}, tty.Look{Term: "xterm", NoColor: true}},
	} {
		a := &app{process: process{env: c.env}}
		if got := a.look(); got != c.want && (c.env != nil || runtime.GOOS != "windows") {
			t.Errorf("look with %q = %+v, want %+v", c.env, got, c.want)
		}
	}
}

// BenchmarkRoleItems is what the lines of 2,000 roles cost.
func BenchmarkRoleItems(b *testing.B) {
	a := &app{process: process{env: []string{"HOME=" + b.TempDir()}}}
	var arns []string
	for i := range 2000 {
		arns = append(arns, fmt.Sprintf("arn:aws:iam::%012d:role/Role", i))
	}
	for b.Loop() {
		if got := a.roleItems("g", nil, arns); len(got) != len(arns) {
			b.Fatal(len(got))
		}
	}
}
