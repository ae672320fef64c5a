package faults

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
)

// LoadPlan reads a plan from a YAML or JSON file, strictly: errors name the file,
// the line and the field.
func LoadPlan(path string) (*Plan, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	p, err := ParsePlan(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// ParsePlan reads the text of a plan.
func ParsePlan(b []byte) (*Plan, error) {
	dec := yaml.NewDecoder(strings.NewReader(string(b)), yaml.Strict())
	var p *Plan
	if err := dec.Decode(&p); err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.New(strings.TrimSpace(yaml.FormatError(err, false, true)))
	}
	if p == nil || p.Faults == nil {
		return nil, errors.New("faults: expected a list of faults, for example: faults: [{kind: lose, at: charge#1@response}]")
	}
	return p, p.Validate()
}
