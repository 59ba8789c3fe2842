package adfs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gatehop/idp"
)

// TestOptionsAreBounded: an error names 30 of what a page offers and counts the rest. A
// page of 30 is the control: it is named whole, without a count.
func TestOptionsAreBounded(t *testing.T) {
	t.Parallel()
	lists := []struct {
		name, before, unit, after string
		most                      int // that fit on a page
		want                      idp.Verdict
	}{
		{"relying parties", `<form id=idpForm method=post><select name=RelyingParty>`, `<option value=%d>Party %[1]d</option>`, `</select></form>`, 45_000, idp.UnknownParty},
		{"relying parties of AD FS 2.0", `<select name=x$RelyingPartyDropDownList>`, `<option>Party %d</option>`, `</select>`, 45_000, idp.UnknownParty},
		{"home realms", `<form id=hrd method=post>`, `<div onclick="HRD.selection('urn:%d')">Party %[1]d</div>`, `</form>`, 45_000, idp.HomeRealm},
		{"home realms without names", `<form id=hrd method=post>`, `<div onclick="HRD.selection('Party %d')"></div>`, `</form>`, 45_000, idp.HomeRealm},
		{"methods", `<div id=authOptions>` + options, `<a class=actionLink id=x%d>Party %[1]d</a>`, `</div>`, 45_000, idp.MethodChoice},
		{"methods without names", `<div id=authOptions>` + options, `<a class=actionLink id="Party %d"></a>`, `</div>`, 45_000, idp.MethodChoice},
	}
	for _, l := range lists {
		if raceDetector { // one goroutine, of half a minute
			l.most /= 20
		}
		for _, n := range []int{1, 30, 31, l.most} {
			t.Run(fmt.Sprintf("%s/%d", l.name, n), func(t *testing.T) {
				t.Parallel()
				var page strings.Builder
				page.WriteString(l.before)
				var want []string
				for i := range n {
					fmt.Fprintf(&page, l.unit, i)
					if i < 30 {
						want = append(want, fmt.Sprintf("Party %d", i))
					}
				}
				if n > 30 {
					want = append(want, fmt.Sprintf("... and %d more", n-30))
				}
				page.WriteString(l.after)
				_, _, err := at(t, nil, page.String())
				if got := wantVerdict(t, err, l.want); !slices.Equal(got.Options, want) {
					t.Errorf("%d options, %.200q, want %q", len(got.Options), got.Options, want)
				}
			})
		}
	}
}

// TestHomeRealmIsFoundBeyondTheBound: AD FS's own directory is taken wherever it stands
// among the organisations.
func TestHomeRealmIsFoundBeyondTheBound(t *testing.T) {
	t.Parallel()
	own := `<div onclick="HRD.selection('AD AUTHORITY')">Us</div>`
	for _, c := range []struct {
		name, own string
		posted    int
	}{{"offered", own, 1}, {"not offered", "", 0}} {
		page := `<form id=hrd method=post action=/adfs/ls/>` + strings.Repeat(`<div onclick="HRD.selection('x')">X</div>`, 50) + c.own + `<input id=hrdSelection type=hidden></form>`
		s, _, err := at(t, nil, page)
		wantVerdict(t, err, idp.HomeRealm)
		if len(s.posted) != c.posted || c.posted == 1 && s.posted[0] != "HomeRealmSelection=AD+AUTHORITY" {
			t.Errorf("%s: posted %q, want %d choices", c.name, s.posted, c.posted)
		}
	}
}
