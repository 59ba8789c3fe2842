package early

import "syscall"

// HideMemory keeps other processes of the same user from reading this one's memory
// and keeps it out of core dumps. The kernel lifts it again for a program that this
// one starts or becomes.
func HideMemory() {
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_DUMPABLE, 0, 0)
}
