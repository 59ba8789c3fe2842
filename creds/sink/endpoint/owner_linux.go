package endpoint

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strconv"
)

// owned reports whether the process at remote that has connected to local is of this
// process's user.
func owned(remote, local netip.AddrPort) bool {
	for _, table := range []struct {
		path   string
		mapped bool
	}{{"/proc/net/tcp", false}, {"/proc/net/tcp6", true}} {
		file, err := os.Open(table.path)
		if err != nil {
			continue
		}
		uid, ok := ownerIn(file, remote, local, table.mapped)
		_ = file.Close()
		if ok {
			return uid == uint32(os.Geteuid())
		}
	}
	return false
}

// ownerIn finds whose the socket at local, connected to remote, is in a table of the
// kernel's: Linux Documentation/networking/proc_net_tcp. mapped: the addresses are of
// IPv6, and hold those of IPv4 as ::ffff:a.b.c.d, which is what Java opens.
func ownerIn(table io.Reader, local, remote netip.AddrPort, mapped bool) (uid uint32, ok bool) {
	const stateClosing = "06" // TIME_WAIT: the program has gone, and the kernel shows no owner
	// "0: LOCAL:PORT REMOTE:PORT STATE TX:RX TIMER RETRANSMITS UID ..."
	want := []byte(": " + kernelAddr(local, mapped) + " " + kernelAddr(remote, mapped) + " ")
	for lines := bufio.NewScanner(table); lines.Scan(); {
		if !bytes.Contains(lines.Bytes(), want) {
			continue
		}
		fields := bytes.Fields(lines.Bytes())
		if len(fields) < 8 || string(fields[3]) == stateClosing {
			continue
		}
		n, err := strconv.ParseUint(string(fields[7]), 10, 32)
		if err != nil {
			return 0, false
		}
		return uint32(n), true
	}
	return 0, false
}

// kernelAddr is an address as the kernel prints it: words of 32 bits in the machine's own
// order, and the port.
func kernelAddr(a netip.AddrPort, mapped bool) string {
	raw := a.Addr().Unmap().AsSlice()
	if mapped {
		full := a.Addr().As16()
		raw = full[:]
	}
	printed := make([]byte, len(raw))
	for i := 0; i+4 <= len(raw); i += 4 {
		binary.BigEndian.PutUint32(printed[i:], binary.NativeEndian.Uint32(raw[i:]))
	}
	return fmt.Sprintf("%s:%04X", bytes.ToUpper([]byte(hex.EncodeToString(printed))), a.Port())
}
