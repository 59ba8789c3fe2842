//go:build unix

package profile

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gatehop/cmd/gatehop/internal/anyurl"
)

// TestCommandsInForeignFiles wants no program run that another user's file names, be
// that user root. As root it runs itself again as a user who is not.
func TestCommandsInForeignFiles(t *testing.T) {
	t.Parallel()
	const variable = "GATEHOP_TEST_FOREIGN_CONFIG"
	refused := func(path string) bool {
		c, err := Read(Files{Config: path, Credentials: path + ".none"}, anyurl.Read)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = c.Chain("q"); err != nil {
			t.Errorf("a profile that names no program: %v", err)
		}
		_, err = c.Chain("p")
		return err != nil && strings.Contains(err.Error(), "names a program, and its file belongs to another user")
	}
	if dir := os.Getenv(variable); dir != "" {
		if !refused(filepath.Join(dir, "roots")) || refused(filepath.Join(dir, "nobodys")) {
			t.Error("root's file is taken, or one's own is not")
		}
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can make files of another user")
	}
	dir, err := os.MkdirTemp("", "gatehop-profile") // t.TempDir may lie where others cannot go
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	const config = "[profile p]\ngatehop_idp = adfs\ngatehop_password_command = pw\n[profile q]\ngatehop_idp = adfs\n"
	for name, data := range map[string][]byte{"test": binary, "roots": []byte(config), "nobodys": []byte(config)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(filepath.Join(dir, "nobodys"), 65534, 65534); err != nil {
		t.Fatal(err)
	}
	if refused(filepath.Join(dir, "roots")) || !refused(filepath.Join(dir, "nobodys")) {
		t.Error("as root: one's own file is refused, or another's is taken")
	}
	cmd := exec.Command(filepath.Join(dir, "test"), "-test.run=^TestCommandsInForeignFiles$", "-test.v")
	cmd.Dir, cmd.SysProcAttr = dir, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	cmd.Env = []string{variable + "=" + dir}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS: TestCommandsInForeignFiles") {
		t.Errorf("as another user: %v\n%s", err, out)
	}
}
