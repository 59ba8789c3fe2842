// Package near finds what a person meant who typed something else.
package near

import "strings"

// Nearest returns the candidate that name was most likely meant to be, "" if none is
// near: a few letters off, or more or fewer of them at the end.
func Nearest(name string, candidates []string) string {
	name = strings.ToLower(name)
	best, least := "", 1+max(2, len(name)/4)
	for _, candidate := range candidates {
		c := strings.ToLower(candidate)
		d := distance(name, c, least)
		if min(len(c), len(name)) > 2 && (strings.HasPrefix(c, name) || strings.HasPrefix(name, c)) {
			d = min(d, 2)
		}
		if longer := max(len(name), len(c)); d < least && (2*d < longer || d < longer && longer < 3) { // half other letters: another word
			best, least = candidate, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete, replace or swap with their
// neighbour to make b of a; limit if it is not below limit.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit {
		return limit
	}
	two, one, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		two, one, row = one, row, two
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(one[j]+1, row[j-1]+1, one[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], two[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least >= limit {
			return limit
		}
	}
	return min(row[len(b)], limit)
}
