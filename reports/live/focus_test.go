package live_test

import (
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/testbrowser"
	"github.com/sagacheck/sagacheck/reports/live"
	"github.com/sagacheck/sagacheck/results"
)

// An update leaves a reader where he is: at the second of two links to a cell, at the place of one that has
// gone, and with the text that he has selected.
func TestAnUpdateLeavesAReaderWhereHeIs(t *testing.T) {
	v := begun()
	f := results.Failure{Property: "p", Scenario: "s", Cell: "d"}
	f.Verdict = checkers.Violation
	v.Judged(results.Cell{ID: "d", Scenario: "s", Verdict: checkers.Violation}, []results.Failure{f})
	srv, err := live.Serve(t.Context(), "127.0.0.1:0", v)
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	b := testbrowser.Open(t, strings.TrimSuffix(srv.URL, "/"))
	b.Visit("/")
	const second = `[...document.querySelectorAll('a[href="/cell/d"]')][1]`
	says := func(line string) {
		v.Say(line)
		b.Reads(line)
	}

	b.Holds(second + `.focus() === undefined`)
	says("one more")
	if !b.Holds(second + ` === document.activeElement`) {
		t.Error("the focus has left the second link")
	}
	b.Holds(`document.querySelector('a[href="/cell/c"]').focus() === undefined`)
	v.Over("c")
	says("gone")
	if !b.Holds(`document.activeElement.id === "live"`) {
		t.Error("the focus is lost when its link has gone")
	}
	b.Holds(`document.getSelection().selectAllChildren(document.querySelector("caption")) === undefined`)
	v.Say("two more")
	v.End(live.End{Outcome: results.Violated})
	b.Await(func() bool { return b.Holds(`document.getElementById("pausing").classList.contains("hidden")`) }, "end of following")
	if !b.Holds(`document.getSelection().toString() !== "" && !document.body.innerText.includes("two more")`) {
		t.Error("what was selected is gone")
	}
	b.Holds(`document.getSelection().removeAllRanges() === undefined`)
	b.Reads("two more", "The run has ended")
}
