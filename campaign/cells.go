package campaign

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/results"
)

// cell makes a cell of a subject; its number is unique in the session.
func (x *session) cell(s *subject, plan faults.Plan, seed uint64) harness.Cell {
	return x.cellOf(s.Name, s.Source, s.Sagas, plan, seed)
}

func (x *session) cellOf(name string, source harness.Source, sagas int, plan faults.Plan, seed uint64) harness.Cell {
	return harness.Cell{
		ID: x.nextID(), Scenario: name, Source: source, Sagas: sagas,
		Plan: plan, Profile: x.profile, Seed: seed, Rules: x.rules,
	}
}

// nextID is an id that no cell has had.
func (x *session) nextID() string {
	x.cells++
	return fmt.Sprintf("%s-%04d", x.nonce, x.cells)
}

// runCells runs and judges so many cells.
func (x *session) runCells(ctx context.Context, total int, cells iter.Seq[harness.Cell]) {
	x.collector.Planned(total)
	what := "cells"
	if x.travels {
		what = "ways that it may go"
	}
	x.progress = x.host.progress(what, total)
	ctx = x.begin(ctx)
	defer x.stop(nil)
	left, skipped, began := total, 0, time.Now()
	err := x.runner().Run(ctx, x.alike.among(cells), func(r harness.Result) {
		if !r.Spoilt {
			left--
		}
		if r.Skipped != "" {
			skipped++
			x.collector.LeftOut(r.Skipped, 1)
			x.progress.SetTotal(total - skipped)
			return
		}
		r.Cell.Skip = nil // it may run once more
		x.judge(r)
	})
	x.progress.Finish()
	if err == nil && x.alone {
		left, err = x.judgeOpen(ctx, max(aloneAtLeast, time.Since(began)))
	}
	if unended := new(harness.UnendedError); errors.As(err, &unended) {
		x.host.say("%v", unended)
	}
	why, byUser := cutBy(ctx, err)
	if byUser {
		x.collector.Interrupt()
	}
	x.collector.LeftOut(why, left)
}

// judge takes one finished cell.
func (x *session) judge(r harness.Result) { x.judgeAs(r, false) }

// judgeAs is judge; alone: it ran before, beside others.
func (x *session) judgeAs(r harness.Result, alone bool) {
	info := results.CellInfo{ID: r.Cell.ID, Scenario: r.Cell.Scenario, PlanID: r.Cell.Plan.ID(), Plan: r.Cell.Plan.String(), Duration: r.Duration, Again: r.Spoilt, Alone: alone}
	if r.Path != "" {
		info.History = filepath.Join(results.HistoriesDir, filepath.Base(r.Path))
	}
	if r.Spoilt && r.Err != nil { // it comes once more, and shows nothing
		return
	}
	if r.Err != nil || r.History == nil {
		info.Faults = harness.PlannedFaults(r.Cell.Plan)
		x.collector.AddError(info, r.Err)
		x.progress.Done(results.Errored)
		x.failOne(failedToRun)
		return
	}
	ix := history.NewIndex(r.History)
	verdicts := checkers.JudgeIndexed(ix, x.checkers)
	slowly := x.fail(r, verdicts)
	state := x.collector.Add(info, r.History, verdicts)
	if x.alone && !slowly { // alone it would be as slow
		x.unjudged.note(r.Cell, verdicts)
		if !r.Spoilt && state == results.Passed && ix.Blurred() {
			x.blurred = append(x.blurred, r.Cell)
		}
	}
	if x.watch != nil {
		x.watch(r, verdicts)
	}
	if !r.Spoilt { // it comes once more
		x.progress.Done(state)
	}
}
