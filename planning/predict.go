package planning

import (
	"slices"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// prediction is what an orchestrator that keeps the contract is sure to do with
// one saga under a plan. What depends on a race (a step beside one that fails)
// is not in it. The generator draws only points that are in it, so that every
// fault it plans will fire.
type prediction struct {
	whole saga.Definition
	def   saga.Definition // of the round that is followed
	plan  faults.Plan
	saga  int // number of the saga
	fired []bool
	// points reached for sure, in the order in which they were found.
	points   []saga.FailurePoint
	steps    map[string]fate
	effects  map[saga.StepRef]bool
	failed   bool
	stuck    bool // it stops for a person, as it should
	doubtful bool // how it goes on depends on a race, or on the time
	pivoted  bool
	asked    bool            // an operator asked for the rollback, in time
	unstable map[string]bool // steps whose fate depends on a race
	unsure   map[string]bool // steps of which a late request may have the effect
	late     map[saga.StepRef]lateRequest
	clock    clock // of the operation that is followed
	way      clock // of the actions before it, one after the other
	tried    int   // attempts of actions that count in the budget of the saga
}

// lateRequest is an attempt whose request arrives when it has been given up.
type lateRequest struct{ attempt, afterMS int }

// fate is how a step's action ended.
type fate int

const (
	notStarted fate = iota
	succeeded
	refused  // nothing was done
	unknown  // attempts ran out
	deferred // satisfied for what comes after
	gaveWay  // nothing of it is left, and another step stands for it
	spared   // it stands for one that succeeded
)

// endless bounds the attempts of a call that may be repeated for ever.
const endless = 50

// predict follows one saga through the plan.
func predict(d saga.Definition, p faults.Plan, number int) *prediction {
	pr := &prediction{
		whole: d, def: d, plan: p, saga: number, fired: make([]bool, len(p.Faults)), steps: map[string]fate{},
		effects: map[saga.StepRef]bool{}, unstable: map[string]bool{}, unsure: map[string]bool{},
		late: map[saga.StepRef]lateRequest{},
	}
	pr.submit()
	for n := 1; ; n++ {
		pr.round(n)
		pr.forward()
		if pr.failed && !pr.pivoted && !pr.stuck {
			pr.backward()
		}
		if !pr.again(n) {
			return pr
		}
	}
}

// sure tells whether every fault of this saga is sure to fire, and how the saga
// ends is sure too. It may end stuck.
func (pr *prediction) sure() bool { return pr.allFire() && !pr.doubtful }

// ends is sure, and the saga ends without a person.
func (pr *prediction) ends() bool { return pr.sure() && !pr.stuck }

// allFire tells whether every fault of this saga is sure to fire.
func (pr *prediction) allFire() bool {
	for i, f := range pr.plan.Faults {
		if max(f.Saga, 1) != pr.saga || f.At.IsZero() {
			continue
		}
		stopped := pr.unstable[f.At.Step] && f.At.Attempt > 1 // perhaps before it came to that
		if !pr.fired[i] || stopped {
			return false
		}
	}
	return true
}

func (pr *prediction) submit() {
	ref := saga.StepRef{Step: saga.SubmitStep, Direction: saga.Action}
	for n := 1; n <= endless; n++ {
		if pr.attempt(ref, n, saga.SubmitPolicy.AttemptTimeoutMS) != saga.Transient {
			return
		}
	}
}

// forward runs the actions, wave by wave.
func (pr *prediction) forward() {
	for {
		wave := pr.ready()
		if len(wave) == 0 {
			return
		}
		for _, i := range wave {
			pr.action(pr.def.Steps[i])
			pr.way.spend(pr.clock.lo, pr.clock.hi)
			pr.way.killed = pr.way.killed || pr.clock.killed
			pr.doubtful = pr.doubtful || len(wave) > 1 && pr.def.Budget != (saga.Budget{}) // in which order they spend it is not sure
		}
		if pr.asked {
			pr.failed, pr.doubtful = true, pr.doubtful || pr.pivoted // who was first is not sure
		}
		if pr.failed {
			pr.mark(wave)
			return
		}
	}
}

// ready lists the steps that may start.
func (pr *prediction) ready() []int {
	var wave []int
	for i, s := range pr.def.Steps {
		if pr.steps[s.Name] != notStarted {
			continue
		}
		if !slices.ContainsFunc(pr.def.Predecessors(i), func(p string) bool {
			return !slices.Contains([]fate{succeeded, deferred, gaveWay, spared}, pr.steps[p])
		}) {
			wave = append(wave, i)
		}
	}
	return wave
}

// mark tells which fates of a wave with a failure depend on a race: the steps
// beside the failed one are stopped at their present attempt, so those that
// needed more than one may have been stopped before; one that fails alone is stopped
// by nobody. What starts after them may or may not have started.
func (pr *prediction) mark(wave []int) {
	if len(wave) < 2 {
		return
	}
	failing := slices.DeleteFunc(slices.Clone(wave), func(i int) bool {
		end := pr.steps[pr.def.Steps[i].Name]
		return end != refused && end != unknown
	})
	for _, i := range wave {
		s := pr.def.Steps[i]
		switch {
		case !pr.asked && len(failing) == 1 && failing[0] == i:
		case pr.attempts(saga.StepRef{Step: s.Name, Direction: saga.Action}) > 1 || pr.failedAlone(wave, i):
			pr.unstable[s.Name] = true
		}
	}
}

// failedAlone is true where the wave's members have predecessors that differ:
// they do not start together.
func (pr *prediction) failedAlone(wave []int, i int) bool {
	return slices.ContainsFunc(wave, func(j int) bool {
		return !slices.Equal(pr.def.Predecessors(i), pr.def.Predecessors(j))
	})
}

func (pr *prediction) attempts(r saga.StepRef) int {
	most := 0
	for _, p := range pr.points {
		if p.Ref() == r {
			most = max(most, p.Attempt)
		}
	}
	return most
}

// action follows the attempts of a step's action to its fate.
func (pr *prediction) action(s saga.Step) {
	ref := saga.StepRef{Step: s.Name, Direction: saga.Action}
	end := unknown
	pr.clock = clock{}
	for n := 1; n <= endless && pr.mayTry(s.Action.Retry, n, s.Unbounded()) && pr.affords(s); n++ {
		if s.Action.Retry.BeginsRound(n) && pr.found(ref) {
			end = succeeded
			break
		}
		answer := pr.attempt(ref, n, s.Action.Retry.AttemptTimeoutMS)
		if answer == saga.Transient && pr.asked {
			break // nothing is retried any more
		}
		if answer == saga.Transient {
			continue
		}
		end = map[saga.Answer]fate{saga.Done: succeeded, saga.Permanent: refused}[answer]
		break
	}
	if s.Kind == saga.Pivot && s.Compensation == nil && end == refused && pr.attempts(ref) > 1 {
		pr.doubtful = true // what the attempts before did can't be undone
	}
	if s.Kind == saga.Deferrable && end != succeeded {
		end = deferred
	}
	pr.steps[s.Name] = end
	switch way := pr.def.Fallbacks()[s.Name]; {
	case end == succeeded && s.Kind == saga.Pivot:
		pr.pivoted = true
	case end == succeeded && way != "":
		pr.steps[way] = spared
	case way != "" && !pr.asked && (end == unknown || end == refused):
		pr.giveWay(s, end)
	case end == unknown || end == refused:
		pr.failed = true
		pr.stuck = pr.stuck || pr.pivoted
	}
}

// found tells whether the participant is sure to say, between two rounds, that an action is done. Whether a
// late request has come by then is a race.
func (pr *prediction) found(r saga.StepRef) bool {
	pr.doubtful = pr.doubtful || pr.unsure[r.Step]
	return pr.effects[r]
}

// giveWay undoes a step for which another one stands.
func (pr *prediction) giveWay(s saga.Step, end fate) {
	pr.way.spend(pr.clock.lo, pr.clock.hi)
	pr.way.killed = pr.way.killed || pr.clock.killed
	pr.clock = clock{}
	pr.steps[s.Name] = gaveWay
	again := end == refused && pr.attempts(saga.StepRef{Step: s.Name, Direction: saga.Action}) > 1
	mayBeDone := end == unknown || again && pr.unsure[s.Name] // nobody heard of an attempt before
	pr.doubtful = pr.doubtful || again && !mayBeDone          // what the attempts before did
	if mayBeDone {
		pr.outlast(s)
		if !pr.undo(s) {
			pr.failed, pr.stuck = true, true
		}
	}
	pr.failed = pr.failed || pr.asked
}

// undo runs a compensation; false: it does not come to its end.
func (pr *prediction) undo(s saga.Step) bool {
	pr.clock = clock{}
	for n := 1; n <= endless && pr.mayTry(s.Compensation.Retry, n, false); n++ {
		switch pr.attempt(saga.StepRef{Step: s.Name, Direction: saga.Compensation}, n, s.Compensation.Retry.AttemptTimeoutMS) {
		case saga.Done:
			return true
		case saga.Permanent:
			return false
		case saga.Transient:
		}
	}
	return false
}

// backward runs the compensations in the reverse order.
func (pr *prediction) backward() {
	for i := len(pr.def.Steps) - 1; i >= 0; i-- {
		s := pr.def.Steps[i]
		end := pr.steps[s.Name]
		if s.Compensation == nil || pr.unstable[s.Name] || end != succeeded && end != unknown {
			continue
		}
		if pr.blocked(s.Name) {
			continue
		}
		if end == unknown {
			pr.outlast(s)
		}
		if !pr.undo(s) {
			pr.stuck = true
			return
		}
		pr.way.spend(0, pr.clock.hi) // beside others, perhaps
		pr.way.killed = pr.way.killed || pr.clock.killed
	}
}

// blocked: a step whose successor's fate depends on a race is compensated, but
// when is not sure; its points stay reachable. Steps of an unstable wave are not.
func (pr *prediction) blocked(name string) bool { return pr.unstable[name] }

func (pr *prediction) isPivot(name string) bool {
	s, _ := pr.def.Step(name)
	return s.Kind == saga.Pivot
}
