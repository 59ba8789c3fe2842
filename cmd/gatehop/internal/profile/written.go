package profile

import (
	"gatehop/cmd/gatehop/internal/awsfile"
	"gatehop/cmd/gatehop/internal/weburl"
)

// ReadWritten is Read as it will be once the config file holds config.
func ReadWritten(f Files, urls weburl.Reader, config []byte) (*Config, error) {
	now, err := Read(f, urls)
	if err != nil {
		return nil, err
	}
	c := parse(f, urls, config, now.files[1].file.Data)
	c.files[0].unsafe = now.files[0].unsafe
	return c, nil
}

// Scanned returns the two files as they were read.
func (c *Config) Scanned() (config, credentials *awsfile.File) {
	return c.files[0].file, c.files[1].file
}

// Draft returns the keys that a profile has in the config file and that a draft can
// hold, as they are written there, a comment behind them left out. ok is false if the
// file has no such profile; own, that one of its keys is gatehop's.
func (c *Config) Draft(name string) (d Draft, own, ok bool) {
	d = Draft{Name: name}
	s, ok := c.files[0].file.Section(awsfile.Config, name)
	if !ok {
		return d, false, false
	}
	for _, k := range s.Keys {
		own = own || isOwn(k.Name)
		if f := d.find(k.Name); f != nil {
			*f.text = awsfile.StripComment(k.Value)
		}
	}
	return d, own, true
}

// Over is d with the keys of old where d has none, under d's name.
func (d Draft) Over(old Draft) Draft {
	theirs := old.fields()
	for i, f := range (&d).fields() {
		if *f.text == "" {
			*f.text = *theirs[i].text
		}
	}
	return d
}
