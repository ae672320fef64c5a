package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
)

// Bounds of the wait between two questions for a saga's status: soon when the
// wires have just fallen silent, then ever later. While calls are under way
// nothing ends, so the question waits until they are over, or for askLate.
const (
	askSoon = 2 * time.Millisecond
	askLate = 30 * time.Millisecond
)

// unreachableLimit is how long the orchestrator may leave status questions
// without an answer while no fault of ours explains it.
const unreachableLimit = 5 * time.Second

// stuckSilence is how long the wires must be silent at the least before a cell is
// over in which a saga waits for a person: nobody comes.
const stuckSilence = time.Second

// idle is how long nothing must have happened in a cell that only waits, or will have if its sagas have ended.
const idle = time.Second

// longestSettle bounds how long after the last fault a cell may go on moving, in settle times.
const longestSettle = 3

// activity is what has been recorded so far, and whether the orchestrator was away at the time. That is asked
// first: who is not away has its return recorded.
func (r *cellRun) activity() (now history.Activity, away bool) {
	away = r.in.Away()
	return r.rec.Activity(), away
}

// unsettled is how long what is pending may still take: the settle time after the last
// fault, and after the last move of a system that is slow to end, or to come back.
func (r *cellRun) unsettled(a history.Activity, away bool) time.Duration {
	if left := longestSettle*r.h.Settle - time.Since(a.LastFault); left <= 0 || away {
		return left
	}
	return r.h.Settle - min(time.Since(a.LastFault), time.Since(a.LastMove))
}

// settle waits until all sagas have ended and the wires are silent, or until nothing more
// is waited for; then it records what is pending.
func (r *cellRun) settle(ctx context.Context) error {
	client := r.h.asker(r.sys)
	var watches []*watch
	quiet, waits := r.quiet(), newWaits(r.defs, !r.can(orchestrators.DeferredPolicy))
	wait, resting := askSoon, false
	for {
		for _, id := range r.accepted.all()[len(watches):] {
			watches = append(watches, &watch{id: id})
		}
		r.askAll(ctx, client, watches)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		now, away := r.activity()
		err := r.dead(watches)
		if err == nil && r.unsettled(now, away) < 0 { // whether it has ended nobody knows
			err = r.untold(watches, r.h.Settle/2)
		}
		if err != nil {
			r.confirm(watches)
			r.rec.Add(history.Event{Kind: history.Settled, Detail: err.Error()})
			return err
		}
		pending := r.pending(watches)
		if len(r.accepted.all()) > len(watches) {
			continue // one more was accepted meanwhile
		}
		clock := waits.watch(r.rec)
		silent, open := clock-waits.last, waits.open(clock)
		if ended := pending == "" && len(open) == 0 && r.own == nil && quiet-silent > idle; !resting && (ended || silent > idle && r.in.Pending() == 0) {
			resting = r.cell.rest(ended)
		}
		switch {
		case pending == "" && silent >= quiet && len(open) == 0:
			r.confirm(watches)
			r.calm = true
			r.rec.Add(history.Event{Kind: history.Settled})
			return nil
		case r.unsettled(now, away) < 0, r.onlyStuck(watches) && silent >= max(quiet, stuckSilence) && len(open) == 0:
			r.confirm(watches)
			r.rec.Add(history.Event{Kind: history.Settled, Detail: sentence(pending, unwaited(open, clock))})
			return nil
		case pending == "":
			wait = quiet - silent
			if n := len(open); n > 0 {
				wait = max(wait, open[n-1].at-clock)
			}
		default:
			wait = min(2*wait, askLate)
		}
		if r.await(ctx, min(wait, r.unsettled(now, away)+time.Millisecond)) {
			wait = askSoon
		}
	}
}

// asker is the client that asks a system for status, the same for all its cells.
func (h *Harness) asker(s orchestrators.System) orchestrators.Client {
	c, known := h.asking.Load(s.Base())
	if !known {
		c, _ = h.asking.LoadOrStore(s.Base(), s.Client(s.Base()))
	}
	return c.(orchestrators.Client)
}

