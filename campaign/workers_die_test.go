package campaign

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/results"
)

// metByTheClock tells whether a plan, in words, has a window: whom it meets, and so whether naive participants do
// something twice, is another thing in each run.
func metByTheClock(plan string) bool { return strings.Contains(plan, " from ") }

// uncertain are the plans in whose cells the machine was so late, in one run at least, that nobody can say which answers
// came before their time-outs: what such a cell comes to is another thing in each run.
func uncertain(t *testing.T, out string) map[string]bool {
	plans := map[string]bool{}
	for _, h := range historiesIn(t, out) {
		ix := history.NewIndex(h)
		for _, s := range ix.Sagas {
			for _, o := range s.Ops {
				if limit := o.Call.Retry.ShortestTimeout(); limit > 0 && 3*ix.Lag >= limit {
					plans[h.Header.PlanID] = true
				}
			}
		}
	}
	return plans
}

// judged is what a run came to, but for times and for what depends on them, which two runs of one process do not share
// either: of six runs of these 60 plans none judged every clause as often as the first, also among plans without a window
// (whether an answer comes before its time-out, a retry before a kill, or a rollback before the pivot is a matter of
// milliseconds), and in one of them empty-compensation passed, of which a clause was never at risk in the others. Of
// uncertain plans it is only that they were judged, and how often; where there are any, what all of them come to together
// depends on them.
func judged(r *results.Run, uncertain map[string]bool) map[string]any {
	var cells []string
	passed := 0
	for _, c := range r.Cells {
		if c.Again {
			continue
		}
		verdict, fired := c.Verdict, fmt.Sprint(c.FaultsFired)
		if metByTheClock(c.Plan) || uncertain[c.PlanID] {
			verdict = "any"
		}
		if uncertain[c.PlanID] {
			fired = "any"
		}
		if verdict == checkers.Pass {
			passed++
		}
		cells = append(cells, fmt.Sprint(c.Scenario, " ", c.PlanID, " ", c.Plan, " ", verdict, " ", fired, " of ", c.FaultsPlanned, " ", c.Error))
	}
	slices.Sort(cells)
	all := map[string]any{
		"cells": cells, "planned": r.Planned, "left out": r.LeftOut, "errors": r.Errors, "content": r.Content,
		"seed": r.Seed, "profile": r.Profile, "orchestrator": r.Orchestrator.Name,
		"counts": []int{r.Totals.Cells, passed, r.Totals.FaultsPlanned}, "failures": foundBy(r, uncertain),
	}
	if len(uncertain) == 0 {
		all["verdicts"], all["fired"] = openIn(r), r.Totals.FaultsFired
	}
	return all
}

// foundBy are the findings of a run, but for those of windows, of uncertain plans, and of plans that an uncertain one is a
// part of, which may explain them.
func foundBy(r *results.Run, uncertain map[string]bool) (failures []string) {
	for _, f := range r.Found {
		unexplained := !slices.ContainsFunc(r.Cells, func(c results.Cell) bool { return uncertain[c.PlanID] && within(c.Plan, f.Plan) })
		if !metByTheClock(f.Plan) && unexplained {
			failures = append(failures, f.Property+" "+f.Plan)
		}
	}
	slices.Sort(failures)
	return failures
}

// within tells whether all faults of a plan are in another one, in words.
func within(part, whole string) bool {
	all := strings.Split(whole, ", ")
	return !slices.ContainsFunc(strings.Split(part, ", "), func(f string) bool { return !slices.Contains(all, f) })
}

// openIn are the verdicts of a run but for those of which it depends on times which one they are: whether a clause was at
// risk does.
func openIn(r *results.Run) map[string]checkers.Outcome {
	verdicts := map[string]checkers.Outcome{}
	for _, p := range r.Properties {
		if p.Verdict != checkers.Vacuous && p.Verdict != checkers.Pass {
			verdicts[p.Name] = p.Verdict
		}
	}
	return verdicts
}

