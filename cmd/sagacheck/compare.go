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
		Short: "Compare orchestrators: engine × anomaly × participant profile",
		Long: `Installs the orchestrators that are not there yet, runs the same plans against
each one with each participant profile, and prints which anomaly each one holds
off with which protection. Every finding is replayed, with its rate. Exit 0 when the matrix is complete, whatever it shows;
with --strict a finding is red.`,
		Example: `  sagacheck compare --orchestrator reference --orchestrator nodered
  sagacheck compare --orchestrator reference --orchestrator http://127.0.0.1:8080 --participants fenced`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			done, err := campaign.Compare(c.Context(), p.host(), o)
			return p.publish(done, err, o.Out, false)
		},
	}
	g.registerShared(c, &o.Settings)
	registerFailures(c, &o.Settings, 0) // the matrix wants every property
	flags := c.Flags()
	flags.StringSliceVar(&o.Orchestrators, "orchestrator", []string{campaign.Reference}, "`name` of a manifest, path of one, or URL (may be repeated)")
	flags.StringSliceVar(&o.Profiles, "participants", []string{"naive", "keyed", "fenced"}, "participant profiles")
	flags.BoolVar(&o.Strict, "strict", false, "a finding is red")
	flags.IntVar(&o.Replays, "replays", 10, "how often each finding is replayed")
	flags.IntVar(&o.Plans, "plans", 0, "at most this many plans a scenario (default: all curated ones)")
	return c
}
