package main

import (
	"context"
	"maps"
	"slices"
	"strings"

	"gatehop/idp"
	"gatehop/idp/adfs"
	"gatehop/idp/form"
)

// adapters is the table of built-in identity providers.
func adapters() idp.Registry {
	return idp.Registry{
		"adfs": idp.KindOf(adfs.New),
		"form": idp.KindOf(form.New),
	}
}

// notKept are the cookies of a kind of provider that are of no use to a later sign-in,
// or spoil it.
func notKept(kind string) []string {
	if kind == "adfs" {
		return adfs.NotKept()
	}
	return nil
}

func knownAdapters() string {
	return strings.Join(adapterKinds(), ", ")
}

func adapterKinds() []string { return slices.Sorted(maps.Keys(adapters())) }

// seen is one row of what `configure` can tell from a look at a sign-in address.
type seen struct {
	kind, name string // as in adapters, and for people
	// look looks at the page that a sign-in of this kind begins with.
	look func(ctx context.Context, s *idp.Session, decode func(any) error) (*form.Page, error)
	// signs says what shows that a page is of this kind; nil if nothing does.
	signs func(p *form.Page) []string
}

// sights are the kinds in the order in which a page is tried on them: a page of AD FS's
// is a form too.
func sights() []seen {
	return []seen{
		{"adfs", "AD FS", lookOf(adfs.Look), adfs.Signs},
		{"form", "a sign-in form", lookOf(form.Look), form.Signs},
	}
}

func lookOf[C any](look func(context.Context, *idp.Session, C) (*form.Page, error)) func(context.Context, *idp.Session, func(any) error) (*form.Page, error) {
	return func(ctx context.Context, s *idp.Session, decode func(any) error) (*form.Page, error) {
		var c C
		if err := decode(&c); err != nil {
			return nil, err
		}
		return look(ctx, s, c)
	}
}
