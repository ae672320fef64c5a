package saga

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Encode is the definition as JSON in which the bodies of calls stand byte for
// byte as they are given. json.Marshal would take their white space out and escape
// some of their characters anew.
func (d Definition) Encode() ([]byte, error) {
	var pairs []string // placeholder, body
	apart := func(body json.RawMessage) (json.RawMessage, error) {
		if len(body) == 0 {
			return body, nil
		}
		if !json.Valid(body) {
			return nil, fmt.Errorf("body %.80q: expected JSON", body)
		}
		// No name and no URL of a definition can be this text.
		placeholder := fmt.Sprintf(`"\u0000body %d"`, len(pairs))
		pairs = append(pairs, placeholder, string(body))
		return json.RawMessage(placeholder), nil
	}
	d, err := d.eachBody(apart)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	return []byte(strings.NewReplacer(pairs...).Replace(string(text))), nil
}

// eachBody is the definition with other bodies. An error names the step.
func (d Definition) eachBody(change func(json.RawMessage) (json.RawMessage, error)) (Definition, error) {
	d.Steps = slices.Clone(d.Steps)
	for i := range d.Steps {
		s := &d.Steps[i]
		var err error
		if s.Action.Body, err = change(s.Action.Body); err != nil {
			return d, fmt.Errorf("steps[%d].action.%w", i, err)
		}
		if s.Compensation == nil {
			continue
		}
		undo := *s.Compensation
		if undo.Body, err = change(undo.Body); err != nil {
			return d, fmt.Errorf("steps[%d].compensation.%w", i, err)
		}
		s.Compensation = &undo
		s.Parts = slices.Clone(s.Parts)
		for j := range s.Parts {
			if s.Parts[j].Body, err = change(s.Parts[j].Body); err != nil {
				return d, fmt.Errorf("steps[%d].parts[%d].%w", i, j, err)
			}
		}
	}
	return d, nil
}
