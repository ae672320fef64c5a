package reports_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/reports"
)

func TestShow(t *testing.T) {
	var b bytes.Buffer
	if err := reports.Show(reports.Terminal{W: &b, Width: 120}, samples.Red().Failures[0]); err != nil {
		t.Fatal(err)
	}
	golden(t, "red.show.txt", b.Bytes())
	for _, line := range strings.Split(b.String(), "\n") {
		if n := len([]rune(line)); n > 120 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

// An answer of which only the head arrives is not drawn as one that is whole.
func TestCutAnswer(t *testing.T) {
	r := samples.Red()
	f := &r.Failures[0]
	crosses := func() int { return strings.Count(string(reports.Timeline(f.Story, f.Broken)), `class="cross"`) }
	whole := crosses()
	for i := range f.Story.Lines {
		if l := &f.Story.Lines[i]; l.Kind == history.CallEnded && l.Call.Attempt == "charge#2" {
			l.Call.Partial = true
		}
	}
	var b bytes.Buffer
	if err := reports.Show(reports.Terminal{W: &b, Width: 160}, *f); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`✗──+[^\n]*charge#2: 200, cut short\n`).MatchString(b.String()) {
		t.Errorf("on the terminal it is whole:\n%s", b.String())
	}
	if n := crosses(); n != whole+1 || !strings.Contains(string(reports.Timeline(f.Story, f.Broken)), "charge#2: 200, cut") {
		t.Errorf("%d crosses on the page, and %d without the cut answer", n, whole)
	}
}

func TestShowInASCII(t *testing.T) {
	var b bytes.Buffer
	if err := reports.Show(reports.Terminal{W: &b, Width: 80, ASCII: true}, samples.Red().Failures[0]); err != nil {
		t.Fatal(err)
	}
	if i := strings.IndexFunc(b.String(), func(r rune) bool { return r > unicode.MaxASCII }); i >= 0 {
		t.Errorf("not ASCII: %q", b.String()[i:i+3])
	}
}
