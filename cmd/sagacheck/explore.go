package main

import (
	"fmt"
	"net/url"
	"slices"

	"github.com/sagacheck/sagacheck/campaign"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

type exploreFlags struct {
	campaign.ExploreOptions
	cellFlags
	ui    ui
	shard string
}

func newExplore(p process) *cobra.Command {
	f := &exploreFlags{}
	c := &cobra.Command{
		Use:   "explore",
		Short: "Try every kind of fault at every failure point that a scenario reaches",
		Long: `Runs each scenario without a fault, adds every kind of fault at every failure
point that this run reached, looks which new points that opens (retries,
compensations), and goes on to --depth faults a plan. Plans that are equivalent to
another are left out (docs/exploration.md); --audit runs them too and tells whether
a finding would have been lost.

A budget (--max-plans, --max-time) cuts in a fair order, and the report says what
was not run: such an exploration is incomplete (exit 2). It goes on with --resume
FILE, with the flags that it was begun with. The first failure of
each property in each scenario is shrunk to the smallest plan that still fails.`,
		Example: `  sagacheck explore --scenario single-step
  sagacheck explore --scenario order --depth 2 --max-time 5m
  sagacheck explore --depth 2 --shard 1/4 --out shard-1      then: sagacheck report merge shard-*
  sagacheck explore --scenario order --depth 2 --ui
  sagacheck explore --workflow workflow.yaml --depth 2 --max-time 5m
  sagacheck explore --baseline known.yaml                    fails for new findings only
  sagacheck explore --resume sagacheck-out/latest/explore.jsonl`,
		Args: flagsOnly,
		RunE: func(c *cobra.Command, _ []string) error {
			p.spareMemory()
			return f.run(c, p)
		},
	}
	f.register(c, &f.Settings)
	registerFailures(c, &f.Settings, campaign.EnoughFailures, campaign.EnoughAlike)
	fl := c.Flags()
	fl.IntVar(&f.Depth, "depth", 1, "how many faults a plan may have")
	fl.IntVar(&f.MaxPlans, "max-plans", 0, "run at most so many plans; 0: no limit")
	fl.StringVar(&f.shard, "shard", "", "run only part `i/n` of the plans")
	fl.StringVar(&f.Resume, "resume", "", "`file` "+campaign.ExploreLog+" of an exploration to go on with")
	fl.BoolVar(&f.Audit, "audit", false, "also run the plans that the rules leave out, and tell whether a finding would have been lost")
	fl.BoolVar(&f.Operator, "operator", false, "also have operators ask for a rollback, a retry, a pause, a skipped step, an end by hand at every failure point, from two consoles at once, with and without a crash")
	f.ui.register(c)
	workersFlags(c, &f.Workers)
	shrinkFlags(c, &f.Shrink, true)
	gateFlags(c, &f.Gate)
	replaysFlag(c, &f.Gate)
	return c
}

func (f *exploreFlags) run(c *cobra.Command, p process) (err error) {
	if f.Resume != "" {
		if err := adoptFlags(c, f.Resume); err != nil {
			return usage(fmt.Errorf("--resume: %w", err))
		}
	}
	if err := refuseBeside(c); err != nil {
		return err
	}
	if f.Shard, err = parseShard(f.shard); err != nil {
		return usage(err)
	}
	f.Flags = givenFlags(c)
	host, err := f.ui.host(c.Context(), p)
	if err != nil {
		return err
	}
	f.Cut = func(log string) {
		host.Say("not all was run; go on with: sagacheck explore --resume " + reports.QuotePath(log))
	}
	done, err := campaign.Explore(c.Context(), host, f.ExploreOptions)
	if err == nil && done.Audit != nil {
		a := done.Audit
		fmt.Fprintf(p.stdout, "Audit: %d of %d plans that ran are left out without --audit. Findings (property × scenario): %d with them, %d without; lost: %d.\n",
			a.Pruned, a.Ran, a.Found, a.Found-a.Lost, a.Lost)
	}
	return f.ui.end(done, p.publish(done, err, f.Out, f.clauses))
}

// ownFlags are those that belong to one command line: budgets, places, the machine.
var ownFlags = []string{"config", "profile", "max-plans", "max-time", "fail-fast", "resume", "out", "parallel", "processes", "clauses", "ui", "workers", "server", "creds", "nkey", "tlsca", "listen", "baseline", "baseline-update", "fail-on", "replays"}

// givenFlags are the flags of a command line that make an exploration what it is, but for
// those with a URL that has a password: no file keeps it, and who goes on gives it again.
func givenFlags(c *cobra.Command) map[string][]string {
	given := map[string][]string{}
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Changed || slices.Contains(ownFlags, f.Name) {
			return
		}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			given[f.Name] = list.GetSlice()
		} else {
			given[f.Name] = []string{f.Value.String()}
		}
		if slices.ContainsFunc(given[f.Name], hasPassword) {
			delete(given, f.Name)
		}
	})
	return given
}

// hasPassword tells whether a value is a URL with a password or a token. The user of ssh is neither.
func hasPassword(value string) bool {
	u, err := url.Parse(value)
	if err != nil || u.User == nil {
		return false
	}
	_, set := u.User.Password()
	return set || u.Scheme == "http" || u.Scheme == "https"
}

// adoptFlags sets the flags of an earlier exploration that the command line does not
// give.
func adoptFlags(c *cobra.Command, path string) error {
	flags, err := campaign.ExploreFlags(path)
	if err != nil {
		return err
	}
	for name, values := range flags {
		flag := c.Flags().Lookup(name)
		if flag == nil || flag.Changed || c.Flags().Changed(another[name]) || slices.Contains(ownFlags, name) {
			continue
		}
		if err := setWords(c.Flags(), flag, values, len(values) != 1); err != nil {
			return fmt.Errorf("%s:1: flags: --%s: %w", path, name, err)
		}
	}
	return nil
}
