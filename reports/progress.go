package reports

import (
	"fmt"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/sagacheck/sagacheck/results"
)

// progressEvery is how often a plain line is printed at most.
const progressEvery = 5 * time.Second

// silentAtMost is how long no plain line is printed: what takes long is still under way.
const silentAtMost = 30 * time.Second

// Progress shows how far a run is: a bar on a terminal, else a plain line now
// and then. It is safe for concurrent use.
type Progress struct {
	mu       sync.Mutex
	term     Terminal
	what     string
	total    int
	done     int
	printed  int // how many were done in the last line
	violated int
	errors   int
	now      func() time.Time
	start    time.Time
	last     time.Time
	bar      *progressbar.ProgressBar
	beat     *time.Timer // of plain lines
	over     bool
}

// NewProgress begins. What is counted, for example "cells"; a total of 0 or less
// is unknown.
func NewProgress(t Terminal, what string, total int) *Progress {
	return newProgress(t, what, total, time.Now)
}

func newProgress(t Terminal, what string, total int, now func() time.Time) *Progress {
	began := now()
	p := &Progress{term: t, what: what, total: max(total, 0), now: now, start: began, last: began}
	if !t.Live {
		p.mu.Lock() // stillThere reads it
		defer p.mu.Unlock()
		p.beat = time.AfterFunc(silentAtMost, p.stillThere)
		return p
	}
	limit := total
	if limit <= 0 {
		limit = -1
	}
	p.bar = progressbar.NewOptions(limit,
		progressbar.OptionSetWriter(t.W), progressbar.OptionSetDescription(what), progressbar.OptionShowCount(),
		progressbar.OptionShowIts(), progressbar.OptionSetItsString(what), progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetWidth(min(30, max(5, t.Width/4))), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetPredictTime(total > 0), progressbar.OptionSetElapsedTime(true),
	)
	return p
}

// SetTotal changes the total, for example when an explorer has found new points.
func (p *Progress) SetTotal(total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total = max(total, p.done)
	if p.bar != nil && total > p.done {
		p.bar.ChangeMax(total)
	}
}

// Done counts one cell by its outcome: Violated and Errored are shown.
func (p *Progress) Done(outcome results.State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	if p.total > 0 {
		p.total = max(p.total, p.done) // never more than all
	}
	switch outcome {
	case results.Violated:
		p.violated++
	case results.Errored:
		p.errors++
	}
	if p.bar != nil {
		p.bar.Describe(p.what + p.troubles())
		_ = p.bar.Add(1) // a bar that can't be drawn is no reason to end a run
		return
	}
	if now := p.now(); now.Sub(p.last) >= progressEvery {
		p.last = now
		p.print()
	}
}

// stillThere prints a plain line after a long silence.
func (p *Progress) stillThere() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return
	}
	now := p.now()
	if now.Sub(p.last) >= silentAtMost {
		p.last = now
		p.print()
	}
	p.beat.Reset(silentAtMost - now.Sub(p.last))
}

// Finish clears the bar, or prints the last plain line if there was one before that
// said less.
func (p *Progress) Finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Finish()
		return
	}
	p.over = true
	p.beat.Stop()
	if !p.last.Equal(p.start) && p.printed < p.done {
		p.print()
	}
}

func (p *Progress) troubles() string {
	s := ""
	if p.violated > 0 {
		s += fmt.Sprintf(", %d violated", p.violated)
	}
	if p.errors > 0 {
		s += fmt.Sprintf(", %d in error", p.errors)
	}
	return s
}

func (p *Progress) print() {
	p.printed = p.done
	of := ""
	if p.total > 0 {
		of = fmt.Sprintf("/%d", p.total)
	}
	p.printed = p.done
	elapsed := p.now().Sub(p.start).Round(time.Second)
	fmt.Fprintf(p.term.W, "%d%s %s%s, %v\n", p.done, of, p.what, p.troubles(), elapsed)
}
