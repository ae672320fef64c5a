package campaign

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/results"
)

// whenItBegins is called with each cell that begins.
type whenItBegins func()

func (whenItBegins) Begin(results.Meta, string)                  {}
func (whenItBegins) Over(string)                                 {}
func (whenItBegins) Judged(results.Cell, []results.Failure)      {}
func (whenItBegins) LeftOut(string, int)                         {}
func (f whenItBegins) Began(results.CellInfo, *history.Recorder) { f() }

// A worker that can't tell what became of a cell ends, says so and gives its chunk back: as long as it says that
// it is at work, the run waits for it.
func TestAWorkerThatCantTellEnds(t *testing.T) {
	s := serveNATS(t, &server.Options{})
	url := s.ClientURL()
	ctx, end := context.WithTimeout(t.Context(), 30*time.Second)
	var run sync.WaitGroup
	defer run.Wait()
	defer end()
	run.Go(func() {
		o := lostAnswer(t)
		o.Workers = Workers{Server: url}
		if _, err := Run(ctx, testHost(), o); err != nil {
			t.Error(err)
		}
	})
	host := testHost()
	host.Watch = whenItBegins(func() {
		full := map[string]server.JetStreamAccountLimits{"": {MaxStore: 1, MaxMemory: -1, MaxStreams: -1, MaxConsumers: -1}}
		if err := s.GlobalAccount().UpdateJetStreamLimits(full); err != nil {
			t.Error(err)
		}
	})
	err := Work(ctx, host, WorkOptions{Server: url})
	if err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), "resource limits exceeded for account") {
		t.Errorf("it ended with %v, %v: expected what the server says", err, ctx.Err())
	}
}
