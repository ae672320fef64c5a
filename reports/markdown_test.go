package reports_test

import (
	"bytes"
	"testing"

	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/reports"
)

func TestMarkdown(t *testing.T) {
	var b bytes.Buffer
	if err := reports.Markdown(&b, samples.Red()); err != nil {
		t.Fatal(err)
	}
	golden(t, "red.md", b.Bytes())
}
