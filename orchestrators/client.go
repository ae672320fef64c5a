package orchestrators

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// Client drives one orchestrator at a base URL. Its methods return the HTTP
// status; 0 with an error means that no whole answer arrived. An answer that is
// not the one hoped for is an *AnswerError beside its status, except that 404 to
// Report (the orchestrator does not know the saga) is no error.
//
// The clients of this package also have Close, which closes idle connections;
// System.Stop does it for the clients of that system.
type Client interface {
	// Submit hands over a saga, on a fresh connection, once: it is never silently
	// sent again.
	Submit(ctx context.Context, d saga.Definition) (code int, err error)
	// Report asks for the status of a saga.
	Report(ctx context.Context, id string) (saga.Report, int, error)
	// Compensate asks for the rollback of a saga, as an operator would.
	Compensate(ctx context.Context, id string) (int, error)
	// Ready tells whether the orchestrator takes sagas.
	Ready(ctx context.Context) error
}

// AnswerError is an answer that is not the one hoped for.
type AnswerError struct {
	Method, URL string
	Code        int
	Body        string // the first 200 bytes
	Reason      string // what is wrong with the answer; empty: its status
	// Malformed: the answer came whole and with a status of success, but can't be
	// understood: the orchestrator breaks the contract, or its mapping does not fit it.
	Malformed bool
}

// errUnfit says that a mapping makes nothing of a call of its engine.
var errUnfit = errors.New("the mapping does not fit the engine's calls")

// Malformed tells whether an error of a client says that the orchestrator can't be
// understood: it breaks the contract, or its mapping does not fit it.
func Malformed(err error) bool {
	var answer *AnswerError
	return errors.Is(err, errUnfit) || errors.As(err, &answer) && answer.Malformed
}

// malformedLimit is how long an orchestrator may give answers that can't be understood
// until trying again does not help: one that keeps its sagas in files, say, may be in
// the middle of writing one.
const malformedLimit = time.Second

// Puzzle is a row of answers of which none could be understood. The zero value is an
// empty one.
type Puzzle struct{ since time.Time }

// Hopeless takes the error of the next answer, and tells whether none could be
// understood for so long that trying again does not help.
func (p *Puzzle) Hopeless(err error) bool {
	switch {
	case !Malformed(err):
		p.since = time.Time{}
	case p.since.IsZero():
		p.since = time.Now()
	}
	return !p.since.IsZero() && time.Since(p.since) >= malformedLimit
}

// Error says what was asked, what was answered, and why that is wrong.
func (e *AnswerError) Error() string {
	s := fmt.Sprintf("%s %s: answered %d %s", e.Method, e.URL, e.Code, http.StatusText(e.Code))
	if e.Body != "" {
		s += fmt.Sprintf(" %q", e.Body)
	}
	if e.Reason != "" {
		s += ": " + e.Reason
	}
	return s
}

const (
	excerptLength = 200     // bytes of an answer that an error quotes
	answerLimit   = 4 << 20 // bytes of an answer that are read
)

// sender sends requests: those that must not be resent on fresh connections, all
// others on kept ones.
type sender struct {
	kept  *http.Transport
	fresh *http.Transport
}

func newSender() *sender {
	return &sender{
		// One host is asked by many cells at once.
		kept:  &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second},
		fresh: &http.Transport{DisableKeepAlives: true},
	}
}

func (w *sender) close() {
	w.kept.CloseIdleConnections()
	w.fresh.CloseIdleConnections()
}

// Answer is a whole one.
type Answer struct {
	Code   int
	Header http.Header
	Body   []byte
}

// do is ask where headers say nothing.
func (w *sender) do(ctx context.Context, method, url string, header http.Header, body []byte) (int, []byte, error) {
	a, err := w.ask(ctx, method, url, header, body)
	return a.Code, a.Body, err
}

