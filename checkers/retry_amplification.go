package checkers

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// RetryAmplification finds more retries of the calls that share a retry budget than it
// allows: retries that multiply an outage.
//
// Source: Brooker, "Exponential Backoff and Jitter", AWS 2015, and Bronson et al., "Metastable
// Failures in Distributed Systems", HotOS 2021, for what goes wrong; the retry budgets of
// Finagle and Linkerd for what is done about it; the bound is that of a token bucket (Cruz
// 1991). Evidence: call-sent of all calls of the cell that name the budget.
//
// In any time from one retry to another there are no more retries than burst + share · the
// first attempts in it + min_per_second · its length. A retry may be seen later than it took
// its token, by 25 ms or three times the longest lag of the cell: by so much the time is
// taken for longer at its beginning. A first attempt counts if it was seen no later than that
// and a time-out after the last retry, since one that failed unseen may be seen then. The bound
// is for any time, so also for one with a restart in it: what was saved up may be forgotten,
// and what was spent may not.
//
// It was at risk if the budget would have been exceeded had each retry left when its wait was over at the
// latest. Cost: n·log n in the calls under budgets.
type RetryAmplification struct{}

var _ Checker = RetryAmplification{}

// The clauses of retry-amplification.
const (
	amplified      = "share"
	amplifiedAgain = "share-after-crash"
)

// Doc documents the checker.
func (RetryAmplification) Doc() Doc {
	return Doc{
		Name:       "retry-amplification",
		Definition: "The calls that share a retry budget are attempted again more often than it allows, so that retries multiply an outage.",
		Source:     "docs/contract.md on retry budgets; Finagle and Linkerd; Bronson et al., Metastable Failures in Distributed Systems, 2021",
		Clauses: []Clause{
			{Name: amplified, Text: "in any time there are no more retries than burst, and share of the first attempts in it, and min_per_second of its seconds: budgets that would have been exceeded if no retry had waited for its token"},
			{Name: amplifiedAgain, Text: "nor in any time in which the orchestrator was killed", Does: []string{history.Kill}},
		},
		Evidence:  "call-sent of the calls that name the budget, and call-ended.",
		Prevented: "One retry budget for all calls to a participant, and retries in one layer only.",
		Blind:     "Retries that are seen up to 25 ms (or three times the longest lag of the cell) later than they left; calls to connections that were refused; times in which the orchestrator was paused or without its store; calls from outside of the cell.",
		Cost:      "n·log n in the calls under budgets",
		Wants:     []Trait{retryBudgets},
		Needs:     []string{"retry-budget"},
	}
}

// Check judges a history.
func (c RetryAmplification) Check(_ *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	tm := newTiming(ix)
	lag := max(breakerTolerance, 3*tm.lag)
	under, names := callsUnderBudgets(tm)
	for _, name := range names {
		checkAmplification(t, tm, under[name], lag)
	}
	return t.verdict("nothing would have exceeded a retry budget")
}

// budgeted is what is known of the calls of one retry budget, in the order in which they
// were sent.
type budgeted struct {
	saga.RetryBudget
	firsts  []time.Duration
	retries []retry
	timeout time.Duration // the longest of an attempt
	hidden  bool          // some may have been refused a connection
}

// retry is an attempt after the first.
type retry struct {
	op   saga.Operation
	sent *history.Event
	life int           // of the orchestrator: how often it had been killed
	due  time.Duration // when it would have left at the latest
}

func callsUnderBudgets(tm *timing) (under map[string]*budgeted, names []string) {
	under = map[string]*budgeted{}
	h := tm.ix.History
	for _, s := range singleSagas(h, tm.ix) {
		for _, o := range allOpsOf(s) {
			b := o.Call.RetryBudget
			if b == nil {
				continue
			}
			if under[b.Name] == nil {
				under[b.Name] = &budgeted{RetryBudget: *b}
				names = append(names, b.Name)
			}
			under[b.Name].add(o, tm.ds)
			under[b.Name].hidden = under[b.Name].hidden || h.MayBeRefused(o.Op)
		}
	}
	for _, b := range under {
		slices.Sort(b.firsts)
	}
	return under, names
}

func (b *budgeted) add(o *history.OpRecord, ds []disturbance) {
	b.timeout = max(b.timeout, o.Call.Retry.AttemptTimeout())
	for i, a := range sent(o) {
		if i == 0 {
			b.firsts = append(b.firsts, a.Sent.From())
			continue
		}
		before, due := sent(o)[i-1], a.Sent.From()
		if before.Ended != nil && o.Call.Breaker == nil {
			_, hi := o.Call.Retry.Band(a.N)
			due = min(due, latestFailure(before, o.Call.Retry)+max(hi, retryAfter(before)))
		}
		b.retries = append(b.retries, retry{o.Op, a.Sent, kills(ds, 0, a.Sent.Seq), due})
	}
}

