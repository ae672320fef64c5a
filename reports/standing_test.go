package reports_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
)

// held is the red run with its finding known until a day, and how often that came back.
func held(t *testing.T, expires string, hits int) *results.Run {
	t.Helper()
	r := placed()
	b := results.NewBaseline("known.yaml")
	b.Of = "mine"
	for _, f := range r.Found {
		b.Findings = append(b.Findings, results.Known{
			Property: f.Property, Scenario: f.Scenario, Participants: f.Participants, Plan: f.Plan, Also: f.Also,
			Reason: "keys come in May", Owner: "payments", Expires: expires,
		})
	}
	played := results.Replays{Rates: map[results.Key]results.Rate{r.Found[0].Key: {Hits: hits, Tries: 10}}}
	if err := r.Hold(b, nil, played, time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	r.Reproduce(played)
	return r
}

// Each format says of a known finding that it is known, and of one that has expired that it was; no
// format takes it for passed.
func TestHowAFindingStands(t *testing.T) {
	terminal := func(w io.Writer, r *results.Run) error { return reports.Print(reports.Terminal{W: w, Width: 400}, r) }
	formats := map[string]func(io.Writer, *results.Run) error{
		"terminal": terminal, "markdown": reports.Markdown, "html": reports.HTML, "junit": reports.JUnit,
		"annotations": reports.Annotations, "sarif": reports.SARIF, "ctrf": reports.CTRF, "gitlab": reports.CodeQuality,
	}
	for name, write := range formats {
		known := string(written(t, write, held(t, "2027-01-31", 3)))
		for _, want := range []string{"keys come in May", "payments, until 2027-01-31", "flaky: 3 of 10 replays"} {
			if !strings.Contains(known, want) {
				t.Errorf("%s: %q is missing:\n%s", name, want, known)
			}
		}
		if expired := string(written(t, write, held(t, "2026-01-31", 10))); !strings.Contains(expired, "expired: ") {
			t.Errorf("%s: expired is missing:\n%s", name, expired)
		}
	}
	for name, marks := range map[string][2]string{
		"annotations": {"::error file=tests/order%2C 100%25.yaml,line=7,", "::notice file=tests/order%2C 100%25.yaml,line=7,"},
		"junit":       {`type="violation"`, "known: duplicate-effect in order"},
	} {
		known, expired := string(written(t, formats[name], held(t, "2027-01-31", 3))), string(written(t, formats[name], held(t, "2026-01-31", 10)))
		if strings.Contains(known, marks[0]) || !strings.Contains(known, marks[1]) || !strings.Contains(expired, marks[0]) {
			t.Errorf("%s: known:\n%s\nexpired:\n%s", name, known, expired)
		}
	}
	if r := held(t, "2027-01-31", 3); r.Summary.Outcome != results.Errored {
		t.Errorf("its error is what it is, whatever is known: %+v", r.Summary)
	}
	if samples.Red().Gate != nil {
		t.Error("a run that was held against nothing has a gate")
	}
}
