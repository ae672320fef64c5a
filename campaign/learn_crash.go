package campaign

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sagacheck/sagacheck/workflows/learn"
)

// crash kills the workflow in the middle of a start, and looks whether that one comes to an
// end when it has been started again. Nothing is known where the start is answered only at its
// end, or where it came to an end before it could be killed.
func (l *learner) crash(ctx context.Context) error {
	ended := learn.Ends(l.record)
	if l.system == nil || ended == nil {
		return nil
	}
	var away atomic.Bool
	away.Store(true)
	calling := make(chan struct{}, 1)
	l.recorder.Begin(func(learn.Call) learn.Fate {
		select {
		case calling <- struct{}{}:
		default:
		}
		if away.Load() { // nothing goes on before the kill
			return learn.Lost
		}
		return learn.Passed
	}, nil)
	own, ok := l.startUntil(ctx, calling)
	stood := l.outcome(ctx, own)
	if !ok || ended(stood) {
		return ctx.Err()
	}
	if err := l.system.Kill(ctx); err != nil {
		return err
	}
	away.Store(false)
	if err := l.system.Restart(ctx); err != nil {
		return err
	}
	since := time.Now()
	for {
		now := l.outcome(ctx, own)
		l.record.Crash = &learn.Crash{Resumed: ended(now), Stood: learn.Word(l.record, stood), Word: learn.Word(l.record, now)}
		if l.record.Crash.Resumed || time.Since(since) > l.o.Limit {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pollEach):
		}
	}
	if !l.record.Crash.Resumed {
		l.host.say("killed in the middle of a start, it did not go on with that when it was started again: the draft has crashable: false, so that no run kills it")
	}
	return nil
}

// startUntil starts a saga, and waits until the workflow has taken it and makes a call; own
// is its own name for it. Not ok: it came to no such moment.
func (l *learner) startUntil(ctx context.Context, calling <-chan struct{}) (own string, ok bool) {
	l.starts++
	body := l.body()
	ctx, cancel := context.WithTimeout(ctx, l.o.Limit)
	defer cancel()
	code, answer, err := l.ask(ctx, l.setup.Start, nil, body)
	if err != nil || code/100 != 2 {
		return "", false
	}
	if field := learn.IDField(l.record); field != "" {
		own = learn.Field(learn.JSON(answer), field)
	}
	select {
	case <-calling:
		return own, own != ""
	case <-ctx.Done():
		return "", false
	}
}

// outcome is where the workflow says that a saga stands; nil: it says nothing.
func (l *learner) outcome(ctx context.Context, own string) json.RawMessage {
	code, answer, err := l.ask(ctx, strings.ReplaceAll(l.setup.Outcome, "${id}", url.PathEscape(own)), nil, nil)
	if err != nil || code/100 != 2 {
		return nil
	}
	return learn.JSON(answer)
}
