package names_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehop/cmd/gatehop/internal/names"
)

var start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

const (
	one, two, three = "111111111111", "222222222222", "333333333333"
	day             = 24 * time.Hour
)

// inMemory is a book whose file is a variable.
func inMemory(file *[]byte) *names.Book {
	return &names.Book{
		Read: func() ([]byte, error) { return *file, nil },
		Update: func(change func([]byte) ([]byte, error)) error {
			data, err := change(*file)
			if err == nil {
				*file = data
			}
			return err
		},
	}
}

func wantNames(t *testing.T, b *names.Book, at time.Time, want map[string]string) {
	t.Helper()
	if got := b.Names(at); !maps.Equal(got, want) {
		t.Errorf("Names after %v = %v, want %v", at.Sub(start), got, want)
	}
}

func wantDue(t *testing.T, b *names.Book, at time.Time, from names.Source, want ...string) {
	t.Helper()
	if got := b.Due(at, from, []string{one, two, two, three}); !slices.Equal(got, want) {
		t.Errorf("Due(%s) after %v = %v, want %v", from, at.Sub(start), got, want)
	}
}

// TestBook: a name lives 30 days, that there is none as long, a failure one day.
func TestBook(t *testing.T) {
	t.Parallel()
	for _, kept := range []bool{true, false} { // in a file, or in this run alone
		var file []byte
		b := &names.Book{}
		if kept {
			b = inMemory(&file)
		}
		wantDue(t, b, start, names.Page, one, two, three)
		err := b.Learn(start, names.Page, []string{one, two, three}, map[string]string{one: "corp", two: ""})
		if (err == nil) != kept {
			t.Errorf("Learn = %v, kept %v", err, kept)
		}
		wantNames(t, b, start, map[string]string{one: "corp"})
		wantDue(t, b, start, names.Page)
		wantDue(t, b, start, names.IAM, three) // the page has answered for the others
		wantDue(t, b, start.Add(day-time.Second), names.Page)
		wantDue(t, b, start.Add(day), names.Page, three)
		wantNames(t, b, start.Add(30*day-time.Second), map[string]string{one: "corp"})
		wantNames(t, b, start.Add(30*day), map[string]string{})
		wantDue(t, b, start.Add(30*day), names.Page, one, two, three)
		wantDue(t, b, start.Add(-2*day), names.Page, one, two, three) // a clock that was set back
	}
}

// TestBookSources: the page counts more than IAM, and a failure forgets nothing.
func TestBookSources(t *testing.T) {
	t.Parallel()
	var file []byte
	b := inMemory(&file)
	learn := func(at time.Time, from names.Source, got map[string]string) {
		t.Helper()
		if err := b.Learn(at, from, []string{one, two}, got); err != nil {
			t.Fatal(err)
		}
	}
	learn(start, names.IAM, map[string]string{one: "from-iam", two: "from-iam-2"})
	wantNames(t, b, start, map[string]string{one: "from-iam", two: "from-iam-2"})
	learn(start.Add(day), names.Page, map[string]string{one: "from-page"})
	wantNames(t, b, start.Add(day), map[string]string{one: "from-page", two: "from-iam-2"})
	learn(start.Add(2*day), names.Page, nil)
	wantNames(t, b, start.Add(2*day), map[string]string{one: "from-page", two: "from-iam-2"})
	learn(start.Add(90*day), names.Page, nil)
	if text := string(file); strings.Contains(text, "from-") {
		t.Errorf("what does not count any more is still there: %s", text)
	}
}

