package scenarios

import (
	"fmt"
	"math"

	"pgregory.net/rapid"

	"github.com/sagacheck/sagacheck/saga"
)

// Draw is the random scenario of a seed: 1 to 8 steps, an after graph, kinds in
// a legal order, policies, accounts that sagas and steps share, 1 to 3 sagas at
// once. The same seed gives the same scenario, and every scenario is valid. The
// sequence may differ between versions, so keep the scenario, not the seed.
func Draw(seed uint64) *Scenario {
	s := Generator().Example(int(seed)) // the conversion keeps all 64 bits
	s.Name = fmt.Sprintf("random-%d", seed)
	return s
}

// Generator draws valid scenarios, for properties under rapid.Check.
func Generator() *rapid.Generator[*Scenario] {
	return rapid.Custom(func(t *rapid.T) *Scenario {
		d := &drawing{t: t, s: &Scenario{
			Name:        "random",
			Description: "A random scenario.",
			Sagas:       rapid.IntRange(1, 3).Draw(t, "sagas"),
			Registers:   map[string]string{},
		}}
		d.s.Retry = d.retry()
		d.steps()
		d.statusChain()
		d.breaker()
		if len(d.s.Registers) == 0 {
			d.s.Registers = nil
		}
		return d.s
	})
}

// drawing is a scenario in the making.
type drawing struct {
	t *rapid.T
	s *Scenario
}

// oneIn is true once in n draws; it shrinks to false.
func (d *drawing) oneIn(n int, label string) bool {
	return rapid.IntRange(1, n).Draw(d.t, label) == n
}

func pickOne[T any](d *drawing, label string, from ...T) T {
	return rapid.SampledFrom(from).Draw(d.t, label)
}

// steps draws compensatable steps, perhaps a pivot and retriable steps, in this
// order, and mixes deferrable ones in.
func (d *drawing) steps() {
	n := rapid.IntRange(1, 8).Draw(d.t, "steps")
	deferrables := rapid.IntRange(0, min(2, n-1)).Draw(d.t, "deferrables")
	core := n - deferrables
	pivot := rapid.IntRange(0, 1).Draw(d.t, "pivot")
	retriables := pivot * rapid.IntRange(0, min(3, core-pivot)).Draw(d.t, "retriables")
	var kinds []saga.Kind
	for i := range core {
		switch {
		case i < core-retriables-pivot:
			kinds = append(kinds, saga.Compensatable)
		case i < core-retriables:
			kinds = append(kinds, saga.Pivot)
		default:
			kinds = append(kinds, saga.Retriable)
		}
	}
	for range deferrables {
		at := rapid.IntRange(0, len(kinds)).Draw(d.t, "place")
		kinds = append(kinds[:at], append([]saga.Kind{saga.Deferrable}, kinds[at:]...)...)
	}
	for i, kind := range kinds {
		d.s.Steps = append(d.s.Steps, d.step(i, kind))
	}
}

func (d *drawing) step(i int, kind saga.Kind) Step {
	st := Step{
		Name:        fmt.Sprintf("step-%d", i+1),
		Participant: pickOne(d, "participant", "alpha", "beta", "gamma"),
		Kind:        kind,
		After:       d.after(i, kind),
	}
	for j := range rapid.IntRange(1, 3).Draw(d.t, "changes") {
		st.Do = append(st.Do, d.change(&st, j))
	}
	if kind != saga.Retriable && d.oneIn(6, "own retry") {
		st.Retry = d.retry()
	}
	if kind == saga.Deferrable && d.oneIn(2, "no undo") || d.oneIn(12, "no undo") {
		st.Undo = &Undo{Mode: UndoNone}
	}
	return st
}

// after draws the steps to wait for. Where that is the step before in the list,
// it is left out half of the time, since both forms must work.
func (d *drawing) after(i int, kind saga.Kind) []string {
	var must, may []int
	for j, st := range d.s.Steps {
		switch {
		case st.Kind == saga.Deferrable:
			if kind == saga.Deferrable {
				may = append(may, j)
			}
		case kind == saga.Pivot || kind == saga.Retriable && st.Kind != saga.Retriable:
			must = append(must, j)
		default:
			may = append(may, j)
		}
	}
	after := []string{}
	for _, j := range d.s.sinks(must) {
		after = append(after, d.s.Steps[j].Name)
	}
	for _, j := range may {
		if d.oneIn(2, "waits") {
			after = append(after, d.s.Steps[j].Name)
		}
	}
	implied := i == 0 && len(after) == 0 || i > 0 && len(after) == 1 && after[0] == d.s.Steps[i-1].Name
	if implied && d.oneIn(2, "implied") {
		return nil
	}
	return after
}

