package saml

import (
	"slices"
	"strings"
)

// Match returns those of roles that want names, in their order, each once: by role
// ARN, ACCOUNT/NAME, ALIAS/NAME, NAME, or path and name as written after "role/". An
// exact NAME that several accounts have returns all of them. If nothing is named
// exactly, want is a pattern (* and ?) over the same spellings, in which neither
// stands for a slash; one that begins with "arn:" is a pattern over the ARN, in which
// both do. aliases maps account IDs to account aliases; nil means none are known.
// Letters are compared as AWS does, with their case.
func Match(roles []Role, want string, aliases map[string]string) []Role {
	if want == "" {
		return nil
	}
	exact := choose(roles, func(r Role) bool {
		return r.ARN == want || slices.Contains(spellings(r, aliases), want)
	})
	if len(exact) > 0 || !strings.ContainsAny(want, "*?") {
		return exact
	}
	if strings.HasPrefix(want, "arn:") {
		return choose(roles, func(r Role) bool { return glob(want, r.ARN, false) })
	}
	return choose(roles, func(r Role) bool {
		return slices.ContainsFunc(spellings(r, aliases), func(s string) bool { return glob(want, s, true) })
	})
}

// choose returns the roles that are right, each once.
func choose(roles []Role, right func(Role) bool) []Role {
	var chosen []Role
	seen := map[Role]bool{}
	for _, r := range roles {
		if !seen[r] && right(r) {
			chosen = append(chosen, r)
			seen[r] = true
		}
	}
	return chosen
}

// spellings returns what a person may call r besides its ARN; nothing if that is none.
func spellings(r Role, aliases map[string]string) []string {
	a, err := ParseRoleARN(r.ARN)
	if err != nil {
		return nil
	}
	s := []string{a.Name, a.Account + "/" + a.Name, strings.TrimPrefix(a.Path, "/") + a.Name}
	if alias := aliases[a.Account]; alias != "" {
		s = append(s, alias+"/"+a.Name)
	}
	return s
}

// glob reports whether all of s fits pattern: * is any run of bytes, ? any one byte,
// neither a slash if segments is set. Its time is at most len(pattern) x len(s): on a
// mismatch only the last * is tried again, since what an earlier one could take the
// later one can take as well.
func glob(pattern, s string, segments bool) bool {
	p, i := 0, 0
	star, mark := -1, 0 // the last * and how far it has been tried
	for i < len(s) {
		slash := segments && s[i] == '/'
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
			continue
		case p < len(pattern) && (pattern[p] == s[i] || pattern[p] == '?' && !slash):
			p++
			i++
			continue
		case star < 0 || segments && s[mark] == '/':
			return false
		}
		mark++
		p, i = star+1, mark
	}
	return strings.Trim(pattern[p:], "*") == ""
}
