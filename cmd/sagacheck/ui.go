package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/campaign"
	"github.com/sagacheck/sagacheck/reports/live"
	"github.com/sagacheck/sagacheck/results"
)

// ui is the flag that shows a run in a browser while it runs.
type ui struct {
	addr   string
	view   *live.View // nil: nobody asked
	server *live.Server
}

func (u *ui) register(c *cobra.Command) {
	c.Flags().StringVar(&u.addr, "ui", "", "show the run in a browser while it runs, at the address that is printed; --ui=`HOST:PORT` chooses one of this machine (docs/live.md)")
	c.Flags().Lookup("ui").NoOptDefVal = "127.0.0.1:0"
}

// host is the program, which shows the run if that was asked for.
func (u *ui) host(ctx context.Context, p process) (campaign.Host, error) {
	h := p.host()
	if u.addr == "" {
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
	e := live.End{}
	if done != nil {
		e.Outcome, e.Reasons, e.Report = done.Run.Summary.Outcome, done.Run.Summary.Reasons, filepath.Join(done.Dir, results.HTMLFile)
	} else if err != nil {
		e.Problem = err.Error()
	}
	u.view.End(e)
	_ = u.server.Close() // the run is over, whoever looks
	return err
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
