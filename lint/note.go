package lint

import (
	"bytes"
	"fmt"
	"slices"
)

// Noted is the text of a file with a comment above each line that goes against a rule: what was
// found, why that is a rule, and what the author has to decide. The errors are those of Text.
func Noted(path string, text []byte) ([]byte, error) {
	found, err := Text(path, text)
	if err != nil {
		return nil, err
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	for _, f := range slices.Backward(found) { // from the end: the lines above keep their numbers
		at := f.Place.Line - 1
		indent := lines[at][:len(lines[at])-len(bytes.TrimLeft(lines[at], " "))]
		note := fmt.Appendf(nil, "%s# TODO: lint: %s: %s. %s", indent, f.Rule.Name, f.Place.Reason, f.Rule.Why)
		if f.Rule.Decide != "" {
			note = fmt.Appendf(note, " To decide: %s", f.Rule.Decide)
		}
		lines = slices.Insert(lines, at, append(note, '\n'))
	}
	return bytes.Join(lines, nil), nil
}