// sinks are the steps of a list for which no other one of the list waits, so
// that waiting for the sinks is waiting for all.
func (s *Scenario) sinks(list []int) []int {
	_, before, _ := s.order()
	var waited set
	for _, j := range list {
		waited |= before[j]
	}
	var sinks []int
	for _, j := range list {
		if !waited.has(j) {
			sinks = append(sinks, j)
		}
	}
	return sinks
}

// change draws a transfer between shared or own accounts, or a register of the
// step's own.
func (d *drawing) change(st *Step, j int) Change {
	own := fmt.Sprintf("%s-%d:${saga}", st.Name, j+1)
	switch rapid.IntRange(0, 4).Draw(d.t, "change") {
	case 0:
		return Change{Create: &Record{Record: own}}
	case 1:
		d.s.Registers[st.Participant+"/"+own] = Exists
		return Change{Delete: &Record{Record: own}}
	}
	accounts := rapid.Permutation([]string{"cash", "stock", "debt", "own:${saga}"}).Draw(d.t, "accounts")
	return Change{Transfer: &Transfer{
		From: accounts[0], To: accounts[1],
		Amount: rapid.Int64Range(1, 9999).Draw(d.t, "amount"),
		Unit:   pickOne(d, "unit", "EUR", "piece"),
	}}
}

// statusChain lets some steps of one participant that come one after the other
// move a common register on, as an order's status is.
func (d *drawing) statusChain() {
	if !d.oneIn(2, "status chain") {
		return
	}
	participant := pickOne(d, "status at", "alpha", "beta", "gamma")
	sorted, before, _ := d.s.order()
	last, state := -1, "new"
	for _, i := range sorted {
		st := &d.s.Steps[i]
		if st.Participant != participant || st.Kind == saga.Deferrable || st.undoMode() == UndoNone && st.Kind == saga.Compensatable ||
			last >= 0 && !before[i].has(last) {
			continue
		}
		st.Do = append(st.Do, Change{Set: &Set{Register: "status:${saga}", From: state, To: st.Name}})
		last, state = i, st.Name
	}
	if last >= 0 {
		d.s.Registers[participant+"/status:${saga}"] = "new"
	}
}

func (d *drawing) retry() *Policy {
	initial := rapid.IntRange(1, 20).Draw(d.t, "initial")
	p := &Policy{
		MaxAttempts:       new(rapid.IntRange(1, 5).Draw(d.t, "attempts")),
		InitialIntervalMS: &initial,
		Multiplier:        new(pickOne(d, "multiplier", 1, 1.5, 2, 3)),
		MaxIntervalMS:     new(rapid.IntRange(initial, 60).Draw(d.t, "max interval")),
		Jitter:            new(math.Round(10*rapid.Float64Range(0, 1).Draw(d.t, "jitter")) / 10),
		AttemptTimeoutMS:  new(10 * rapid.IntRange(20, 30).Draw(d.t, "time-out")),
	}
	if d.oneIn(6, "deadline") {
		p.DeadlineMS = new(10 * rapid.IntRange(20, 60).Draw(d.t, "deadline"))
	}
	return p
}

// breaker puts a breaker around the steps of one participant, seldom, because it
// hides retries.
func (d *drawing) breaker() {
	if !d.oneIn(8, "breaker") {
		return
	}
	name := pickOne(d, "breaker at", "alpha", "beta", "gamma")
	b := saga.Breaker{
		Name:     name,
		Failures: rapid.IntRange(2, 5).Draw(d.t, "failures"),
		OpenMS:   10 * rapid.IntRange(2, 6).Draw(d.t, "open"),
		Probes:   rapid.IntRange(1, 2).Draw(d.t, "probes"),
	}
	for i := range d.s.Steps {
		if d.s.Steps[i].Participant == name {
			d.s.Steps[i].Breaker = new(b)
		}
	}
}
