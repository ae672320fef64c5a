package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"

	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/workflows"
)

// ownClient drives the user's workflow at a base URL.
type ownClient struct {
	r    *router
	base string
	call orchestrators.Caller
}

func (r *router) client(base string, call orchestrators.Caller) orchestrators.Client {
	return &ownClient{r, strings.TrimSuffix(base, "/"), call}
}

func (c *ownClient) saga(id string) (started workflows.Started, own string, ok bool) {
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	s := c.r.sagas[id]
	if s == nil {
		return workflows.Started{}, "", false
	}
	return s.started, s.own, true
}

// Submit starts a saga. A 2xx that the file does not take for an acceptance counts as 502.
func (c *ownClient) Submit(ctx context.Context, d saga.Definition) (int, error) {
	st, _, ok := c.saga(d.ID)
	if !ok {
		return 0, fmt.Errorf("saga %s was not begun", d.ID)
	}
	c.r.starting(d.ID)
	a, err := c.call(ctx, st.Method, c.base+st.Target, st.Header, st.Body)
	if err != nil {
		return a.Code, err
	}
	code, body, answer := a.Code, a.Body, workflows.AnswerOf(a.Code, a.Header, a.Body)
	switch over, err := c.over(d.ID, answer); {
	case err != nil:
		return code, c.unfit(st.Method, st.Target, code, body, err)
	case over:
		return http.StatusOK, nil
	}
	yes, err := c.r.flow.Accepted(answer)
	switch {
	case err != nil:
		return code, c.unfit(st.Method, st.Target, code, body, err)
	case !yes && saga.Classify(code) == saga.Done:
		return http.StatusBadGateway, c.wrong(st.Method, st.Target, code, body, "start.accepted says no")
	case !yes:
		return code, c.wrong(st.Method, st.Target, code, body, "start.accepted says no, and start.status does not say that this is an end")
	}
	if saga.Classify(code) != saga.Done { // accepted all the same: the file says so
		code = http.StatusAccepted
	}
	c.r.promise(d.ID)
	return code, c.learn(d.ID, st, answer, code, body)
}

// over takes the end of a saga from the answer to its start, if it tells one, and then its
// name, if it is there: nobody needs it.
func (c *ownClient) over(id string, answer workflows.AnswerVars) (bool, error) {
	end, word, err := c.r.flow.Over(answer)
	if err != nil || end == "" {
		return false, err
	}
	if own, err := c.r.flow.OwnID(answer, id); err == nil {
		c.r.named(id, own)
	}
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	c.r.sagas[id].end = saga.Report{ID: id, Status: end, Word: word}
	return true, nil
}

// promise notes that a saga's start was answered: it was taken, and is to be known from then on.
func (r *router) promise(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sagas[id].promise = true
}

func (r *router) promised(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.sagas[id]
	return s != nil && s.promise
}

// learn takes the workflow's own name for a saga from an answer.
func (c *ownClient) learn(id string, st workflows.Started, answer workflows.AnswerVars, code int, body []byte) error {
	own, err := c.r.flow.OwnID(answer, id)
	if err != nil {
		return c.unfit(st.Method, st.Target, code, body, err)
	}
	c.r.named(id, own)
	return nil
}

func (c *ownClient) wrong(method, target string, code int, body []byte, reason string) error {
	return orchestrators.Answered(method, c.base+target, code, body, reason, false)
}

func (c *ownClient) unfit(method, target string, code int, body []byte, err error) error {
	return orchestrators.Answered(method, c.base+target, code, body, err.Error(), true)
}

// askable tells whether it can be asked for a saga: its own name is known, or nobody needs it.
func (r *router) askable(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.sagas[id]
	return s != nil && (s.own != "" || !r.flow.Names() || !r.flow.AsksByID())
}

// endOf is the end of a saga that the answer to its start told; without status: it told none.
func (r *router) endOf(id string) saga.Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.sagas[id]; s != nil {
		return s.end
	}
	return saga.Report{}
}

// Report asks where a saga stands. One whose own name is not known can't be asked for.
func (c *ownClient) Report(ctx context.Context, id string) (saga.Report, int, error) {
	if end := c.r.endOf(id); end.Status != "" {
		return end, http.StatusOK, nil
	}
	st, own, ok := c.saga(id)
	if !ok || !c.r.askable(id) {
		return saga.Report{}, http.StatusNotFound, nil
	}
	if !c.r.flow.Names() {
		own = id
	}
	q, err := c.r.flow.Ask(st, id, own)
	if err != nil {
		return saga.Report{}, 0, err
	}
	a, err := c.call(ctx, q.Method, c.base+q.Target, q.Header, q.Body)
	code, body := a.Code, a.Body
	switch {
	case err != nil:
		return saga.Report{}, 0, err
	case code == http.StatusNotFound:
		return saga.Report{}, code, nil
	case saga.Classify(code) != saga.Done:
		return saga.Report{}, code, c.wrong(q.Method, q.Target, code, body, "")
	}
	status, word, err := c.r.flow.Status(workflows.AnswerOf(code, a.Header, body))
	if err != nil {
		return saga.Report{}, code, c.unfit(q.Method, q.Target, code, body, err)
	}
	if status == workflows.Unknown {
		return saga.Report{}, http.StatusNotFound, nil
	}
	return saga.Report{ID: id, Status: status, Word: word}, code, nil
}

// Compensate is nothing that a workflow's file knows of.
func (c *ownClient) Compensate(context.Context, string) (int, error) {
	return http.StatusNotImplemented, fmt.Errorf("the workflow's file does not say how a rollback is asked for")
}

// Ready tells whether anybody is there at all, who may well hang up on such a question: the
// ready checks of the processes say the rest.
func (c *ownClient) Ready(ctx context.Context) error {
	_, err := c.call(ctx, http.MethodGet, c.base+"/", nil, nil)
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		return nil
	}
	return err
}
