package faults

import (
	"bytes"
	"strings"
	"testing"
)

func TestReferenceNamesEveryKind(t *testing.T) {
	var b bytes.Buffer
	if err := Reference(&b); err != nil {
		t.Fatal(err)
	}
	for _, k := range Kinds() {
		if !strings.Contains(b.String(), "\n## "+k.Doc().Name+"\n") {
			t.Errorf("%s is missing", k.Doc().Name)
		}
	}
}

// The examples of the page are plans that the loader takes.
func TestReferenceExamplesAreValid(t *testing.T) {
	for _, k := range Kinds() {
		d := k.Doc()
		for _, p := range d.examplePhases() {
			text := example(d, p)
			if _, err := ParsePlan([]byte(text)); err != nil {
				t.Errorf("%s: %v", text, err)
			}
		}
	}
}
