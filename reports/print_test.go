package reports_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
)

func TestPrint(t *testing.T) {
	for name, term := range map[string]reports.Terminal{
		"red.term.txt":   {Width: 120},
		"red.narrow.txt": {Width: 60},
		"red.ascii.txt":  {Width: 120, ASCII: true},
		"red.colour.txt": {Width: 120, Colour: true},
	} {
		var b bytes.Buffer
		term.W = &b
		r := samples.Red()
		r.Dir = "out/latest"
		if err := reports.Print(term, r); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
		if term.ASCII && strings.IndexFunc(b.String(), func(r rune) bool { return r > 126 }) >= 0 {
			t.Errorf("%s has characters that are not ASCII", name)
		}
	}
}

func TestWidthIsKept(t *testing.T) {
	c := results.New(samples.Meta())
	for _, s := range strings.Fields("order transfer booking order-status signup single-step long-chain fan-out a-scenario-with-a-long-name another-one") {
		c.Add(results.CellInfo{}, samples.Quiet(s, "c1"), []checkers.Verdict{samples.Pass("duplicate-effect", 1000), samples.Vacuous("lost-compensation")})
	}
	for _, width := range []int{64, 80, 100} {
		var b bytes.Buffer
		if err := reports.Print(reports.Terminal{W: &b, Width: width}, c.Finish()); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > width && !strings.HasPrefix(line, "VACUOUS") {
				t.Errorf("width %d: a line of %d: %s", width, n, line)
			}
		}
	}
}

// The headline counts planned cells and their faults once, and tells probes and
// repeated tries apart.
func TestHeadlineCounts(t *testing.T) {
	c := results.New(samples.Meta())
	c.Planned(4)
	h, missed := samples.LostAnswer(), samples.Unfired(samples.LostAnswer())
	c.Add(results.CellInfo{ID: "c1", Again: true}, missed, nil)
	c.Add(results.CellInfo{ID: "c2"}, h, nil)
	c.Add(results.CellInfo{ID: "c3", Probe: true}, h, nil)
	c.Add(results.CellInfo{ID: "c4", Probe: true}, missed, nil)
	var b strings.Builder
	if err := reports.Print(reports.Terminal{W: &b}, c.Finish()); err != nil {
		t.Fatal(err)
	}
	const want = "INCOMPLETE · 3 of 4 planned cells and 1 run again · 1 of 1 planned fault fired · 1 of 2 probes hit · "
	if !strings.Contains(b.String(), want) {
		t.Errorf("got %s\nwant %s", b.String(), want)
	}
}

// A run ends with as many planned cells as it began with: what ran once more, alone, is told apart.
func TestHeadlineCountsCellsAloneApart(t *testing.T) {
	for want, ran := range map[string]int{
		"· 2 cells and 1 once more, alone · ": 1,
		"· 2 cells · ":                        0, // what is missing is told beside it
	} {
		c := results.New(samples.Meta())
		c.Planned(2)
		c.PlannedAlone(1)
		for i := range 2 + ran {
			c.Add(results.CellInfo{ID: fmt.Sprint("c", i), Alone: i >= 2}, samples.LostAnswer(), nil)
		}
		r := c.Finish()
		if got := reports.Headline(r); !strings.Contains("· "+got, want) {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}

// TestFullDisk uses the device that is always full.
func TestFullDisk(t *testing.T) {
	f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := reports.Print(reports.Terminal{W: f}, samples.Red()); err == nil {
		t.Error("printing to a full disk is no error")
	}
}

// Who reads only the end of the terminal's text, or the head of a report, sees that no kill was tried.
func TestWhatWasNotTriedIsTold(t *testing.T) {
	r := samples.Red()
	r.Orchestrator.Unable, r.System = []string{history.Kill, history.Pause}, results.System{By: results.ByURL, Name: "http://127.0.0.1:8080"}
	for name, write := range map[string]func(*strings.Builder) error{
		"terminal": func(b *strings.Builder) error { return reports.Print(reports.Terminal{W: b}, r) },
		"markdown": func(b *strings.Builder) error { return reports.Markdown(b, r) },
		"html":     func(b *strings.Builder) error { return reports.HTML(b, r) },
	} {
		var b strings.Builder
		if err := write(&b); err != nil {
			t.Error(err)
		}
		if !strings.Contains(b.String(), "no kill and no pause of the orchestrator was tried") {
			t.Errorf("%s does not say it", name)
		}
	}
}
