package workflows

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/expr-lang/expr/vm"

	"github.com/sagacheck/sagacheck/internal/templates"
	"github.com/sagacheck/sagacheck/saga"
)

// talk is how the workflow is spoken to: its start and its outcome, compiled.
type talk struct {
	start, outcome asking
	accepted, id   *vm.Program
	status, told   *vm.Program
}

// asking is the template of a request to the workflow.
type asking struct {
	method  string
	target  *templates.Text
	headers map[string]*templates.Text
	body    *templates.Tree // nil: none
}

// Started is the start of one saga as it is sent.
type Started struct {
	Method string
	Target string // path and query
	Header http.Header
	Body   []byte
	vars   map[string]any
}

// Said are the texts and numbers in the request.
func (s Started) Said() []string { return values(s.vars["body"]) }

// Begin makes the start of a saga. The same id and seed draw the same.
func (w *Workflow) Begin(id string, seed uint64) (Started, error) {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id[strings.LastIndex(id, "-")+1:])) // the number of the saga in its cell
	dice := rand.New(rand.NewPCG(seed, h.Sum64()))
	env := map[string]any{"saga": map[string]any{"id": id}, "draw": func(args ...any) (any, error) {
		if len(args) != 2 {
			return nil, fmt.Errorf("draw: expected two numbers: draw(1, 100)")
		}
		from, err := whole(args[0])
		to, err2 := whole(args[1])
		if err != nil || err2 != nil || to < from {
			return nil, fmt.Errorf("draw(%v, %v): expected two whole numbers, the smaller first", args[0], args[1])
		}
		return int(from + dice.Int64N(to-from+1)), nil
	}}
	s, err := w.talk.start.fill(env)
	if err != nil {
		return Started{}, fmt.Errorf("start: %w", err)
	}
	return s, nil
}

// uses tells whether the request speaks of a variable.
func (a asking) uses(name string) bool {
	for _, t := range a.headers {
		if t.Uses(name) {
			return true
		}
	}
	return a.target.Uses(name) || a.body.Uses(name)
}

func (a asking) fill(env map[string]any) (Started, error) {
	target, err := a.target.Render(env)
	if err != nil {
		return Started{}, err
	}
	s, err := a.content(env)
	s.Target = target
	return s, err
}

// content is the request but for where it goes.
func (a asking) content(env map[string]any) (Started, error) {
	s := Started{Method: a.method, Header: http.Header{}, vars: map[string]any{}}
	for name, t := range a.headers {
		v, err := t.Render(env)
		if err != nil {
			return s, err
		}
		s.Header.Set(name, v)
	}
	if a.body == nil {
		return s, nil
	}
	v, err := a.body.Value(env)
	if err != nil {
		return s, err
	}
	v = templates.Plain(v)
	if t, ok := v.(string); ok {
		s.Body = []byte(t)
	} else if s.Body, err = json.Marshal(v); err != nil {
		return s, err
	}
	if s.Header.Get("Content-Type") == "" {
		s.Header.Set("Content-Type", "application/json")
	}
	s.vars["body"] = bodyValue(s.Header.Get("Content-Type"), s.Body)
	return s, nil
}

// Accepted tells whether an answer to a start says that the saga was taken.
func (w *Workflow) Accepted(a AnswerVars) (bool, error) {
	if w.talk.accepted == nil {
		code, _ := a["code"].(int)
		return saga.Classify(code) == saga.Done, nil
	}
	yes, err := truth(w.talk.accepted, map[string]any{"answer": map[string]any(a), "saga": map[string]any{}})
	if err != nil {
		return false, fmt.Errorf("start.accepted: %w", err)
	}
	return yes, nil
}

// OwnID is the workflow's own name for a saga, from the answer to its start.
func (w *Workflow) OwnID(a AnswerVars, id string) (string, error) {
	if w.talk.id == nil {
		return id, nil
	}
	v, err := run(w.talk.id, map[string]any{"answer": map[string]any(a), "saga": map[string]any{"id": id}})
	if err == nil && (v == nil || text(v) == "") {
		err = fmt.Errorf("expression %q gives nothing", w.Start.ID)
	}
	if err != nil {
		return "", fmt.Errorf("start.id: %w", err)
	}
	return text(v), nil
}

// escaped is a name as it stands in a path or a query, whatever is in it.
func escaped(name string) string { return strings.ReplaceAll(url.QueryEscape(name), "+", "%20") }

// AsksByID tells whether the question where a saga stands names it as the workflow does.
func (w *Workflow) AsksByID() bool { return w.talk.outcome.uses("id") }

// Names tells whether the workflow has names of its own for its sagas (start.id).
func (w *Workflow) Names() bool { return w.talk.id != nil }

// Ask is the question where a saga stands.
func (w *Workflow) Ask(s Started, id, own string) (Started, error) {
	q, err := w.talk.outcome.fill(map[string]any{"saga": map[string]any{"id": id}, "id": escaped(own), "start": s.vars})
	if err != nil {
		return q, fmt.Errorf("outcome: %w", err)
	}
	return q, nil
}

// Unknown is what a workflow says, in a word of its own, of a saga that is not there.
const Unknown saga.Status = "unknown"

// TellsEnds tells whether an answer to a start may be an end: nothing need be kept of such a saga.
func (w *Workflow) TellsEnds() bool { return w.talk.told != nil }

// Over is the end of a saga that the answer to its start tells, and in which word; empty: it
// tells none.
func (w *Workflow) Over(a AnswerVars) (end saga.Status, word string, err error) {
	if w.talk.told == nil {
		return "", "", nil
	}
	v, err := run(w.talk.told, map[string]any{"answer": map[string]any(a), "saga": map[string]any{}})
	if err != nil {
		return "", "", fmt.Errorf("start.status: %w", err)
	}
	if v == nil || text(v) == "" {
		return "", "", nil
	}
	if end, word, err = w.meant(text(v)); err == nil && !end.Ended() {
		err = fmt.Errorf("start.status: %q means %s: expected an end, or nil where the saga is to be asked for", word, end)
	}
	return end, word, err
}

// Status is what the answer to that question says, and in which word.
func (w *Workflow) Status(a AnswerVars) (status saga.Status, word string, err error) {
	v, err := run(w.talk.status, map[string]any{"answer": map[string]any(a), "saga": map[string]any{}})
	switch {
	case err != nil:
		return "", "", fmt.Errorf("outcome.status: %w", err)
	case v == nil:
		return "", "", fmt.Errorf("outcome.status: expression %q gives nothing", w.Outcome.Status)
	}
	return w.meant(text(v))
}

// meant is what a word of the workflow means.
func (w *Workflow) meant(word string) (saga.Status, string, error) {
	status, ok := w.Outcome.Statuses[word]
	if !ok {
		var known []string
		for name := range w.Outcome.Statuses {
			known = append(known, name)
		}
		slices.Sort(known)
		return "", "", fmt.Errorf("outcome.statuses: %q is none of %s", word, strings.Join(known, ", "))
	}
	return status, word, nil
}
