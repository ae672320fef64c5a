package main

import (
	"github.com/sagacheck/sagacheck/campaign"
	"github.com/spf13/cobra"
)

func newCompare(p process) *cobra.Command {
	var o campaign.CompareOptions
	var g cellFlags
	c := &cobra.Command{
		Use:   "compare",
		Short: "Compare orchestrators, or workflows: engine × anomaly × participant profile",
		Long: `Installs the orchestrators that are not there yet, runs the same plans against
each one with each participant profile, and prints which anomaly each one holds
off with which protection. Every finding is replayed, with its rate. Exit 0 when the matrix is complete, whatever it shows;
with --strict a finding is red.

With --workflow, the files of several workflows of your own take the place of the
orchestrators: the wrong version and the mended one, or one workflow as two products
run it. Each is struck at its own failure points, with the same seed.`,
		Example: `  sagacheck compare --orchestrator reference --orchestrator nodered
  sagacheck compare --orchestrator nodered --orchestrator n8n --at-once 2
  sagacheck compare --orchestrator reference --orchestrator http://127.0.0.1:8080 --participants fenced
  sagacheck compare --workflow before/workflow.yaml --workflow after/workflow.yaml`,
		Args: flagsOnly,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := refuseBeside(c); err != nil {
				return err
			}
			if len(o.Workflows) > 0 && !c.Flags().Changed("participants") {
				o.Profiles = []string{o.Participants} // its file says the protection of most services
			}
			done, err := campaign.Compare(c.Context(), p.host(), o)
			return p.publish(done, err, o.Out, false)
		},
	}
	g.registerShared(c, &o.Settings)
	registerFailures(c, &o.Settings, 0, 0) // the matrix wants every property
	flags := c.Flags()
	flags.StringSliceVar(&o.Orchestrators, "orchestrator", []string{campaign.Reference}, "`name` of a manifest, path of one, or URL (may be repeated)")
	flags.StringArrayVar(&o.Workflows, "workflow", nil, "`file` of a workflow of your own, in the place of orchestrators (to be repeated)")
	flags.StringSliceVar(&o.Profiles, "participants", []string{"naive", "keyed", "fenced"}, "participant profiles; with --workflow fenced, if not given")
	flags.BoolVar(&o.Strict, "strict", false, "a finding is red")
	flags.IntVar(&o.Replays, "replays", 10, "how often each finding is replayed")
	flags.IntVar(&o.Plans, "plans", 0, "at most this many plans a scenario, or at the points of a workflow (default: all)")
	flags.IntVar(&o.AtOnce, "at-once", 1, "orchestrators, or workflows, that run side by side: no two of them may want the same port")
	return c
}
