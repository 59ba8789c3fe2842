package keyring

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"
)

// The names of the Secret Service API (freedesktop.org, draft 0.2) that are looked at.
const (
	secretsName   = "org.freedesktop.secrets"
	secretsPath   = dbus.ObjectPath("/org/freedesktop/secrets")
	loginPath     = secretsPath + "/collection/login"
	defaultPath   = secretsPath + "/aliases/default"
	getProperty   = "org.freedesktop.DBus.Properties.Get"
	secretService = "org.freedesktop.Secret.Service"
	collection    = "org.freedesktop.Secret.Collection"
)

// ready looks whether the collection that go-keyring uses is open: to open it, a window
// would ask the person, at whatever moment this is. Without a session bus nothing is
// started to have one.
func ready(ctx context.Context, env []string) error {
	if value(env, "DBUS_SESSION_BUS_ADDRESS") == "" {
		dir := value(env, "XDG_RUNTIME_DIR")
		if _, err := os.Stat(filepath.Join(dir, "bus")); dir == "" || err != nil {
			return &Error{Trouble: Missing}
		}
	}
	conn, err := dbus.ConnectSessionBus(dbus.WithContext(ctx))
	if err != nil {
		return &Error{Trouble: Missing, Err: err}
	}
	defer func() { _ = conn.Close() }()
	var all, locked dbus.Variant
	if err := conn.Object(secretsName, secretsPath).CallWithContext(ctx, getProperty, 0, secretService, "Collections").Store(&all); err != nil {
		return absent(ctx, err)
	}
	path := defaultPath
	if paths, ok := all.Value().([]dbus.ObjectPath); ok && slices.Contains(paths, loginPath) {
		path = loginPath
	}
	if err := conn.Object(secretsName, path).CallWithContext(ctx, getProperty, 0, collection, "Locked").Store(&locked); err != nil {
		return absent(ctx, err)
	}
	if is, ok := locked.Value().(bool); !ok || is {
		return &Error{Trouble: Locked}
	}
	return nil
}

// value is the first one of a variable, as os.Getenv has it.
func value(env []string, name string) string {
	for _, entry := range env {
		if rest, ok := strings.CutPrefix(entry, name+"="); ok {
			return rest
		}
	}
	return ""
}

// absent is what a call that found nobody means.
func absent(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var said dbus.Error
	if errors.As(err, &said) {
		return &Error{Trouble: Missing, Err: err}
	}
	return &Error{Trouble: Failing, Err: err}
}
