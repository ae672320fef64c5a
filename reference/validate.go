package reference

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/sagacheck/sagacheck/saga"
)

// InvalidError says which field of a definition is wrong, and why.
type InvalidError struct {
	Field  string // its JSON path, for example steps[0].action.url
	Reason string
}

func (e *InvalidError) Error() string { return e.Field + ": " + e.Reason }

// validate checks a definition and what the executor needs besides: ids that fit
// into a header, and URLs that can be called.
func validate(d saga.Definition) error {
	if err := d.Validate(); err != nil {
		field, reason, _ := strings.Cut(err.Error(), ": ")
		return &InvalidError{field, reason}
	}
	for _, c := range d.ID {
		if c < '!' || c > '~' {
			return &InvalidError{"id", fmt.Sprintf("%q: expected visible ASCII characters", d.ID)}
		}
	}
	for i, s := range d.Steps {
		if err := validateURL(s.Action.URL); err != nil {
			return &InvalidError{fmt.Sprintf("steps[%d].action.url", i), err.Error()}
		}
		if s.Compensation == nil {
			continue
		}
		if err := validateURL(s.Compensation.URL); err != nil {
			return &InvalidError{fmt.Sprintf("steps[%d].compensation.url", i), err.Error()}
		}
	}
	return nil
}

func validateURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("%q: expected http://… or https://…", raw)
	}
	return nil
}
