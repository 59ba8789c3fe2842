// Package testdata holds the pages that simulated identity providers serve, as templates.
package testdata

import "embed"

// Pages are html/template sources, named by their path: "adfs/login.html". What each
// one is restated from is in README.md beside them.
//
//go:embed adfs/*.html adfs20/*.html ssp/*.html form/*.html
var Pages embed.FS
