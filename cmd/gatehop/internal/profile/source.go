package profile

import "gatehop/cmd/gatehop/internal/awsfile"

// ConfigSource returns the key of the config file, and its line, from which the profile
// gets its credentials there: to gatehop, or to any SDK in any spelling. Keys of the
// same name in the credentials file would shadow it for ever. "" if there is none.
func (c *Config) ConfigSource(name string) (key, file string, line int) {
	from := &c.files[0]
	if k, ok := from.file.Source(awsfile.Config, name); ok {
		return k.Name, from.path, k.Line
	}
	return "", from.path, 0
}
