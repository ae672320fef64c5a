package live

import (
	"fmt"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/results"
)

// Progress is that of a part of the campaign.
type Progress interface {
	SetTotal(total int)
	Done(outcome results.State)
	Finish()
}

// phase is what is counted of one kind, such as cells.
type phase struct {
	what        string
	total, done int
	began, over time.Time // over: zero while it goes on
}

// part counts into a phase.
type part struct {
	*phase
	own  int // total
	view *View
}

// Progress begins to count a part of the campaign: so many of what. What was counted before as the
// same goes on.
func (v *View) Progress(what string, total int) Progress {
	v.mu.Lock()
	i := slices.IndexFunc(v.phases, func(p *phase) bool { return p.what == what })
	if i < 0 {
		i = len(v.phases)
		v.phases = append(v.phases, &phase{what: what, began: time.Now()})
	}
	p := &part{phase: v.phases[i], view: v}
	p.over = time.Time{}
	v.mu.Unlock()
	p.SetTotal(total)
	return p
}

func (p *part) SetTotal(total int) {
	p.view.mu.Lock()
	defer p.view.mu.Unlock()
	p.total += total - p.own
	p.own = total
}

func (p *part) Done(results.State) {
	p.view.mu.Lock()
	defer p.view.mu.Unlock()
	p.done++
}

func (p *part) Finish() {
	p.view.mu.Lock()
	defer p.view.mu.Unlock()
	p.over = time.Now()
}

// progress is a phase as it is shown.
type progress struct {
	What        string
	Done, Total int
	Each        string // how many a second
	Over        bool
}

// progress is how far each phase is, but for those of which nothing is known yet.
func (v *View) progress(now time.Time) (all []progress) {
	for _, p := range v.phases {
		if p.total > 0 || p.done > 0 {
			all = append(all, p.shown(now, v.end != nil))
		}
	}
	return all
}

func (p *phase) shown(now time.Time, ended bool) progress {
	s := progress{What: p.what, Done: p.done, Total: max(p.total, p.done), Over: ended}
	if !p.over.IsZero() {
		now, s.Over = p.over, true
	}
	if t := now.Sub(p.began).Seconds(); t > 0 {
		s.Each = fmt.Sprintf("%.1f", float64(p.done)/t)
	}
	return s
}
