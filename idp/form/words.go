package form

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// errorPlaces are where sign-in pages put their words about a refusal, the likeliest
// first.
var errorPlaces = []string{
	`[role="alert"]`,
	`[aria-live="assertive"]`,
	`#errorText`,
	`.alert-danger, .alert-error, .error-message, .form-error, .errors, .error, .message-box.error, .kc-feedback-text, .ping-error, .output--error`,
	`#msg`,
	`[id^="input-error"]`,
	`#loginErrorsPanel`,
}

// Words are the provider's words about what was wrong: the text of the first place
// for errors that is shown and not empty. "" if there is none. They have not been
// cleaned.
func (p *Page) Words() string {
	for _, place := range errorPlaces {
		if text := p.VisibleText(place); text != "" {
			return text
		}
	}
	return p.wordsBesideIcon()
}

// wordsBesideIcon reads the paragraph after an icon that alone marks the block for
// errors: SimpleSAMLphp 1.19's old theme.
func (p *Page) wordsBesideIcon() string {
	for _, icon := range p.Find(`img[src*="dialog-error"]`).Nodes {
		if p.hides(icon) {
			continue
		}
		for n := icon.NextSibling; n != nil; n = n.NextSibling {
			if n.Type == html.ElementNode && n.Data == "p" && !p.hides(n) {
				return fold(nodeText(n))
			}
		}
		return ""
	}
	return ""
}

// maxFingerprint bounds the fields named in a fingerprint.
const maxFingerprint = 30

// Fingerprint tells pages apart for those who cannot see them: the forms with the
// names and types of their fields, never a value.
func (p *Page) Fingerprint() string {
	var forms []string
	for _, f := range p.Forms {
		forms = append(forms, f.fingerprint())
		if len(forms) == maxFingerprint {
			break
		}
	}
	if len(forms) == 0 {
		return "no forms"
	}
	return strings.Join(forms, "; ")
}

func (f *Form) fingerprint() string {
	var b strings.Builder
	b.WriteString(f.Method)
	if f.ID != "" {
		b.WriteString(" #" + f.ID)
	}
	for i, c := range f.Controls {
		if i == maxFingerprint {
			b.WriteString(" ...")
			break
		}
		name := c.Name
		if name == "" {
			name = "-"
		}
		b.WriteString(" " + name + ":" + c.Type)
	}
	return b.String()
}

// labels are the labels of the fields that a page shows, for a page that asks for
// something unknown.
func (p *Page) labels() string {
	var labels []string
	for _, f := range p.Forms {
		for _, c := range f.Controls {
			if !c.Hidden && !c.isAnyButton() && c.Label != "" && !slices.Contains(labels, c.Label) && len(labels) < maxFingerprint {
				labels = append(labels, c.Label)
			}
		}
	}
	return strings.Join(labels, ", ")
}
