package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// printTable prints rows of plain cells, of which the first has the titles.
func (a *app) printTable(rows [][]string) error {
	t := table{titles: rows[0]}
	for _, texts := range rows[1:] {
		r := row{}
		for _, text := range texts {
			r.cells = append(r.cells, plainCell(text))
		}
		t.rows = append(t.rows, r)
	}
	return a.print(t)
}

// print writes a table at once: whoever is killed meanwhile leaves all of it or nothing.
func (a *app) print(t table) error {
	_, err := a.stdout.Write([]byte(t.render(a.lookOf(a.stdout))))
	return err
}

// printJSON prints facts, never credentials.
func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.stdout)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// in says when a time is that is d away: "in 47 min", "in 11 h 59 min", "2 min ago".
func in(d time.Duration) string {
	if d = d.Round(time.Minute); d < 0 {
		return span(-d) + " ago"
	}
	return "in " + span(d)
}

func span(d time.Duration) string {
	h, m := int(d.Hours()), int(d.Minutes())%60
	switch {
	case h == 0:
		return fmt.Sprintf("%d min", m)
	case m == 0:
		return fmt.Sprintf("%d h", h)
	}
	return fmt.Sprintf("%d h %d min", h, m)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// identityCell is the ARN of an assumed role, or for a narrow terminal what matters of it.
func identityCell(arn string) cell {
	parts := strings.Split(arn, ":")
	if len(parts) != 6 {
		return plainCell(orDash(arn))
	}
	return shorter(arn, parts[4]+" "+sessionIn(arn))
}

// sessionIn is the role and the session's name in the ARN of an assumed role.
func sessionIn(arn string) string {
	_, session, ok := strings.Cut(arn, ":assumed-role/")
	if !ok {
		return arn
	}
	return session
}
