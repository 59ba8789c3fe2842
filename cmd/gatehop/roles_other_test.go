//go:build !linux || !(amd64 || arm64)

package main

// systemRoles is what else the test binary can be on this system.
func systemRoles() map[string]func() { return nil }
