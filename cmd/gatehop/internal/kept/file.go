package kept

import (
	"encoding/json"
	"net/http"
	"time"

	"gatehop/creds/secret"
	"gatehop/idp"
)

const version = 1

// file is a record as it is sealed. It holds cookies in plain: it must not be written
// anywhere else.
type file struct {
	Version  int       `json:"version"`
	Origin   string    `json:"origin"`
	Kind     string    `json:"kind"`
	User     string    `json:"user"`
	Trust    string    `json:"trust"`
	Identity Identity  `json:"identity"`
	Begun    time.Time `json:"begun"`
	Spent    bool      `json:"spent,omitempty"`
	Cookies  []cookie  `json:"cookies"`
}

type cookie struct {
	Origin   string        `json:"origin"`
	Name     string        `json:"name"`
	Value    string        `json:"value"`
	Quoted   bool          `json:"quoted,omitempty"`
	Domain   string        `json:"domain,omitempty"`
	Path     string        `json:"path"`
	Secure   bool          `json:"secure,omitempty"`
	HTTPOnly bool          `json:"http_only,omitempty"`
	SameSite http.SameSite `json:"same_site,omitempty"`
	Expires  time.Time     `json:"expires,omitzero"`
	Created  time.Time     `json:"created,omitzero"`
}

func fileOf(who Who, r Record) file {
	f := file{
		Version: version, Origin: string(who.Origin), Kind: who.Kind, User: who.user(), Trust: who.Trust,
		Identity: r.Identity, Begun: r.Begun, Spent: r.Spent,
	}
	for _, c := range r.Cookies {
		f.Cookies = append(f.Cookies, cookie{
			string(c.Origin), c.Name, c.Value.Reveal(), c.Quoted, c.Domain, c.Path, c.Secure, c.HttpOnly, c.SameSite, c.Expires, c.Created,
		})
	}
	return f
}

// decode reads a record of this version.
func decode(data []byte) (file, error) {
	var f file
	if json.Unmarshal(data, &f) != nil { // its error may quote a cookie
		return file{}, &RecordError{Problem: "cannot be read"}
	}
	if f.Version != version {
		return file{}, &RecordError{Problem: "is of another version"}
	}
	return f, nil
}

// fits reports whether the record was made for who, and under who's settings.
func (f file) fits(who Who) bool {
	return f.Origin == string(who.Origin) && f.Kind == who.Kind && f.User == who.user() &&
		who.Trust != "" && f.Trust == who.Trust && f.Identity != Identity{}
}

func (f file) record() Record {
	r := Record{Identity: f.Identity, Begun: f.Begun, Spent: f.Spent}
	for _, c := range f.Cookies {
		r.Cookies = append(r.Cookies, idp.Cookie{
			Origin: idp.Origin(c.Origin), Name: c.Name, Value: secret.New(c.Value), Quoted: c.Quoted, Domain: c.Domain, Path: c.Path,
			Secure: c.Secure, HttpOnly: c.HTTPOnly, SameSite: c.SameSite, Expires: c.Expires, Created: c.Created,
		})
	}
	return r
}
