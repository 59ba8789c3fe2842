//go:build unix

// Command bench measures gatehop against programs that do only what cannot be left out,
// in interleaved runs against the simulators of its own sandbox, and prints tables:
//
//	go run ./cmd/gatehop/testdata/bench [-n RUNS] [-gatehop FILE] [warm|flat|cold|many]...
//
// warm: answers from the cache against a program that reads 1 KB of JSON and prints it
// (floor). flat: the same with 1 and with 1,000 profiles. cold: a sign-in with one hop
// against a client that does nothing else (reference), with servers that take no time,
// with servers that take 50 ms, and over an emulated network of 30 ms there and back. many:
// refresh --all over 500 destinations against what the servers' answers take alone, also
// where AWS throttles.
//
// Absolute times say something about the machine: compare ratios. Each is of the medians
// of runs that were made in turn; the least of all runs stand beside them.
package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	runs := flag.Int("n", 200, "how often each command runs; a tenth of it in cold, a fortieth in many")
	gatehop := flag.String("gatehop", "", "measure this binary instead of one that is built")
	copied := flag.Bool("copied", false, "measure copies of the binaries, as an installation makes them: they lie in the system's memory in larger pieces than what a linker has just written, and start faster")
	flag.Parse()
	if err := bench(*runs, *gatehop, *copied, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// tools are the binaries and a folder for everything else.
type tools struct {
	dir, gatehop, floor, once, reference string
}

func bench(runs int, gatehop string, copied bool, parts []string) error {
	dir, err := os.MkdirTemp("", "gatehop-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	t, err := build(dir, gatehop, copied)
	if err != nil {
		return err
	}
	if len(parts) == 0 {
		parts = []string{"warm", "flat", "cold", "many"}
	}
	fmt.Printf("%s/%s, %d processors, %s, %s\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), time.Now().UTC().Format(time.DateOnly))
	for _, part := range parts {
		switch part {
		case "warm":
			err = t.warm(runs)
		case "flat":
			err = t.flat(runs)
		case "cold":
			err = t.cold(max(runs/10, 5))
		case "many":
			err = t.many(max(runs/40, 3))
		default:
			err = fmt.Errorf("there is no part %q", part)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// build builds what is measured as it is released.
func build(dir, gatehop string, copied bool) (tools, error) {
	t := tools{dir: dir}
	for name, to := range map[string]*string{
		"": &t.gatehop, "floor": &t.floor, "once": &t.once, "reference": &t.reference,
	} {
		made := filepath.Join(dir, "built-"+name)
		pkg := "gatehop/cmd/gatehop/testdata/bench/" + name
		if name == "" {
			pkg = "gatehop/cmd/gatehop"
		}
		if name == "" && gatehop != "" {
			made = gatehop
		} else {
			cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", made, pkg)
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
			cmd.Stderr = os.Stderr
			if err := cmd.Run(); err != nil {
				return t, fmt.Errorf("build %s: %w", pkg, err)
			}
		}
		*to = made
		if !copied {
			continue
		}
		data, err := os.ReadFile(made)
		if err != nil {
			return t, err
		}
		*to = filepath.Join(dir, "copied-"+name)
		if err := os.WriteFile(*to, data, 0o700); err != nil {
			return t, err
		}
	}
	return t, nil
}

// sandbox is a running `gatehop sandbox`.
type sandbox struct {
	env  []string // what it exports, NAME=VALUE
	cmd  *exec.Cmd
	dir  string
	vars map[string]string
}

func (t tools) sandbox(args ...string) (*sandbox, error) {
	s := &sandbox{cmd: exec.Command(t.gatehop, append([]string{"sandbox"}, args...)...), vars: map[string]string{}}
	s.cmd.Env = plainEnvironment()
	var words bytes.Buffer
	s.cmd.Stderr = &words
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	const last = "GATEHOP_PASSWORD" // of what it exports
	for lines := bufio.NewScanner(out); s.vars[last] == "" && lines.Scan(); {
		name, value, ok := strings.Cut(strings.TrimPrefix(lines.Text(), "export "), "=")
		if value = strings.Trim(value, "'"); ok {
			s.vars[name] = value
			s.env = append(s.env, name+"="+value)
		}
	}
	if s.vars[last] == "" {
		s.stop()
		return nil, fmt.Errorf("the sandbox did not start: %s", words.String())
	}
	s.dir = filepath.Dir(s.vars["AWS_CONFIG_FILE"])
	return s, nil
}

func (s *sandbox) stop() {
	_ = s.cmd.Process.Signal(os.Interrupt)
	_ = s.cmd.Wait()
}

// plainEnvironment has nothing in it that changes what is measured.
func plainEnvironment() []string {
	return []string{"HOME=/nonexistent", "PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}
}

// row is one command, its words as once takes them, and what is printed of it.
type row struct {
	name  string
	words []string
}

// sample is one run: wall and processor time in ms, and MiB.
type sample [3]float64

// measure runs the rows in turn.
func (t tools) measure(runs int, rows []row) ([][]sample, error) {
	args := []string{strconv.Itoa(runs)}
	for i, r := range rows {
		if i > 0 {
			args = append(args, "--")
		}
		args = append(args, r.words...)
	}
	cmd := exec.Command(t.once, args...)
	cmd.Env, cmd.Stderr = plainEnvironment(), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	perMiB := 1024.0
	if runtime.GOOS == "darwin" {
		perMiB *= 1024
	}
	all := make([][]sample, len(rows))
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		var i int
		var wall, user, sys, peak float64
		if _, err := fmt.Sscan(line, &i, &wall, &user, &sys, &peak); err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
		all[i] = append(all[i], sample{wall / 1e6, (user + sys) / 1e6, peak / perMiB})
	}
	return all, nil
}

// table prints medians, least values and the ratios to the first row.
func (t tools) table(title string, runs int, rows []row) error {
	all, err := t.measure(runs, rows)
	if err != nil {
		return err
	}
	fmt.Printf("\n%s: %d runs each, in turn; ms, median (least)\n\n", title, runs)
	fmt.Println("| command | wall | cpu | peak MiB | x wall | x cpu |")
	fmt.Println("|---|---|---|---|---|---|")
	for i, r := range rows {
		fmt.Printf("| %s | %.2f (%.2f) | %.2f (%.2f) | %.1f | %.2f (%.2f) | %.2f (%.2f) |\n", r.name,
			median(all[i], 0), least(all[i], 0), median(all[i], 1), least(all[i], 1), median(all[i], 2),
			median(all[i], 0)/median(all[0], 0), least(all[i], 0)/least(all[0], 0),
			median(all[i], 1)/median(all[0], 1), least(all[i], 1)/least(all[0], 1))
	}
	return nil
}

func median(all []sample, of int) float64 {
	values := []float64{}
	for _, s := range all {
		values = append(values, s[of])
	}
	slices.Sort(values)
	return (values[len(values)/2] + values[(len(values)-1)/2]) / 2
}

func least(all []sample, of int) float64 {
	value := all[0][of]
	for _, s := range all {
		value = min(value, s[of])
	}
	return value
}
