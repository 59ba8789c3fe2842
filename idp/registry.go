package idp

// Kind makes an Adapter from settings. decode fills a struct whose json tags name
// the settings without their prefix: `json:"url"`, `json:"adfs_domain"`.
type Kind func(decode func(any) error) (Adapter, error)

// KindOf makes a Kind of a constructor that takes its own settings type.
func KindOf[C any](open func(C) (Adapter, error)) Kind {
	return func(decode func(any) error) (Adapter, error) {
		var c C
		if err := decode(&c); err != nil {
			return nil, err
		}
		return open(c)
	}
}

// Registry names the kinds that a program knows: "adfs", "form".
type Registry map[string]Kind
