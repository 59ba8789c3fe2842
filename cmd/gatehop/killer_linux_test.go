//go:build linux && (amd64 || arm64)

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// untraceable is the killer's exit status where the system lets nobody trace.
const untraceable = 77

// killer AT MODE OUT ERR COMMAND [ARG...] is a role of the test binary: it runs COMMAND
// under ptrace with its streams in the files OUT and ERR, counts over all its threads, in
// one order, the system calls that change something outside the process, and kills it at
// the entry (MODE entry: the call is not made) or the exit (MODE exit: it is) of the
// AT-th; AT 0 kills nobody. It is a process of its own because it waits for whatever
// child changes state. It says on standard output, a line each:
//
//	call N NAME CLASS   the N-th call is about to be made
//	locked              the first file lock was taken; waits for a line of input
//	at                  the AT-th call is reached; waits for a line of input
//	made FILES SOCKETS  how many it opened, made and was given, all told
//	killed, exit STATUS the end
//
// Memory and /proc of a gatehop, which closes itself to its user, are closed to a tracer
// who is not root. Registers are not, so what a descriptor is follows from the calls
// that made it.
func killer() {
	runtime.LockOSThread()
	status, err := traceToDeath(os.Args[1:], os.Stdout, bufio.NewReader(os.Stdin))
	if errors.Is(err, syscall.EPERM) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(untraceable)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(status)
}

// tracee is the process under the tracer, as far as its calls tell.
type tracee struct {
	pid   int
	at    int // the call to kill at
	after bool
	say   io.Writer
	hear  *bufio.Reader

	begun   bool // the program is the one that was asked for
	count   int
	locked  bool // a lock was taken once
	files   map[uint64]*descriptor
	made    map[string]int // descriptors, by class
	threads map[int]*thread
}

// descriptor is what is known of an open file.
type descriptor struct {
	class  string // "file", "socket", "stdout", "stderr", "kernel"
	locked bool
}

// thread is what one thread is in the middle of.
type thread struct {
	number int // of the counted call, 0 if it does not count
	nr     uint64
	args   [6]uint64
}

func traceToDeath(args []string, say io.Writer, hear *bufio.Reader) (status string, err error) {
	at, err := strconv.Atoi(args[0])
	if err != nil {
		return "", err
	}
	t := &tracee{at: at, after: args[1] == "exit", say: say, hear: hear, threads: map[int]*thread{}, made: map[string]int{},
		files: map[uint64]*descriptor{1: {class: "stdout"}, 2: {class: "stderr"}}}
	cmd := exec.Command("filtered", args[4:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	out, err := os.Create(args[2])
	if err != nil {
		return "", err
	}
	errs, err := os.Create(args[3])
	if err != nil {
		return "", err
	}
	cmd.Stdout, cmd.Stderr = out, errs
	if err := cmd.Start(); err != nil {
		return "", err
	}
	t.pid = cmd.Process.Pid
	var ws unix.WaitStatus
	if _, err := unix.Wait4(t.pid, &ws, unix.WALL, nil); err != nil || !ws.Stopped() {
		return "", fmt.Errorf("the program did not stop at its start: %v, status %#x", err, ws)
	}
	const options = unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEEXEC | unix.PTRACE_O_TRACESECCOMP | unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_EXITKILL
	if err := unix.PtraceSetOptions(t.pid, options); err != nil {
		return "", err
	}
	t.threads[t.pid] = &thread{}
	if err := unix.PtraceCont(t.pid, 0); err != nil {
		return "", err
	}
	status, err = t.follow()
	fmt.Fprintln(say, "made", t.made["file"], t.made["socket"])
	return status, err
}

// filtered COMMAND [ARG...] is a role of the test binary, the first half of a tracee: it
// becomes COMMAND with a filter that stops for the calls that the killer looks at, and
// for no others, because a Go program makes fifty times as many.
func filtered() {
	runtime.LockOSThread()
	path, err := exec.LookPath(os.Args[1])
	if err == nil {
		err = installFilter()
	}
	if err == nil {
		err = syscall.Exec(path, os.Args[1:], os.Environ())
	}
	must(err)
}

func installFilter() error {
	const number = 0 // where struct seccomp_data has the number of the call
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: number}}
	var numbers []uint64
	for nr := range changes() {
		numbers = append(numbers, nr)
	}
	for _, nr := range append(numbers, makers()...) {
		if nr < 1<<32 {
			filter = append(filter,
				unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: uint32(nr), Jf: 1},
				unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_TRACE})
		}
	}
	filter = append(filter, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW})
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
}

