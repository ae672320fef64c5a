package checkers

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// The test of thundering-herd: how often it may be wrong in a cell, how many
// waits it takes, and the part of the band in which too many are looked for.
const (
	herdAlpha  = 1e-6
	herdWaits  = 8   // of a group
	herdApart  = 5   // of them, at different moments
	herdWindow = 0.1 // of the band
	herdInside = 0.8 // of a group must lie within the band
	// herdBlur is the most that the usual lag of the wire may be, as a part of the band.
	herdBlur = 0.2
	// herdBand is the narrowest band that is measured at all.
	herdBand = 10 * time.Millisecond
)

// herdSpread is the clause of thundering-herd.
const herdSpread = "spread"

// ThunderingHerd finds jittered waits that are not spread: sagas that failed
// together retry together.
//
// Source: exponential backoff with jitter (Brooker, "Exponential Backoff and
// Jitter", AWS Architecture Blog 2015); the scan statistic (Naus 1965). Evidence:
// call-sent, call-answered, call-ended.
//
// The test: each wait is placed in its band, 0 at d(1−j), 1 at d(1+j); the policy
// says that the places are uniform and independent. The waits before attempts of
// one number are a group. A busy machine is late, and then lets many go at one
// moment: so a group counts only if four fifths of it lie within the band, and of
// waits that end within a millisecond (or twice the usual lag of the wire) one is
// taken. Of the windows of width 0.1+r that begin at one of the n that remain, the
// fullest holds k; r is the usual lag as a part of the band. If the policy holds
// for waits that end at different moments, the probability of that is at most
// n·P(Bin(n−1, 0.1+r) ≥ k−1). Two groups must both be below √(10⁻⁶/pairs of
// groups), so that the rate of false alarms is 10⁻⁶ a cell. A Kolmogorov–Smirnov
// test against the same distribution needs some 30 waits to see what this one sees
// with two times 5, and takes every shift for a herd.
//
// It cannot see herds in fewer waits than that, a herd so close that all of it
// comes within a millisecond, and a jitter that is spread but of another shape
// (backoff-violation sees what leaves the band). Cost: n·log n.
type ThunderingHerd struct{}

var _ Checker = ThunderingHerd{}

// Doc documents the checker.
func (ThunderingHerd) Doc() Doc {
	return Doc{
		Name:       "thundering-herd",
		Definition: "Sagas that failed together retry together: their jittered waits are not spread over the policy's band.",
		Source:     "Brooker, Exponential Backoff and Jitter, 2015; Naus, the scan statistic, 1965",
		Clauses:    []Clause{{Name: herdSpread, Text: "jittered waits before attempts of one number are spread over their band: at least 8 after a failure of known time, in bands of 10 ms or more, four fifths of them within the band, at least 5 of them ending at moments that are 1 ms (or twice the usual lag of the wire) apart, for at least two numbers. With r the usual lag as a part of the band, the fullest 0.1+r of the band holds k of those n waits of a number with p ≤ n·P(Bin(n−1, 0.1+r) ≥ k−1) if the policy holds; a violation if two numbers have p < √(1e-6 / pairs of numbers): false alarms are below 1e-6 a cell"}},
		Evidence:   "call-sent, call-answered and call-ended.",
		Prevented:  "Jitter drawn for each wait by itself.",
		Blind:      "Fewer waits than that; herds that come within a millisecond; jitter that is spread but of another shape; whatever a slow machine blurs.",
		Cost:       "linear, and n·log n in the waits",
		Wants:      []Trait{herds},
		Needs:      []string{"exponential-backoff", "jitter"},
	}
}

// place is where in its band a wait lies.
type place struct {
	wait
	u    float64
	blur float64 // the usual lag of the wire, as a part of the band
}

