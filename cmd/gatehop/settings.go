package main

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"gatehop/cmd/gatehop/internal/anyurl"
	"gatehop/cmd/gatehop/internal/environ"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/cmd/gatehop/internal/setting"
	"gatehop/creds/secret"
	"gatehop/saml"
	"gatehop/sts"
)

// settings are one gateway's, with the secrets of the environment.
type settings struct {
	setting.Settings
	Password secret.Text // GATEHOP_PASSWORD, if it is meant for this provider
	OTP      secret.Text
}

// settings applies the environment to the chain's gateway, once per run.
func (a *app) settings(ch profile.Chain) (*settings, error) {
	a.madeMu.Lock()
	defer a.madeMu.Unlock()
	if s := a.known(ch); s != nil {
		a.made[way(ch)] = s
		return s, nil
	}
	env := environ.Vars(a.env)
	of, err := setting.Of(env, ch, anyurl.Read)
	if err != nil {
		return nil, misset(err)
	}
	s := &settings{Settings: of}
	host := hostOf(s.SignIn.URL)
	if only := env.Get("GATEHOP_IDP_HOST"); only == "" || strings.EqualFold(only, host) {
		s.Password, s.OTP = present(env.Get("GATEHOP_PASSWORD")), present(env.Get("GATEHOP_OTP"))
	}
	a.redirectsKey(s)
	if a.made == nil {
		a.made = map[string]*settings{}
	}
	a.made[way(ch)] = s
	return s, nil
}

// madeFor are the chain's settings if this run has made them, or nil.
func (a *app) madeFor(ch profile.Chain) *settings {
	a.madeMu.Lock()
	defer a.madeMu.Unlock()
	return a.made[way(ch)]
}

// known are the settings that were made already. A gateway alone has those of the first
// chain behind it: what is remembered of its sign-in is in them. The caller holds madeMu.
func (a *app) known(ch profile.Chain) *settings {
	if s := a.made[way(ch)]; s != nil || len(ch) > 1 {
		return s
	}
	for _, w := range slices.Sorted(maps.Keys(a.made)) {
		if strings.HasPrefix(w, ch[0].Name+"\n") {
			return a.made[w]
		}
	}
	return nil
}

// misset says what is wrong with settings as it is said elsewhere.
func misset(err error) error {
	var variable *setting.OverrideError
	var region *setting.RegionError
	switch {
	case errors.As(err, &variable):
		return &usageError{text: variable.Error(), near: variable.Near}
	case errors.As(err, &region):
		return &sts.MismatchError{Role: region.Role, Other: "region " + region.Region, What: "partition"}
	}
	return err
}

// way tells chains apart whose settings may differ: by gateway, and by the partition
// where only the hops say which.
func way(ch profile.Chain) string { return ch[0].Name + "\n" + setting.Partition(ch) }

func present(value string) secret.Text {
	if value == "" {
		return secret.Text{}
	}
	return secret.New(value)
}

func accountOf(roleARN string) string {
	arn, err := saml.ParseRoleARN(roleARN)
	if err != nil {
		return ""
	}
	return arn.Account
}

func nameOf(roleARN string) string {
	arn, err := saml.ParseRoleARN(roleARN)
	if err != nil {
		return ""
	}
	return arn.Name
}
