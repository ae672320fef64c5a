package results_test

import (
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/results"
)

// Every kind of event has its words and its place: from whom, to whom (empty: it
// happens there).
func TestWordsOfEvents(t *testing.T) {
	events := []struct{ event, from, to, text string }{
		{"saga-submitted s1", "client", "orchestrator", "submits saga s1: order (pay, ship)"},
		{"saga-refused s1 503", "orchestrator", "client", "does not accept the saga (503)"},
		{"saga-refused s1 0", "orchestrator", "client", "does not accept the saga (no answer)"},
		{"saga-accepted s1", "orchestrator", "client", "accepts the saga (202)"},
		{"saga-unknown s1", "orchestrator", "client", "does not know the saga (404)"},
		{"saga-status s1 running", "orchestrator", "client", "reports running"},
		{"fault-armed fault=1", "wire", "", "fault armed: outage steps=pay"},
		{"fault-fired s1 pay#1 fault=0", "pay", "", "fault: error pay#1@receive"},
		{"fault-fired fault=2", "orchestrator", "", "fault: crash-orchestrator pay#1@commit"},
		{"fault-fired fault=1 detail=\"refused 2\"", "wire", "", "fault: outage steps=pay (refused 2)"},
		{"fault-healed fault=1", "wire", "", "fault over: outage steps=pay"},
		{"call-sent s1 pay#1 key=-", "orchestrator", "wire", "pay#1 leaves, without a key"},
		{"call-sent s1 pay#2 key=k", "orchestrator", "wire", "pay#2 leaves, key k"},
		{"call-received s1 pay#2 copy=1", "wire", "pay", "pay#2 (copy 1, made by the network) arrives"},
		{"call-committed s1 pay#2", "pay", "", "pay#2 takes effect: alice-42EUR shop+42EUR"},
		{"call-answered s1 pay#2 200", "pay", "wire", "pay#2 is answered 200"},
		{"call-ended s1 pay#2 0", "wire", "orchestrator", "pay#2: no answer arrives, the outcome is unknown"},
		{"call-ended s1 pay.undo#1 200", "wire", "orchestrator", "pay.undo#1: 200 arrives"},
		{"call-stray detail=\"GET /x\"", "orchestrator", "wire", "a call that belongs to no operation (GET /x)"},
		{"process-killed", "orchestrator", "", "process killed"},
		{"process-ready", "orchestrator", "", "process ready"},
		{"process-gone detail=exit", "orchestrator", "", "went away, which no plan asked for (exit)"},
		{"saga-operator s1", "client", "orchestrator", "an operator asks for compensation"},
		{"saga-ended s1 completed", "orchestrator", "client", "reports completed: the saga has ended"},
		{"settled", "client", "", "nothing is pending any more"},
		{"settled detail=\"s1 is running\"", "client", "", "s1 is running"},
		{"ledger-read bank alice-42EUR shop+42EUR order=new", "bank", "", "ledger: alice EUR -42, shop EUR +42, order = new"},
		{"ledger-read empty", "empty", "", "ledger: all accounts flat"},
	}
	text := "scenario order\ncell c1\nprofile naive\nfault error pay#1@receive\nfault outage steps=pay\nfault crash-orchestrator pay#1@commit\n" +
		"saga s1\nstep pay do=alice-42EUR,shop+42EUR\nstep ship\n\n"
	var all checkers.Witness
	for i, e := range events {
		text += "1ms " + e.event + "\n"
		all.Events = append(all.Events, i+1)
	}
	h, err := history.ParseText(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	lines := results.Tell(h, all).Lines
	if len(lines) != len(events) {
		t.Fatalf("%d lines of %d events", len(lines), len(events))
	}
	for i, want := range events {
		if l := lines[i]; l.From != want.from || l.To != want.to || l.Text != want.text {
			t.Errorf("%s: got %q from %q to %q, want %q from %q to %q", want.event, l.Text, l.From, l.To, want.text, want.from, want.to)
		}
	}
}
