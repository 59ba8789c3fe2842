package main

import (
	"fmt"
	"os/exec"
	"unsafe"

	"golang.org/x/sys/windows"
)

// startTied starts the child in a job with this process, so that what either has started is
// ended when the last handle to the job is closed. This process holds the only one, and
// closes it by ending. Microsoft, "Job Objects".
func startTied(cmd *exec.Cmd) (release func(), err error) {
	if err := joinJob(); err != nil {
		return nil, fmt.Errorf("make a job for the command: %v", err)
	}
	return func() {}, cmd.Start()
}

func joinJob() error {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return err
	}
	limits := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{
		BasicLimitInformation: windows.JOBOBJECT_BASIC_LIMIT_INFORMATION{LimitFlags: windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE},
	}
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation, uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits)))
	if err == nil {
		err = windows.AssignProcessToJobObject(job, windows.CurrentProcess())
	}
	if err != nil {
		_ = windows.CloseHandle(job)
	}
	return err
}
