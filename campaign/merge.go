package campaign

import (
	"errors"
	"fmt"
	"time"

	"github.com/sagacheck/sagacheck/results"
)

// Merge joins the runs of the shards of one campaign, each a folder of a run or one of
// folders of runs, whose last is taken. The joined run has a folder in out.
func Merge(host Host, dirs []string, out string, o Gate) (*Finished, error) {
	g, err := o.open(nil)
	if err != nil {
		return nil, err
	}
	var parts []*results.Run
	for _, dir := range dirs {
		r, err := results.LoadRun(dir)
		if errors.Is(err, results.ErrUnfinished) {
			return nil, &Error{results.ExitUnproven, fmt.Errorf("report merge: %w", err)}
		}
		if err != nil {
			return nil, usage(err)
		}
		parts = append(parts, r)
	}
	for _, r := range parts {
		if r.Gate != nil && r.Gate.Baseline != "" && o.Baseline == "" {
			host.Say("the parts were held against " + r.Gate.Baseline + "; what they are joined to is not: --baseline " + r.Gate.Baseline + " does that")
			break
		}
	}
	joined, err := results.Merge(parts)
	if err != nil {
		return nil, usage(fmt.Errorf("report merge: %w", err))
	}
	dir, err := results.NewRunDir(out, "merge", time.Now())
	if err != nil {
		return nil, trouble(err)
	}
	done := &Finished{Run: joined, Dir: dir, Link: results.LatestLink}
	return done, g.hold(host, joined, results.Replays{Else: "it is joined of the reports of parts"})
}