// askAll asks for the status of every saga that may still change. Those that
// have ended are asked again only at the end, when all is silent.
func (r *cellRun) askAll(ctx context.Context, c orchestrators.Client, watches []*watch) {
	for _, w := range watches {
		if !r.in.Away() && ctx.Err() == nil {
			r.ask(ctx, c, w)
		}
		if w.err != nil && r.dead(watches) != nil {
			return // the others would wait as long
		}
	}
}

// await waits for a time, or until calls of the cell have come and gone; true if
// they have.
func (r *cellRun) await(ctx context.Context, d time.Duration) (news bool) {
	t := time.NewTimer(d)
	defer t.Stop()
	late := time.NewTimer(max(d, askLate))
	defer late.Stop()
	for {
		select {
		case <-ctx.Done():
			return news
		case <-late.C:
			return news
		case <-t.C:
			if !news || r.in.Pending() == 0 {
				return news
			}
			t.Reset(askSoon)
		case <-r.rec.Changed():
			news = true
			t.Reset(askSoon) // events come in bursts
		}
	}
}

// sentence joins what is not empty.
func sentence(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), "; ")
}

// pending says all that still has to happen.
func (r *cellRun) pending(watches []*watch) string {
	var all []string
	for _, w := range watches {
		if p := w.pending(); p != "" {
			all = append(all, p)
		}
	}
	if n := r.in.Pending(); n > 0 {
		all = append(all, fmt.Sprintf("%d calls or faults under way", n))
	}
	return strings.Join(all, "; ")
}

// onlyStuck tells that nothing is left but sagas that wait for a person.
func (r *cellRun) onlyStuck(watches []*watch) bool {
	return r.in.Pending() == 0 && !slices.ContainsFunc(watches, func(w *watch) bool {
		return w.pending() != "" && (w.err != nil || w.unknown || !w.last.Status.Left())
	})
}

// quiet is how long the wires must be silent at least before the cell has settled:
// longer than the back-off of any action, up to a second, so that an attempt after
// the end is seen. What waits longer than that is known by name (waits).
func (r *cellRun) quiet() time.Duration {
	if r.cell.timed && r.own == nil {
		return 0
	}
	if r.h.Quiet > 0 {
		return r.h.Quiet
	}
	longest := 20 * time.Millisecond
	for _, d := range r.defs {
		for _, s := range d.Steps {
			p := s.Action.Retry
			longest = max(longest, time.Duration(float64(max(p.MaxIntervalMS, p.RoundDelayMS))*(1+p.Jitter)*1.1*float64(time.Millisecond)))
		}
	}
	return min(longest, time.Second)
}

// spoiltError is trouble of ours that ended a cell early: the injector tells of it at its end.
type spoiltError struct{ error }

// dead tells that the orchestrator has died, or answers nothing, though no fault
// of ours is the reason.
func (r *cellRun) dead(watches []*watch) error {
	if err := r.in.Broken(); err != nil {
		return &spoiltError{err}
	}
	for _, w := range watches {
		if w.hopeless {
			return fmt.Errorf("the status of saga %s can't be understood: %w", w.id, w.err)
		}
	}
	if r.in.Pending() > 0 {
		return nil
	}
	return r.untold(watches, r.unreachable())
}

// untold tells that the orchestrator has given no status of a saga for so long.
func (r *cellRun) untold(watches []*watch, limit time.Duration) error {
	for _, w := range watches {
		if w.err == nil || time.Since(w.failing) < limit {
			continue
		}
		return errors.Join(fmt.Errorf("the orchestrator gives no status of saga %s, for %v by now: %w (does it stand so many sagas at once? --parallel says how many)", w.id, limit, w.err), r.sys.Alive())
	}
	return nil
}
