package planning

import "github.com/sagacheck/sagacheck/faults"

// special are the plans that are made for a space, as far as nothing but enumeration in two levels comes
// to them: of several faults, or over time.
func (s *exploredSpace) special() (all []*Probe) {
	for _, plan := range s.Plans {
		plan = canonical(plan)
		n := len(plan.Faults)
		if n == 0 || n == 1 && enumerated(plan.Faults[0]) || s.plans[plan.ID()] {
			continue
		}
		all = append(all, &Probe{Space: s.Name, Level: 1, Plan: plan, fault: plan.Faults[n-1], like: s.like, fresh: true, special: true, whole: true})
	}
	return all
}

// enumerated tells whether enumeration comes to a fault: at each point, with the usual one of its values.
func enumerated(f faults.Fault) bool { return !f.At.IsZero() && !f.RetryAfterDate }

// openers are a special plan of each space, that with the most that is new.
func (x *Explorer) openers() (all []*Probe) {
	if x.depth == 0 {
		return nil
	}
	var special []*Probe
	spaces := 0
	for _, s := range x.spaces {
		if of := s.special(); len(of) > 0 {
			special = append(special, of...)
			spaces++
		}
	}
	for n := range x.fair(special) {
		x.space(n.probe.Space).run(n.probe)
		if all = append(all, n.probe); len(all) == spaces {
			break
		}
	}
	return all
}

// telling puts probes in order, without the journeys and the special plans that tell nothing which none
// before them does.
func (x *Explorer) telling(all []*Probe) (left []*Probe) {
	for n := range x.fair(all) {
		p := n.probe
		switch {
		case p.special && n.telling:
			x.space(p.Space).run(p)
		case p.journey && x.phase == 2 && n.new > 0:
			p.first = true
		case p.special, p.journey && x.phase == 2:
			continue
		}
		left = append(left, p)
	}
	return left
}

// run counts a plan that is run as it is.
func (s *exploredSpace) run(p *Probe) {
	s.plans[p.Plan.ID()] = true
	s.counts.Raw++
	for _, f := range p.Plan.Faults {
		s.reached[pairOf(f)] = true
	}
}

// overTime are the windows.
func (s *exploredSpace) overTime() (made []*Probe) {
	for _, f := range windowVariants(s.Definitions[0], s.Ability) {
		plan := faults.Plan{Faults: []faults.Fault{f}}
		if s.plans[plan.ID()] {
			continue
		}
		p := &Probe{Space: s.Name, Level: 1, Plan: plan, fault: f, like: s.like, fresh: true, whole: true}
		s.run(p)
		made = append(made, p)
	}
	return made
}
