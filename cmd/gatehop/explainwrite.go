package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"gatehop/cmd/gatehop/internal/awsdisk"
	"gatehop/cmd/gatehop/internal/awsfile"
	"gatehop/creds/store"
)

// explainWrite knows what keeps gatehop from writing the AWS credentials file.
func explainWrite(err error, e *explanation) bool {
	var shadow *shadowError
	var write *writeError
	switch {
	case errors.As(err, &shadow):
		e.status, e.hint = statusUsage, "choose a name that no profile of the config file has: --write=NAME"
		return true
	case !errors.As(err, &write):
		return false
	}
	var dir *store.DirError
	if errors.As(err, &dir) { // of the backups
		return explainState(err, e)
	}
	var refusal *awsfile.RefusalError
	var target *awsdisk.TargetError
	switch {
	case errors.Is(err, errBusyFile):
		e.hint = "try again; `gatehop exec " + write.Profile + "` works meanwhile"
	case errors.As(err, &refusal):
		e.status, e.hint = statusUsage, refusalHint(refusal, write.File)
	case errors.As(err, &target) && target.Kind == awsdisk.TargetBusy:
		e.hint = "try again when that program has finished"
	case errors.As(err, &target) && target.Err == nil:
		e.status, e.hint = statusUsage, targetHint(target)
	case errors.As(err, &target):
		e.hint = "the file is as it was; `gatehop exec " + write.Profile + "` needs none"
	default:
		e.hint = "nothing was written; `gatehop exec " + write.Profile + "` needs no file"
	}
	return true
}

func refusalHint(r *awsfile.RefusalError, file string) string {
	switch {
	case r.Foreign:
		return "choose another name with --write=NAME, or replace those keys with --overwrite; a backup is kept"
	case r.Line > 0:
		return "edit " + file
	}
	return "choose another name with --write=NAME"
}

func targetHint(t *awsdisk.TargetError) string {
	switch t.Kind {
	case awsdisk.TargetShared:
		return fmt.Sprintf("chmod go-w %q", filepath.Dir(t.Path))
	case awsdisk.TargetReadOnly:
		return fmt.Sprintf("chmod u+w %q if gatehop shall write there", t.Path)
	}
	return "AWS_SHARED_CREDENTIALS_FILE names another file"
}
