package campaign

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/scenarios"
)

// start starts the system under test.
func (x *session) start(ctx context.Context) (err error) {
	name := x.s.Orchestrator
	if x.s.WaitFor != "" {
		if err := orchestrators.AwaitURL(ctx, x.s.WaitFor, waitLimit); err != nil {
			return notStartedYet(ctx, fmt.Errorf("--wait-for: %w", err))
		}
	}
	switch {
	case x.flow != nil:
		x.system, err = x.flow.start(ctx, orchestrators.Options{Log: x.host.output(), Logs: x.logsWanted})
	case name == Reference:
		var e *embedded
		if e, err = startEmbedded(ctx, x.host.Tool, x.orchestratorDefects); err == nil {
			x.system = e // one that did not start is none: it would be stopped
		}
	case isURL(name):
		x.system, err = orchestrators.Attach(ctx, name)
	default:
		x.system, err = orchestrators.Start(ctx, name, orchestrators.Options{Log: x.host.output(), Logs: x.logsWanted})
	}
	return notStartedYet(ctx, err)
}

// waitLimit is how long --wait-for waits.
const waitLimit = time.Minute

// notStartedYet tells trouble of the system under test from a command that was cut
// short.
func notStartedYet(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return unstarted(ctx, err)
	}
	return trouble(err)
}

// pace slows the scenarios down to what the system under test can do.
func (x *session) pace() {
	pace := orchestrators.PaceOf(x.system)
	if x.s.Scale == 0 {
		x.s.Scale = pace.Scale
	}
	if x.flow != nil && x.flow.file.Alone() {
		x.s.Parallel = 1 // on a process that all cells share
	}
	if x.s.Parallel == 0 {
		perCore := SagasPerCore
		if x.flow == nil && x.s.Orchestrator == Reference {
			perCore = SagasPerCoreBuiltIn
		}
		x.s.Parallel = cmp.Or(pace.Parallel, perCore*runtime.GOMAXPROCS(0))
	}
	switch p, ok := x.system.(orchestrators.Paced); {
	case x.s.Quiet > 0: // given
	case x.flow != nil:
		x.s.Quiet = x.flow.file.Quiet() // 0: it is learnt
	case ok && x.s.Orchestrator != Reference:
		x.s.Quiet = p.Pace().Quiet
	}
	if x.s.Scale == 1 {
		return
	}
	for i, s := range x.scenarios {
		x.scenarios[i] = s.Scale(x.s.Scale)
	}
	x.s.Settle = time.Duration(float64(x.s.Settle) * x.s.Scale)
}

// dropUnfit leaves out the scenarios that the system under test cannot run at
// all, and says so.
func (x *session) dropUnfit() error {
	if x.flow != nil || x.command == "replay" { // whose case is in its file
		return nil
	}
	able := x.system.Info().Capabilities
	var kept []*scenarios.Scenario
	why := ""
	for _, s := range x.scenarios {
		lacks := unfit(s, able)
		if lacks == "" {
			kept = append(kept, s)
			continue
		}
		why = lacks
		x.host.say("scenario %s is left out: %s has no capability %s", s.Name, x.system.Info().Name, lacks)
	}
	x.scenarios = kept
	if len(kept) == 0 {
		return usage(fmt.Errorf("--scenario: %s can run none of the chosen scenarios: it has no capability %s", x.system.Info().Name, why))
	}
	return nil
}

// unfit is the capability without which an orchestrator can't run a scenario at all; empty:
// it can.
func unfit(s *scenarios.Scenario, capabilities []string) string {
	d := blueprint(s)[0]
	if len(d.Fallbacks()) > 0 && !slices.Contains(capabilities, orchestrators.Fallback) {
		return orchestrators.Fallback + " (a way round)"
	}
	if slices.ContainsFunc(d.Steps, saga.Step.HasRounds) && !slices.Contains(capabilities, orchestrators.Rounds) {
		return orchestrators.Rounds + " (what is there is asked between them)"
	}
	if d.HasRounds() && !slices.Contains(capabilities, orchestrators.SagaRounds) {
		return orchestrators.SagaRounds + " (a saga is run forward again)"
	}
	if slices.Contains(capabilities, "dag") {
		return ""
	}
	for i := range d.Steps {
		before := d.Predecessors(i)
		if i == 0 && len(before) > 0 || i > 0 && !slices.Equal(before, []string{d.Steps[i-1].Name}) {
			return "dag (steps side by side)"
		}
	}
	return ""
}

// starter starts orchestrators that cells may kill; nil where there is no way.
func (x *session) starter() func(context.Context) (orchestrators.System, error) {
	switch {
	case x.flow != nil && !x.flow.file.Startable():
		return nil
	case x.flow != nil:
		return func(ctx context.Context) (orchestrators.System, error) {
			return x.flow.start(ctx, orchestrators.Options{})
		}
	case isURL(x.s.Orchestrator):
		return nil
	}
	var args []string
	for _, d := range x.orchestratorDefects {
		args = append(args, "--defect", d)
	}
	return func(ctx context.Context) (orchestrators.System, error) {
		return orchestrators.Start(ctx, x.s.Orchestrator, orchestrators.Options{Args: args})
	}
}
