package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// The streams of a run: chunks, results, histories. Those of buckets and object stores have the
// names that NATS gives them.
var streamPrefixes = []string{"SAGACHECK_", "KV_SAGACHECK_RESULTS_", "OBJ_SAGACHECK_HISTORIES_"}

func streamsOf(run string) (all []string) {
	for _, prefix := range streamPrefixes {
		all = append(all, prefix+run)
	}
	return all
}

// runOf is the run to which a stream belongs.
func runOf(stream string) (run string, ok bool) {
	for _, prefix := range streamPrefixes {
		if run, ok = strings.CutPrefix(stream, prefix); ok {
			return run, true
		}
	}
	return "", false
}

// sweep removes what runs have left that were killed: nobody says that they run them, and nothing
// was done in them for Keep, so that what was in them is gone by itself.
func (c *Conn) sweep(ctx context.Context) error {
	used := map[string]time.Duration{} // how long ago, by run
	list := c.js.ListStreams(ctx)
	for info := range list.Info() {
		run, ok := runOf(info.Config.Name)
		if !ok {
			continue
		}
		last := info.Created
		if info.State.LastTime.After(last) {
			last = info.State.LastTime
		}
		age := info.TimeStamp.Sub(last)
		if before, ok := used[run]; !ok || age < before {
			used[run] = age
		}
	}
	if err := list.Err(); err != nil {
		return fmt.Errorf("what killed runs have left: %w", err)
	}
	for run, age := range used {
		if age < c.o.Keep {
			continue
		}
		if _, err := c.look(ctx, run); !errors.Is(err, errNone) && !errors.Is(err, ErrOver) {
			continue
		}
		for _, stream := range streamsOf(run) {
			if err := c.js.DeleteStream(ctx, stream); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
				return fmt.Errorf("what run %s has left: %w", run, err)
			}
		}
		c.o.Say(fmt.Sprintf("run %s was killed: what it has left on the NATS server %s is removed", run, Bare(c.o.URL)))
	}
	return nil
}
