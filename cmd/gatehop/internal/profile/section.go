package profile

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehop/cmd/gatehop/internal/awsfile"
)

// isKnown reports whether name is a key that gatehop would read or refuse.
func isKnown(name string) bool {
	_, ok := lookup(name)
	return ok || strings.HasPrefix(name, prefix)
}

// own checks and reads every key of gatehop's own in a section. It returns the values
// as they are kept, by name without the prefix. Only gatehop reads these keys, so that
// it may do what two SDKs of three do and what people expect: cut inline comments.
func own(s *section) (kept map[string]string, err *Error) {
	kept = map[string]string{}
	for _, name := range s.order {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		v := s.values[name]
		k, ok := lookup(name)
		switch {
		case v.from.kind != awsfile.Config:
			return nil, s.failKey(name, "stands in the credentials file; keys of gatehop's own belong in the config file")
		case !ok:
			err := s.failKey(name, "is not a key that gatehop knows")
			err.Near = nearestKey(name)
			return nil, err
		}
		text, problem := k.read(awsfile.StripComment(v.text), v)
		if k.runs && problem == "" && v.from.unsafe != "" {
			problem = "names a program, and its file " + v.from.unsafe
		}
		if problem != "" {
			err := s.failKey(name, problem)
			err.Problem, err.Near = k.suggest(awsfile.StripComment(v.text), problem, v.from.urls)
			return nil, err
		}
		if feature := k.awaited(text); feature != "" {
			return nil, s.failKey(name, "is known, but "+feature+" is not built yet")
		}
		kept[k.name] = text
	}
	return kept, nil
}

// read checks a value that stands at v.
func (k *key) read(text string, v value) (kept, problem string) {
	if problem := unprintable(text, k.runs); problem != "" {
		return "", problem
	}
	return k.parse(text, v.from.place())
}

// pick returns the name under which a section has the key called name: gatehop's own
// first, the plain one second, "" for none.
func (s *section) pick(name string) string {
	for _, n := range []string{prefix + name, name} {
		if s.has(n) {
			return n
		}
	}
	return ""
}

// plain adds to kept those of the named pairs of which the section has only the plain
// key. SDKs read these too: what they differ over is refused.
func (w *walker) plain(s *section, kept map[string]string, names ...string) *Error {
	for _, name := range names {
		if s.pick(name) != name {
			continue
		}
		k, _ := lookup(name)
		text, err := shared(s, k)
		if err != nil {
			return err
		}
		kept[name] = text
	}
	return nil
}

// shared reads a key that is AWS's too, by its plain name.
func shared(s *section, k *key) (string, *Error) {
	v := s.values[k.name]
	if v.differs != "" {
		return "", s.failKey(k.name, v.differs)
	}
	text, problem := k.read(v.text, v)
	if problem != "" {
		return "", s.failKey(k.name, problem)
	}
	return text, nil
}

// misplaced refuses gatehop's own keys of a scope that the section is not of: a key
// that does nothing is never passed over in silence.
func misplaced(s *section, not scope, problem string) *Error {
	for _, name := range s.order {
		if k, ok := lookup(name); ok && k.scope == not && strings.HasPrefix(name, prefix) {
			return s.failKey(name, problem)
		}
	}
	return nil
}

// copyFrom adds to kept what gatehop_from brings: the sign-in keys of the other profile
// that are not set here, and those that it copies itself. Keys of another kind of
// provider stay behind.
func (w *walker) copyFrom(s *section, kept map[string]string) *Error {
	seen := []string{s.name}
	for here, from := s, kept["from"]; from != ""; {
		if seen = append(seen, from); slices.Index(seen, from) < len(seen)-1 {
			return here.failKey(prefix+"from", "closes a circle of profiles: "+strings.Join(seen, " -> "))
		}
		other, err := w.section(from, &reference{here, prefix + "from"})
		if err != nil {
			return err
		}
		theirs, err := own(other)
		if err != nil {
			return err
		}
		for name, text := range theirs {
			if k, ok := setting(name); ok && !k.own && kept[name] == "" {
				kept[name] = text
			}
		}
		here, from = other, theirs["from"]
	}
	if kept["idp"] == "" {
		return s.failKey(prefix+"from", "leads to no profile with gatehop_idp")
	}
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		k, _ := lookup(prefix + name)
		if kind := k.provider(); kind == "" || kind == kept["idp"] {
			continue
		}
		if s.has(prefix + name) {
			return s.failKey(prefix+name, "has no effect with a gatehop_idp of another kind")
		}
		delete(kept, name)
	}
	return nil
}

