package reports

import (
	"fmt"
	"slices"
	"strings"
)

// Planned adds to the number of plans that the run is to carry out.
func (c *Collector) Planned(plans int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.run.Planned += plans
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

// leftOutReasons says how many plans were not run, of how many, and why; and how
// many are missing without a word, as those of a run that was killed.
func (r *Run) leftOutReasons() []string {
	out := slices.Clone(r.Unfinished)
	left := 0
	var why []string
	for _, n := range r.LeftOut {
		left += n.Plans
		why = append(why, n.Reason)
		if len(r.LeftOut) > 1 {
			why[len(why)-1] += fmt.Sprintf(" (%d)", n.Plans)
		}
	}
	if left > 0 {
		of := plural(left, "plan")
		if r.Planned >= left {
			of = fmt.Sprintf("%d of %s", left, plural(r.Planned, "plan"))
		}
		out = append(out, of+" not run: "+strings.Join(why, "; "))
	}
	if missing := r.Planned - r.Totals.Cells - left; missing > 0 && len(r.Unfinished) == 0 {
		out = append(out, fmt.Sprintf("incomplete: %d of %s are there", r.Totals.Cells, plural(r.Planned, "planned cell")))
	}
	return out
}

// unreached says that the system under test called nobody, so that nothing was
// tested, whatever else the cells show.
func (r *Run) unreached() []string {
	if r.Totals.Calls > 0 || r.Address == "" {
		return nil
	}
	return []string{"no call reached a participant: does it call the addresses that it is sent? for example " + r.Address}
}
