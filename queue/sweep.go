package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// kind is a kind of stream of a run. Those of buckets and object stores have the names that NATS gives them.
type kind struct{ prefix, description string }

var (
	chunkStream   = kind{"SAGACHECK_", "chunks of cells of a run of sagacheck"}
	resultStream  = kind{"KV_SAGACHECK_RESULTS_", "what became of each cell of a run of sagacheck"}
	historyStream = kind{"OBJ_SAGACHECK_HISTORIES_", "histories of a run of sagacheck that are too long for a message"}
	kinds         = []kind{chunkStream, resultStream, historyStream}
)

func streamsOf(run string) (all []string) {
	for _, k := range kinds {
		all = append(all, k.prefix+run)
	}
	return all
}

// runOf is the run to which a stream belongs; one with another description is somebody else's.
func runOf(stream jetstream.StreamConfig) (run string, ok bool) {
	for _, k := range kinds {
		if run, ok = strings.CutPrefix(stream.Name, k.prefix); ok && stream.Description == k.description {
			return run, true
		}
	}
	return "", false
}

// sweep removes what runs have left that were killed: nobody says that they run them, and nothing
// was done in them for Keep, so that what was in them is gone by itself.
func (c *Conn) sweep(ctx context.Context) error {
	used := map[string]time.Duration{} // how long ago, by run
	theirs := map[string][]string{}    // streams, by run
	list := c.js.ListStreams(ctx)
	for info := range list.Info() {
		run, ok := runOf(info.Config)
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
		theirs[run] = append(theirs[run], info.Config.Name)
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
		for _, stream := range theirs[run] {
			if err := c.js.DeleteStream(ctx, stream); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
				return fmt.Errorf("what run %s has left: %w", run, err)
			}
		}
		c.o.Say(fmt.Sprintf("run %s was killed: what it has left on the NATS server %s is removed", run, Bare(c.o.URL)))
	}
	return nil
}
