package campaign

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/workflows/learn"
)

// learner runs a workflow as often as it takes.
type learner struct {
	host     Host
	o        LearnOptions
	setup    learn.Setup
	recorder *learn.Recorder
	base     string
	system   orchestrators.System // nil: it runs already
	record   learn.Record
	starts   int
}

// all runs all that is to be seen.
func (l *learner) all(ctx context.Context) error {
	for range l.o.Starts {
		if err := l.calm(ctx); err != nil {
			return err
		}
	}
	calls := l.record.Runs[0].Calls
	if len(calls) == 0 {
		return fmt.Errorf("the workflow called nothing: are the addresses of its services told to it (--env NAME=service)?")
	}
	l.host.say("%d calls in a start without faults; now each is refused once, and lost once", len(calls))
	triggers, err := l.refusals(ctx, calls)
	if err != nil {
		return err
	}
	if err := l.losses(ctx, calls); err != nil {
		return err
	}
	if err := l.refusedUndos(ctx, triggers); err != nil {
		return err
	}
	if err := l.repeat(ctx); err != nil {
		return err
	}
	return l.crash(ctx)
}

// calm is a start without a fault. Where the first one with names of its own is refused,
// all are sent as they were given.
func (l *learner) calm(ctx context.Context) error {
	l.setup.Varies = l.setup.Varies || len(l.record.Runs) == 0
	run, err := l.run(ctx, nil)
	if err != nil {
		return err
	}
	if run.Code/100 != 2 && len(l.record.Runs) == 0 {
		l.host.say("a start with names of its own was answered %s: all are sent as they were given", said(run))
		l.setup.Varies = false
		if run, err = l.run(ctx, nil); err != nil {
			return err
		}
	}
	if run.Code/100 != 2 {
		return fmt.Errorf("--start: %s was answered %s: expected a start that is accepted (2xx); how does a customer send it?", l.o.Start, said(run))
	}
	l.record.Runs = append(l.record.Runs, run)
	return nil
}

// said is the answer to a start, on one line.
func said(run learn.Run) string {
	return strings.TrimSpace(fmt.Sprintf("%d %.200s", run.Code, bytes.TrimSpace(run.Answer)))
}

// trigger is a refusal: the n-th call of its sort.
type trigger struct {
	sort string
	n    int
	run  int // what came of it
}

// strike gives the n-th call of a sort the first fate, and its repeats the others, in order;
// the last one stays.
func (l *learner) strike(sort string, n int, fates ...learn.Fate) func(learn.Call) learn.Fate {
	shapes := learn.NewShapes(l.record)
	seen, repeats := 0, 0
	var struck *learn.Call
	return func(c learn.Call) learn.Fate {
		if struck != nil && struck.Same(c) {
			repeats++
			return fates[min(repeats, len(fates)-1)]
		}
		if struck != nil || shapes.Of(c) != sort {
			return learn.Passed
		}
		if seen++; seen != n {
			return learn.Passed
		}
		struck = &c
		return fates[0]
	}
}

// refusals refuses each call once, and for good where it was made again.
func (l *learner) refusals(ctx context.Context, calls []learn.Call) (all []trigger, err error) {
	shapes := learn.NewShapes(l.record)
	nth := map[string]int{}
	for _, c := range calls {
		sort := shapes.Of(c)
		nth[sort]++
		n := nth[sort]
		run, err := l.run(ctx, l.strike(sort, n, learn.Refused, learn.Passed))
		if err != nil {
			return nil, err
		}
		l.record.Runs = append(l.record.Runs, run)
		if repeated(run) {
			if run, err = l.run(ctx, l.strike(sort, n, learn.Refused)); err != nil {
				return nil, err
			}
			l.record.Runs = append(l.record.Runs, run)
		}
		all = append(all, trigger{sort, n, len(l.record.Runs) - 1})
	}
	return all, nil
}

// repeated tells whether a call that was refused was made again.
func repeated(r learn.Run) bool {
	for i, c := range r.Calls {
		if c.Fate == learn.Refused && slices.ContainsFunc(r.Calls[i+1:], c.Same) {
			return true
		}
	}
	return false
}

// losses loses the answer to each sort of call, and refuses the next attempt: who asks what
// was done asks then.
func (l *learner) losses(ctx context.Context, calls []learn.Call) error {
	shapes := learn.NewShapes(l.record)
	done := map[string]bool{}
	for _, c := range calls {
		sort := shapes.Of(c)
		if done[sort] {
			continue
		}
		done[sort] = true
		run, err := l.run(ctx, l.strike(sort, 1, learn.Lost, learn.Refused, learn.Passed))
		if err != nil {
			return err
		}
		l.record.Runs = append(l.record.Runs, run)
	}
	return nil
}

// refusedUndos refuses each sort of call that came only after a refusal.
func (l *learner) refusedUndos(ctx context.Context, triggers []trigger) error {
	shapes := learn.NewShapes(l.record)
	known := map[string]bool{}
	for _, r := range l.record.Runs {
		if r.Calm() {
			for _, c := range r.Calls {
				known[shapes.Of(c)] = true
			}
		}
	}
	for _, t := range triggers {
		for _, c := range l.record.Runs[t.run].Calls {
			sort := shapes.Of(c)
			if known[sort] || c.Method == http.MethodGet {
				continue
			}
			known[sort] = true
			first := l.strike(t.sort, t.n, learn.Refused)
			run, err := l.run(ctx, func(c learn.Call) learn.Fate {
				if shapes.Of(c) == sort {
					return learn.Refused
				}
				return first(c)
			})
			if err != nil {
				return err
			}
			l.record.Runs = append(l.record.Runs, run)
		}
	}
	return nil
}

