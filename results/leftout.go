package results

import "slices"

// Planned adds to the number of plans that the run is to carry out.
func (c *Collector) Planned(plans int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.run.Planned += plans
	c.keepManifest()
}

// PlannedAlone adds to it plans that ran already, and are to run once more, alone.
func (c *Collector) PlannedAlone(plans int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.run.Planned += plans
	c.run.Alone += plans
	c.keepManifest()
}

// Unfinished says that a stored run that is judged here is not whole, and why.
func (c *Collector) Unfinished(why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.run.Unfinished = append(c.run.Unfinished, why)
}

// LeftOut counts planned cells that did not run, and why: a limit, a system that
// went away. A run with any is never green. Plans that another shard runs are not
// left out.
func (c *Collector) LeftOut(reason string, plans int) {
	if plans <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.run.LeftOut = joinNotRun(c.run.LeftOut, NotRun{Reason: reason, Plans: plans})
	if c.leftOut != nil {
		c.leftOut(reason, plans)
	}
}

// joinNotRun adds a count to the one of the same reason.
func joinNotRun(list []NotRun, n NotRun) []NotRun {
	i := slices.IndexFunc(list, func(x NotRun) bool { return x.Reason == n.Reason })
	if i < 0 {
		return append(list, n)
	}
	list[i].Plans += n.Plans
	return list
}
