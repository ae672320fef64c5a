package results

import (
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/history"
)

// Who turned at an answer that was cut off never reaches what was planned for later: the cell says so.
func TestWhyUnfired(t *testing.T) {
	const head = "fault answer reserve#1@receive\nfault error notify#2@commit\nsaga s1\nstep reserve\nstep notify deferrable\n"
	for _, c := range []struct{ name, events, want string }{
		{"went back", "1ms call-sent s1 reserve#1\n2ms call-sent s1 reserve.undo#1\n3ms call-ended s1 reserve#1 0 down=12\n", "notify was never called, and the saga went back after reserve#1, whose answer was cut off after 12 bytes"},
		{"refused", "1ms call-sent s1 reserve#1\n2ms call-ended s1 reserve#1 403\n3ms call-sent s1 reserve.undo#1\n", "notify was never called, and the saga went back after reserve#1, which was answered 403"},
		{"silent", "1ms call-sent s1 reserve#1\n3ms call-sent s1 reserve.undo#1\n", "notify was never called, and the saga went back after reserve#1, of which no answer came"},
		{"ended", "1ms call-sent s1 notify#1\n3ms saga-ended s1 completed\n", "notify was called once, and the saga ended completed"},
		{"reached", "1ms call-sent s1 notify#1\n2ms call-sent s1 notify#2\n", ""},
	} {
		h, err := history.ParseText(strings.NewReader(head + "0ms saga-accepted s1\n0ms fault-fired s1 reserve#1 fault=0\n" + c.events))
		if err != nil {
			t.Fatal(c.name, err)
		}
		cell := newCell(CellInfo{}, h)
		if cell.UnfiredWhy != c.want {
			t.Errorf("%s: %q, want %q", c.name, cell.UnfiredWhy, c.want)
		}
		if c.want != "" && !strings.HasSuffix(cell.Missing(), "notify#2@commit ("+c.want+")") {
			t.Errorf("%s: missing %q", c.name, cell.Missing())
		}
	}
}
