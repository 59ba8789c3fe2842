package profile

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatehop/cmd/gatehop/internal/anyurl"
)

func FuzzChain(f *testing.F) {
	f.Add(example, "", "prod")
	f.Add(example, "[prod]\nrole_arn = arn:aws:iam::555555555555:role/x\n", "prod")
	for _, tt := range refusals {
		f.Add(tt.config, tt.credentials, "p")
	}
	dir := f.TempDir()
	files := Files{Config: filepath.Join(dir, "config"), Credentials: filepath.Join(dir, "credentials")}
	f.Fuzz(func(t *testing.T, config, credentials, asked string) {
		c := parse(files, anyurl.Read, []byte(config), []byte(credentials))
		names, gateways := c.Names(), c.Gateways()
		for _, name := range append(slices.Clone(names), append(gateways, asked)...) {
			ch, err := c.Chain(name)
			if slices.Contains(names, name) != (err == nil) {
				t.Fatalf("Names has %q: %v; Chain = %v", name, slices.Contains(names, name), err)
			}
			if err != nil {
				checkError(t, err, name)
				continue
			}
			checkChain(t, ch, name)
		}
	})
}

func checkError(t *testing.T, err error, name string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || !filepath.IsAbs(e.File) || e.Problem == "" || e.Line < 0 {
		t.Fatalf("Chain(%q) = %#v, want an *Error with a file", name, err)
	}
	if strings.Contains(e.Near, "\n") {
		t.Fatalf("nearest is %q", e.Near)
	}
}

func checkChain(t *testing.T, ch Chain, name string) {
	t.Helper()
	if len(ch) == 0 || ch[len(ch)-1].Name != name || ch[0].SignIn == nil || ch[0].SignIn.Kind == "" {
		t.Fatalf("Chain(%q) = %+v", name, ch)
	}
	seen := map[string]bool{}
	for i, p := range ch {
		if (p.SignIn == nil) != (i > 0) || i > 0 && p.RoleARN == "" || seen[p.Name] || p.Line < 1 || !filepath.IsAbs(p.File) {
			t.Fatalf("profile %d of %q = %+v", i, name, p)
		}
		seen[p.Name] = true
		if !json.Valid([]byte(ch.CacheKey(i))) {
			t.Fatalf("CacheKey = %q", ch.CacheKey(i))
		}
	}
	var settings map[string]string
	if err := ch[0].SignIn.Decode(&settings); err != nil || settings["partition"] == "" {
		t.Fatalf("Decode = %v, %v", settings, err)
	}
}

func FuzzTags(f *testing.F) {
	for _, v := range append(slices.Clone(valueTests["tags"].good), valueTests["tags"].bad...) {
		f.Add(v, "")
		f.Add(v, "a")
		f.Add("a=b", v)
	}
	f.Fuzz(func(t *testing.T, list, transitive string) {
		_, one := tagPairs(list, Place{})
		_, two := tagText(transitive, Place{})
		if list != "" && one != "" || transitive != "" && two != "" {
			return
		}
		tags, keys, problem := joinTags(list, transitive)
		if problem != "" {
			return
		}
		if len(tags) > maxTags || !slices.IsSorted(keys) {
			t.Fatalf("joinTags = %v, %v", tags, keys)
		}
		for _, k := range keys {
			if _, ok := tags[k]; !ok {
				t.Fatalf("transitive %q is no tag of %v", k, tags)
			}
		}
		var parts []string
		for k, v := range tags {
			if strings.ContainsAny(k+v, ",\x00") || strings.TrimSpace(k) != k || strings.TrimSpace(v) != v {
				t.Fatalf("tag %q=%q", k, v)
			}
			parts = append(parts, k+"="+v)
		}
		if len(tags) == 0 {
			return
		}
		again, _, problem := joinTags(strings.Join(parts, ", "), "")
		if _, bad := tagPairs(strings.Join(parts, ","), Place{}); bad != "" || problem != "" || len(again) != len(tags) {
			t.Fatalf("written again, %v is %v: %s%s", tags, again, problem, bad)
		}
	})
}
