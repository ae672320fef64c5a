package reports_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/reports"
)

func TestHTML(t *testing.T) {
	r := samples.Red()
	r.Failures[0].Broken += ` <script>alert("x")</script>`
	r.Failures[0].Story.Lines[0].Text += " </svg><script>"
	var b bytes.Buffer
	if err := reports.HTML(&b, r); err != nil {
		t.Fatal(err)
	}
	golden(t, "red.html", b.Bytes())
	for _, forbidden := range []string{"<script", "http://www", "https://", "ZgotmplZ", "<no value>"} {
		if strings.Contains(b.String(), forbidden) {
			t.Errorf("the page contains %q", forbidden)
		}
	}
}

// The drawing has the whole of every text.
func TestDrawingCutsNoText(t *testing.T) {
	r := samples.Red()
	words := strings.Fields("what was asked for, of whom, and when: a reservation of two seats in the last row, at the price of the first")
	r.Failures[0].Story.Lines[3].Text = strings.Join(words, " ")
	r.Failures[0].Story.Lines[6].Text = strings.Join(words, " ")
	var b bytes.Buffer
	if err := reports.HTML(&b, r); err != nil {
		t.Fatal(err)
	}
	_, drawing, _ := strings.Cut(b.String(), "</title>") // the title has the text anyway
	for _, word := range append(words[:0:0], "reservation", "price") {
		if n := strings.Count(drawing, word); n < 2 {
			t.Errorf("%q is there %d times", word, n)
		}
	}
	if strings.Contains(b.String(), "…") {
		t.Error("a text is cut")
	}
}
