package sts

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehop/creds"
)

func TestAssume(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	gw := w.login(t)
	first := w.client.Assume(fixed(gw), Hop{
		RoleARN: admins, Duration: 12 * time.Hour, SourceIdentity: "alice",
		Tags: map[string]string{"z": "1", "a": "2", "m": ""}, TransitiveTags: nil,
	})
	second := w.client.Assume(first, Hop{RoleARN: nested, SessionName: "bob"})
	got, err := first(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.Identity != "arn:aws:sts::222222222222:assumed-role/Admins/alice" || got.Remaining(time.Now()) > time.Hour {
		t.Errorf("first hop = %+v", got)
	}
	r := w.sts.Requests()[1]
	for name, want := range map[string]string{
		"RoleSessionName": "alice", "DurationSeconds": "3600", "SourceIdentity": "alice",
		"Tags.member.1.Key": "a", "Tags.member.1.Value": "2", "Tags.member.2.Key": "m", "Tags.member.3.Key": "z",
	} {
		if got := r.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	// Nested does not allow the source identity that is inherited: AWS's words come through.
	_, err = second(t.Context())
	var refused *Error
	if !errors.As(err, &refused) || !strings.Contains(refused.Message, "sts:SetSourceIdentity") {
		t.Errorf("second hop: %v", err)
	}
	plain := w.client.Assume(w.client.Assume(fixed(gw), Hop{RoleARN: admins}), Hop{RoleARN: nested, SessionName: "bob"})
	if got, err = plain(t.Context()); err != nil || got.Identity != "arn:aws:sts::333333333333:assumed-role/Nested/bob" {
		t.Errorf("chain of three = %+v, %v", got, err)
	}
	last := w.sts.Requests()[len(w.sts.Requests())-1]
	if d := last.Get("DurationSeconds"); d != "" {
		t.Errorf("DurationSeconds = %q, want none", d)
	}
}

// TestAssumeTagsAreSorted: a map has another order each time.
func TestAssumeTagsAreSorted(t *testing.T) {
	t.Parallel()
	w := directWorld(t, time.Hour)
	hop := Hop{RoleARN: admins, Tags: map[string]string{}}
	for _, k := range strings.Split("p o n m l k j i h g f e d c b a", " ") {
		hop.Tags[k] = k
	}
	if _, err := w.client.Assume(fixed(w.login(t)), hop)(t.Context()); err != nil {
		t.Fatal(err)
	}
	var keys string
	for i := range len(hop.Tags) {
		keys += w.asked(opAssume, fmt.Sprintf("Tags.member.%d.Key", i+1))[0]
	}
	if keys != "abcdefghijklmnop" {
		t.Errorf("keys = %s", keys)
	}
}

func TestCallerIdentityOdd(t *testing.T) {
	t.Parallel()
	w := directWorld(t, time.Hour)
	gw := w.login(t)
	for arn, ok := range map[string]bool{
		gw.Identity:                         true,
		"arn:aws:iam::111111111111:root":    true,
		"":                                  false,
		"alice":                             false,
		"arn:aws:sts::1:assumed-role/a/$(b": false,
		"arn:aws:sts::1:assumed-role/a/b c": false,
		"arn:aws:sts":                       false,
	} {
		w.tamper = swap("<Arn>"+gw.Identity+"</Arn>", "<Arn>"+arn+"</Arn>")
		got, err := w.client.CallerIdentity(t.Context(), gw)
		var odd *ReplyError
		if errors.As(err, &odd) == ok || ok && got != arn || !ok && got != "" {
			t.Errorf("CallerIdentity = %q, %v, want %q to be taken: %v", got, err, arn, ok)
		}
	}
	w.tamper = nil
	w.client.Region = "cn-north-1"
	if _, err := w.client.CallerIdentity(t.Context(), gw); !isMismatch(err) {
		t.Errorf("in another partition: %v", err)
	}
}

func TestAssumeRequest(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		hop   Hop
		param string
		want  string
	}{
		"shorter than an hour":  {Hop{RoleARN: admins, Duration: 20 * time.Minute}, "DurationSeconds", "1200"},
		"own session name":      {Hop{RoleARN: admins, SessionName: "deploy"}, "RoleSessionName", "deploy"},
		"external ID":           {Hop{RoleARN: external, ExternalID: "example-7"}, "ExternalId", "example-7"},
		"transitive tags":       {Hop{RoleARN: admins, Tags: map[string]string{"b": "1", "a": "1"}, TransitiveTags: []string{"b", "a"}}, "TransitiveTagKeys.member.1", "a"},
		"tags of a later write": {Hop{RoleARN: admins, Tags: map[string]string{"k": "before"}}, "Tags.member.1.Value", "before"},
	} {
		w := directWorld(t, time.Hour)
		source := w.client.Assume(fixed(w.login(t)), tc.hop)
		if tc.hop.Tags["k"] != "" {
			tc.hop.Tags["k"] = "after" // a source is not changed behind its back
		}
		if _, err := source(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := w.asked(opAssume, tc.param); len(got) != 1 || got[0] != tc.want {
			t.Errorf("%s: %s = %q, want %q", name, tc.param, got, tc.want)
		}
	}
}

func TestAssumeRefusesBeforeSending(t *testing.T) {
	t.Parallel()
	w := directWorld(t, time.Hour)
	gw := w.login(t)
	sent := len(w.sent)
	own := errors.New("no credentials today")
	for name, tc := range map[string]struct {
		src  creds.Source
		hop  Hop
		want func(error) bool
	}{
		"source fails":   {func(context.Context) (creds.Credentials, error) { return creds.Credentials{}, own }, Hop{RoleARN: admins}, func(err error) bool { return err == own }},
		"no role":        {fixed(gw), Hop{RoleARN: "Admins"}, func(err error) bool { return err != nil }},
		"role of China":  {fixed(gw), Hop{RoleARN: "arn:aws-cn:iam::222222222222:role/A"}, isMismatch},
		"no identity":    {fixed(without(gw, func(c *creds.Credentials) { c.Identity = "" })), Hop{RoleARN: admins}, func(err error) bool { return err != nil }},
		"odd identity":   {fixed(without(gw, func(c *creds.Credentials) { c.Identity = "arn:aws:sts::1:assumed-role/G/a b" })), Hop{RoleARN: admins}, func(err error) bool { return err != nil }},
		"China's caller": {fixed(without(gw, func(c *creds.Credentials) { c.Identity = "arn:aws-cn:sts::1:assumed-role/G/alice" })), Hop{RoleARN: admins}, isMismatch},
		"no key":         {fixed(without(gw, func(c *creds.Credentials) { c.AccessKeyID = "" })), Hop{RoleARN: admins}, func(err error) bool { return err != nil }},
		"nothing at all": {fixed(creds.Credentials{}), Hop{RoleARN: admins, SessionName: "alice"}, func(err error) bool { return err != nil }},
	} {
		if _, err := w.client.Assume(tc.src, tc.hop)(t.Context()); !tc.want(err) {
			t.Errorf("%s: err = %v", name, err)
		}
	}
	if len(w.sent) != sent {
		t.Errorf("%d requests were sent", len(w.sent)-sent)
	}
	if _, err := w.client.Assume(fixed(gw), Hop{RoleARN: admins})(t.Context()); err != nil || len(w.sent) != sent+1 {
		t.Errorf("control: %v, %d requests", err, len(w.sent)-sent)
	}
}

func isMismatch(err error) bool {
	var m *MismatchError
	return errors.As(err, &m)
}

func without(c creds.Credentials, change func(*creds.Credentials)) creds.Credentials {
	change(&c)
	return c
}

func TestAssumeParallel(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	source := w.client.Assume(fixed(w.login(t)), Hop{RoleARN: admins, Tags: map[string]string{"a": "b"}})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := source(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := w.sts.Counts().AssumeRole; n != 20 {
		t.Errorf("AssumeRole = %d", n)
	}
}
