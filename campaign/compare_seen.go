package campaign

import (
	"sync"

	"github.com/sagacheck/sagacheck/results"
)

// seen shows several runs side by side as one: what each says begins with who says it, and there is one
// progress: of the cells of all, and of their findings that are replayed.
type seen struct {
	host Host

	mu    sync.Mutex
	all   Progress // nil: none has begun
	total int
}

func newSeen(h Host) *seen { return &seen{host: h} }

// as is the host of one of them.
func (s *seen) as(who string) Host {
	h := s.host
	h.Say = func(line string) { s.host.say("%s: %s", who, line) }
	h.Progress = func(_ string, total int) Progress {
		s.add(total)
		return &part{seen: s, total: total}
	}
	return h
}

// add makes the total larger, or smaller.
func (s *seen) add(more int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total += more
	if s.all == nil {
		s.all = s.host.progress("cells and findings", s.total)
		return
	}
	s.all.SetTotal(s.total)
}

func (s *seen) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all != nil {
		s.all.Finish()
	}
}

// part is how far one of them is.
type part struct {
	*seen
	total, done int // guarded by the mutex of seen
}

func (p *part) SetTotal(total int) {
	p.mu.Lock()
	more := total - p.total
	p.total = total
	p.mu.Unlock()
	p.add(more)
}

func (p *part) Done(outcome results.State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	p.all.Done(outcome)
}

// Finish: what was not run is not waited for.
func (p *part) Finish() {
	p.mu.Lock()
	done := p.done
	p.mu.Unlock()
	p.SetTotal(done)
}
