package destination

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"gatehop/saml"
)

const admins = "arn:aws:iam::222222222222:role/Admins"

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want Destination
	}{
		{"222222222222", Destination{Account: "222222222222"}},
		{"2222-2222-2222", Destination{Account: "222222222222"}},
		{" 222222222222 ", Destination{Account: "222222222222"}},
		{"prod=222222222222", Destination{Name: "prod", Account: "222222222222"}},
		{admins, Destination{Account: "222222222222", RoleARN: admins}},
		{"prod=" + admins, Destination{Name: "prod", Account: "222222222222", RoleARN: admins}},
		{"arn:aws:iam::222222222222:role/a=b", Destination{Account: "222222222222", RoleARN: "arn:aws:iam::222222222222:role/a=b"}},
		{"x=arn:aws:iam::222222222222:role/a=b", Destination{Name: "x", Account: "222222222222", RoleARN: "arn:aws:iam::222222222222:role/a=b"}},
	} {
		if got, err := Parse(tt.text); err != nil || got != tt.want {
			t.Errorf("Parse(%q) = %+v, %v, want %+v", tt.text, got, err, tt.want)
		}
	}
	for _, text := range []string{"", "22222222222", "2222222222222", "22222222222a", "22-2222222222", "prod", "prod=", "=222222222222", "２２２２２２２２２２２２",
		"arn:aws:iam::22:role/a", "arn:aws:iam::222222222222:user/a", "arn:aws:sts::222222222222:assumed-role/a/b", "prod=arn:aws:iam::222222222222:role/a b"} {
		var bad *Error
		if got, err := Parse(text); !errors.As(err, &bad) {
			t.Errorf("Parse(%q) = %+v, %v, want an *Error", text, got, err)
		}
	}
}

func TestParseList(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"222222222222,333333333333", "222222222222 333333333333"},
		{" prod=222222222222, staging=333333333333 ,", "prod/222222222222 staging/333333333333"},
		{"a=222222222222 b=333333333333", "a/222222222222 b/333333333333"},
		{"arn:aws:iam::222222222222:role/a,b", "arn:aws:iam::222222222222:role/a,b"},
		{"x=" + admins + ", 333333333333", "x/" + admins + " 333333333333"},
	} {
		all, err := ParseList(tt.text)
		var got []string
		for _, d := range all {
			text := d.Account
			if d.RoleARN != "" {
				text = d.RoleARN
			}
			if d.Name != "" {
				text = d.Name + "/" + text
			}
			got = append(got, text)
		}
		if err != nil || strings.Join(got, " ") != tt.want {
			t.Errorf("ParseList(%q) = %q, %v, want %q", tt.text, got, err, tt.want)
		}
	}
	if _, err := ParseList("222222222222, nonsense"); err == nil {
		t.Error("ParseList passes over what is no destination")
	}
}

func TestIn(t *testing.T) {
	t.Parallel()
	d := Destination{Account: "222222222222"}
	for role, want := range map[string]string{
		"Admins": admins, "/Admins": admins, "team/Admins": "arn:aws:iam::222222222222:role/team/Admins",
		"": "", "a b": "", "a\nb": "", "ü": "", strings.Repeat("a", 65): "",
	} {
		got, err := d.In("aws", role)
		if (err == nil) != (want != "") || got.RoleARN != want {
			t.Errorf("In(%q) = %q, %v, want %q", role, got.RoleARN, err, want)
		}
	}
	named := Destination{RoleARN: admins, Account: "222222222222"}
	if got, err := named.In("aws", "Other"); err != nil || got != named {
		t.Errorf("In of a role = %+v, %v, want it as it is", got, err)
	}
	if err := named.Check("aws-us-gov"); err == nil || named.Check("aws") != nil {
		t.Errorf("Check = %v of another partition, %v of its own", err, named.Check("aws"))
	}
	if got := (Destination{RoleARN: "arn:aws:iam::222222222222:role/team/a+b"}).Proposal(); got != "a-b-222222222222" {
		t.Errorf("Proposal = %q", got)
	}
}

// FuzzParseList: what is read as an account is 12 digits, what as a role an ARN, and the
// text of each destination reads as itself.
func FuzzParseList(f *testing.F) {
	for _, s := range []string{"222222222222", "prod=222222222222,x=" + admins, "2222-2222-2222 arn:aws:iam::222222222222:role/a,b", "=,=", "a==b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, err := ParseList(text)
		if err != nil {
			return
		}
		for _, d := range all {
			if len(d.Account) != 12 || strings.Trim(d.Account, "0123456789") != "" {
				t.Fatalf("account %q of %q", d.Account, text)
			}
			one := d.RoleARN
			if one == "" {
				one = d.Account
			} else if arn, err := saml.ParseRoleARN(one); err != nil || arn.Account != d.Account {
				t.Fatalf("role %q of %q: %v", one, text, err)
			}
			if d.Name != "" {
				one = d.Name + "=" + one
			}
			if again, err := ParseList(one); err != nil || !slices.Equal(again, []Destination{d}) {
				t.Fatalf("%q of %q reads as %+v, %v", one, text, again, err)
			}
		}
	})
}
