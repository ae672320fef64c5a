package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sagacheck/sagacheck/campaign"
	"github.com/sagacheck/sagacheck/reports/live"
	"github.com/sagacheck/sagacheck/results"
)

// ui is the flag that shows a run in a browser while it runs.
type ui struct {
	addr   string
	flag   *pflag.Flag
	view   *live.View // nil: nobody asked
	server *live.Server
}

func (u *ui) register(c *cobra.Command) {
	c.Flags().StringVar(&u.addr, "ui", "", "show the run in a browser while it runs, at the address that is printed; --ui=`HOST:PORT` chooses one of this machine (docs/live.md)")
	u.flag = c.Flags().Lookup("ui")
	u.flag.NoOptDefVal = "127.0.0.1:0"
}

// host is the program, which shows the run if that was asked for.
func (u *ui) host(ctx context.Context, p process) (campaign.Host, error) {
	h := p.host()
	if !u.flag.Changed {
		return h, nil
	}
	if err := live.CheckAddr(u.addr); err != nil {
		return h, usage(fmt.Errorf("--ui: %w", err))
	}
	v := live.NewView()
	server, err := live.Serve(ctx, u.addr, v)
	if err != nil {
		return h, trouble(fmt.Errorf("--ui: %w", err))
	}
	u.view, u.server = v, server
	p.say("the run is shown at " + server.URL)
	h.Watch = v
	h.Say = func(line string) {
		p.say(line)
		v.Say(line)
	}
	printed := h.Progress
	h.Progress = func(what string, total int) campaign.Progress {
		return both{printed(what, total), v.Progress(what, total)}
	}
	return h, nil
}

// end shows what the run came to, for the last time. The error is what it is without it.
func (u *ui) end(done *campaign.Finished, err error) error {
	if u.view == nil {
		return err
	}
	u.view.End(ending(done, err))
	_ = u.server.Close() // the run is over, whoever looks
	return err
}

// ending is what a run came to.
func ending(done *campaign.Finished, err error) (e live.End) {
	red := new(exitError)
	if err != nil && (!errors.As(err, &red) || red.err != nil) { // more than that it is red
		e.Problem = err.Error()
	}
	if done == nil {
		return e
	}
	e.Outcome, e.Reasons = done.Run.Summary.Outcome, done.Run.Summary.Reasons
	if e.Problem == "" {
		e.Report = filepath.Join(done.Dir, results.HTMLFile)
		if abs, err := filepath.Abs(e.Report); err == nil { // whoever looks may not know where it was started
			e.Report = abs
		}
	}
	return e
}

// both show how far something is.
type both struct{ a, b campaign.Progress }

func (p both) SetTotal(total int) {
	p.a.SetTotal(total)
	p.b.SetTotal(total)
}

func (p both) Done(outcome results.State) {
	p.a.Done(outcome)
	p.b.Done(outcome)
}

func (p both) Finish() {
	p.a.Finish()
	p.b.Finish()
}
