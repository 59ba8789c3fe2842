package awsdisk

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const mountVariable = "GATEHOP_AWSFILE_TEST_MOUNT"

// inNamespace runs the calling test once more where it may mount what nobody else sees.
// Where the kernel lets nobody do so the test is skipped, with the reason.
func inNamespace(t *testing.T) bool {
	t.Helper()
	if os.Getenv(mountVariable) != "" {
		return false
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), mountVariable+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil && (errors.Is(err, syscall.EPERM) || strings.Contains(string(out), "mount: operation not permitted")) {
		t.Skipf("this system lets nobody mount: %v\n%s", err, out)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("in a namespace: %v\n%s", err, out)
	}
	return true
}

func mount(t *testing.T, source, target, kind string, flags uintptr, data string) {
	t.Helper()
	if err := syscall.Mount(source, target, kind, flags, data); err != nil {
		t.Fatalf("mount: %v", err)
	}
}

// TestUpdateMounts: a bind mount cannot be replaced, a full or read-only disk takes no
// new file. Each time the old one stays as it is.
func TestUpdateMounts(t *testing.T) {
	t.Parallel()
	if inNamespace(t) {
		return
	}
	mount(t, "", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "")
	for _, tt := range []struct {
		name string
		make func(t *testing.T, p place)
		want error
	}{
		{"bind mount", func(t *testing.T, p place) { mount(t, p.path, p.path, "", syscall.MS_BIND, "") }, syscall.EBUSY},
		{"full disk", func(t *testing.T, p place) {
			mount(t, "tmpfs", p.dir, "tmpfs", 0, "size=16k,mode=700")
			err := os.WriteFile(p.path, []byte(raceFile), 0o600)
			fill := os.WriteFile(filepath.Join(p.dir, "fill"), make([]byte, 64<<10), 0o600)
			if err != nil || !errors.Is(fill, syscall.ENOSPC) {
				t.Fatal(err, fill)
			}
		}, syscall.ENOSPC},
		{"read-only disk", func(t *testing.T, p place) {
			mount(t, p.dir, p.dir, "", syscall.MS_BIND, "")
			mount(t, "", p.dir, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, "")
		}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlace(t, raceFile, 0o600)
			tt.make(t, p)
			defer func() {
				_ = syscall.Unmount(p.path, 0)
				_ = syscall.Unmount(p.dir, 0)
			}()
			p.backups = filepath.Join(t.TempDir(), "backups")
			w, err := p.update(t, p.path)
			var target *TargetError
			if w.Changed || !errors.As(err, &target) || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("Update = %+v, %v, want a *TargetError of %v", w, err, tt.want)
			}
			if got := content(t, p.path); got != raceFile {
				t.Errorf("the file = %q, want it untouched", got)
			}
			if got := dirNames(t, p.dir); strings.Contains(got, "gatehop-") {
				t.Errorf("left behind: %s", got)
			}
		})
	}
}
