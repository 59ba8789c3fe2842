package migrate

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"gatehop/cmd/gatehop/internal/awsfile"
)

func TestAWSADFS(t *testing.T) {
	t.Parallel()
	for path, data := range files(t, "awsadfs") {
		accounts := AWSADFS(awsfile.Scan(data))
		golden(t, strings.TrimSuffix(path, ".ini")+".golden", show(accounts))
		if err := sound(accounts); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if err := readable(t, accounts); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if found := canaries(accounts); len(found) > 0 || !strings.Contains(string(data), "CANARY") {
			t.Errorf("%s: the account tells %q", path, found)
		}
	}
}

// TestAWSADFSSettings: every setting that aws_adfs/prepare.py at 6d243e7 reads has a row.
func TestAWSADFSSettings(t *testing.T) {
	t.Parallel()
	want := strings.Fields(`ssl_verification role_arn adfs_host adfs_user provider_id session_duration sspi
		username_password_command mfa_token_command duo_factor duo_device`)
	have := slices.Sorted(maps.Keys(adfsRows()))
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("rows for %q, want %q", have, want)
	}
}

// FuzzAWSADFS reads anything: what comes of it is sound.
func FuzzAWSADFS(f *testing.F) {
	for _, data := range files(f, "awsadfs") {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := sound(AWSADFS(awsfile.Scan(data))); err != nil {
			t.Fatal(err)
		}
	})
}
