package planning

import (
	"fmt"
	"iter"
	"strings"

	"github.com/sagacheck/sagacheck/saga"
)

// fair orders probes so that a budget cuts all alike, and what is like nothing before comes first, as
// InOrder does, and tells what each of them has that none before it had. Of each scenario, points that no
// plan before has struck with that kind come first. Where two plans are as new, the hash decides.
func (x *Explorer) fair(probes []*Probe) iter.Seq[novelty] {
	places := map[string]int{}
	var queues []novelties
	for _, p := range probes {
		i, ok := places[p.Space]
		if !ok {
			i = len(queues)
			places[p.Space], queues = i, append(queues, nil)
		}
		n := newNovelty(p.like.traits(p.Plan), hash(p))
		n.fresh, n.probe = p.fresh, p
		queues[i] = append(queues[i], n)
	}
	return func(yield func(novelty) bool) {
		for _, n := range deal(queues, x.seen) {
			if !yield(n) {
				return
			}
		}
	}
}

// traits are what the fault that was added last is and where it strikes, and how the plan
// began.
func (p *Probe) traits() []string {
	if p.journey {
		return []string{"journey:" + p.shape()}
	}
	traits := []string{"after:" + p.after}
	f := p.fault
	if f.Kind == "" {
		return traits
	}
	traits = append(traits, "kind:"+f.Kind+f.As)
	if f.At.IsZero() {
		return append(traits, "steps:"+strings.Join(f.Steps, ","), fmt.Sprint("for:", f.ForMS))
	}
	again := "first"
	if f.At.Attempt > 1 {
		again = "again"
	}
	return append(traits, "phase:"+string(f.At.Phase), "way:"+string(f.At.Direction)+" "+string(p.kind), "attempt:"+again, stepTrait+f.At.Step, fmt.Sprint("with:", f.DelayMS, f.Code))
}

// stepTrait begins the trait that names a step.
const stepTrait = "step:"

// kindOf is the kind of a step, or what else comes in.
func kindOf(d saga.Definition, step string) saga.Kind {
	if i := d.StepIndex(step); i >= 0 {
		return d.Steps[i].Kind
	}
	return saga.Kind(step)
}
