package kept

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"testing"

	"gatehop/creds/store"
)

func folder(t *testing.T) store.Dir {
	t.Helper()
	dir, err := store.OpenDir(filepath.Join(t.TempDir(), "state"), true)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func random() io.Reader { return rand.Reader }

// entry is the file of who's record.
func entry(t *testing.T, dir store.Dir, who Who) string {
	t.Helper()
	sum := sha256.Sum256([]byte(who.Key()))
	path := filepath.Join(dir.Path(), "cookies", hex.EncodeToString(sum[:]))
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func rewrite(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
