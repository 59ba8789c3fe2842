package form_test

import (
	"bytes"
	"errors"
	"maps"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"gatehop/idp"
	"gatehop/idp/form"
)

// What a page may cost.
const (
	maxHeap = 40 << 20
	maxTime = 5 * time.Second
)

// cost is what a function takes of the program.
type cost struct {
	heap uint64 // bytes by which the heap grew at most
	time time.Duration
}

// measure is exact to what is allocated within a millisecond. The heap is that of the
// whole program: nothing else may run. Garbage is collected as soon as it is a quarter
// of the heap, so that what is measured is what is held and hardly how the collector
// keeps up on a machine with other work.
func measure(f func()) cost {
	defer debug.SetGCPercent(debug.SetGCPercent(25))
	heap := func() uint64 {
		s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(s)
		return s[0].Value.Uint64()
	}
	runtime.GC()
	idle := heap()
	peak := idle
	done := make(chan struct{})
	var sampling sync.WaitGroup
	sampling.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			peak = max(peak, heap())
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	})
	start := time.Now()
	f()
	took := time.Since(start)
	close(done)
	sampling.Wait()
	return cost{peak - idle, took}
}

// ask puts to a page every question that a walk asks of any.
func ask(body []byte) error {
	p, err := form.Parse(response(body))
	if err != nil {
		return err
	}
	for _, s := range form.Steps() {
		_ = s.Match(p, &form.State{Passwords: 1})
	}
	_, _ = p.Login()
	_, _ = p.Words(), p.Fingerprint()
	return nil
}

// attributes are n distinct ones with the shortest names.
func attributes(from, n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(" a" + strconv.FormatInt(int64(from+i), 36))
	}
	return b.String()
}

// limits are hostile pages that stand near a limit, on either side of it.
func limits() map[string][]byte {
	var distinct strings.Builder
	for i := 0; distinct.Len() < idp.MaxPage-16; i++ {
		distinct.WriteString(" a" + strconv.FormatInt(int64(i), 36))
	}
	paragraphs := strings.Repeat("<p>", 49_000)
	return map[string][]byte{
		"tag of distinct attributes":  []byte("<p" + distinct.String()[:idp.MaxPage-16] + ">"),
		"tags of distinct attributes": []byte(strings.Repeat("<p"+attributes(0, 96_000)+">", 5)),
		"one tag at its limit":        []byte("<p" + attributes(0, 256) + ">" + paragraphs),
		"attributes at their limit":   []byte(strings.Repeat("<p"+attributes(0, 250)+">", 400)),
		"two attributes a tag":        []byte(strings.Repeat("<p a=b c=d>", 49_000)),
		"long name":                   []byte("<p " + strings.Repeat("X", idp.MaxPage-16) + ">"),
		"largest values":              []byte(strings.Repeat("<p a='"+strings.Repeat("&", 1<<20-64)+"'>", 3)),
		"labels at their limit":       []byte("<form><label for=a>" + strings.Repeat("x", 1<<20-64) + strings.Repeat("<input id=a>", 4_900)),
		"error icon before":           []byte("<img src=gtk-dialog-error.png>" + paragraphs),
		"error icon after":            []byte(paragraphs + "<div></div><img src=gtk-dialog-error.png>"),
		"error icon, other siblings":  []byte("<img src=gtk-dialog-error.png>" + strings.Repeat("<p><q></q>", 24_000)),
		"images":                      []byte(strings.Repeat("<img src=gtk-dialog-error.png>", 25_000) + strings.Repeat("<p>", 24_000)),
	}
}

// TestHostilePages reads pages that are made to cost much. It is not parallel: the heap
// that it measures is that of the whole program.
func TestHostilePages(t *testing.T) {
	pages := hostile()
	maps.Copy(pages, limits())
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		var err error
		got := measure(func() { err = ask(pages[name]) })
		t.Logf("%s: %d MiB, %v, %v", name, got.heap>>20, got.time.Round(time.Millisecond), err)
		if err != nil && !errors.Is(err, &idp.PageError{Verdict: idp.TooLarge}) {
			t.Errorf("%s: %v, want %s or no error", name, err, idp.TooLarge)
		}
		if got.heap > maxHeap {
			t.Errorf("%s: the heap grew by %d bytes, want at most %d", name, got.heap, maxHeap)
		}
		if got.time > maxTime {
			t.Errorf("%s took %v, want at most %v", name, got.time, maxTime)
		}
	}
	// The control: without the limits the same measure finds the page too large.
	body := pages["tag of distinct attributes"]
	if got := measure(func() { _, _ = html.Parse(bytes.NewReader(body)) }); got.heap <= maxHeap {
		t.Errorf("without limits a tag of distinct attributes took %d bytes, want more than %d", got.heap, maxHeap)
	}
}
