package planning

import "iter"

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
