package main

import (
	"bytes"
	"fmt"
	"os"
)

// isStopped reports whether a process of this program was stopped by Ctrl-Z or a signal.
func isStopped(pid int) bool {
	if pid <= 0 || pid == os.Getpid() {
		return false
	}
	name, state := stateOf(fmt.Sprint(pid))
	own, _ := stateOf("self")
	return state == 'T' && name == own // a number may have been given to somebody else since
}

// stateOf reads proc_pid_stat(5): "4711 (gatehop) T ...".
func stateOf(pid string) (name string, state byte) {
	data, err := os.ReadFile("/proc/" + pid + "/stat")
	end := bytes.LastIndexByte(data, ')')
	begin := bytes.IndexByte(data, '(')
	if err != nil || begin < 0 || end < begin || len(data) < end+3 {
		return "", 0
	}
	return string(data[begin+1 : end]), data[end+2]
}
