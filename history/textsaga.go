package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/sagacheck/sagacheck/saga"
)

// A saga of the text form: its steps, what they book, and their policies.

func (h *Header) parseSaga(words []string) error {
	var d saga.Definition
	for len(words) > 0 && strings.Contains(words[len(words)-1], "=") {
		last := words[len(words)-1]
		v, versioned := strings.CutPrefix(last, "version=")
		var err error
		if versioned {
			d.Version, err = value(v)
		} else {
			err = parseSagaField(&d, last)
		}
		if err != nil {
			return fmt.Errorf("saga: %w", err)
		}
		words = words[:len(words)-1]
	}
	if len(words) < 1 || len(words) > 2 {
		return errors.New("saga: expected an id and at most a name, version=v, attempts=n, time=ms, rounds=n, round-delay=ms, shows=read-back:steps")
	}
	d.ID, d.Name = words[0], h.Scenario
	if len(words) == 2 {
		d.Name = words[1]
	}
	h.Definitions = append(h.Definitions, d)
	return nil
}

// parseStep reads "step name kind after=… do=… undo=… max=…", a step of the
// saga above.
func (h *Header) parseStep(words []string) error {
	if len(h.Definitions) == 0 {
		return errors.New("step: expected a saga above it")
	}
	d := &h.Definitions[len(h.Definitions)-1]
	if len(words) == 0 {
		return errors.New("step: expected a name")
	}
	s := saga.Step{Name: words[0], Kind: saga.Compensatable}
	words = words[1:]
	if len(words) > 0 && !strings.Contains(words[0], "=") {
		s.Kind, words = saga.Kind(words[0]), words[1:]
	}
	action, undo := textCalls(d.ID, s.Name)
	undone := s.Kind == saga.Compensatable
	var parts []json.RawMessage
	given := map[string]bool{}
	for _, w := range words {
		k, v, _ := strings.Cut(w, "=")
		given[k] = true
		var err error
		name, isUndo := strings.CutPrefix(k, "undo.")
		switch {
		case k == "after":
			s.After = list(v)
		case k == "fallback-for":
			s.FallbackFor = v
		case k == "read-back":
			s.ReadBack = v
		case k == "waived":
			s.Waived = true
		case k == "do":
			action.Body, err = parseBody(v)
		case k == "undo":
			undo.Body, err = parseBody(v)
			undone = v != "-"
		case k == "parts":
			parts = []json.RawMessage{}
		case k == "part":
			var body json.RawMessage
			body, err = parseBody(v)
			parts = append(parts, body)
		case k == "keeps":
			var kept saga.Effect
			kept, err = parseEffect(v)
			s.Keeps = &kept
		case isUndo:
			err = parseCallField(&undo, name, v)
		default:
			err = parseCallField(&action, name, v)
		}
		if err != nil {
			return fmt.Errorf("step %s: %s: %w", s.Name, k, err)
		}
	}
	if undone && !given["undo"] {
		undo.Body = inverseBody(action.Body)
	}
	s.Action = action
	if undone {
		s.Compensation = &undo
		s.Parts = partsLike(undo, parts)
	}
	d.Steps = append(d.Steps, s)
	return nil
}

// partsLike are the further parts of a compensation: their bodies are their own.
func partsLike(undo saga.Call, bodies []json.RawMessage) (parts []saga.Call) {
	if bodies != nil {
		parts = []saga.Call{}
	}
	for _, body := range bodies {
		undo.Body = body
		parts = append(parts, undo)
	}
	return parts
}

// textCalls are the two calls of a step as they are when nothing is said of them.
func textCalls(id, step string) (action, undo saga.Call) {
	action = saga.Call{URL: "http://participant/" + id + "/" + step, Retry: textPolicy}
	action.Body = saga.Effect{Postings: []saga.Posting{{Account: "till", Amount: -1, Unit: "EUR"}, {Account: step, Amount: 1, Unit: "EUR"}}}.Body()
	undo = saga.Call{URL: action.URL + ".undo", Retry: textPolicy, Body: inverseBody(action.Body)}
	undo.Retry.MaxAttempts = 0
	return action, undo
}

func inverseBody(body json.RawMessage) json.RawMessage {
	e, err := saga.Call{Body: body}.Effect()
	if err != nil || e.IsZero() {
		return nil
	}
	return e.Inverse().Body()
}

// parseBody reads an effect, "-" for none, or any quoted JSON.
func parseBody(s string) (json.RawMessage, error) {
	if !strings.HasPrefix(s, `"`) {
		e, err := parseEffect(s)
		if err != nil || e.IsZero() {
			return nil, err
		}
		return e.Body(), e.Validate()
	}
	v, err := value(s)
	if err == nil && !json.Valid([]byte(v)) {
		err = fmt.Errorf("%q is no JSON", v)
	}
	return json.RawMessage(v), err
}

var (
	postingForm = regexp.MustCompile(`^([^\s",>=]+)([+-]\d{1,18})([^\s",:>=\d+-][^\s",:>=]*)$`)
	writeForm   = regexp.MustCompile(`^([^\s",>=]+):([^\s",:>=]*)>([^\s",:>=]*)$`)
)

func parsePosting(s string) (saga.Posting, bool) {
	m := postingForm.FindStringSubmatch(s)
	if m == nil {
		return saga.Posting{}, false
	}
	n, err := strconv.ParseInt(m[2], 10, 64)
	return saga.Posting{Account: m[1], Amount: n, Unit: m[3]}, err == nil
}

// parseEffect reads "alice-42EUR,shop+42EUR,order:new>paid"; "-" is no effect.
func parseEffect(s string) (saga.Effect, error) {
	var e saga.Effect
	for _, part := range list(s) {
		if p, ok := parsePosting(part); ok {
			e.Postings = append(e.Postings, p)
		} else if m := writeForm.FindStringSubmatch(part); m != nil {
			e.Writes = append(e.Writes, saga.Write{Register: m[1], From: m[2], To: m[3]})
		} else {
			return e, fmt.Errorf("%q: expected account±amountUNIT or register:from>to", part)
		}
	}
	return e, nil
}
