package campaign

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/participants"
	participantdefects "github.com/sagacheck/sagacheck/participants/defects"
	"github.com/sagacheck/sagacheck/reference/defects"
	"github.com/sagacheck/sagacheck/scenarios"
)

// choose resolves the names in the settings.
func (x *session) choose(ctx context.Context) (err error) {
	if x.profile, err = participants.ParseProfile(x.s.Participants); err != nil {
		return fmt.Errorf("--participants: %w", err)
	}
	if x.s.Workflow != "" && len(x.s.Scenarios) > 0 {
		return fmt.Errorf("--workflow: %s: expected either this or --scenario", x.s.Workflow)
	}
	if x.s.Workflow != "" && len(x.s.Packs) > 0 {
		return fmt.Errorf("--workflow: %s: expected either this or --pack", x.s.Workflow)
	}
	if x.s.Workflow != "" {
		x.flow, err = openFlow(x.s.Workflow)
	} else if len(x.s.Packs) > 0 {
		err = x.openPacks(ctx)
	} else if x.scenarios, err = chooseScenarios(x.s.Scenarios); err != nil {
		err = fmt.Errorf("--scenario: %w", err)
	}
	if err == nil && x.flow == nil {
		err = checkOrchestrator(x.s.Orchestrator)
	}
	if err != nil {
		return err
	}
	if x.checkers, err = checkers.Select(x.s.Properties); err != nil {
		return fmt.Errorf("--property: %w", err)
	}
	if x.s.Seed == 0 {
		x.s.Seed = uint64(time.Now().UnixNano()) % 1_000_000_000
	}
	x.addDrawn()
	switch {
	case x.s.DrawnSagas < 0:
		return fmt.Errorf("--drawn-sagas: %d: expected 0 or more", x.s.DrawnSagas)
	case x.s.Parallel < 0:
		return fmt.Errorf("--parallel: %d: expected 0 (the default) or more", x.s.Parallel)
	case x.s.Processes < 0:
		return fmt.Errorf("--processes: %d: expected 0 (the default) or more", x.s.Processes)
	case x.s.Scale < 0:
		return fmt.Errorf("--scale: %v: expected 0 (the default) or more", x.s.Scale)
	case x.s.Settle <= 0:
		return fmt.Errorf("--settle: %v: expected more than 0", x.s.Settle)
	case x.s.WaitFor != "" && !strings.HasPrefix(x.s.WaitFor, "http://") && !strings.HasPrefix(x.s.WaitFor, "https://"):
		return fmt.Errorf("--wait-for: %q: expected http://host:port/path", x.s.WaitFor)
	case x.s.Quiet < 0:
		return fmt.Errorf("--quiet: %v: expected 0 (the default) or more", x.s.Quiet)
	}
	if x.s.Processes == 0 {
		perCore, resting := ProcessesPerCore, RestingPerCore
		switch {
		case x.flow != nil && x.flow.file.Alone(): // they only serve, and are not killed
			perCore *= alonePerProcess
		case x.flow == nil && x.s.Orchestrator == Reference:
			perCore, resting = ProcessesPerCoreBuiltIn, RestingPerCoreBuiltIn
		}
		x.s.Processes, x.resting = perCore*runtime.GOMAXPROCS(0), resting*runtime.GOMAXPROCS(0)
	}
	return x.chooseDefects()
}

// addDrawn puts random scenarios beside what was chosen.
func (x *session) addDrawn() {
	for i := range x.s.DrawnSagas {
		x.scenarios = append(x.scenarios, scenarios.Draw(x.s.Seed+uint64(i)))
	}
}

// isParticipantDefect tells whether a defect of the participants is called so.
func isParticipantDefect(name string) bool {
	return slices.ContainsFunc(participantdefects.All(), func(d participantdefects.Defect) bool { return d.Name == name })
}

// isReferenceDefect tells whether a defect of the reference executor is called so.
func isReferenceDefect(name string) bool {
	return slices.ContainsFunc(defects.All(), func(d defects.Defect) bool { return d.Name == name })
}

// chooseDefects tells defects of the reference executor from those of the
// participants.
func (x *session) chooseDefects() error {
	var participant []string
	for _, name := range x.s.Defects {
		switch {
		case isParticipantDefect(name):
			participant = append(participant, name)
		case isReferenceDefect(name):
			if x.s.Orchestrator != Reference {
				return fmt.Errorf("--defect: %q is a defect of the reference executor: it can't be switched on in %q", name, x.s.Orchestrator)
			}
			x.orchestratorDefects = append(x.orchestratorDefects, name)
		default:
			return fmt.Errorf("--defect: no defect is called %q: see sagacheck list defects", name)
		}
	}
	var err error
	x.rules, err = participantdefects.Rules(participant...)
	return err
}

// isPath tells the path of a scenario's file from a glob of the catalogue.
func isPath(pattern string) bool {
	return strings.ContainsAny(pattern, "/\\") || strings.HasSuffix(pattern, ".yaml") || strings.HasSuffix(pattern, ".yml")
}

// chooseScenarios takes globs of the catalogue and paths of files.
func chooseScenarios(patterns []string) ([]*scenarios.Scenario, error) {
	var globs []string
	var chosen []*scenarios.Scenario
	for _, p := range patterns {
		if !isPath(p) {
			globs = append(globs, p)
			continue
		}
		s, err := scenarios.Load(p)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, s)
	}
	if len(patterns) == 0 {
		return scenarios.All(), nil
	}
	if len(globs) > 0 {
		matched, err := scenarios.Match(globs...)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, matched...)
	}
	return chosen, nil
}