// makers is the calls that make a descriptor, and are not in changes.
func makers() []uint64 {
	return []uint64{unix.SYS_SOCKET, unix.SYS_ACCEPT4, unix.SYS_EVENTFD2, unix.SYS_EPOLL_CREATE1, unix.SYS_TIMERFD_CREATE,
		unix.SYS_PIDFD_OPEN, unix.SYS_DUP, unix.SYS_DUP3}
}

// follow lets all threads run from stop to stop until the process ends.
func (t *tracee) follow() (string, error) {
	for {
		var ws unix.WaitStatus
		tid, err := unix.Wait4(-1, &ws, unix.WALL, nil)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return "", err
		case ws.Exited() && tid == t.pid:
			return fmt.Sprintf("exit %d", ws.ExitStatus()), nil
		case ws.Signaled() && tid == t.pid:
			return "killed", nil
		case !ws.Stopped():
			continue
		}
		signal, toExit, err := t.stopped(tid, ws)
		if err != nil {
			return "", err
		}
		goOn := unix.PtraceCont
		if toExit {
			goOn = unix.PtraceSyscall
		}
		if err := goOn(tid, signal); err != nil && err != unix.ESRCH {
			return "", err
		}
	}
}

// stopped deals with one stop. It returns the signal that the thread goes on with, and
// whether it stops again when the call that it is about to make returns.
func (t *tracee) stopped(tid int, ws unix.WaitStatus) (signal int, toExit bool, err error) {
	known := t.threads[tid]
	if known == nil {
		known = &thread{}
		t.threads[tid] = known
		if ws.StopSignal() == unix.SIGSTOP { // how a new thread begins
			return 0, false, nil
		}
	}
	event := int(ws) >> 16
	switch s := ws.StopSignal(); {
	case s == unix.SIGTRAP && event == unix.PTRACE_EVENT_EXEC:
		t.begun = true
		return 0, false, nil
	case s == unix.SIGTRAP && event == unix.PTRACE_EVENT_SECCOMP:
		return 0, t.begun, t.atCall(tid, known)
	case s == unix.SIGTRAP|0x80:
		return 0, false, t.atCall(tid, known)
	case s == unix.SIGTRAP && event != 0: // a thread was started
		return 0, false, nil
	default:
		return int(s), false, nil
	}
}

// callInfo is struct ptrace_syscall_info of ptrace(2), the same on every architecture.
type callInfo struct {
	op       uint8 // 2 exit, 3 at the filter, which is the entry
	_        [3]uint8
	_        uint32
	_, _     uint64
	nr       uint64 // of an exit: the result
	args     [6]uint64
	reserved uint64
}

func getCallInfo(tid int) (info callInfo, err error) {
	const getSyscallInfo = 0x420e
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, getSyscallInfo, uintptr(tid), unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	if errno != 0 {
		return info, errno
	}
	return info, nil
}

func (t *tracee) atCall(tid int, th *thread) error {
	info, err := getCallInfo(tid)
	if err == unix.ESRCH || !t.begun { // killed meanwhile, or not yet the program
		return nil
	}
	if err != nil {
		return fmt.Errorf("PTRACE_GET_SYSCALL_INFO: %w", err)
	}
	if info.op == 3 {
		*th = thread{nr: info.nr, args: info.args}
		return t.entry(th)
	}
	if info.op != 2 {
		return nil
	}
	t.learn(th, int64(info.nr))
	if th.nr == unix.SYS_FLOCK && int64(info.nr) == 0 && th.args[1]&unix.LOCK_EX != 0 && !t.locked {
		t.locked = true
		if err := t.ask("locked"); err != nil {
			return err
		}
	}
	if th.number == t.at && t.at > 0 && t.after {
		return t.kill()
	}
	return nil
}