// reported is a report but for times, for where its files lie, and for what who judges stored histories does not know:
// the files that made the plans, and why nothing was replayed.
func reported(t *testing.T, r *results.Run) any {
	t.Helper()
	text, err := json.Marshal(r)
	var all any
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	return without(all, "started", "duration_ms", "history", "replay", "content", "not_replayed")
}

// without is what JSON came to, but for some fields.
func without(node any, fields ...string) any {
	switch n := node.(type) {
	case map[string]any:
		maps.DeleteFunc(n, func(name string, _ any) bool { return slices.Contains(fields, name) })
		for _, child := range n {
			without(child, fields...)
		}
	case []any:
		for _, child := range n {
			without(child, fields...)
		}
	}
	return node
}

// Whatever happens to four workers and to the server between them, each plan is judged once, and the run comes to what
// it comes to in one process, as far as two runs of one process come to the same. The rest is what its own histories
// say when they are judged again: of that nothing is left out.
func TestWorkersAndTheirServerDie(t *testing.T) {
	o := drawnRun(t, 60)
	o.Defects, o.Gate.Replays = []string{"never-compensate"}, 0
	o.Settle = 3 * time.Second // of four workers one dies each second: no cell may need many times as long as most of them live
	one, err := Run(t.Context(), testHost(), o)
	if err != nil {
		t.Fatal(err)
	}
	nats := startNATS(t)
	o.Workers = Workers{Local: 4, Server: nats.url(), ackWait: 2 * time.Second}
	ctx, end := context.WithCancel(t.Context())
	var trouble sync.WaitGroup
	killed, steps := 0, 0
	trouble.Go(func() { killed, steps = makeTrouble(ctx, t, nats) })
	many, err := Run(t.Context(), testHost(), o)
	end()
	trouble.Wait()
	if err != nil {
		t.Fatal(err)
	}
	late := uncertain(t, o.Out)
	if len(foundBy(one.Run, nil)) == 0 {
		t.Error("nothing was found that could be compared")
	}
	t.Logf("%d of %d plans could not be compared: the machine was late", len(late), one.Run.Planned)
	if diff := cmp.Diff(judged(one.Run, late), judged(many.Run, late)); diff != "" {
		t.Errorf("in one process (-), by workers (+), %d of which were killed:\n%s", killed, diff)
	}
	if killed == 0 || steps < 5 {
		t.Errorf("%d workers were killed in %d seconds: expected some, one to be stopped, and the server to be killed", killed, steps)
	}
	for _, c := range many.Run.Cells {
		if _, err := os.Stat(filepath.Join(many.Dir, c.History)); err != nil {
			t.Error(err)
		}
	}
	if err := many.Run.MarkEnd(); err != nil { // whoever saves the report does so
		t.Fatal(err)
	}
	again, err := Check(t.Context(), testHost(), CheckOptions{Paths: []string{many.Dir}, Out: o.Out})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(reported(t, again.Run), reported(t, many.Run)); diff != "" {
		t.Errorf("its histories (-), and what it says of them (+):\n%s", diff)
	}
}

// makeTrouble kills a worker every second, mostly the youngest, so that one is killed again and again, stops another for
// longer than it may be silent, and kills the server and starts it again, until the context ends.
func makeTrouble(ctx context.Context, t *testing.T, nats *natsProcess) (killed, steps int) {
	t.Helper()
	stopped := 0
	defer func() { _ = syscall.Kill(stopped, syscall.SIGCONT) }()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for n := 1; ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return killed, n - 1
		}
		pids := workersOf(t)
		if len(pids) < 2 {
			continue
		}
		slices.Sort(pids)
		victim := pids[len(pids)-1]
		if n%3 == 0 {
			victim = pids[n%len(pids)]
		}
		if err := syscall.Kill(victim, syscall.SIGKILL); err == nil && victim != stopped {
			killed++
		}
		switch n++; n % 6 {
		case 2:
			stopped = pids[0]
			_ = syscall.Kill(stopped, syscall.SIGSTOP)
		case 4:
			nats.kill()
			nats.start()
		case 0:
			_ = syscall.Kill(stopped, syscall.SIGCONT)
		}
	}
}
