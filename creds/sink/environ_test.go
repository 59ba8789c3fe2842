package sink

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func names(vars []Var) (list []string) {
	for _, v := range vars {
		list = append(list, v.Name)
	}
	return list
}

func TestEnviron(t *testing.T) {
	t.Parallel()
	vars, err := Environ(testCredentials(), "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "environ.txt", []byte(strings.Join(Apply(nil, vars, nil), "\n")+"\n"))
	if text := fmt.Sprintf("%v %+v %#v", vars, vars, vars); strings.Contains(text, "EXAMPLE") {
		t.Errorf("printing the variables shows %s", text)
	}
	without, err := Environ(testCredentials(), "")
	if err != nil || slices.Contains(names(without), "AWS_REGION") || slices.Contains(names(without), "AWS_DEFAULT_REGION") {
		t.Errorf("Environ without a region = %q, %v, want no region variable", names(without), err)
	}
}

func TestEnvironRegion(t *testing.T) {
	t.Parallel()
	for _, region := range []string{"us-east-1", "us-gov-west-1", "eusc-de-east-1", "aws-global"} {
		if _, err := Environ(testCredentials(), region); err != nil {
			t.Errorf("Environ in %q = %v, want nil", region, err)
		}
	}
	for _, region := range []string{"eu-west-1; id", "$(id)", "`id`", "eu west", "EU-WEST-1", "eu-west-1\n", "'", "é", "\x00", "a=b", "../x", strings.Repeat("a", 33)} {
		vars, err := Environ(testCredentials(), region)
		var valueErr *ValueError
		if !errors.As(err, &valueErr) || valueErr.Name != "region" || vars != nil {
			t.Errorf("Environ in %q = %q, %v, want a *ValueError", region, names(vars), err)
		} else if len(region) > 1 && strings.Contains(err.Error(), region) {
			t.Errorf("Environ in %q = %v, which quotes it", region, err)
		}
	}
}

// TestUnset: nothing that shadows is left, and what names files, endpoints and
// certificates is no part of it.
func TestUnset(t *testing.T) {
	t.Parallel()
	golden(t, "unset.txt", []byte(strings.Join(Unset(), "\n")+"\n"))
	for _, keep := range []string{
		"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_CA_BUNDLE",
		"AWS_REGION", "AWS_DEFAULT_REGION", "PATH", "HOME",
	} {
		if slices.Contains(Unset(), keep) {
			t.Errorf("Unset has %s, which must stay", keep)
		}
	}
	first := Unset()
	first[0] = "changed"
	if Unset()[0] == "changed" {
		t.Error("a caller can change Unset for others")
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	vars, err := Environ(testCredentials(), "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	set := vars[:1] // AWS_ACCESS_KEY_ID
	for _, c := range []struct {
		name          string
		environ, want []string
		unset         []string
		foldCase      bool
	}{
		{"nothing there", nil, []string{"AWS_ACCESS_KEY_ID=ASIAIOSFODNN7EXAMPLE"}, nil, false},
		{"replaced", []string{"A=1", "AWS_ACCESS_KEY_ID=old", "B=2"}, []string{"A=1", "B=2", "AWS_ACCESS_KEY_ID=ASIAIOSFODNN7EXAMPLE"}, nil, false},
		{"every duplicate set", []string{"AWS_ACCESS_KEY_ID=1", "A=1", "AWS_ACCESS_KEY_ID=2", "AWS_ACCESS_KEY_ID=3"},
			[]string{"A=1", "AWS_ACCESS_KEY_ID=ASIAIOSFODNN7EXAMPLE"}, nil, false},
		{"every duplicate unset", []string{"AWS_PROFILE=1", "AWS_PROFILE=2", "A=1", "AWS_PROFILE="},
			[]string{"A=1", "AWS_ACCESS_KEY_ID=ASIAIOSFODNN7EXAMPLE"}, []string{"AWS_PROFILE"}, false},
		{"names that begin alike", []string{"AWS_PROFILE_X=1", "AWS_PROFIL=2", "XAWS_PROFILE=3"},
			[]string{"AWS_PROFILE_X=1", "AWS_PROFIL=2", "XAWS_PROFILE=3", "AWS_ACCESS_KEY_ID=ASIAIOSFODNN7EXAMPLE"}, []string{"AWS_PROFILE"}, false},
		{"a value with the name", []string{"A=AWS_PROFILE=1", "B=="}, []string{"A=AWS_PROFILE=1", "B==", "AWS_ACCESS_KEY_ID=ASIAIOSFODNN7EXAMPLE"},
			[]string{"AWS_PROFILE"}, false},
		{"unset and set", []string{"AWS_ACCESS_KEY_ID=old"}, []string{"AWS_ACCESS_KEY_ID=ASIAIOSFODNN7EXAMPLE"}, []string{"AWS_ACCESS_KEY_ID"}, false},
		{"another case", []string{"aws_profile=1", "Path=x"}, []string{"aws_profile=1", "Path=x", "AWS_ACCESS_KEY_ID=ASIAIOSFODNN7EXAMPLE"},
			[]string{"AWS_PROFILE"}, false},
		{"another case, folded", []string{"aws_profile=1", "Aws_Access_Key_Id=old", "Path=x"}, []string{"Path=x", "AWS_ACCESS_KEY_ID=ASIAIOSFODNN7EXAMPLE"},
			[]string{"AWS_PROFILE"}, true},
		{"folders of drives", []string{"=C:=C:\\x", "=D:=D:\\y"}, []string{"=C:=C:\\x", "=D:=D:\\y", "AWS_ACCESS_KEY_ID=ASIAIOSFODNN7EXAMPLE"},
			[]string{"C:", ""}, true},
		{"the folder of one drive", []string{"=C:=C:\\x", "=D:=D:\\y"}, []string{"=D:=D:\\y", "AWS_ACCESS_KEY_ID=ASIAIOSFODNN7EXAMPLE"}, []string{"=c:"}, true},
		{"no equals sign", []string{"AWS_PROFILE", "A", ""}, []string{"A", "", "AWS_ACCESS_KEY_ID=ASIAIOSFODNN7EXAMPLE"}, []string{"AWS_PROFILE"}, false},
	} {
		before := slices.Clone(c.environ)
		got := apply(c.environ, set, c.unset, c.foldCase)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: apply(%q) = %q, want %q", c.name, c.environ, got, c.want)
		}
		if !slices.Equal(before, c.environ) {
			t.Errorf("%s: the argument became %q", c.name, c.environ)
		}
	}
}
