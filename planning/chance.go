package planning

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// Bounds of what chance draws. A saga's calls take some milliseconds each, its
// retries some ten: windows begin while a saga runs and are as long as outages of
// a fraction of that, or of all of it.
const (
	mostWindows  = 3
	latestStart  = 60  // ms after the first call
	longest      = 300 // ms
	mostLatency  = 400 // ms: past the usual time-out of an attempt
	mostCalls    = 12  // of an error-rate window
	healthyRatio = 4   // an error rate is at least 1/healthyRatio
)

// Chance makes a random plan as users of plain chaos tools make it: a few windows
// of outage, latency or errors, each over some of the services, and kills of the
// orchestrator's process, at random times and for random lengths. Nothing of it
// knows where a saga is at that time. It is the baseline that plans with exact
// failure points are compared with; the same seed gives the same plan.
func Chance(defs []saga.Definition, a Ability, seed uint64) faults.Plan {
	rng := rand.New(rand.NewPCG(seed, 0x6368616e6365))
	var kinds []faults.KindDoc
	for _, k := range faults.Kinds() {
		if d := k.Doc(); d.Window() && a.Allows(d) {
			kinds = append(kinds, d)
		}
	}
	var p faults.Plan
	for range 1 + rng.IntN(mostWindows) {
		p.Faults = append(p.Faults, chanceWindow(rng, defs[0], kinds[rng.IntN(len(kinds))]))
	}
	slices.SortStableFunc(p.Faults, func(x, y faults.Fault) int { return cmp.Compare(x.FromMS, y.FromMS) })
	return p
}

func chanceWindow(rng *rand.Rand, d saga.Definition, kind faults.KindDoc) faults.Fault {
	f := faults.Fault{Kind: kind.Name, FromMS: 1 + rng.IntN(latestStart), ForMS: 1 + rng.IntN(longest)}
	if !kind.Uses("steps") {
		return f
	}
	f.Steps = chanceSteps(rng, d)
	switch {
	case kind.Uses("delay_ms"):
		f.DelayMS = 1 + rng.IntN(mostLatency)
	case kind.Uses("calls"):
		rate := (1 + rng.Float64()*(healthyRatio-1)) / healthyRatio
		for range mostCalls {
			f.Calls = append(f.Calls, rng.Float64() < rate)
		}
		if !slices.Contains(f.Calls, true) {
			f.Calls[rng.IntN(len(f.Calls))] = true
		}
	}
	return f
}

// chanceSteps are the steps of one service or of several, half of the time of all.
func chanceSteps(rng *rand.Rand, d saga.Definition) []string {
	all := rng.IntN(2) == 0
	var steps []string
	for _, s := range d.Steps {
		if all || rng.IntN(len(d.Steps)) == 0 {
			steps = append(steps, s.Name)
		}
	}
	if steps == nil {
		steps = []string{d.Steps[rng.IntN(len(d.Steps))].Name}
	}
	return steps
}
