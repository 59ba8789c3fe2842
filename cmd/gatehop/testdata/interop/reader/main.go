// Command reader prints what the AWS SDK for Go reads in pairs of AWS files, for gatehop's
// interoperability tests.
//
// Each line of standard input is {"config": PATH, "credentials": PATH}, each line of
// standard output the answer: the profiles of either file and of both together. The SDK
// hands out no map of a profile's keys: the tests build this program against a copy of
// its config package to which probe.go.txt is added.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"
)

type job struct{ Config, Credentials string }

type profiles = map[string]map[string]string

type answer struct {
	Config      profiles `json:"config"`
	Credentials profiles `json:"credentials"`
	Merged      profiles `json:"merged"`
	Error       string   `json:"error"`
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "reader:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	jobs, answers := json.NewDecoder(in), bufio.NewWriter(out)
	for {
		var j job
		if err := jobs.Decode(&j); errors.Is(err, io.EOF) {
			return answers.Flush()
		} else if err != nil {
			return err
		}
		a := probe(j)
		if err := check(j, a.Merged); err != nil {
			return err
		}
		if err := json.NewEncoder(answers).Encode(a); err != nil {
			return err
		}
	}
}

// probe reads one pair. The SDK panics over a value that is one quote alone: then it is
// the whole pair that it does not read.
func probe(j job) (a answer) {
	defer func() {
		if p := recover(); p != nil {
			a = answer{Error: fmt.Sprint("panic: ", p)}
		}
	}()
	var err error
	if a.Config, a.Credentials, a.Merged, err = config.ProbeProfiles(j.Config, j.Credentials); err != nil {
		a.Error = err.Error()
	}
	return a
}

// check compares the probe with what the SDK itself hands out for a profile.
func check(j job, merged profiles) error {
	for name, keys := range merged {
		c, err := config.LoadSharedConfigProfile(context.Background(), name, func(o *config.LoadSharedConfigOptions) {
			o.ConfigFiles, o.CredentialsFiles = []string{j.Config}, []string{j.Credentials}
		})
		if err != nil {
			continue // it also checks how the values go together
		}
		for key, field := range map[string]string{
			"region": c.Region, "role_arn": c.RoleARN, "source_profile": c.SourceProfileName, "external_id": c.ExternalID,
			"role_session_name": c.RoleSessionName, "mfa_serial": c.MFASerial, "ca_bundle": c.CustomCABundle,
		} {
			if field != keys[key] {
				return fmt.Errorf("profile %q of %v: %s is %q to the SDK, %q to the probe", name, j, key, field, keys[key])
			}
		}
	}
	return nil
}
