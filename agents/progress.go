package agents

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sagacheck/sagacheck/campaign"
	"github.com/sagacheck/sagacheck/results"
)

// pace is the least time between two notifications of progress.
const pace = 500 * time.Millisecond

// progress adds up the parts of a campaign: what it tells only grows, as the protocol wants
// it. Who reports to it never waits for the client.
type progress struct {
	mu      sync.Mutex
	parts   []*part
	last    *part
	changed chan struct{} // holds one if there is something to tell
}

// part is a part of a campaign: so many of what.
type part struct {
	of          *progress
	what        string
	done, total int
}

var _ campaign.Progress = (*part)(nil)

func (p *progress) begin(what string, total int) campaign.Progress {
	x := &part{of: p, what: what, total: total}
	p.change(x, func() { p.parts = append(p.parts, x) })
	return x
}

func (p *progress) change(x *part, how func()) {
	p.mu.Lock()
	how()
	p.last = x
	p.mu.Unlock()
	select {
	case p.changed <- struct{}{}:
	default: // it is known already
	}
}

func (x *part) SetTotal(total int) { x.of.change(x, func() { x.total = total }) }
func (x *part) Done(results.State) { x.of.change(x, func() { x.done++ }) }
func (x *part) Finish()            {}

// now is what there is to tell. A total that some part does not know yet is 0: none is told.
func (p *progress) now() (done, total float64, message string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := true
	for _, x := range p.parts {
		done += float64(x.done)
		total += float64(max(x.total, x.done))
		known = known && x.total > 0
	}
	if x := p.last; x != nil {
		message = fmt.Sprintf("%d %s", x.done, x.what)
		if x.total > 0 {
			message = fmt.Sprintf("%d of %d %s", x.done, x.total, x.what)
		}
	}
	if !known {
		total = 0
	}
	return done, total, message
}

// follow tells a client that asked for it how far a call is. The function that it returns ends
// that: nothing is told after it.
func follow(ctx context.Context, req *mcp.CallToolRequest) (*progress, func()) {
	p := &progress{changed: make(chan struct{}, 1)}
	token := req.Params.GetProgressToken()
	if token == nil {
		return p, func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.tell(ctx, func(done, total float64, message string) error {
			return req.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{ProgressToken: token, Progress: done, Total: total, Message: message})
		})
	}()
	return p, func() {
		cancel()
		<-ended
	}
}

// tell tells until ctx ends, or nobody listens.
func (p *progress) tell(ctx context.Context, notify func(done, total float64, message string) error) {
	wait := time.NewTimer(0)
	defer wait.Stop()
	told := -1.0
	for {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		}
		select {
		case <-ctx.Done():
			return
		case <-p.changed:
		}
		if done, total, message := p.now(); done > told {
			told = done
			if notify(done, total, message) != nil {
				return
			}
		}
		wait.Reset(pace)
	}
}
