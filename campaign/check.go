package campaign

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/results"
)

// CheckOptions are those of [Check].
type CheckOptions struct {
	Paths      []string // folders of runs, and history files
	Properties []string // globs; none: all
	Out        string   // folder of the folders of runs
}

// Check judges what is stored, as the runs that wrote it counted it.
func Check(ctx context.Context, host Host, o CheckOptions) (*Finished, error) {
	selected, err := checkers.Select(o.Properties)
	if err != nil {
		return nil, usage(fmt.Errorf("--property: %w", err))
	}
	from, err := results.FindStored(o.Paths)
	if err != nil {
		return nil, usage(err)
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
		h, err := history.Load(cell.File)
		if err != nil {
			return nil, usage(err)
		}
		if cell.Info.History, err = filepath.Rel(dir, cell.File); err != nil {
			cell.Info.History = cell.File
		}
		progress.Done(collector.Add(cell.Info, h, checkers.Judge(h, selected)))
	}
	return &Finished{Run: collector.Finish(), Dir: dir, Link: results.CheckLink}, nil
}
