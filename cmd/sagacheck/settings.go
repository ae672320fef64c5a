package main

import (
	"fmt"

	"github.com/sagacheck/sagacheck/campaign"
	"github.com/spf13/cobra"
)

// cellFlags are the flags of every command that runs cells, beside their settings.
type cellFlags struct {
	budget
	clauses bool // all are told
}

// register adds them, and those of the settings, which it sets to their defaults.
func (g *cellFlags) register(c *cobra.Command, s *campaign.Settings) {
	g.registerShared(c, s)
	f := c.Flags()
	f.StringVar(&s.Workflow, "workflow", "", "test a workflow of your own, as this `file` says, in the place of scenarios and an orchestrator")
	f.StringSliceVar(&s.Packs, "pack", nil, "test the scenarios of a `pack` in the place of the catalogue: a name (payments, bookings), a folder, or a git repository (URL#tag)")
	f.StringVar(&s.WaitFor, "wait-for", "", "before anything else wait until this `URL` answers, up to a minute: a server that was started just now")
	f.StringVar(&s.Participants, "participants", s.Participants, "protection of the participants: naive, keyed or fenced")
	f.StringVar(&s.Orchestrator, "orchestrator", s.Orchestrator, "system under test: reference, the `name` of a manifest, the path of one, or a URL that speaks the contract")
}

// registerShared adds the flags that do not name the system under test.
func (g *cellFlags) registerShared(c *cobra.Command, s *campaign.Settings) {
	*s = campaign.Defaults()
	g.budget.register(c)
	f := c.Flags()
	f.StringSliceVar(&s.Scenarios, "scenario", nil, "only scenarios that match this `glob`, or the path of a scenario file (may be repeated)")
	f.StringSliceVar(&s.Properties, "property", nil, "only properties that match this `glob`, or, with a ! before it, only those that do not (may be repeated)")
	f.Uint64Var(&s.Seed, "seed", s.Seed, "seed of everything that is drawn; 0 draws one from the clock")
	f.IntVar(&s.Parallel, "parallel", 0, fmt.Sprintf("sagas at once (default: %d a core; of the reference executor %d)", campaign.SagasPerCore, campaign.SagasPerCoreBuiltIn))
	f.IntVar(&s.Processes, "processes", 0, fmt.Sprintf("cells at once with an orchestrator process of their own; no more than %[1]d a core while cells wait that share one (default: %[1]d a core, and %[2]d more in which nothing happens any more; of the reference executor %[3]d and %[4]d)", campaign.ProcessesPerCore, campaign.RestingPerCore, campaign.ProcessesPerCoreBuiltIn, campaign.RestingPerCoreBuiltIn))
	f.DurationVar(&s.Settle, "settle", s.Settle, "how long after the last fault a saga may take to end")
	f.DurationVar(&s.Quiet, "quiet", 0, "how long the wires must be silent at the end (default: from the policies, the manifest or the workflow; of a workflow that says nothing it is learnt)")
	f.Float64Var(&s.Scale, "scale", 0, "multiply all times of the scenarios' policies (default: 1, or the manifest's)")
	clausesFlag(c, &g.clauses)
	f.StringVar(&s.Out, "out", s.Out, "`folder` for reports and histories")
	f.StringSliceVar(&s.Defects, "defect", nil, "switch on a planted defect of the reference executor or of the participants (sagacheck list defects)")
}
