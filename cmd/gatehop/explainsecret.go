package main

import (
	"errors"

	"gatehop/cmd/gatehop/internal/askpass"
	"gatehop/cmd/gatehop/internal/guard"
	"gatehop/idp"
)

// explainSecret is about secrets that no person typed.
func explainSecret(err error, e *explanation) bool {
	var command *askpass.Error
	var refused *guard.RefusedError
	var lockout *guard.LockoutError
	var human *guard.HumanError
	var where *signInError
	login := "`gatehop login`"
	if errors.As(err, &where) {
		login = "`gatehop login " + where.Profile + "`"
	}
	switch {
	case errors.As(err, &command) && command.Config:
		e.status, e.hint = statusUsage, "name the program by its whole path in "+command.Key+"; nobody but you or root may be able to change it"
	case errors.As(err, &command):
		e.status, e.hint = statusFailed, "run the command of "+command.Key+" by hand: its first line is to be the answer"
	case errors.As(err, &refused) && refused.Mute:
		e.status, e.hint = pageAdvices[idp.Unexplained].status, pageAdvices[idp.Unexplained].hint+"; "+login+" in a terminal tries again"
	case errors.As(err, &refused) && refused.Source == storedSource:
		e.status, e.hint = statusRefused, "run "+login+" in a terminal: it can store the new one"
	case errors.As(err, &refused):
		e.status, e.hint = statusRefused, "correct the "+refused.What+" there, or run "+login+" in a terminal"
	case errors.As(err, &human):
		e.status, e.hint = statusHuman, "run "+login+" in a terminal"
	case errors.As(err, &lockout):
		e.status, e.hint = statusHuman, "check the password in a browser, then run "+login+" in a terminal: repeated failures lock accounts"
	default:
		return false
	}
	return true
}
