package profile

// Check reads a value from the environment as if it stood under the sign-in key called
// name, without its prefix, in a file at that place. problem ends a sentence that
// begins with the value's name; "" if there is none. nearest is what was meant, if that
// can be told.
func Check(name, text string, at Place) (kept, problem, nearest string) {
	k, ok := setting(name)
	if !ok || k.runs {
		return "", "is not a setting", ""
	}
	if problem := unprintable(text, k.runs); problem != "" {
		return "", problem, ""
	}
	if kept, problem = k.parse(text, at); problem != "" {
		problem, nearest = k.suggest(text, problem, at.URLs)
		return "", problem, nearest
	}
	if feature := k.awaited(kept); feature != "" {
		return "", "is known, but " + feature + " is not built yet", ""
	}
	return kept, "", ""
}

// Mentions reports whether the named profile exists and says anything to gatehop, right
// or wrong: a key of its own, or a source profile.
func (c *Config) Mentions(name string) bool {
	find := c.finders()
	for _, found := range find {
		section, ok := found(name)
		if !ok {
			continue
		}
		for _, k := range section.Keys {
			if isOwn(k.Name) || k.Name == "source_profile" {
				return true
			}
		}
	}
	return false
}

func isOwn(name string) bool { return len(name) > len(prefix) && name[:len(prefix)] == prefix }
