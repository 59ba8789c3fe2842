package main

import (
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

func knownAdapters() string {
	return strings.Join(adapterKinds(), ", ")
}

func adapterKinds() []string { return slices.Sorted(maps.Keys(adapters())) }
