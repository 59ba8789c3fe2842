//go:build interop

package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gatehop/cmd/gatehop/internal/awsfile"
)

// readerFiles is how many pairs of files TestInteropReader makes; INTEROP_FILES makes more.
const (
	readerFiles = 1500
	readerSeed  = 1
)

// sample is one generated file.
type sample struct {
	kind awsfile.Kind
	data string
}

// corpus is generated files and what the SDKs read in them.
type corpus struct {
	samples []sample
	sdks    []sdkFile
	views   []view
}

func (s sample) view() view { return viewOf([]byte(s.data), s.kind) }

// TestInteropReader compares the configuration reader with botocore, the Go and the
// JavaScript SDK over generated files: whatever it reads without refusing it, they read.
func TestInteropReader(t *testing.T) {
	t.Parallel()
	readers := newSDKReaders(t)
	var samples []sample
	for n := range uint64(setting(t, "INTEROP_FILES", readerFiles)) {
		config, credentials := newFileGen(uint64(setting(t, "INTEROP_SEED", readerSeed)), n).pair()
		samples = append(samples, sample{awsfile.Config, config}, sample{awsfile.Credentials, credentials})
	}
	c := readers.corpus(t, samples)
	failed := 0
	for i, s := range c.samples {
		problems := judge(c.views[i], c.sdks[i])
		if len(problems) == 0 {
			continue
		}
		if failed++; failed <= 20 {
			t.Errorf("file %d: %s", i, strings.Join(problems, "\n"))
		}
		if failed == 1 {
			t.Errorf("file %d made small: %q", i, readers.minimise(t, s).data)
		}
	}
	t.Logf("%d files, %d with a problem", len(c.samples), failed)
	report := needlessRefusals(c)
	for i, one := range refusals() {
		t.Logf("%6d refused, %4d needlessly: %v %s", report.given[i], report.needless[i], one.pattern, one.tooCareful)
	}
	for _, problem := range report.problems {
		t.Error(problem)
	}
	checkMutants(t, c)
}

// setting is a number from the environment.
func setting(t *testing.T, name string, usual int) int {
	t.Helper()
	if text := os.Getenv(name); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return n
	}
	return usual
}

// corpus has the SDKs read the samples, and the sections of files that one of them refuses
// once more as files of their own: what is wrong elsewhere must stop nobody.
func (r sdkReaders) corpus(t *testing.T, samples []sample) corpus {
	t.Helper()
	c := corpus{samples: samples, sdks: r.readSamples(t, samples)}
	var alone []sample
	var of []func(sdkFile)
	for i, s := range samples {
		c.views = append(c.views, s.view())
		if c.sdks[i].refused == "" && c.sdks[i].goRefused == "" {
			continue
		}
		c.sdks[i].alone = map[string]sdkFile{}
		for name, section := range c.views[i].sections {
			if section.differs == "" {
				alone = append(alone, sample{s.kind, section.alone})
				of = append(of, func(f sdkFile) { c.sdks[i].alone[name] = f })
			}
		}
	}
	if len(alone) > 0 {
		for i, read := range r.readSamples(t, alone) {
			of[i](read)
		}
	}
	return c
}

func (r sdkReaders) readSamples(t *testing.T, samples []sample) []sdkFile {
	t.Helper()
	dir := t.TempDir()
	pairs := make([]filePair, len(samples))
	for i, s := range samples {
		path := filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(path, []byte(s.data), 0o600); err != nil {
			t.Fatal(err)
		}
		none := filepath.Join(dir, "none")
		if pairs[i] = (filePair{path, none}); s.kind == awsfile.Credentials {
			pairs[i] = filePair{none, path}
		}
	}
	files := make([]sdkFile, len(samples))
	for sdk, readings := range r.read(t, pairs) {
		for i, reading := range readings {
			f := &files[i]
			if f.profiles == nil {
				f.profiles = map[string]profileKeys{}
			}
			profiles, refused := reading.Config, reading.Errors.Config
			if samples[i].kind == awsfile.Credentials {
				profiles, refused = reading.Credentials, reading.Errors.Credentials
			}
			switch {
			case sdk == goSDK && reading.Error != "": // it has no errors of one file
				f.goRefused = reading.Error
			case refused != "":
				f.refused = refused
			default:
				f.profiles[sdk] = profiles
			}
		}
	}
	return files
}

// minimise takes away what a problem does not need: lines, then bytes.
func (r sdkReaders) minimise(t *testing.T, s sample) sample {
	t.Helper()
	for _, cut := range []func(string) []string{withoutLines, withoutBytes} {
		for range 12 { // each round starts every SDK once
			var smaller []sample
			for _, data := range cut(s.data) {
				smaller = append(smaller, sample{s.kind, data})
			}
			c, found := r.corpus(t, smaller), -1
			for i := range c.samples {
				if len(judge(c.views[i], c.sdks[i])) > 0 {
					found = i
					break
				}
			}
			if found < 0 {
				break
			}
			s = smaller[found]
		}
	}
	return s
}