// repeat sends one start twice under one key.
func (l *learner) repeat(ctx context.Context) error {
	field := learn.IDField(l.record)
	if field == "" {
		return nil
	}
	l.starts++
	body := l.body()
	header := http.Header{"Idempotency-Key": {fmt.Sprintf("learn-%s", l.suffix())}}
	l.recorder.Begin(nil, nil)
	var names []string
	var codes []int
	for range 2 {
		code, answer, err := l.ask(ctx, l.setup.Start, header, body)
		if err != nil {
			return err
		}
		if code/100 != 2 {
			return nil // it takes no second one: nothing is known of such keys
		}
		names, codes = append(names, learn.Field(learn.JSON(answer), field)), append(codes, code)
	}
	l.record.Again = codes
	if l.record.Idempotent = names[0] == names[1]; l.record.Idempotent {
		l.setup.Headers["Idempotency-Key"] = "start-${saga.id}"
	}
	return l.settle(ctx, func(context.Context) json.RawMessage { return nil }, &learn.Run{})
}

func (l *learner) suffix() string {
	return fmt.Sprintf("%x-%d", time.Now().UnixMilli()&0xffffff, l.starts)
}

func (l *learner) body() json.RawMessage {
	if !l.setup.Varies {
		return l.setup.Body
	}
	return learn.Vary(l.setup.Body, l.suffix(), l.starts)
}

// run is one start, to its end.
func (l *learner) run(ctx context.Context, strike func(learn.Call) learn.Fate) (learn.Run, error) {
	l.starts++
	run := learn.Run{Start: l.body()}
	own, known := "", make(chan struct{})
	var untold atomic.Pointer[error] // the last answer that does not say where it stands
	ask := func(ctx context.Context) json.RawMessage {
		select {
		case <-known:
		case <-ctx.Done():
			return nil
		}
		if own == "" {
			return nil
		}
		question := strings.ReplaceAll(l.setup.Outcome, "${id}", url.PathEscape(own))
		code, answer, err := l.ask(ctx, question, nil, nil)
		if err != nil || code/100 != 2 { // it may not know yet
			err := cmp.Or(err, fmt.Errorf("answered %d %.200q", code, answer))
			err = fmt.Errorf("--outcome: %s: %w: expected where the workflow stands", question, err)
			untold.Store(&err)
			return nil
		}
		return learn.JSON(answer)
	}
	l.recorder.Begin(strike, ask)
	code, answer, err := l.ask(ctx, l.setup.Start, nil, run.Start)
	if err != nil {
		close(known)
		return run, err
	}
	run.Code, run.Answer = code, learn.JSON(answer)
	if field := learn.IDField(learn.Record{Runs: append(slices.Clone(l.record.Runs), run)}); field != "" {
		own = learn.Field(run.Answer, field)
	}
	close(known)
	if own == "" && code/100 == 2 && strings.Contains(l.setup.Outcome, "${id}") {
		return run, fmt.Errorf("--outcome: ${id}: the answer to the start names no id: %d %.200s", code, answer)
	}
	if err := l.settle(ctx, ask, &run); err != nil {
		return run, err
	}
	if why := untold.Load(); why != nil && len(run.Outcome) == 0 && len(l.record.Runs) == 0 {
		return run, *why
	}
	run.Calls, err = l.recorder.End()
	return run, err
}

// pollEach is how often the workflow is asked where it stands.
const pollEach = 50 * time.Millisecond

// settle waits until no call is made and the outcome stays as it is, for so long and for as many questions as that takes on
// a machine with nothing else to do: on another one the workflow is slow, too. An outcome that is what it
// was while calls were made has to stay so three times as long, and a first call is waited for to the end.
func (l *learner) settle(ctx context.Context, ask func(context.Context) json.RawMessage, run *learn.Run) error {
	began, since, polls := time.Now(), time.Now(), 0
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pollEach):
		}
		asked := time.Now()
		now := ask(ctx)
		l.recorder.Told(time.Since(asked))
		polls++
		if string(now) != string(run.Outcome) {
			run.Outcome, since = now, time.Now()
		}
		silent := min(time.Since(since), l.recorder.Silent())
		if silent < pollEach {
			polls = 0
		}
		calls, _ := l.recorder.End()
		quiet := l.o.Quiet
		if slices.ContainsFunc(calls, func(c learn.Call) bool { return string(c.Outcome) == string(now) }) {
			quiet *= 3
		}
		first := len(l.record.Runs) == 0 && len(calls) == 0 && run.Code/100 == 2
		if !first && silent >= quiet && polls >= int(quiet/pollEach) {
			return nil
		}
		if run.Unsettled = time.Since(began) > l.o.Limit; run.Unsettled {
			return nil
		}
	}
}

// ask sends a request to the workflow.
func (l *learner) ask(ctx context.Context, request string, header http.Header, body []byte) (int, []byte, error) {
	method, path, _ := strings.Cut(request, " ")
	req, err := http.NewRequestWithContext(ctx, method, l.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: l.o.Limit}
	res, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, answer, err
}
