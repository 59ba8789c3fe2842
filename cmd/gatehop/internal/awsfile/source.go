package awsfile

// Source returns the first key that gives a profile credentials to one of the SDKs or
// another, or to gatehop, in any section that one of them takes for the profile's.
func (f *File) Source(kind Kind, profile string) (Key, bool) {
	found := f.Readings(kind, profile)
	if len(found) == 0 {
		return Key{}, false
	}
	for _, s := range append(found, f.Defaults()...) {
		for _, k := range s.Keys {
			if isSource(Credentials, k.Name) { // gatehop's own keys are sources in either file
				return k, true
			}
		}
	}
	return Key{}, false
}