// common reads what profiles of both sorts have; pairs are the pairs of keys of this one.
func (w *walker) common(s *section, kept map[string]string, pairs ...string) (Profile, *Error) {
	if err := together(s); err != nil {
		return Profile{}, err
	}
	if err := w.plain(s, kept, pairs...); err != nil {
		return Profile{}, err
	}
	p := Profile{Name: s.name, File: s.from.path, Line: s.line, Region: kept["region"],
		Alias: kept["alias"], Color: kept["color"], Note: kept["note"]}
	if s.has("ca_bundle") {
		k, _ := lookup("ca_bundle")
		text, err := shared(s, k)
		if err != nil {
			return Profile{}, err
		}
		p.AWSCABundle = text
	}
	p.CredentialProcess = s.values["credential_process"].text
	if v, ok := s.values["aws_access_key_id"]; ok {
		p.StaticKeys = v.from.path
	}
	for _, name := range []string{"credential_source", "login_session", "sso_session", "sso_start_url", "web_identity_token_file"} {
		if s.has(name) {
			p.OtherSources = append(p.OtherSources, name)
		}
	}
	return p, nil
}

// together refuses plain keys of AWS's that the SDKs take differently when both are set.
func together(s *section) *Error {
	for _, pair := range []struct{ a, b, problem string }{
		{"role_arn", "credential_process", "stands beside role_arn: aws refuses the two together, the Go SDK assumes the role, the JavaScript SDK runs the process"},
		{"source_profile", "credential_process", "stands beside source_profile, which the Go SDK refuses"},
		{"source_profile", "credential_source", "stands beside source_profile, which aws and the Go SDK refuse"},
		{"source_profile", "web_identity_token_file", "stands beside source_profile, which the Go SDK refuses"},
	} {
		if s.has(pair.a) && s.has(pair.b) {
			return s.failKey(pair.b, pair.problem)
		}
	}
	return nil
}

// endpoint is the STS endpoint that the gateway's keys name, in botocore's order: the
// sts block of its services section, then endpoint_url.
func (w *walker) endpoint(s *section) (string, *Error) {
	found := map[string]string{}
	for _, name := range []string{"ignore_configured_endpoint_urls", "services", "endpoint_url"} {
		if !s.has(name) {
			continue
		}
		if s.values[name].from.kind != awsfile.Config {
			return "", s.failKey(name, "stands in the credentials file, where not every SDK reads it")
		}
		k, _ := lookup(name)
		text, err := shared(s, k)
		if err != nil {
			return "", err
		}
		found[name] = text
	}
	if found["ignore_configured_endpoint_urls"] == "true" {
		return "", nil
	}
	if name := found["services"]; name != "" {
		url, err := w.services(s, name)
		if url != "" || err != nil {
			return url, err
		}
	}
	return found["endpoint_url"], nil
}

// services looks the STS endpoint up in [services NAME].
func (w *walker) services(s *section, name string) (string, *Error) {
	from := &w.c.files[0]
	block, ok := from.file.Section(awsfile.Services, name)
	if !ok {
		return "", s.failKey("services", "names a services section that does not exist")
	}
	fail := func(line int, problem string) *Error {
		return &Error{File: from.path, Line: line, Profile: s.name, Key: "services", Problem: problem}
	}
	if block.Differs != "" {
		return "", fail(block.Line, "names a section that "+block.Differs)
	}
	for _, k := range block.Keys {
		pairs, _ := k.Nested()
		for _, pair := range pairs {
			if k.Name != "sts" || pair.Name != "endpoint_url" {
				continue
			}
			known, _ := lookup("endpoint_url")
			text, problem := known.read(pair.Value, value{from: from, line: k.Line})
			if problem != "" {
				return "", fail(k.Line, "names a section whose STS endpoint "+problem)
			}
			return text, nil
		}
	}
	return "", nil
}

func seconds(text string) time.Duration {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}
