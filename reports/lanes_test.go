package reports_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode"

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

func TestShowInASCII(t *testing.T) {
	var b bytes.Buffer
	if err := reports.Show(reports.Terminal{W: &b, Width: 80, ASCII: true}, samples.Red().Failures[0]); err != nil {
		t.Fatal(err)
	}
	if i := strings.IndexFunc(b.String(), func(r rune) bool { return r > unicode.MaxASCII }); i >= 0 {
		t.Errorf("not ASCII: %q", b.String()[i:i+3])
	}
}
