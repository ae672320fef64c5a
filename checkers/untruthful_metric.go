package checkers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// UntruthfulMetric finds metrics that count what did not happen, or do not count what did.
//
// Source: practice; who alerts on a counter trusts it. Evidence: telemetry events with the
// metrics before the first saga of the cell and after it had settled, on an orchestrator of
// its own; saga-accepted, saga-status, call-sent and call-ended. What the wire is not sure of
// widens the interval in which a number is true: attempts that a kill or a pause may have
// kept from the wire, answers that may have been read or not. Cost: linear.
type UntruthfulMetric struct{}

var _ Checker = UntruthfulMetric{}

// The clauses of untruthful-metric.
const (
	countsStarted       = "started"
	countsEnds          = "ends"
	countsAttempts      = "attempts"
	countsRetries       = "retries"
	countsCompensations = "compensations"
	countsStuck         = "stuck"
	countsAfterCrash    = "after-crash"
)

// Doc documents the checker.
func (UntruthfulMetric) Doc() Doc {
	return Doc{
		Name:       "untruthful-metric",
		Definition: "A metric of the orchestrator is not what the wire saw: it counts sagas, attempts, retries or compensations that were not there, or not those that were.",
		Source:     "practice: alerts and decisions rest on these numbers",
		Clauses: []Clause{
			{Name: countsStarted, Text: "as many sagas are counted as were accepted", Needs: []string{history.HasMetrics}},
			{Name: countsEnds, Text: "as many sagas are counted as completed, and as compensated, as were", Needs: []string{history.HasMetrics}},
			{Name: countsAttempts, Text: "as many attempts are counted as were made", Needs: []string{history.HasMetrics}},
			{Name: countsRetries, Text: "as many of them are counted as retries as were", Needs: []string{history.HasMetrics}},
			{Name: countsCompensations, Text: "as many compensations are counted as were carried through", Needs: []string{history.HasMetrics}, Wants: []Trait{compensations}},
			{Name: countsStuck, Text: "as many sagas are said to wait for a person as do", Needs: []string{history.HasMetrics}},
			{Name: countsAfterCrash, Text: "all numbers are true although the orchestrator was killed in between", Needs: []string{history.LastingMetrics}, Does: []string{history.Kill}},
		},
		Evidence:  "telemetry (metrics before and after), saga-accepted, saga-status, call-sent and call-ended.",
		Prevented: "Counting what is stored, when it is stored, and counting anew from the store after a restart.",
		Blind:     "Metrics that the manifest does not name; cells on an orchestrator that others use at the same time; attempts and retries where connections were refused, or where attempts may have timed out before they reached the wire; after a kill and a pause, one attempt more for each operation; labels.",
		Cost:      "linear",
		Whole:     true,
		Needs:     []string{history.HasMetrics},
	}
}

// countedBy are the metrics of each clause; where the manifest names none of them, the clause is
// not applicable.
var countedBy = map[string][]string{
	countsStarted:       {history.MetricStarted},
	countsEnds:          {history.MetricCompleted, history.MetricCompensated},
	countsAttempts:      {history.MetricAttempts},
	countsRetries:       {history.MetricRetries},
	countsCompensations: {history.MetricCompensations},
	countsStuck:         {history.MetricStuck},
}

// uncounted is why a clause is not applicable.
const uncounted = "no metric of it was heard: those that the manifest names are, in cells that have an orchestrator of their own"

// seenOnWire is how often something happened, as far as the wire can tell.
type seenOnWire struct{ least, most int }

// Check judges a history.
func (c UntruthfulMetric) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	s := newSignals(h, ix)
	if s.heard[history.HasMetrics] == nil {
		for _, k := range t.doc.Clauses {
			t.lacks(k.Name, uncounted)
		}
		return t.verdict(uncounted)
	}
	for clause, metrics := range countedBy {
		if !slices.ContainsFunc(metrics, func(m string) bool { return s.after[m] != nil }) {
			t.lacks(clause, uncounted)
		}
	}
	if len(s.kills) > 0 && !s.has(history.LastingMetrics) {
		return t.verdict("the orchestrator was killed, and its manifest does not say that counters hold over that")
	}
	j := metricJudge{t: t, s: s, sagas: ix.Sagas}
	j.compare(countsStarted, history.MetricStarted, "sagas accepted", j.started())
	j.compare(countsEnds, history.MetricCompleted, "sagas completed", j.reported(saga.Completed))
	j.compare(countsEnds, history.MetricCompensated, "sagas compensated", j.reported(saga.Compensated))
	j.compare(countsStuck, history.MetricStuck, "sagas that wait for a person", j.reported(saga.Stuck))
	j.compare(countsCompensations, history.MetricCompensations, "compensations carried through", j.compensations())
	if why := j.mayHide(); why != "" {
		t.unjudgeable(countsAttempts, "%s", why)
		t.unjudgeable(countsRetries, "%s", why)
	} else {
		j.compare(countsAttempts, history.MetricAttempts, "attempts", j.attempts())
		j.compare(countsRetries, history.MetricRetries, "retries", j.retries())
	}
	j.afterCrash()
	return t.verdict("no metric was looked at before and after")
}