// ask sends one request. The error is about the connection only. A body is sent
// on a fresh connection and can't be rewound, so net/http never repeats it.
func (w *sender) ask(ctx context.Context, method, url string, header http.Header, body []byte) (Answer, error) {
	transport := w.kept
	var r io.Reader
	if method != http.MethodGet {
		transport = w.fresh
		r = io.NopCloser(bytes.NewReader(body))
	}
	req, err := http.NewRequestWithContext(ctx, method, url, r)
	if err != nil {
		return Answer{}, err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	if r != nil {
		req.ContentLength = int64(len(body))
	}
	resp, err := (&http.Client{Transport: transport, CheckRedirect: noRedirect}).Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if err != nil {
		return Answer{}, fmt.Errorf("%s %s: answered %d, then broke off: %w", method, url, resp.StatusCode, err)
	}
	return Answer{resp.StatusCode, resp.Header, b}, nil
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func answered(method, url string, code int, body []byte, reason string) *AnswerError {
	b := strings.TrimSpace(string(body[:min(len(body), excerptLength)]))
	return &AnswerError{Method: method, URL: url, Code: code, Body: strings.ToValidUTF8(b, "?"), Reason: reason}
}

// Answered is the error of an answer that is not the one hoped for; malformed: it can't
// be understood.
func Answered(method, url string, code int, body []byte, reason string, malformed bool) error {
	e := answered(method, url, code, body, reason)
	e.Malformed = malformed
	return e
}

// malformed is an answer that can't be understood.
func malformed(method, url string, code int, body []byte, reason string) *AnswerError {
	e := answered(method, url, code, body, reason)
	e.Malformed = true
	return e
}

// contract is the client of docs/contract.md.
type contract struct {
	base   string
	sender *sender
}

// NewContract makes a client for an orchestrator that speaks the HTTP contract.
func NewContract(base string) Client { return newContract(base, newSender()) }

func newContract(base string, w *sender) *contract {
	return &contract{base: strings.TrimRight(base, "/"), sender: w}
}

var jsonHeader = http.Header{"Content-Type": {"application/json"}}

// Close closes idle connections.
func (c *contract) Close() error {
	c.sender.close()
	return nil
}

func (c *contract) Submit(ctx context.Context, d saga.Definition) (int, error) {
	body, err := d.Encode()
	if err != nil {
		return 0, fmt.Errorf("saga %q: %w", d.ID, err)
	}
	return c.post(ctx, c.base+"/sagas", body)
}

func (c *contract) Compensate(ctx context.Context, id string) (int, error) {
	return c.post(ctx, c.base+"/sagas/"+url.PathEscape(id)+"/compensate", nil)
}

func (c *contract) post(ctx context.Context, url string, body []byte) (int, error) {
	code, answer, err := c.sender.do(ctx, http.MethodPost, url, jsonHeader, body)
	if err == nil && saga.Classify(code) != saga.Done {
		err = answered(http.MethodPost, url, code, answer, "")
	}
	return code, err
}

func (c *contract) Report(ctx context.Context, id string) (saga.Report, int, error) {
	u := c.base + "/sagas/" + url.PathEscape(id)
	code, body, err := c.sender.do(ctx, http.MethodGet, u, nil, nil)
	switch {
	case err != nil:
		return saga.Report{}, 0, err
	case code == http.StatusNotFound:
		return saga.Report{}, code, nil
	case code != http.StatusOK:
		return saga.Report{}, code, answered(http.MethodGet, u, code, body, "")
	}
	var r saga.Report
	if err := json.Unmarshal(body, &r); err != nil {
		return saga.Report{}, code, malformed(http.MethodGet, u, code, body, err.Error())
	}
	if r.ID != id {
		return saga.Report{}, code, malformed(http.MethodGet, u, code, body, fmt.Sprintf("id: %q: expected %q", r.ID, id))
	}
	if !r.Status.Valid() {
		return saga.Report{}, code, malformed(http.MethodGet, u, code, body, fmt.Sprintf("status: %q: expected running, compensating, completed, compensated, stuck or ended-by-hand", r.Status))
	}
	return r, code, nil
}

func (c *contract) Ready(ctx context.Context) error {
	_, err := c.health(ctx)
	return err
}

func (c *contract) health(ctx context.Context) ([]byte, error) {
	u := c.base + "/healthz"
	code, body, err := c.sender.do(ctx, http.MethodGet, u, nil, nil)
	if err == nil && code != http.StatusOK {
		err = answered(http.MethodGet, u, code, body, "expected 200")
	}
	return body, err
}
