package facade

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Operation is one direction of one step: what is called.
type Operation struct {
	Saga      string `json:"saga"`
	Step      string `json:"step"`
	Direction string `json:"direction"` // action or compensation
	Call      Call   `json:"call"`
}

// Key is the idempotency key: the same for all attempts of the operation.
func (o Operation) Key() string { return o.Saga + "/" + o.Step + "/" + o.Direction }

// RefusedError is a permanent rejection: nothing was done.
type RefusedError struct {
	Code int
	Body string
}

func (e *RefusedError) Error() string { return fmt.Sprintf("refused with %d: %s", e.Code, e.Body) }

// TransientError is an answer, or its absence, after which the outcome is unknown.
type TransientError struct {
	Reason     string
	RetryAfter time.Duration // 0: the participant said nothing
}

func (e *TransientError) Error() string { return e.Reason }

// Attempts do not share connections.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// Trace has attempts made through what wrap makes of their transport, which may trace them.
func Trace(wrap func(http.RoundTripper) http.RoundTripper) { client.Transport = wrap(client.Transport) }

// Attempt makes one attempt. Its error is a *RefusedError or a *TransientError.
func Attempt(ctx context.Context, o Operation) error {
	ctx, cancel := context.WithTimeout(ctx, o.Call.Retry.AttemptTimeout())
	defer cancel()
	body := io.NopCloser(bytes.NewReader(o.Call.Body)) // can't be rewound: never sent twice
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.Call.URL, body)
	if err != nil {
		return &RefusedError{Body: err.Error()}
	}
	req.ContentLength = int64(len(o.Call.Body))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", o.Key())
	req.Header.Set("Saga-Id", o.Saga)
	req.Header.Set("Saga-Step", o.Step)
	resp, err := client.Do(req)
	if err != nil {
		return &TransientError{Reason: err.Error()}
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return &TransientError{Reason: err.Error()}
	}
	return classify(resp, answer)
}

func classify(resp *http.Response, answer []byte) error {
	code := resp.StatusCode
	text := string(answer[:min(len(answer), 200)])
	switch {
	case code >= 200 && code < 300:
		return nil
	case code == 408, code == 409, code == 425, code == 429, code < 400, code >= 500:
		return &TransientError{fmt.Sprintf("answered %d: %s", code, text), retryAfter(resp.Header.Get("Retry-After"))}
	}
	return &RefusedError{code, text}
}

// retryAfter reads the header: seconds, or an HTTP date.
func retryAfter(v string) time.Duration {
	if seconds, err := strconv.Atoi(v); err == nil {
		return max(time.Duration(seconds)*time.Second, 0)
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}