// Check judges a history.
func (c ThunderingHerd) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	tm := newTiming(ix)
	lag := quantile(tm.wireLags(), 0.5)
	groups := map[int][]place{} // by the number of the attempt
	seen := 0
	for _, s := range singleSagas(h, ix) {
		for _, o := range opsOf(s) {
			if heldBack(o.Call) || !o.Call.Retry.Adaptive.IsZero() { // it releases all at once, or places them elsewhere
				continue
			}
			for _, w := range tm.waitsOf(s, o) {
				seen++
				if p, ok := placeOf(w, lag); ok {
					groups[w.next.Attempt] = append(groups[w.next.Attempt], p)
				}
			}
		}
	}
	for n, g := range groups {
		if groups[n] = measurable(g, max(time.Millisecond, 2*lag)); groups[n] == nil {
			delete(groups, n)
		}
	}
	switch {
	case len(groups) >= 2:
		findHerds(t, groups)
	case seen >= 2*herdWaits:
		t.unjudgeable(herdSpread, "fewer than 8 jittered waits could be measured before attempts of two numbers")
	}
	return t.verdict("fewer than 8 jittered waits before attempts of two numbers")
}

// measurable is what of a group can be used: nothing if it is too small or the
// machine was late, else waits that ended at different moments.
func measurable(g []place, moment time.Duration) []place {
	inside := 0
	for _, p := range g {
		if p.u <= 1+herdWindow {
			inside++
		}
	}
	if len(g) < herdWaits || float64(inside) < herdInside*float64(len(g)) {
		return nil
	}
	if g = apart(g, func(p place) time.Duration { return p.next.At }, moment); len(g) < herdApart {
		return nil
	}
	return g
}

func findHerds(t *tally, groups map[int][]place) {
	limit := math.Sqrt(herdAlpha / float64(len(groups)*(len(groups)-1)/2))
	var herds []place
	found := 0
	for _, n := range slices.Sorted(maps.Keys(groups)) {
		g := groups[n]
		slices.SortFunc(g, func(a, b place) int { return cmp.Compare(a.u, b.u) })
		blur := 0.0
		for _, p := range g {
			blur = max(blur, p.blur)
		}
		if herd := fullest(g, herdWindow+blur); herdProbability(len(g), len(herd), herdWindow+blur) < limit {
			found++
			herds = append(herds, herd...)
		}
	}
	if found < 2 {
		t.held(herdSpread, len(groups))
		return
	}
	events := make([]*history.Event, 0, len(herds))
	for _, p := range herds {
		events = append(events, p.next)
	}
	t.violate(herdSpread, saga.Operation{Step: herds[0].op.Step, Direction: herds[0].op.Direction}, events,
		"broke the jitter: before each of %d attempts, waits that the policy spreads over a band crowd in a small part of it: %d in all (p < %.0e)", found, len(herds), herdAlpha)
}

// placeOf puts a wait into its band; not ok if the band is too narrow for the lag
// of the wire, the moment of the failure is not known well enough, or Retry-After
// ruled.
func placeOf(w wait, lag time.Duration) (place, bool) {
	band := float64(w.hi - w.lo)
	blur, uncertain := float64(lag)/band, float64(w.longest-w.shortest)/band
	if w.unknown != "" || band < float64(herdBand) || w.asked > 0 || uncertain > herdWindow || blur > herdBlur {
		return place{}, false
	}
	return place{wait: w, u: float64(w.longest-w.lo) / band, blur: blur}, true
}

// fullest is the window of that width that holds the most places.
func fullest(places []place, width float64) []place {
	best, from := 0, 0
	begin := 0
	for i := range places {
		for places[i].u-places[from].u > width {
			from++
		}
		if n := i - from + 1; n > best {
			best, begin = n, from
		}
	}
	return places[begin : begin+best]
}

// herdProbability bounds the probability that, of n independent places, some
// window that begins at one of them holds k or more, if each of the others falls
// into it with a probability of mass.
func herdProbability(n, k int, mass float64) float64 {
	sum := 0.0
	for i := k - 1; i <= n-1; i++ {
		sum += math.Exp(logChoose(n-1, i) + float64(i)*math.Log(mass) + float64(n-1-i)*math.Log(1-mass))
	}
	return math.Min(1, float64(n)*sum)
}

func logChoose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}