// TestBookUntrusted: whatever lies in the file, a name is an alias.
func TestBookUntrusted(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`nonsense`, `null`, `[]`, `{"111111111111":null}`, `{"111111111111":{"page":null}}`, `{"111111111111":7}`, "{", "\x00",
		`{"111111111111":{"page":{"alias":"not an alias","at":"2026-11-22T09:00:00Z"}}}`,
		`{"111111111111":{"page":{"alias":"prod\u202e","at":"2026-11-22T09:00:00Z"}}}`,
		`{"somebody":{"page":{"alias":"prod","at":"2026-11-22T09:00:00Z"}}}`,
		`{"111111111111":{"page":{"alias":"prod","at":"2036-11-22T09:00:00Z"}}}`,
		`{"111111111111":{"page":{"alias":"prod","at":"yesterday"}}}`,
		`{"111111111111":{"friend":{"alias":"prod","at":"2026-11-22T09:00:00Z"}}}`,
	} {
		file := []byte(text)
		b := inMemory(&file)
		wantNames(t, b, start, map[string]string{})
		if err := b.Learn(start, names.Page, []string{one}, map[string]string{one: "corp"}); err != nil {
			t.Errorf("Learn over %s = %v", text, err)
		}
		wantNames(t, b, start, map[string]string{one: "corp"})
	}
	// The control: this is what a file looks like that counts.
	file := []byte(`{"111111111111":{"page":{"alias":"prod","at":"2026-11-22T09:00:00Z"}}}`)
	wantNames(t, inMemory(&file), start, map[string]string{one: "prod"})
}

// TestBookUnwritable: what cannot be written is known for this run.
func TestBookUnwritable(t *testing.T) {
	t.Parallel()
	full := errors.New("no space left on device")
	b := &names.Book{
		Read:   func() ([]byte, error) { return nil, errors.New("unreadable") },
		Update: func(func([]byte) ([]byte, error)) error { return full },
	}
	if err := b.Learn(start, names.IAM, []string{one}, map[string]string{one: "corp"}); !errors.Is(err, full) {
		t.Errorf("Learn = %v", err)
	}
	wantNames(t, b, start, map[string]string{one: "corp"})
	wantDue(t, b, start, names.IAM, two, three)
}

func FuzzBook(f *testing.F) {
	f.Add([]byte(`{"111111111111":{"page":{"alias":"prod","at":"2026-11-22T09:00:00Z"},"iam":{"failed":true,"at":"2026-11-22T09:00:00Z"}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b := inMemory(&data)
		for account, name := range b.Names(start) {
			if !account12(account) || !names.IsAlias(name) {
				t.Errorf("%q is called %q", account, name)
			}
		}
		if err := b.Learn(start, names.IAM, []string{one}, map[string]string{one: "corp"}); err != nil {
			t.Fatal(err)
		}
		if due := b.Due(start, names.IAM, []string{one}); due != nil {
			t.Errorf("still due: %v", due)
		}
	})
}

// TestMerge: whoever owns an account chooses its alias, so a name that the person gave
// wins, also over another account's.
func TestMerge(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		given, learned map[string]string
		taken          []string
		want           map[string]string
	}{
		"learned":       {learned: map[string]string{one: "corp"}, want: map[string]string{one: "corp"}},
		"given wins":    {given: map[string]string{one: "Mine"}, learned: map[string]string{one: "corp"}, want: map[string]string{one: "Mine"}},
		"given alone":   {given: map[string]string{one: "Mine"}, want: map[string]string{one: "Mine"}},
		"impostor":      {given: map[string]string{one: "prod"}, learned: map[string]string{two: "prod"}, want: map[string]string{one: "prod"}},
		"in capitals":   {given: map[string]string{one: "PROD"}, learned: map[string]string{two: "prod"}, want: map[string]string{one: "PROD"}},
		"taken":         {taken: []string{"Prod"}, learned: map[string]string{two: "prod", three: "dev"}, want: map[string]string{three: "dev"}},
		"both the same": {learned: map[string]string{one: "prod", two: "prod"}, want: map[string]string{one: "prod", two: "prod"}}, // ambiguous, see flow
	} {
		if got := names.Merge(c.given, c.taken, c.learned); !maps.Equal(got, c.want) {
			t.Errorf("%s: Merge = %v, want %v", name, got, c.want)
		}
	}
}
