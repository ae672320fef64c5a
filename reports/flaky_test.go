package reports_test

import (
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
)

// A failure that did not come back in each replay says so in its title wherever it is told.
func TestFlakyIsInTheTitle(t *testing.T) {
	r := samples.OneCause()
	r.Failures[0].Reproduced = &results.Rate{Tries: 10}
	text := string(show(t, r))
	for _, want := range []string{"✗~ duplicate-effect in order (flaky: 0 of 10 replays)", "### duplicate-effect in order (flaky)"} {
		if !strings.Contains(text, want) {
			t.Errorf("not said: %s", want)
		}
	}
	if !strings.Contains(page(t, r), `<h3>duplicate-effect in order</h3> <span class="chip">flaky</span>`) {
		t.Error("the page does not say it")
	}
	r.Failures[0].Reproduced = &results.Rate{Hits: 10, Tries: 10}
	if strings.Contains(string(show(t, r))+page(t, r), "flaky") {
		t.Error("what came back each time is called flaky")
	}
}

// What is violated and flaky has a mark of its own, also where there are no colours; one finding that came back each
// time makes it as violated as any other.
func TestFlakyHasItsMark(t *testing.T) {
	r := samples.OneCause()
	flaky := results.Judged{Finding: results.Finding{Key: r.KeyOf(r.Failures[0]), Reproduced: &results.Rate{Hits: 3, Tries: 10}}, Standing: results.Fresh}
	steady := flaky
	steady.Reproduced = &results.Rate{Hits: 10, Tries: 10}
	const legend, link = "✗~ n: broken in n cells, and none of the findings came back in each replay: flaky", `: violation, at risk 2, flaky">✗~ 2</a>`
	for want, list := range map[bool][]results.Judged{true: {flaky}, false: {flaky, steady}} {
		r.Gate = &results.Gate{Findings: list}
		shown, html := strings.Join(strings.Fields(string(show(t, r))), " "), page(t, r)
		for in, text := range map[string]string{"│ ✗~ 2 │": shown, legend: shown, legend + "</p>": html, link: html} {
			if strings.Contains(text, in) != want {
				t.Errorf("%d findings: %q is there: %t", len(list), in, !want)
			}
		}
	}
}

// What is not applicable is a number below the table, also where no cell of a workflow came to it; if nothing is
// applicable, the table has its rows.
func TestOneWordForWhatIsNotApplicable(t *testing.T) {
	r := samples.OneCause()
	for i := range r.Properties {
		if r.Properties[i].Name == "breaker-violation" { // as Property.leaveUnmet leaves it
			r.Properties[i].Verdict, r.Properties[i].Reason = checkers.NotApplicable, "no run came to it"
		}
	}
	text, _, _ := strings.Cut(string(show(t, r)), "========")
	if strings.Contains(text, "│ breaker-violation") || !strings.Contains(text, "1 more property is not applicable") || !strings.Contains(text, "breaker-violation: not applicable: no run came to it") {
		t.Errorf("got %s", text)
	}
}

// What is always there is not told as flaky because the smallest plan that shows it is: a plan with more faults that came
// back each time is told first, and the smaller one after it.
func TestWhatComesBackEachTimeIsToldFirst(t *testing.T) {
	c := results.New(samples.Meta())
	for i, plan := range []string{"outage of [charge] from 0ms for 60ms", "lose charge#1@response, lose charge#2@response"} {
		h := samples.LostAnswer()
		h.Header.Faults = []history.PlannedFault{{Text: plan}}
		if i == 1 {
			h.Header.Faults = []history.PlannedFault{{Text: "lose charge#1@response"}, {Text: "lose charge#2@response"}}
		}
		c.Add(results.CellInfo{ID: []string{"c1", "c2"}[i], Plan: plan}, h, []checkers.Verdict{samples.Duplicate(h)})
	}
	r := c.Finish()
	if len(r.Failures) != 2 || r.Failures[0].Cell != "c1" || r.Failures[1].Faults != 2 {
		t.Fatalf("%+v", r.Failures)
	}
	played := results.Replays{Rates: map[results.Key]results.Rate{r.KeyOf(r.Failures[0]): {Hits: 3, Tries: 10}, r.KeyOf(r.Failures[1]): {Hits: 10, Tries: 10}}}
	r.Reproduce(played)
	if err := r.Hold(nil, nil, played, samples.Started); err != nil {
		t.Fatal(err)
	}
	text, md, _ := strings.Cut(string(show(t, r)), "========")
	if !strings.Contains(text, "✗ duplicate-effect in order\n") || strings.Contains(text, "✗~ duplicate-effect") {
		t.Error(text)
	}
	if !strings.Contains(md, "### duplicate-effect in order\n\nThe smallest that came back in each replay, of 2 cells.\n") {
		t.Error(md)
	}
	if html := page(t, r); strings.Index(html, `lose charge#2@response`) > strings.Index(html, `<span class="chip">flaky`) && strings.Contains(html, `<span class="chip">flaky`) {
		t.Error("the page tells the flaky one first")
	}
}
