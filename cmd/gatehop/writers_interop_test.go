//go:build interop

package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// besideFile is oddFile with line feeds alone: the AWS CLI makes every line end one.
func besideFile() (file, pattern string) {
	file = strings.ReplaceAll(oddFile, "\r\n", "\n")
	pattern = quote(file)
	return file, strings.Replace(pattern, "aws_access_key_id=AKIA0\n", `(?:aws_access_key_id=AKIA0|aws_access_key_id = AKIA\d+)`+"\n", 1)
}

func quote(text string) string { // regexp.QuoteMeta, but for what the pattern replaces
	for _, c := range `.+*?()|[]{}^$` {
		text = strings.ReplaceAll(text, string(c), `\`+string(c))
	}
	return text
}

// awsWriter sets the key of [beside] with code of the AWS CLI.
type awsWriter func(id string) error

// awsCommand is the AWS CLI itself, one process each time.
func awsCommand(t *testing.T, path string) awsWriter {
	home := t.TempDir()
	return func(id string) error {
		cmd := exec.Command("aws", "configure", "set", "aws_access_key_id", id, "--profile", "beside")
		cmd.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "AWS_SHARED_CREDENTIALS_FILE=" + path,
			"AWS_CONFIG_FILE=" + filepath.Join(home, "config")}
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("aws configure set: %w\n%s", err, out)
		}
		return nil
	}
}

// awsClass is the class that writes for the AWS CLI, in one process, so that it is at
// the file a hundred times as often.
func awsClass(t *testing.T, path string) awsWriter {
	const program = `import sys
from awscli.customizations.configure.writer import ConfigFileWriter
for line in sys.stdin:
    ConfigFileWriter().update_config({"__section__": "beside", "aws_access_key_id": line.strip()}, sys.argv[1])
    print("done", flush=True)
`
	var python string
	for _, candidate := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(candidate, "-c", "import awscli.customizations.configure.writer").Run() == nil {
			python = candidate
			break
		}
	}
	if python == "" {
		t.Fatal("no python3 here has the AWS CLI")
	}
	cmd := exec.CommandContext(t.Context(), python, "-c", program, path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	answers := bufio.NewReader(out)
	return func(id string) error {
		_, err := fmt.Fprintln(in, id)
		if err == nil {
			_, err = answers.ReadString('\n')
		}
		return err
	}
}

// beside writes over and over until stop is closed, and wants what was written to be
// there each time.
func beside(path string, write awsWriter, stop <-chan struct{}) (rounds int, err error) {
	for {
		select {
		case <-stop:
			return rounds, nil
		default:
		}
		rounds++
		id := fmt.Sprintf("AKIA%d", rounds)
		if err := write(id); err != nil {
			return rounds, err
		}
		want, last := "aws_access_key_id = "+id+"\n", []byte(nil)
		for waited := time.Duration(0); ; waited += 10 * time.Millisecond {
			if last, err = os.ReadFile(path); err != nil || strings.Contains(string(last), want) {
				break
			}
			if waited > 20*time.Second {
				return rounds, fmt.Errorf("what aws wrote in round %d is lost: %q", rounds, last)
			}
			time.Sleep(10 * time.Millisecond) // gatehop puts it back when it sees it
		}
		if err != nil {
			return rounds, err
		}
		time.Sleep(100 * time.Millisecond) // nobody is at it all the time
	}
}

// TestInteropWriters is TestParallelWriters with the AWS CLI writing into the same file
// all the while. It knows no lock and empties the file before it writes it.
func TestInteropWriters(t *testing.T) {
	for name, writer := range map[string]func(*testing.T, string) awsWriter{"aws": awsCommand, "its writer": awsClass} {
		t.Run(name, func(t *testing.T) { writeBeside(t, writer) })
	}
}

func writeBeside(t *testing.T, writer func(*testing.T, string) awsWriter) {
	file, pattern := besideFile()
	path, login := writersWorld(t, file)
	w := watch(path, pattern, "\n")
	w.patient = true
	if _, err := w.sections([]byte(file)); err != nil {
		t.Fatal(err)
	}
	write := writer(t, path)
	w.start()
	stop, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		rounds, err := beside(path, write, stop)
		if err == nil && rounds < 2 {
			err = errors.New("aws was not at it")
		}
		t.Logf("aws wrote %d times", rounds)
		ended <- err
	}()
	for _, profile := range []string{"gateway", "dev"} {
		if err := atOnce(writers, func(i int) error { return login(profile, i) }); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := w.finish(writers); err != nil {
		t.Error(err)
	}
	t.Logf("%d reads", w.reads)
}

// TestInteropWritersControl: naive writers beside the AWS CLI fail the same witness.
func TestInteropWritersControl(t *testing.T) {
	file, pattern := besideFile()
	path := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	w := watch(path, pattern, "\n")
	w.patient = true
	write := awsCommand(t, path)
	w.start()
	stop, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := beside(path, write, stop)
		ended <- err
	}()
	err := atOnce(writers, func(i int) error {
		data, err := os.ReadFile(path)
		time.Sleep(50 * time.Millisecond) // as a login between reading and writing
		section := fmt.Sprintf("\n\n[w%d]\nx_gatehop_profile = dev\naws_access_key_id = ASIAX\naws_secret_access_key = %s\n"+
			"aws_session_token = %[2]s\nregion = eu-west-1\nx_security_token_expires = 2026-03-01T10:00:00Z", i, strings.Repeat("x", 40))
		return errors.Join(err, os.WriteFile(path, append(data, section...), 0o600))
	})
	close(stop)
	<-ended // it may have lost its own line, which is what this is about
	if err != nil {
		t.Fatal(err)
	}
	if err := w.finish(writers); err == nil {
		t.Error("naive writers pass")
	} else {
		t.Log(err)
	}
}
