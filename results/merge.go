package results

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
)

// Merge joins the shards of one run, loaded with LoadRun, and judges the whole.
// Parts that do not belong together, a part that is there twice and a missing
// part are errors. The duration is the sum of the shards'.
func Merge(runs []*Run) (*Run, error) {
	if err := mergeable(runs); err != nil {
		return nil, err
	}
	first := runs[0]
	m := &Run{
		Version: Version, Tool: first.Tool, Command: unsharded(first.Command), Seed: first.Seed,
		Orchestrator: first.Orchestrator, System: first.System, Profile: first.Profile, Started: first.Started, Content: first.Content, Sources: first.Sources,
		Shard: &Shard{I: 1, N: 1, Merged: len(runs)},
	}
	for _, p := range first.Properties {
		m.Properties = append(m.Properties, Property{Name: p.Name, Definition: p.Definition, Advice: p.Advice})
	}
	results := map[resultKey]*Result{}
	for _, r := range runs {
		m.join(r, results)
	}
	for _, res := range results {
		m.Results = append(m.Results, *res)
	}
	m.sort()
	m.Failures, m.Advice = capFailures(m.Failures), capFailures(m.Advice)
	m.judge()
	return m, nil
}

// mergeable explains why parts do not belong together.
func mergeable(runs []*Run) error {
	if len(runs) == 0 {
		return errors.New("no report to join")
	}
	first := runs[0]
	var errs []error
	seen := map[int]*Run{}
	for _, r := range runs {
		if r.Shard == nil || r.Shard.Merged > 0 {
			return fmt.Errorf("%s is not a shard: expected the report of a run with --shard i/n", r.name())
		}
		if r.Mutants != nil || r.Comparison != nil {
			return fmt.Errorf("%s: a kill matrix or a comparison can't be joined", r.name())
		}
		for _, d := range r.differences(first) {
			errs = append(errs, fmt.Errorf("%s does not belong to %s: %s: give all shards the same scenarios and flags", r.name(), first.name(), d))
		}
		if other := seen[r.Shard.I]; other != nil {
			errs = append(errs, fmt.Errorf("shard %d/%d is there twice: %s and %s", r.Shard.I, r.Shard.N, other.name(), r.name()))
		}
		seen[r.Shard.I] = r
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	var missing []string
	for i := 1; i <= first.Shard.N; i++ {
		if seen[i] == nil {
			missing = append(missing, fmt.Sprintf("%d/%d", i, first.Shard.N))
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("missing: shard %s", strings.Join(missing, ", "))
	}
	return nil
}

func (r *Run) name() string {
	return cmp.Or(r.Dir, "the report of "+r.Started.UTC().Format("2006-01-02 15:04:05"))
}

// differences are what shards of one run must share, and these two don't.
func (r *Run) differences(o *Run) []string {
	var out []string
	differ := func(what string, a, b any) {
		if x, y := fmt.Sprint(a), fmt.Sprint(b); x != y {
			out = append(out, fmt.Sprintf("%s is %q, not %q", what, x, y))
		}
	}
	differ("the version of sagacheck", r.Tool, o.Tool)
	differ("the seed", r.Seed, o.Seed)
	differ("the number of shards", r.Shard.N, o.Shard.N)
	differ("the orchestrator", r.Orchestrator.Name+" "+r.Orchestrator.Version, o.Orchestrator.Name+" "+o.Orchestrator.Version)
	differ("the list of capabilities", r.Orchestrator.Capabilities, o.Orchestrator.Capabilities)
	differ("the list of what can't be done to the orchestrator", r.Orchestrator.Unable, o.Orchestrator.Unable)
	differ("the list of what a mapping supplies", r.Orchestrator.Supplied, o.Orchestrator.Supplied)
	differ("the participant profile", r.Profile, o.Profile)
	differ("the list of properties", propertyNames(r), propertyNames(o))
	differ("the manifest of the orchestrator (digest)", r.System.Digest, o.System.Digest)
	return append(out, r.Content.Differences(o.Content)...)
}

func propertyNames(r *Run) []string {
	var names []string
	for _, p := range r.Properties {
		names = append(names, p.Name)
	}
	return names
}

// unsharded is a command without what may differ between shards.
func unsharded(command string) string {
	var out []string
	words := strings.Fields(command)
	for i := 0; i < len(words); i++ {
		name, _, joined := strings.Cut(words[i], "=")
		switch name {
		case "--shard", "--out", "--parallel", "--processes", "--resume", "--max-time", "--workers", "--server", "--creds", "--nkey", "--tlsca", "--listen", "-o":
			if !joined {
				i++
			}
			continue
		}
		out = append(out, words[i])
	}
	return strings.Join(out, " ")
}

func (r *Run) join(o *Run, results map[resultKey]*Result) {
	if o.Started.Before(r.Started) {
		r.Started = o.Started
	}
	r.DurationMS += o.DurationMS
	r.Interrupted = r.Interrupted || o.Interrupted
	r.Totals.join(o.Totals)
	for name, n := range o.Sometimes {
		r.seen(name, n)
	}
	r.Planned += o.Planned
	r.Alone += o.Alone
	r.Address = cmp.Or(r.Address, o.Address)
	for _, n := range o.LeftOut {
		r.LeftOut = joinNotRun(r.LeftOut, n)
	}
	r.Errors = append(r.Errors, o.Errors...)
	for _, c := range o.Cells {
		c.History = o.inDir(c.History)
		r.Cells = append(r.Cells, c)
	}
	for _, f := range o.Failures {
		f.History, f.Picture = o.inDir(f.History), o.inDir(f.Picture)
		r.Failures = append(r.Failures, f)
	}
	for _, f := range o.Beside {
		f.History = o.inDir(f.History)
		r.Beside = append(r.Beside, f)
	}
	for _, f := range o.Advice {
		f.History, f.Picture = o.inDir(f.History), o.inDir(f.Picture)
		r.Advice = append(r.Advice, f)
	}
	r.Found = smallest(append(r.Found, o.Found...))
	for _, res := range o.Results {
		k := resultKey{res.Property, res.Scenario}
		if results[k] == nil {
			results[k] = &res
			continue
		}
		results[k].join(res)
	}
	r.Chart(o)
	if o.Coverage != nil {
		if r.Coverage == nil {
			r.Coverage = &Coverage{Depth: o.Coverage.Depth}
		}
		r.Coverage.join(o.Coverage)
	}
}

// inDir keeps the path of a shard's history right in the joined report, wherever that will be.
func (r *Run) inDir(file string) string {
	if file == "" || r.Dir == "" {
		return file
	}
	return resolved(PathIn(r.Dir, file))
}
