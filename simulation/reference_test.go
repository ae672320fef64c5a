package simulation_test

import (
	"flag"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/planning"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/scenarios"
	"github.com/sagacheck/sagacheck/simulation"
)

var (
	cells = flag.Int("cells", 0, "how many drawn cells of the control run in virtual time; 0: a part of the curated ones")
	first = flag.Int("first", 0, "the number of the first of them: a long soak may be run in pieces")
)

// ability is able, for who plans.
var ability = planning.Ability{Process: true, Operator: true}

// Of the curated plans CI runs one in so many.
const oneIn = 7

// The reference executor is the control: nothing is found in it, nothing is left undecided, and
// each planned fault fires, as on the wire.
func TestControl(t *testing.T) {
	n := 0
	for _, s := range small() {
		defs, _ := s.Build(idsOf(s), noAddress)
		for _, plan := range planning.Curated(defs, ability) {
			if n++; n%oneIn == 0 && simulation.Impossible(plan, able) == "" {
				if h := sound(t, experiment{scenario: s, plan: plan, profile: participants.Fenced, seed: 1}); len(planning.NewTrace(h).Missed()) > 0 {
					t.Errorf("%s under %s: a fault did not fire", s.Name, plan)
				}
			}
		}
	}
	if n < 1000 {
		t.Errorf("%d plans: expected more than 1000", n)
	}
}

// small are the scenarios with no more than a few sagas.
func small() []*scenarios.Scenario {
	return slices.DeleteFunc(scenarios.All(), func(s *scenarios.Scenario) bool { return s.Sagas > 8 })
}

// sound runs an experiment in which nothing may be found.
func sound(t *testing.T, x experiment) *history.History {
	t.Helper()
	h := x.run(t)
	for _, v := range checkers.Judge(h, checkers.All()) {
		if v.Outcome == checkers.Violation || v.Outcome == checkers.Inconclusive {
			t.Errorf("%s under %s, seed %d: %s is %s: %s %.1v", x.scenario.Name, x.plan, x.seed, v.Property, v.Outcome, v.Reason, v.Witnesses)
		}
	}
	return h
}

// A soak of drawn plans (make virtual-soak), with the upper end of the 95 % score interval
// (Wilson, 1927) of the rate of false alarms.
func TestControlSoak(t *testing.T) {
	var ran, fired atomic.Int64
	list := small()
	workers := runtime.GOMAXPROCS(0)
	t.Run("cells", func(t *testing.T) {
		for w := range workers {
			t.Run(fmt.Sprint(w), func(t *testing.T) {
				t.Parallel()
				for n := *first + w; n < *first+*cells && !t.Failed(); n += workers {
					s, seed := list[n%len(list)], uint64(n)
					defs, _ := s.Build(idsOf(s), noAddress)
					plan := planning.Draw(defs, ability, seed)
					if simulation.Impossible(plan, able) != "" {
						continue
					}
					h := sound(t, experiment{scenario: s, plan: plan, profile: participants.Fenced, seed: seed})
					ran.Add(1)
					fired.Add(int64(len(plan.Faults) - len(planning.NewTrace(h).Missed())))
				}
			})
		}
	})
	if n := float64(ran.Load()); n > 0 {
		const z = 1.96
		t.Logf("%d cells, %d faults fired, upper bound of false alarms %.3g%% (Wilson, 95%%)", ran.Load(), fired.Load(), 100*(z*z/n)/(1+z*z/n))
	}
}

// The two stores give the same history, but for jitter and the order within an instant: the same
// calls are made, and the saga ends in the same way.
func TestStoresAgree(t *testing.T) {
	s := order(t)
	for _, plan := range []faults.Plan{{}, lostAnswer(), killed()} {
		seen := func(file string) []string {
			var kinds []string
			for _, e := range (experiment{scenario: s, plan: plan, profile: participants.Fenced, file: file, seed: 1}).run(t).Events {
				if e.Kind == history.CallSent || e.Kind == history.SagaEnded {
					kinds = append(kinds, fmt.Sprint(e.Kind, e.Step, e.Direction, e.Attempt, e.Status))
				}
			}
			slices.Sort(kinds)
			return kinds
		}
		memory, file := seen(""), seen(filepath.Join(t.TempDir(), "saga.db")+"?synchronous=off")
		if len(memory) == 0 || !slices.Equal(memory, file) {
			t.Errorf("under %s memory saw\n%v, and SQLite\n%v", plan, memory, file)
		}
	}
}

func order(t testing.TB) *scenarios.Scenario {
	t.Helper()
	found, err := scenarios.Match("order")
	if err != nil {
		t.Fatal(err)
	}
	return found[0]
}

func at(p saga.Phase) saga.FailurePoint {
	return saga.FailurePoint{Step: "charge", Direction: saga.Action, Attempt: 1, Phase: p}
}

func lostAnswer() faults.Plan {
	return faults.Plan{Faults: []faults.Fault{{Kind: "lose", At: at(saga.Response)}}}
}

func killed() faults.Plan {
	return faults.Plan{Faults: []faults.Fault{{Kind: "crash-orchestrator", At: at(saga.Commit), DelayMS: 5}}}
}

// Cells of four steps with one answer lost, or killed once, and judged by all checkers or not.
func BenchmarkCell(b *testing.B) {
	for _, c := range []struct {
		name   string
		plan   faults.Plan
		file   string
		judged bool
	}{
		{"memory", lostAnswer(), "", false},
		{"memory-judged", lostAnswer(), "", true},
		{"memory-killed", killed(), "", false},
		{"sqlite", lostAnswer(), filepath.Join(b.TempDir(), "saga.db") + "?synchronous=off", false},
	} {
		b.Run(c.name, func(b *testing.B) {
			x := experiment{scenario: order(b), plan: c.plan, profile: participants.Fenced, file: c.file, seed: 1}
			began := cpu(b)
			for n := 0; b.Loop(); n++ {
				x.name = fmt.Sprint(n)
				h := x.run(new(testing.T)) // a bubble takes no other
				if c.judged {
					checkers.Judge(h, checkers.All())
				}
			}
			b.ReportMetric(float64(b.N)/(cpu(b)-began), "cells/cpu-s")
		})
	}
}

// cpu is the time that the process has had of processors, in seconds.
func cpu(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
