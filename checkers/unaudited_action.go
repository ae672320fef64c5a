package checkers

import (
	"fmt"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/saga"
)

// UnauditedAction finds what operators asked for and got, of which the orchestrator's audit
// says nothing, or not who asked for it and why, or says it more often than it was done.
//
// Source: practice of audit trails (NIST SP 800-92, AU-10 of SP 800-53 on non-repudiation);
// docs/contract.md on operators. Evidence: saga-operator, saga-operated, audited, audit-read. A request that
// was answered 202 is one that changed something; the same key again is the same request. One that
// was not answered may be there or not. Cost: linear.
type UnauditedAction struct{}

var _ Checker = UnauditedAction{}

// The clauses of unaudited-action.
const (
	actTold   = "told"
	actCrash  = "told-after-crash"
	actSigned = "signed"
	actOnce   = "once"
)

// ofAct is what an entry of the audit about an act says that it is.
func ofAct(act saga.Act) string { return "operator-" + string(act) }

// Doc documents the checker.
func (UnauditedAction) Doc() Doc {
	wants := []Trait{governedPairs}
	return Doc{
		Name:       "unaudited-action",
		Definition: "The orchestrator did what an operator asked for, and its audit does not have it, or not who asked and why, or has it more often than it was done.",
		Source:     "practice: audit trails (NIST SP 800-92; SP 800-53 AU-10); docs/contract.md on operators",
		Clauses: []Clause{
			{Name: actTold, Text: "what an operator asked for, and was answered with 202, is in the audit", Wants: wants},
			{Name: actCrash, Text: "it is there though the orchestrator was killed after it had answered", Wants: wants, Does: []string{history.Kill}},
			{Name: actSigned, Text: "it is there with who asked for it, and why", Wants: wants},
			{Name: actOnce, Text: "it is there once, however often the same request was sent, and not at all if it was refused", Wants: wants},
		},
		Evidence:  "saga-operator, saga-operated, audited and audit-read.",
		Prevented: "Writing who asked, and why, in the commit that does it.",
		Blind:     "Requests that were not answered; whether a reason is a good one; what operators did by other ways than the contract's.",
		Cost:      "linear",
		Whole:     true,
		Needs:     []string{"audit", "operator-compensation", "operator-pause"},
	}
}

// Check judges a history.
func (c UnauditedAction) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	ds := disturbances(h, ix)
	for _, s := range ix.Sagas {
		switch {
		case len(s.Operated) == 0:
		case ix.AuditRead == nil:
			t.unknown(actTold, "the audit was not read")
		default:
			checkAudited(t, ix, s, ds)
		}
	}
	return t.verdict("no operator asked for anything")
}

// request is what one operator asked for under one key, however often.
type request struct {
	act   string
	first *history.Event // that was answered with 202; nil: none was
	open  bool           // it may have been taken all the same
	by    string
	why   string
}

// requests are those of a saga, by their keys, in the order in which they came.
func requests(s *history.SagaRecord) (all []*request) {
	byKey := map[string]*request{}
	for _, e := range s.Operated {
		r := byKey[e.Key]
		if r == nil {
			r = &request{act: ofAct(saga.Act(e.What)), by: e.By, why: e.Reason}
			byKey[e.Key], all = r, append(all, r)
		}
		if e.Changed && r.first == nil {
			r.first = e
		}
		r.open = r.open || e.Code == 0 || saga.Classify(e.Code) == saga.Transient && !refusedAct(e)
	}
	return all
}

func checkAudited(t *tally, ix *history.Index, s *history.SagaRecord, ds []disturbance) {
	var entries []*history.Event
	told := map[string]int{}   // by act
	signed := map[string]int{} // by act, who and why
	for _, e := range ix.Audited {
		if e.Saga == s.ID && e.What != ofAttempt && e.What != ofWithdrawn {
			entries = append(entries, e)
			told[e.What]++
			signed[signature(e.What, e.By, e.Reason)]++
		}
	}
	may := map[string]int{} // by act: how often it was done at the most
	for _, r := range requests(s) {
		if r.first != nil || r.open {
			may[r.act]++
		}
		if r.first == nil {
			continue
		}
		clause := actTold
		if kills(ds, r.first.Seq, ix.AuditRead.Seq) > 0 {
			clause = actCrash
		}
		switch {
		case told[r.act] == 0:
			t.violate(clause, action(s, r.first.Step), []*history.Event{r.first, ix.AuditRead}, "broke the audit: %q was asked of saga %s by %s and answered with %d, and the audit does not have it", r.first.What, s.ID, r.by, r.first.Code)
			continue
		case signed[signature(r.act, r.by, r.why)] == 0:
			t.violate(actSigned, action(s, r.first.Step), []*history.Event{r.first, ix.AuditRead}, "broke the audit: it does not say that %s asked %q of saga %s, and why: %q", r.by, r.first.What, s.ID, r.why)
		default:
			t.held(actSigned, 1)
		}
		t.held(clause, 1)
	}
	checkAuditedOnce(t, s, entries, told, may)
}

func checkAuditedOnce(t *tally, s *history.SagaRecord, entries []*history.Event, told, may map[string]int) {
	for _, act := range saga.Acts() {
		what := ofAct(act)
		asked := false
		for _, e := range s.Operated {
			asked = asked || e.What == string(act)
		}
		switch {
		case !asked:
		case told[what] > may[what]:
			var events []*history.Event
			for _, e := range entries {
				if e.What == what {
					events = append(events, e)
				}
			}
			t.violate(actOnce, action(s, ""), events, "broke the audit: it has %q of saga %s %s, and it was done %s", act, s.ID, words.Plural(told[what], "time"), words.Plural(may[what], "time"))
		default:
			t.held(actOnce, 1)
		}
	}
}

func signature(what, by, why string) string { return fmt.Sprintf("%s %q %q", what, by, why) }
