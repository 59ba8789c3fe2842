package saml_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"gatehop/saml"
	"gatehop/saml/samltest"
)

// BenchmarkDecode is linear in the number of roles: the figures per role are alike.
func BenchmarkDecode(b *testing.B) {
	for _, n := range []int{1, 100, 2000} {
		b.Run(fmt.Sprintf("roles=%d", n), func(b *testing.B) {
			encoded := issue(b, samltest.Response{Roles: samltest.RoleValues(n, "P")})
			b.SetBytes(int64(len(encoded)))
			b.ReportAllocs()
			for b.Loop() {
				if a, err := saml.Decode(encoded); err != nil || len(a.Roles) != n {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/role")
		})
	}
}

// BenchmarkDecodeHostile has documents that are as costly as the limits allow, or meet one late.
func BenchmarkDecodeHostile(b *testing.B) {
	good := plain(b, samltest.Response{Unsigned: true})
	fill := func(unit string, bytes int) string {
		at := strings.Index(good, "<AttributeStatement>") + len("<AttributeStatement>")
		return encode(good[:at] + strings.Repeat(unit, bytes/len(unit)) + good[at:])
	}
	const most = 5<<20*3/4 - 8000
	role := `<Attribute Name="https://aws.amazon.com/SAML/Attributes/Role">`
	for name, encoded := range map[string]string{
		"attributes": fill("<Attribute/>", most),
		"values":     fill(role+strings.Repeat("<AttributeValue/>", 1000)+"</Attribute>", most),
		"commas":     fill(role+"<AttributeValue>"+strings.Repeat(",arn:", 20_000)+"</AttributeValue></Attribute>", most),
		"spaces":     fill(role+"<AttributeValue>"+strings.Repeat(", ", 40_000)+"</AttributeValue></Attribute>", most),
		"namespaces": fill(`<x xmlns:a="" xmlns:b="" xmlns:c=""/>`, most/4),
		"text":       fill(role+"<AttributeValue>"+strings.Repeat("a", 1_000_000)+"</AttributeValue></Attribute>", most),
		"comments":   fill(role+"<AttributeValue>"+strings.Repeat("a<!---->", 50_000)+"</AttributeValue></Attribute>", most),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(encoded)))
			b.ReportAllocs()
			for b.Loop() {
				_, err := saml.Decode(encoded)
				if refused := errors.Is(err, &saml.SyntaxError{Problem: saml.TooLarge}); err != nil && !refused {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMatch(b *testing.B) {
	a, err := saml.Decode(issue(b, samltest.Response{Roles: samltest.RoleValues(2000, "P")}))
	if err != nil {
		b.Fatal(err)
	}
	for _, want := range []string{"Role1999", "*1999", "arn:aws:iam::*:role/Role1999"} {
		b.Run(want, func(b *testing.B) {
			for b.Loop() {
				if got := saml.Match(a.Roles, want, nil); len(got) != 1 {
					b.Fatal(got)
				}
			}
		})
	}
}
