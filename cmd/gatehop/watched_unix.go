//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
)

// watchScript reads the process to end, and ends it when nobody holds the other end of its
// input any more: whatever ended gatehop, the kernel has closed that.
const watchScript = `trap "" HUP INT QUIT TERM; read -r pid || exit; read -r nothing; kill -KILL "$pid"`

// startWatched starts the child with a shell beside it that ends it when gatehop has ended,
// until release is called.
func startWatched(cmd *exec.Cmd) (release func(), err error) {
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("watch over the command: %v", err)
	}
	watch := exec.Command("/bin/sh", "-c", watchScript)
	watch.Stdin, watch.Dir = theirs, "/"
	err = watch.Start()
	_ = theirs.Close()
	if err != nil {
		_ = ours.Close()
		return nil, fmt.Errorf("watch over the command: %v", err)
	}
	release = func() {
		_ = watch.Process.Kill()
		_ = watch.Wait()
		_ = ours.Close()
	}
	if err := cmd.Start(); err != nil {
		release()
		return nil, err
	}
	if _, err := fmt.Fprintln(ours, cmd.Process.Pid); err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		release()
		return nil, fmt.Errorf("watch over the command: %v", err)
	}
	return release, nil
}