// metricJudge compares the metrics of a cell.
type metricJudge struct {
	t     *tally
	s     *signals
	sagas []*history.SagaRecord
}

// compare judges one metric.
func (j metricJudge) compare(clause, metric, what string, wire seenOnWire) {
	n, ok := j.s.grew(metric)
	if !ok {
		return
	}
	if float64(wire.least) <= n && n <= float64(wire.most) {
		j.t.held(clause, 1)
		return
	}
	var op saga.Operation
	if len(j.sagas) == 1 {
		op.Saga = j.sagas[0].ID
	}
	j.t.violate(clause, op, []*history.Event{j.s.before[metric], j.s.after[metric]},
		"broke the truth of metrics: %v %s are counted, and there were %s", n, what, wire)
}

// afterCrash: of numbers that are wrong, one stands for all.
func (j metricJudge) afterCrash() {
	if len(j.s.kills) == 0 {
		return
	}
	if len(j.t.witnesses) == 0 {
		j.t.held(countsAfterCrash, 1)
		return
	}
	first := j.t.witnesses[0]
	j.t.violate(countsAfterCrash, saga.Operation{Saga: first.Saga}, []*history.Event{j.s.kills[0], j.s.heard[history.HasMetrics]},
		"broke the truth of metrics: after the orchestrator was killed its numbers are not true: %s", strings.TrimPrefix(first.Broken, "broke the truth of metrics: "))
}

func (w seenOnWire) String() string {
	if w.least == w.most {
		return fmt.Sprint(w.least)
	}
	return fmt.Sprintf("%d to %d", w.least, w.most)
}

// started: who submitted a saga and heard nothing good may have started it all the same.
func (j metricJudge) started() (w seenOnWire) {
	for _, s := range j.sagas {
		if len(s.Accepted) > 0 {
			w.least++
		}
		if len(s.Submitted)+len(s.Accepted) > 0 {
			w.most++
		}
	}
	return w
}

// reported: of a saga that never said how it ended, nobody knows.
func (j metricJudge) reported(status saga.Status) (w seenOnWire) {
	for _, s := range j.sagas {
		switch last := s.Status(); {
		case last == status:
			w.least++
			w.most++
		case !last.Ended() && !last.Left() && len(s.Submitted)+len(s.Accepted) > 0:
			w.most++
		}
	}
	return w
}

func (j metricJudge) compensations() (w seenOnWire) {
	for _, s := range j.sagas {
		for _, o := range allOpsOf(s) {
			switch {
			case o.Op.Direction != saga.Compensation:
			case s.Status() == saga.Compensated && len(sent(o)) > 0, len(j.s.kills) == 0 && o.Learnt(saga.Done) != nil:
				w.least++
				w.most++
			case mayHaveLearnt(o, saga.Done):
				w.most++
			}
		}
	}
	return w
}

// hidden is how many attempts the wire may not have seen: at a kill, those that were
// written down and had not left; at a pause, those whose time was over before they did.
func (j metricJudge) hidden() int {
	operations := 0
	for _, s := range j.sagas {
		for _, step := range inRounds(s) {
			operations++
			if step.Compensation != nil {
				operations++
			}
		}
	}
	killed := len(j.s.kills) * operations
	if n, ok := j.s.grew(history.MetricInterrupted); ok && int(n) < killed {
		killed = max(0, int(n))
	}
	return killed + j.s.pauses*operations
}

func (j metricJudge) attempts() (w seenOnWire) {
	for _, s := range j.sagas {
		for _, o := range allOpsOf(s) {
			for _, a := range sent(o) {
				w.most++
				if !j.s.cut(a) {
					w.least++
				}
			}
		}
	}
	w.most += j.hidden()
	return w
}

func (j metricJudge) retries() (w seenOnWire) {
	for _, s := range j.sagas {
		for _, o := range allOpsOf(s) {
			as, cut := sent(o), 0
			for _, a := range as {
				if j.s.cut(a) {
					cut++
				}
			}
			w.most += max(0, len(as)-1)
			w.least += max(0, len(as)-1-cut)
		}
	}
	w.most += j.hidden()
	return w
}

// mayHide is why attempts may have been made that the wire did not see, any number of
// them; empty: there is no reason.
func (j metricJudge) mayHide() string {
	for _, s := range j.sagas {
		for _, step := range inRounds(s) {
			for _, d := range []saga.Direction{saga.Action, saga.Compensation} {
				ref := saga.StepRef{Step: step.Name, Direction: d}
				call, ok := s.Definition.Call(ref)
				if !ok {
					continue
				}
				if j.s.h.MayBeRefused(saga.Operation{Saga: s.ID, Step: step.Name, Direction: d}) {
					return "connections were refused, of which the wire knows nothing"
				}
				if limit := call.Retry.ShortestTimeout(); limit > 0 && 2*j.s.lag >= limit {
					return "the machine was so late that attempts may have timed out before they reached the wire"
				}
			}
		}
	}
	return ""
}
