//go:build !linux

package endpoint

import "net/netip"

// owned finds nobody: this system tells nothing that is read here.
func owned(netip.AddrPort, netip.AddrPort) bool { return false }
