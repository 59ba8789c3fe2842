package endpoint

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestOwned connects as another user: of the program's threads only the one that opens
// the socket is.
func TestOwned(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can open a socket as another user")
	}
	e := start(t)
	if h := e.server.Handler.(*Handler); h.Owned == nil {
		t.Fatal("the system does not tell whose a connection is")
	}
	type reply struct {
		status int
		body   string
		err    error
	}
	ask := func(uid int) reply {
		done := make(chan reply)
		go func() {
			runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
			if err := unix.Setfsuid(uid); err != nil {
				done <- reply{err: err}
				return
			}
			conn, err := net.Dial("tcp4", e.host())
			if err != nil {
				done <- reply{err: err}
				return
			}
			defer conn.Close()
			transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil }, DisableKeepAlives: true}
			r, err := http.NewRequest(http.MethodGet, e.URL, nil)
			if err != nil {
				done <- reply{err: err}
				return
			}
			r.Header.Set("Authorization", e.Token.Reveal())
			resp, err := transport.RoundTrip(r)
			if err != nil {
				done <- reply{err: err}
				return
			}
			defer resp.Body.Close()
			var body bytes.Buffer
			_, err = body.ReadFrom(resp.Body)
			done <- reply{resp.StatusCode, body.String(), err}
		}()
		return <-done
	}
	if got := ask(65534); got.err != nil || got.status != http.StatusForbidden || strings.Contains(got.body, "k4n4ry") || !strings.Contains(got.body, "AnotherUser") {
		t.Errorf("another user gets %+v", got)
	}
	if got := ask(0); got.err != nil || got.status != http.StatusOK || !strings.Contains(got.body, testKey) {
		t.Errorf("the control: the same user gets %+v", got)
	}
	e.server.Handler.(*Handler).Owned = nil // the mutant
	if got := ask(65534); got.status != http.StatusOK {
		t.Errorf("without the check another user gets %+v", got)
	}
}

// TestOwnedMapped connects from a socket of IPv6, as Java does.
func TestOwnedMapped(t *testing.T) {
	t.Parallel()
	e := start(t)
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Skipf("no IPv6 here: %v", err)
	}
	defer unix.Close(fd)
	port := netip.MustParseAddrPort(e.host()).Port()
	to := unix.SockaddrInet6{Port: int(port), Addr: netip.MustParseAddr("::ffff:127.0.0.1").As16()}
	if err := unix.Connect(fd, &to); err != nil {
		t.Skipf("no mapped addresses here: %v", err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	from := name.(*unix.SockaddrInet6)
	remote := netip.AddrPortFrom(netip.AddrFrom16(from.Addr).Unmap(), uint16(from.Port))
	if !owned(remote, netip.MustParseAddrPort(e.host())) {
		t.Error("a socket of IPv6 is another user's")
	}
	if owned(netip.AddrPortFrom(remote.Addr(), remote.Port()^1), netip.MustParseAddrPort(e.host())) {
		t.Error("the control: a port that nobody has is ours")
	}
}

const tableHead = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

// TestOwnerIn reads tables as the kernel of a little-endian machine prints them.
func TestOwnerIn(t *testing.T) {
	t.Parallel()
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the tables are of a little-endian machine")
	}
	local, remote := netip.MustParseAddrPort("127.0.0.1:35934"), netip.MustParseAddrPort("127.0.0.1:4711")
	const row = "   3: 0100007F:8C5E 0100007F:1267 01 00000000:00000000 00:00000000 00000000  1000        0 21342 1 0000000000000000 20 4 30 10 -1\n"
	const mapped = "   3: 0000000000000000FFFF00000100007F:8C5E 0000000000000000FFFF00000100007F:1267 01 00000000:00000000 00:00000000 00000000  1000        0 21342 1 0 20 4 30 10 -1\n"
	for _, c := range []struct {
		name, table string
		mapped      bool
		uid         uint32
		ok          bool
	}{
		{"its row", tableHead + row, false, 1000, true},
		{"of IPv6", tableHead + mapped, true, 1000, true},
		{"nothing", "", false, 0, false},
		{"no row", tableHead, false, 0, false},
		{"the other end", tableHead + strings.Replace(row, "0100007F:8C5E 0100007F:1267", "0100007F:1267 0100007F:8C5E", 1), false, 0, false},
		{"another port", tableHead + strings.Replace(row, ":1267", ":1268", 1), false, 0, false},
		{"another address", tableHead + strings.Replace(row, "0100007F:8C5E", "0200007F:8C5E", 1), false, 0, false},
		{"a connection that is over", tableHead + strings.Replace(row, " 01 ", " 06 ", 1), false, 0, false},
		{"one that is over, and its successor", tableHead + strings.Replace(row, " 01 ", " 06 ", 1) + row, false, 1000, true},
		{"the owner of another row", tableHead + strings.Replace(strings.Replace(row, ":8C5E", ":8C5F", 1), "1000", "1001", 1) + row, false, 1000, true},
		{"half a row", tableHead + row[:60], false, 0, false},
		{"no number", tableHead + strings.Replace(row, "  1000 ", "  alice ", 1), false, 0, false},
		{"too large a number", tableHead + strings.Replace(row, "  1000 ", "  4294967296 ", 1), false, 0, false},
	} {
		if uid, ok := ownerIn(strings.NewReader(c.table), local, remote, c.mapped); uid != c.uid || ok != c.ok {
			t.Errorf("%s: %d, %v; want %d, %v", c.name, uid, ok, c.uid, c.ok)
		}
	}
}

// FuzzOwnerIn: whatever a table holds, an owner comes from a row that has both addresses.
func FuzzOwnerIn(f *testing.F) {
	f.Add(tableHead + "   3: 0100007F:8C5E 0100007F:1267 01 00000000:00000000 00:00000000 00000000  1000        0 21342\n")
	f.Add("x")
	local, remote := netip.MustParseAddrPort("127.0.0.1:35934"), netip.MustParseAddrPort("127.0.0.1:4711")
	want := kernelAddr(local, false) + " " + kernelAddr(remote, false)
	f.Fuzz(func(t *testing.T, table string) {
		if uid, ok := ownerIn(strings.NewReader(table), local, remote, false); ok && !strings.Contains(table, want) {
			t.Errorf("owner %d from nowhere", uid)
		}
	})
}
