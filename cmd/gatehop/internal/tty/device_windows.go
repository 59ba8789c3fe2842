package tty

import (
	"github.com/gdamore/tcell/v3"
	"github.com/gdamore/tcell/v3/tty"
	"golang.org/x/term"
)

// device is the console: CONIN$ and CONOUT$, opened once more.
func (t *Terminal) device() (tcell.Tty, error) { return tty.NewDevTty() }

// mine is always true: Windows has no job control.
func (t *Terminal) mine() (mine, lost bool) { return true, false }

// size is how many columns and lines the console's window has, as far as it says.
func (t *Terminal) size() (width, height int) {
	width, height, err := term.GetSize(int(t.out.Fd()))
	if err != nil {
		return 0, 0
	}
	return width, height
}

// overwritten is always false: nothing stops a process under its list.
func (t *Terminal) overwritten() bool { return false }
