//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

const (
	manyDestinations = 500
	manyParallel     = 10 // gatehop's own
	manyLatency      = 50 * time.Millisecond
)

// sandboxStats is what the sandbox counted.
type sandboxStats struct {
	IDP struct{ Logins int }
	STS struct{ AssumeRoleWithSAML, AssumeRole, Refused, Throttled int }
}

// many measures `refresh --all` on an empty cache against what the servers' answers take
// alone: a sign-in, and then the hops so many at once. The last servers take fewer calls a
// second than gatehop makes.
func (t tools) many(runs int) error {
	floor := float64(manyDestinations/manyParallel) * ms(manyLatency)
	fmt.Printf("\nrefresh --all, %d destinations, %v per response, %d at once, nothing kept: %d runs each, in turn with a sign-in alone; ms, median (least)\n\n",
		manyDestinations, manyLatency, manyParallel, runs)
	fmt.Println("| calls a second | sign-in | refresh | x (sign-in + hops) | cpu | peak MiB | sign-ins | hops | throttled | lost |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|")
	for _, throttle := range []int{0, 100, 20} {
		if err := t.manyWith(runs, throttle, floor); err != nil {
			return err
		}
	}
	return nil
}

func (t tools) manyWith(runs, throttle int, floor float64) error {
	path, name := filepath.Join(t.dir, fmt.Sprintf("stats-%d.json", throttle)), "any"
	// Behind the gateway there are three without --accounts.
	s, err := t.sandbox("--accounts", strconv.Itoa(manyDestinations-3), "--latency", manyLatency.String(), "--throttle", strconv.Itoa(throttle), "--stats", path)
	if err != nil {
		return err
	}
	cold := func(args ...string) row {
		r := t.command(s, args[0], args...)
		r.words = append([]string{"REMOVE=" + s.vars["GATEHOP_HOME"]}, r.words...)
		return r
	}
	all, err := t.measure(runs, []row{cold("login", "gateway"), cold("refresh", "--all")}) // fails if one is lost
	s.stop()
	if err != nil {
		return err
	}
	stats, err := readStats(path)
	if err != nil {
		return err
	}
	if throttle > 0 {
		name = strconv.Itoa(throttle)
		floor = max(floor, float64(manyDestinations-throttle)/float64(throttle)*1000) // the first second's are there
	}
	n := runs + 1 // one is not counted, and each begins with a sign-in of the other
	hops := stats.STS.AssumeRole - stats.STS.Throttled
	fmt.Printf("| %s | %.0f (%.0f) | %.0f (%.0f) | %.2f (%.2f) | %.0f | %.1f | %s | %s | %.0f | %d |\n", name,
		median(all[0], 0), least(all[0], 0), median(all[1], 0), least(all[1], 0),
		median(all[1], 0)/(median(all[0], 0)+floor), least(all[1], 0)/(least(all[0], 0)+floor),
		median(all[1], 1), median(all[1], 2), share(stats.IDP.Logins, 2*n), share(hops, n), float64(stats.STS.Throttled)/float64(n),
		n*manyDestinations-hops)
	return nil
}

// share is how many of all there were for each run.
func share(all, runs int) string { return strconv.FormatFloat(float64(all)/float64(runs), 'g', 4, 64) }

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

func readStats(path string) (stats sandboxStats, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return stats, err
	}
	return stats, json.Unmarshal(data, &stats)
}