func (t *tracee) entry(th *thread) error {
	call, ok := changes()[th.nr]
	if !ok {
		return nil
	}
	class, counts := call.class(t, th.args)
	if th.nr == unix.SYS_CLOSE {
		delete(t.files, th.args[0])
	}
	if !counts {
		return nil
	}
	t.count++
	th.number = t.count
	fmt.Fprintf(t.say, "call %d %s %s\n", th.number, call.name, class)
	if th.number == t.at && !t.after {
		return t.kill()
	}
	return nil
}

// ask says a word and waits for the answer.
func (t *tracee) ask(word string) error {
	fmt.Fprintln(t.say, word)
	_, err := t.hear.ReadString('\n')
	return err
}

func (t *tracee) kill() error {
	if err := t.ask("at"); err != nil {
		return err
	}
	return unix.Kill(t.pid, unix.SIGKILL)
}

// learn takes from a call that has returned what a descriptor is.
func (t *tracee) learn(th *thread, result int64) {
	if result < 0 {
		return
	}
	made := func(class string) {
		t.files[uint64(result)] = &descriptor{class: class}
		t.made[class]++
	}
	switch th.nr {
	case unix.SYS_OPENAT, sysOpen, sysCreat:
		made("file")
	case unix.SYS_SOCKET, unix.SYS_ACCEPT4:
		made("socket")
	case unix.SYS_EVENTFD2, unix.SYS_EPOLL_CREATE1, unix.SYS_TIMERFD_CREATE, unix.SYS_PIDFD_OPEN:
		made("kernel")
	case unix.SYS_DUP, unix.SYS_DUP3:
		t.files[uint64(result)] = t.files[th.args[0]]
	case unix.SYS_FLOCK:
		if d := t.files[th.args[0]]; d != nil {
			d.locked = th.args[1]&unix.LOCK_UN == 0
		}
	}
}

// change is a system call that changes something outside the process.
type change struct {
	name  string
	class func(t *tracee, args [6]uint64) (class string, counts bool)
}

// changes is every call of interest by number. A write to what nobody has seen opened
// counts: better one kill too many.
func changes() map[uint64]change {
	path := func(*tracee, [6]uint64) (string, bool) { return "path", true }
	file := func(t *tracee, args [6]uint64) (string, bool) {
		d := t.files[args[0]]
		if d == nil {
			return "unknown", true
		}
		return d.class, d.class != "kernel"
	}
	locked := func(t *tracee, args [6]uint64) (string, bool) {
		d := t.files[args[0]]
		return "lock", d != nil && d.locked
	}
	opened := func(flags int) func(*tracee, [6]uint64) (string, bool) {
		return func(_ *tracee, args [6]uint64) (string, bool) {
			return "path", args[flags]&(unix.O_CREAT|unix.O_TRUNC) != 0
		}
	}
	all := map[uint64]change{
		unix.SYS_CLOSE: {"close", locked}, unix.SYS_OPENAT: {"openat", opened(2)}, sysOpen: {"open", opened(1)},
	}
	for name, numbers := range map[string][]uint64{
		"write": {unix.SYS_WRITE}, "pwrite64": {unix.SYS_PWRITE64}, "writev": {unix.SYS_WRITEV}, "pwritev": {unix.SYS_PWRITEV, unix.SYS_PWRITEV2},
		"sendto": {unix.SYS_SENDTO}, "sendmsg": {unix.SYS_SENDMSG, unix.SYS_SENDMMSG}, "sendfile": {unix.SYS_SENDFILE},
		"ftruncate": {unix.SYS_FTRUNCATE}, "fallocate": {unix.SYS_FALLOCATE}, "fsync": {unix.SYS_FSYNC, unix.SYS_FDATASYNC},
		"fchmod": {unix.SYS_FCHMOD}, "flock": {unix.SYS_FLOCK},
	} {
		for _, nr := range numbers {
			all[nr] = change{name, file}
		}
	}
	names := map[string][]uint64{
		"renameat": {unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2}, "unlinkat": {unix.SYS_UNLINKAT}, "mkdirat": {unix.SYS_MKDIRAT},
		"linkat": {unix.SYS_LINKAT, unix.SYS_SYMLINKAT}, "fchmodat": {unix.SYS_FCHMODAT, unix.SYS_FCHMODAT2}, "truncate": {unix.SYS_TRUNCATE},
	}
	for name, numbers := range names {
		for _, nr := range append(numbers, olderCalls()[name]...) {
			all[nr] = change{name, path}
		}
	}
	return all
}
