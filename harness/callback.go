package harness

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/wire"
	"github.com/sagacheck/sagacheck/workflows"
)

// tellLater lets a service tell the workflow what it has done, or that it declines, by a call
// of its own; under the lock.
func (r *router) tellLater(call *workflows.Call, s *ownSaga, done participants.Done, of *workflows.Action, declined bool) error {
	back, err := call.Callback(s.vars(), done.Ref, of, s.effects(call.Op), declined, s.cell.own.fill)
	if err != nil {
		return err
	}
	r.hear(s, back.Said()...)
	cell, seen := s.cell, r.flow.Told(back)
	cell.in.Later(back.After, func(ctx context.Context) {
		if err := cell.callBack(ctx, back, wire.Callback{Op: done.Op, Ref: done.Ref, Request: seen, Declined: declined}); err != nil && ctx.Err() == nil {
			cell.in.Trouble(fmt.Errorf("the callback of %s: %w", done.Op, err))
		}
	})
	return nil
}

// settleLater lets a service that is polled say only later what became of what it took; under the lock.
func (r *router) settleLater(call *workflows.Call, did *ownAction, declined bool) {
	did.said.Take()
	did.saga.cell.in.Later(call.After(), func(context.Context) {
		r.mu.Lock()
		defer r.mu.Unlock()
		did.said.Settle(declined)
	})
}

// callBack calls the workflow until it says that it has heard. That it does not is no trouble
// of ours.
func (r *cellRun) callBack(ctx context.Context, back workflows.Callback, told wire.Callback) error {
	endpoints, err := r.h.wire.Lease(1)
	if err != nil {
		return err
	}
	defer r.h.wire.Release(endpoints)
	r.in.Callback(endpoints[0], told, upstream(back.URL))
	limit := time.Duration(float64(saga.SubmitPolicy.AttemptTimeout()) * r.h.scale(r.sys))
	client := &http.Client{
		Timeout: limit, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for n := 1; ; n++ {
		heard, err := post(ctx, client, through(back.URL, endpoints[0].Addr()), back)
		if err != nil || heard || n == back.Attempts {
			return err
		}
		if err := pause(ctx, back.Every); err != nil {
			return err
		}
	}
}

// post makes one attempt, and tells whether it was answered 2xx.
func post(ctx context.Context, client *http.Client, url string, back workflows.Callback) (heard bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(back.Body))
	if err != nil {
		return false, err
	}
	req.Header, req.Host = back.Header.Clone(), upstream(back.URL).Addr
	answer, err := client.Do(req)
	if err != nil {
		return false, nil // it was not heard
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body) // whatever it says
	return saga.Classify(answer.StatusCode) == saga.Done, nil
}