func withoutLines(data string) (smaller []string) {
	lines := strings.SplitAfter(data, "\n")
	for _, n := range []int{8, 4, 2, 1} {
		for i := 0; i+n <= len(lines); i++ {
			smaller = append(smaller, strings.Join(lines[:i], "")+strings.Join(lines[i+n:], ""))
		}
	}
	return smaller
}

func withoutBytes(data string) (smaller []string) {
	for _, n := range []int{8, 1} {
		for i := 0; i+n <= len(data); i++ {
			smaller = append(smaller, data[:i]+data[i+n:])
		}
	}
	return smaller
}

// refusal is a reason for which gatehop refuses a profile or a key.
type refusal struct {
	pattern *regexp.Regexp
	// tooCareful says why it is given where all SDKs agree; "" if that must not be.
	tooCareful string
}

func (r refusal) is(differs string) bool { return r.pattern.MatchString(differs) }

func refusals() []refusal {
	var all []refusal
	for _, r := range [][2]string{
		{`^stands as \[(?s:.*)\] in line \d+, which the Go SDK does not read$`, ""},
		{`^stands as \[(?s:.*)\] in line \d+, which the JavaScript SDK does not read$`, "of names like constructor it reads those in the config file"},
		{`^stands in several sections `, "the last of them may be the one that all take"},
		{`^stands behind a byte order mark`, ""},
		{`^ends at a header `, "nothing may stand below it"},
		{`^goes on below an indented header `, "nothing may stand below it"},
		{`^holds bytes that are not UTF-8`, ""},
		{`^has a line that ends with a carriage return alone`, "at the very end of a file it ends no line to anybody"},
		{`^has a line that is neither section, key nor comment`, ""},
		{`^has the key (?s:.*) twice`, ""},
		{`^has indented keys below one without a value`, ""},
		{`^has an indented section header`, "a bracket that is never closed is no header"},
		{`^has white space in line`, ""},
		{`^has a value that goes on in line`, ""},
		{`^has a nested block with a line without =`, ""},
		{`^has an indented key`, ""},
		{`^has a key \(line \d+\) that not every SDK puts in lower case`, ""},
		{`^has a key beside a byte order mark`, ""},
		{`^has a comment in its name`, ""},
		{`^has a value that is one quote alone`, ""},
		{`^is surrounded by white space`, "form feeds and the like are white space to most, but not in every place"},
		{`^is followed by a colon`, ""},
		{`^is not in lower case`, ""},
		{`^has no value`, "all read the nested block of a service, of which gatehop reads none in a profile"},
		{`^has a comment behind its value`, "directly behind the = it is the value to all, but nobody means that"},
		{`^is in quotes`, ""},
		{`^goes on in further lines`, ""},
	} {
		all = append(all, refusal{regexp.MustCompile(r[0]), r[1]})
	}
	return all
}

// refusalReport is how often gatehop refuses, and how often needlessly.
type refusalReport struct {
	given, needless []int // by refusals
	problems        []string
}

// needlessRefusals counts the refusals: every reason must be given somewhere, and only
// those that say why may be given where all SDKs agree.
func needlessRefusals(c corpus) refusalReport {
	all := refusals()
	r := refusalReport{given: make([]int, len(all)), needless: make([]int, len(all))}
	example := make([]string, len(all))
	class := func(differs string) int {
		i := slices.IndexFunc(all, func(r refusal) bool { return r.is(differs) })
		if i < 0 {
			r.problems = append(r.problems, fmt.Sprintf("no class of refusals for %q", differs))
		}
		return max(i, 0)
	}
	for i, v := range c.views {
		for _, differs := range v.refused() {
			r.given[class(differs)]++
		}
		for _, differs := range falseRefusals(v, c.sdks[i]) {
			at := class(differs)
			r.needless[at]++
			if data := c.samples[i].data; example[at] == "" || len(data) < len(example[at]) {
				example[at] = data
			}
		}
	}
	for i, one := range all {
		if r.given[i] == 0 {
			r.problems = append(r.problems, fmt.Sprintf("no file has what is refused as %v", one.pattern))
		}
		if r.needless[i] > 0 && one.tooCareful == "" || 2*r.needless[i] > r.given[i] {
			r.problems = append(r.problems, fmt.Sprintf("refused as %v although the SDKs agree, %d times of %d, for example %q",
				one.pattern, r.needless[i], r.given[i], example[i]))
		}
	}
	return r
}
