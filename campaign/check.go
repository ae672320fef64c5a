package campaign

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/workflows"
)

// CheckOptions are those of [Check].
type CheckOptions struct {
	Paths      []string // folders of runs, and history files
	Properties []string // globs; none: all
	Workflow   string   // file of the workflow by whose promises and invariants it is judged; empty: as stored
	Out        string   // folder of the folders of runs
	Gate       Gate     // whose findings are not replayed
}

// Check judges what is stored, as the runs that wrote it counted it; with a workflow's file as
// that says now.
func Check(ctx context.Context, host Host, o CheckOptions) (*Finished, error) {
	selected, err := checkers.Select(o.Properties)
	if err != nil {
		return nil, usage(fmt.Errorf("--property: %w", err))
	}
	g, err := o.Gate.open(nil)
	if err != nil {
		return nil, err
	}
	var flow *workflows.Workflow
	if o.Workflow != "" {
		if flow, err = workflows.Load(o.Workflow); err != nil {
			return nil, usage(err)
		}
	}
	from, err := results.FindStored(o.Paths)
	if err != nil {
		return nil, usage(err)
	}
	if asked := among(from.Properties()); len(o.Properties) == 0 && len(asked) > 0 && len(asked) < len(selected) {
		selected = asked
		host.say("judged by %s, as the run was: --property says otherwise ('*': all)", words.Plural(len(selected), "property"))
	}
	meta := from.Meta()
	meta.Tool, meta.Command, meta.Started = host.Tool, host.Command, time.Now()
	for _, k := range selected {
		meta.Properties = append(meta.Properties, k.Doc())
	}
	collector := results.New(meta)
	dir, err := results.NewRunDir(o.Out, "check", meta.Started)
	if err != nil {
		return nil, trouble(err)
	}
	for _, note := range from.Tell(collector) {
		host.say("%s", note)
	}
	alike := &alikeHistories{}
	progress := host.progress("histories", len(from.Cells))
	defer progress.Finish()
	for _, cell := range from.Cells {
		if ctx.Err() != nil {
			collector.Interrupt()
			break
		}
		if cell.Failed != "" {
			collector.AddError(cell.Info, errors.New(cell.Failed))
			progress.Done(results.Errored)
			continue
		}
		h, err := cell.Load()
		if err == nil {
			err = alike.take(cell.File, h.Header)
		}
		if err != nil {
			return nil, errors.Join(usage(err), results.DropEmptyRunDir(dir))
		}
		if flow != nil {
			if cell.File, err = amended(h, flow, cell.File, dir); err != nil {
				return nil, err
			}
		}
		cell.Info.History = results.PathFrom(dir, cell.File)
		progress.Done(collector.Add(cell.Info, h, checkers.Judge(h, selected)))
	}
	done := &Finished{Run: collector.Finish(), Dir: dir, Link: results.CheckLink}
	return done, g.hold(host, done.Run, results.Replays{Else: "these are stored histories"})
}

// alikeHistories refuses histories of more than one run's kind: a report has the participants and the orchestrator
// of the first one, and findings would have the keys of another's.
type alikeHistories struct {
	file  string // the first; empty: none was taken
	first history.Header
}

func (a *alikeHistories) take(file string, h history.Header) error {
	if a.file == "" {
		a.file, a.first = file, h
	}
	for _, d := range []struct{ what, one, other string }{
		{"participants", a.first.Profile, h.Profile}, {"orchestrator", a.first.Orchestrator.Name, h.Orchestrator.Name},
	} {
		if d.one != d.other {
			return fmt.Errorf("%s: %s %q, and %s has %q: expected histories with the same: what holds for one says nothing of another: check them one by one",
				file, d.what, d.other, a.file, d.one)
		}
	}
	return nil
}

// amended stores a history as the workflow's file has it now, beside the new report, and tells
// where: the events that prove something are found there.
func amended(h *history.History, flow *workflows.Workflow, file, dir string) (string, error) {
	if err := harness.Amend(h, flow); err != nil {
		return "", usage(fmt.Errorf("%s: %w", file, err))
	}
	to := filepath.Join(dir, results.HistoriesDir, filepath.Base(file))
	err := os.MkdirAll(filepath.Dir(to), 0o755)
	if err == nil {
		err = h.Save(to)
	}
	if err != nil {
		return "", trouble(err)
	}
	return to, nil
}

// among are the checkers of these names. What another build judged may be called otherwise here.
func among(names []string) []checkers.Checker {
	return slices.DeleteFunc(checkers.All(), func(c checkers.Checker) bool { return !slices.Contains(names, c.Doc().Name) })
}
