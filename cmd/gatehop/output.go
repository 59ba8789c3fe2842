package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// printTable aligns columns; the last one may be as long as it likes. It is written at
// once: a tabwriter by itself writes cell by cell.
func (a *app) printTable(rows [][]string) error {
	var all bytes.Buffer
	w := tabwriter.NewWriter(&all, 0, 8, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := a.stdout.Write(all.Bytes())
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
