package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"gatehop/cmd/gatehop/internal/anyurl"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/creds/sink"
	"gatehop/idp"
	"gatehop/sts"
)

// identityReport is who AWS says one is.
type identityReport struct {
	Profile string `json:"profile"`
	Account string `json:"account"`
	ARN     string `json:"arn"`
	By      string `json:"by"` // "aws", or "gatehop" where there is no aws
}

// awsError reports that aws does not work with what was written.
type awsError struct {
	Profile string
	Words   string // aws's own
	Old     bool   // it went to AWS although the settings name another STS endpoint
}

func (e *awsError) Error() string {
	return "profile " + e.Profile + " is written, but aws does not get through: " + e.Words
}

// writtenError reports that what was written gives no credentials.
type writtenError struct {
	Profile string
	Err     error
}

func (e *writtenError) Error() string {
	return "profile " + e.Profile + " is written, but gives no credentials: " + strings.TrimPrefix(e.Err.Error(), "profile "+e.Profile+": ")
}

// Unwrap returns the reason.
func (e *writtenError) Unwrap() error { return e.Err }

// otherIdentityError reports that what was written gives another identity than it should.
type otherIdentityError struct{ Profile, Role, Identity, By string }

func (e *otherIdentityError) Error() string {
	return fmt.Sprintf("profile %s is written, but %s gets %s, which is no session of %s", e.Profile, e.By, e.Identity, e.Role)
}

// verify asks AWS who one is, the way that a tool would, and says how to go on.
func (c *configuring) verify(ctx context.Context) error {
	name := c.gateway.Name
	if len(c.hops) > 0 {
		name = c.hops[0].Name
	}
	config, err := profile.Read(c.files, anyurl.Read)
	if err != nil {
		return err
	}
	ch, err := config.Chain(name)
	if err != nil {
		return err
	}
	id := identityReport{Profile: name, By: "aws"}
	if path, problem := lookPath("aws", c.env); problem == nil {
		c.say("running aws sts get-caller-identity --profile %s", name)
		err = c.askAWS(ctx, path, &id)
		var words *awsError
		if errors.As(err, &words) { // the reason may be gatehop's own, which knows it better
			if _, own := c.askSTS(ctx, ch); own != nil {
				err = &writtenError{Profile: name, Err: own}
			} else {
				words.Old = c.wentPast(ch, words.Words)
			}
		}
	} else {
		c.say("there is no aws in PATH: gatehop asks AWS itself")
		id.By = "gatehop"
		if id.ARN, err = c.askSTS(ctx, ch); err != nil {
			err = &writtenError{Profile: name, Err: err}
		}
	}
	if err != nil {
		return err
	}
	if role := ch[len(ch)-1].RoleARN; role != "" && !sts.IsSession(role, id.ARN) {
		return &otherIdentityError{Profile: name, Role: role, Identity: idp.CleanWords(id.ARN), By: id.By}
	}
	if parts := strings.Split(id.ARN, ":"); len(parts) > 4 {
		id.Account = parts[4]
	}
	c.report.Identity = &id
	c.say("AWS says that you are %s\n", idp.CleanWords(id.ARN))
	c.sayUse(name)
	return nil
}

// wentPast reports whether aws talked to AWS's own STS although another is set: the
// releases before AWS_ENDPOINT_URL_STS do (aws-cli 1.29 and 2.13 brought it).
func (c *configuring) wentPast(ch profile.Chain, words string) bool {
	s, err := c.settings(ch)
	return err == nil && s.Endpoint != "" && strings.Contains(words, ".amazonaws.com") && !strings.Contains(s.Endpoint, ".amazonaws.com")
}

// mostTried is how many profiles still make a command that one would type.
const mostTried = 4

// sayUse says how to go on.
func (c *configuring) sayUse(name string) {
	lines := [][2]string{
		{"aws s3 ls --profile " + name, "any AWS tool that takes a profile"},
		{"gatehop exec " + name + " -- COMMAND", "for tools that take variables alone"},
		{`eval "$(gatehop env ` + name + `)"`, "for this shell"},
	}
	if n := len(c.hops); n > 1 && n <= mostTried {
		words := "gatehop refresh"
		for _, h := range c.hops {
			words += " " + h.Name
		}
		lines = append(lines, [2]string{words, fmt.Sprintf("try all %d of them now", n)})
	}
	width := 0
	for _, l := range lines {
		width = max(width, len(l[0]))
	}
	c.say("Use it:")
	for _, l := range lines {
		c.say("  %-*s  %s", width, l[0], l[1])
	}
}

// awsPatience is how long aws may take: it starts Python, and that starts gatehop.
const awsPatience = 60 * time.Second

// askAWS runs the AWS CLI as a person would, without what would shadow the profile.
func (c *configuring) askAWS(ctx context.Context, path string, id *identityReport) error {
	limited, cancel := context.WithTimeout(ctx, awsPatience)
	defer cancel()
	cmd := exec.CommandContext(limited, path, "sts", "get-caller-identity", "--profile", id.Profile, "--output", "json")
	shadowing := []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
	cmd.Env = sink.Apply(c.env, nil, append(append(sink.Unset(), ownSecrets...), shadowing...))
	cmd.WaitDelay = 5 * time.Second
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var answer struct{ Arn string }
	if err == nil {
		if json.Unmarshal(out.Bytes(), &answer) != nil || answer.Arn == "" {
			return &awsError{Profile: id.Profile, Words: "it names no identity in its answer"}
		}
	}
	switch {
	case err != nil && strings.TrimSpace(errs.String()) != "":
		return &awsError{Profile: id.Profile, Words: idp.CleanWords(errs.String())}
	case err != nil:
		return &awsError{Profile: id.Profile, Words: err.Error()}
	}
	id.ARN = answer.Arn
	return nil
}

// askSTS walks the chain and asks STS itself.
func (c *configuring) askSTS(ctx context.Context, ch profile.Chain) (string, error) {
	f, err := c.flow(ch)
	if err != nil {
		return "", err
	}
	s, err := f.Source(ch)(ctx)
	if err != nil {
		return "", err
	}
	settings, err := c.settings(ch)
	if err != nil {
		return "", err
	}
	client, err := c.stsClient(settings)
	if err != nil {
		return "", err
	}
	return client.CallerIdentity(ctx, s.Credentials)
}
