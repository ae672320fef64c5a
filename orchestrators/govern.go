package orchestrators

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// Governor is what a client has besides whose orchestrator has the capabilities policies,
// flags and audit (docs/contract.md).
type Governor interface {
	// PutPolicies puts a file of policies in force, whatever is in force.
	PutPolicies(ctx context.Context, text []byte) (code int, err error)
	// PutFlag sets a flag, or takes it back.
	PutFlag(ctx context.Context, name string, f Flag) (code int, err error)
	// Audit reads what was decided since a time, of one saga or, with "", of what governs all.
	Audit(ctx context.Context, id string, since time.Time) ([]Audited, error)
}

var _ Governor = (*contract)(nil)

// Reconciler is what a client has besides whose orchestrator has the capability reconcile.
type Reconciler interface {
	// Drifts reads what participants hold, or held, that is not what the orchestrator wrote down, of one saga,
	// and how often it asks them; 0: it does not say.
	Drifts(ctx context.Context, id string) ([]Drift, time.Duration, error)
}

var _ Reconciler = (*contract)(nil)

// Drift is one entry of GET /drift, as far as it is judged.
type Drift struct {
	Saga string `json:"saga"`
	Step string `json:"step"`
	What string `json:"what"`
	// Found is when it found it, by its own clock; zero: it does not say so.
	Found time.Time `json:"found"`
}

func (c *contract) Drifts(ctx context.Context, id string) ([]Drift, time.Duration, error) {
	u := c.base + "/drift?" + url.Values{"saga": {id}}.Encode()
	code, body, err := c.sender.do(ctx, http.MethodGet, u, nil, nil)
	switch {
	case err != nil:
		return nil, 0, err
	case code == http.StatusNotFound:
		return nil, 0, nil
	case code != http.StatusOK:
		return nil, 0, answered(http.MethodGet, u, code, body, "")
	}
	var all struct {
		Drift   []Drift `json:"drift"`
		EveryMS int     `json:"every_ms"`
	}
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, 0, malformed(http.MethodGet, u, code, body, err.Error())
	}
	return all.Drift, time.Duration(all.EveryMS) * time.Millisecond, nil
}

// Flag is the body of PUT /flags/{name}.
type Flag struct {
	On           bool      `json:"on"`
	Participants []string  `json:"participants,omitempty"`
	Reason       string    `json:"reason"`
	Author       string    `json:"author"`
	Expires      time.Time `json:"expires,omitzero"`
}

// Audited is one entry of GET /audit, as far as it is judged.
type Audited struct {
	What      string         `json:"what"`
	Saga      string         `json:"saga"`
	Step      string         `json:"step"`
	Direction saga.Direction `json:"direction"`
	Attempt   int            `json:"attempt"`
	Flag      string         `json:"flag"`
	Why       string         `json:"why"`
	Author    string         `json:"author"`
	Reason    string         `json:"reason"`
}

func (c *contract) PutPolicies(ctx context.Context, text []byte) (int, error) {
	return c.put(ctx, c.base+"/policies", http.Header{"Content-Type": {"application/json"}, "If-Match": {"*"}, "Change-Author": {"sagacheck"}}, text)
}

func (c *contract) PutFlag(ctx context.Context, name string, f Flag) (int, error) {
	body, err := json.Marshal(f)
	if err != nil {
		return 0, err
	}
	return c.put(ctx, c.base+"/flags/"+url.PathEscape(name), jsonHeader, body)
}

func (c *contract) put(ctx context.Context, u string, h http.Header, body []byte) (int, error) {
	code, answer, err := c.sender.do(ctx, http.MethodPut, u, h, body)
	if err == nil && saga.Classify(code) != saga.Done {
		err = answered(http.MethodPut, u, code, answer, "")
	}
	return code, err
}

func (c *contract) Audit(ctx context.Context, id string, since time.Time) ([]Audited, error) {
	asked := url.Values{"since": {since.UTC().Format(time.RFC3339Nano)}}
	if id != "" {
		asked.Set("saga", id)
	}
	u := c.base + "/audit?" + asked.Encode()
	code, body, err := c.sender.do(ctx, http.MethodGet, u, nil, nil)
	switch {
	case err != nil:
		return nil, err
	case code == http.StatusNotFound && id != "":
		return nil, nil
	case code != http.StatusOK:
		return nil, answered(http.MethodGet, u, code, body, "")
	}
	var all struct {
		Entries []Audited `json:"entries"`
		Cut     bool      `json:"cut"`
	}
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, malformed(http.MethodGet, u, code, body, err.Error())
	}
	if all.Cut {
		return nil, malformed(http.MethodGet, u, code, body, "it is cut: expected all entries")
	}
	return all.Entries, nil
}