// demand is retries at the times at which they left, or would have.
type demand struct {
	*budgeted
	retries []retry // in the order of time
	at      func(retry) time.Duration
	lag     time.Duration // a retry may have taken its token so much earlier,
	firsts  time.Duration // and a first attempt that is seen so much later had brought its share
}

func (b *budgeted) demand(at func(retry) time.Duration, lag, firsts time.Duration) demand {
	rs := slices.SortedFunc(slices.Values(b.retries), func(x, y retry) int { return cmp.Or(cmp.Compare(at(x), at(y)), cmp.Compare(x.life, y.life)) })
	return demand{b, rs, at, lag, firsts}
}

// firstsBefore is how many first attempts there were before a time.
func (b *budgeted) firstsBefore(at time.Duration) float64 {
	n, _ := slices.BinarySearch(b.firsts, at)
	return float64(n)
}

// allowed is how many retries the budget allows from the i-th to the j-th.
func (d demand) allowed(i, j int) float64 {
	return float64(d.Burst) + d.gain(j, d.firsts+1, 0) - d.gain(i, -d.lag, d.lag)
}

// gain is what the bucket has got until about the i-th retry.
func (d demand) gain(i int, firsts, earlier time.Duration) float64 {
	at := d.at(d.retries[i])
	return d.Share*d.firstsBefore(at+firsts) + d.MinPerSecond*(at-earlier).Seconds()
}

// excess finds a time, from one retry to another, with more of them than the budget
// allows: again: a kill is between them; else there is none. It ends as early as any such time.
func (d demand) excess(again bool) (from, to int, found bool) {
	same, earlier := math.Inf(1), math.Inf(1) // the least of i less its gain, in this life and those before
	for j, r := range d.retries {
		if j > 0 && r.life != d.retries[j-1].life {
			same, earlier = math.Inf(1), min(same, earlier)
		}
		same = min(same, float64(j)-d.gain(j, -d.lag, d.lag))
		least := same
		if again {
			least = earlier
		}
		if float64(j+1)-d.gain(j, d.firsts+1, 0)-least <= float64(d.Burst)+1e-6 {
			continue
		}
		for i := j; i >= 0; i-- { // the shortest such time
			if (r.life != d.retries[i].life) == again && float64(j-i+1) > d.allowed(i, j)+1e-6 {
				return i, j, true
			}
		}
	}
	return 0, 0, false
}

func checkAmplification(t *tally, tm *timing, b *budgeted, lag time.Duration) {
	seen := b.demand(func(r retry) time.Duration { return r.sent.From() }, lag, lag+b.timeout)
	due := b.demand(func(r retry) time.Duration { return r.due }, 0, 0)
	for _, clause := range []string{amplified, amplifiedAgain} {
		again := clause == amplifiedAgain
		from, to, broken := seen.excess(again)
		_, _, wanted := due.excess(again)
		switch {
		case broken && !b.hidden && !stalled(tm, seen.retries[from].sent.From()-lag, seen.retries[to].sent):
			violateAmplification(t, clause, seen, from, to)
		case broken || wanted && b.hidden:
			t.unjudgeable(clause, "connections were refused, or the orchestrator was paused or without its store")
		case wanted:
			t.held(clause, 1)
		}
	}
}

// stalled tells whether something but a kill held the orchestrator still between a time and
// an event.
func stalled(tm *timing, since time.Duration, until *history.Event) bool {
	es := tm.ix.History.Events
	i, _ := slices.BinarySearchFunc(es, since, func(e history.Event, at time.Duration) int { return cmp.Compare(e.At, at) })
	return i < len(es) && countDisturbed(tm.ds, es[i].Seq, until.Seq, false) > kills(tm.ds, es[i].Seq, until.Seq)
}

func violateAmplification(t *tally, clause string, d demand, from, to int) {
	var events []*history.Event
	for _, r := range d.retries[from : to+1] {
		events = append(events, r.sent)
	}
	first, last := d.retries[from], d.retries[to]
	t.violate(clause, saga.Operation{Step: last.op.Step, Direction: last.op.Direction}, events,
		"broke the retry budget %q: %d attempts after the first were made within %v, and it allows %.1f in that time (burst %d, %g of first attempts, %g a second)",
		d.Name, to-from+1, ms(last.sent.From()-first.sent.From()), d.allowed(from, to), d.Burst, d.Share, d.MinPerSecond)
}
