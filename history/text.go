package history

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/sagacheck/sagacheck/saga"
)

// The text form is a history that a person can type and diff:
//
//	# a lost answer, and the retry has a second effect
//	profile naive
//	fault lose charge#1@response
//	saga s1
//	step charge do=alice-42EUR,shop+42EUR
//	step ship pivot max=0
//
//	0ms saga-accepted s1
//	1ms call-sent s1 charge#1
//	2ms call-committed s1 charge#1
//	9ms settled
//	9ms ledger-read bank alice-42EUR shop+42EUR order=paid
//
// First the header, one line a thing: scenario, workflow, promise, cell, profile, orchestrator,
// capabilities, unable, supplied, seed, settle-ms, defects, plan, plan-id, register, real, fault, saga
// and its steps (part=… for each further part of an undo that is done part by part, parts=- if
// there is none). Then the events, one a line: time, kind, saga, step[.undo]#attempt,
// code or status, and fields as name=value. What is left out has a default: a
// step is compensatable, its undo the exact inverse of its do, its key its own
// name, its retry policy textPolicy; an effect is what the definition says; an
// answer that reached the orchestrator is certain; all capabilities are there. "-"
// is the empty value; a value with spaces is quoted.

// textPolicy is the retry policy of an action in the text form unless it says
// otherwise; a compensation has no maximum.
var textPolicy = saga.RetryPolicy{
	MaxAttempts: 3, InitialIntervalMS: 10, Multiplier: 2, MaxIntervalMS: 100, AttemptTimeoutMS: 100,
}

// textCapabilities are those of the orchestrator unless the text says otherwise.
var textCapabilities = strings.Fields(`dag pivot deferrable exponential-backoff jitter max-attempts
	attempt-timeout deadline retry-after breaker permanent-errors idempotency-key exact-body idempotent-submit
	operator-compensation policies flags audit step-status`)

// ParseText reads the text form. Errors name the line.
func ParseText(r io.Reader) (*History, error) {
	h := &History{}
	h.Header.Version = Version
	h.Header.Orchestrator.Capabilities = textCapabilities
	var valid *validator
	sc := bufio.NewScanner(r)
	for line := 1; sc.Scan(); line++ {
		words, err := splitWords(sc.Text())
		if err == nil && len(words) > 0 {
			if c := words[0][0]; c >= '0' && c <= '9' {
				valid, err = h.parseEventLine(words, valid)
			} else if len(h.Events) > 0 {
				err = fmt.Errorf("%q: expected an event that begins with its time", words[0])
			} else {
				err = h.Header.parseLine(words[0], words[1:])
			}
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
	}
	if err := sc.Err(); err != nil {
		return nil, err
	}
	if valid == nil {
		return nil, errors.New("no events")
	}
	return h, nil
}

// splitWords cuts a line at spaces outside of quotes; a # begins a comment.
func splitWords(line string) ([]string, error) {
	var words []string
	for {
		line = strings.TrimLeft(line, " \t\r")
		if line == "" || line[0] == '#' {
			return words, nil
		}
		end, quoted := 0, false
		for ; end < len(line) && (quoted || !strings.ContainsRune(" \t\r", rune(line[end]))); end++ {
			switch {
			case line[end] == '"':
				quoted = !quoted
			case line[end] == '\\' && quoted && end+1 < len(line):
				end++
			}
		}
		if quoted {
			return nil, fmt.Errorf("%q: expected a closing quote", line)
		}
		words, line = append(words, line[:end]), line[end:]
	}
}

// value undoes quoting; "-" is the empty value.
func value(s string) (string, error) {
	switch {
	case s == "-":
		return "", nil
	case strings.HasPrefix(s, `"`):
		v, err := strconv.Unquote(s)
		if err != nil {
			return "", fmt.Errorf("%s: bad quoting", s)
		}
		return v, nil
	}
	return s, nil
}

// list reads "a,b"; "-" is the empty list.
func list(s string) []string {
	if s == "-" || s == "" {
		return []string{}
	}
	return strings.Split(s, ",")
}

func (h *Header) parseLine(name string, words []string) error {
	switch name {
	case "saga":
		return h.parseSaga(words)
	case "step":
		return h.parseStep(words)
	case "fault":
		return h.parseFault(words)
	case "promise":
		return h.parsePromise(words)
	case "real":
		return h.parseReal(words)
	case "register":
		return h.parseRegisters(words)
	case "capabilities":
		h.Orchestrator.Capabilities = []string{}
		if len(words) != 1 || words[0] != "-" {
			h.Orchestrator.Capabilities = words
		}
		return nil
	case "supplied":
		h.Orchestrator.Supplied = words
		return nil
	case "unable":
		h.Orchestrator.Unable = words
		return nil
	case "defects":
		h.Defects = words
		return nil
	}
	if len(words) < 1 || len(words) > 2 || (len(words) == 2 && name != "orchestrator") {
		return fmt.Errorf("%s: expected one value", name)
	}
	v, err := value(words[0])
	if err != nil {
		return err
	}
	switch name {
	case "scenario":
		h.Scenario = v
	case "workflow":
		h.Workflow = v
	case "cell":
		h.Cell = v
	case "profile":
		h.Profile = v
	case "plan-id":
		h.PlanID = v
	case "plan":
		if h.Plan = json.RawMessage(v); !json.Valid(h.Plan) {
			return fmt.Errorf("plan: %q is no JSON", v)
		}
	case "orchestrator":
		h.Orchestrator.Name = v
		if len(words) == 2 {
			h.Orchestrator.Version, err = value(words[1])
		}
	case "seed":
		h.Seed, err = strconv.ParseUint(v, 10, 64)
	case "settle-ms":
		h.SettleMS, err = strconv.Atoi(v)
	default:
		return fmt.Errorf("%q: expected scenario, workflow, cell, profile, orchestrator, capabilities, unable, supplied, seed, settle-ms, defects, plan, plan-id, register, real, fault, saga, step or an event that begins with its time", name)
	}
	return err
}

func (h *Header) parseRegisters(words []string) error {
	for _, w := range words {
		k, v, ok := strings.Cut(w, "=")
		v, err := value(v)
		if !ok || err != nil {
			return fmt.Errorf("register: %q: expected name=value", w)
		}
		if h.Registers == nil {
			h.Registers = map[string]string{}
		}
		h.Registers[k] = v
	}
	return nil
}

// parseFault reads "fault kind step#n@phase saga=s1 text=…" and, of a window,
// "fault outage steps=a,b".
func (h *Header) parseFault(words []string) error {
	if len(words) == 0 {
		return errors.New("fault: expected a kind")
	}
	f := PlannedFault{Kind: words[0], Text: strings.Join(words, " ")}
	for _, w := range words[1:] {
		k, raw, ok := strings.Cut(w, "=")
		v, err := value(raw)
		switch {
		case !ok:
			f.At, err = saga.ParseFailurePoint(w)
		case k == "saga":
			f.Saga = v
		case k == "steps":
			f.Steps = list(raw)
		case k == "text":
			f.Text = v
		default:
			err = fmt.Errorf("%q: expected saga, steps or text", k)
		}
		if err != nil {
			return fmt.Errorf("fault: %w", err)
		}
	}
	h.Faults = append(h.Faults, f)
	return nil
}

func (h *Header) parseSaga(words []string) error {
	if len(words) < 1 || len(words) > 2 {
		return errors.New("saga: expected an id and at most a name")
	}
	d := saga.Definition{ID: words[0], Name: h.Scenario}
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

func parseCallField(c *saga.Call, name, v string) (err error) {
	p := &c.Retry
	switch name {
	case "max":
		p.MaxAttempts, err = strconv.Atoi(v)
	case "wait":
		p.InitialIntervalMS, err = strconv.Atoi(v)
	case "mult":
		p.Multiplier, err = strconv.ParseFloat(v, 64)
	case "cap":
		p.MaxIntervalMS, err = strconv.Atoi(v)
	case "jitter":
		p.Jitter, err = strconv.ParseFloat(v, 64)
	case "timeout":
		p.AttemptTimeoutMS, err = strconv.Atoi(v)
	case "deadline":
		p.DeadlineMS, err = strconv.Atoi(v)
	case "url":
		c.URL, err = value(v)
	case "breaker":
		c.Breaker, err = parseBreaker(v)
	default:
		err = errors.New("expected after, do, undo, part, parts, keeps, max, wait, mult, cap, jitter, timeout, deadline, breaker or url, or undo. and one of the last nine")
	}
	return err
}

var breakerForm = regexp.MustCompile(`^([^:]+):(\d{1,9}):(\d{1,9}):(\d{1,9})$`)

// parseBreaker reads name:failures:open_ms:probes.
func parseBreaker(s string) (*saga.Breaker, error) {
	m := breakerForm.FindStringSubmatch(s)
	if m == nil {
		return nil, fmt.Errorf("%q: expected name:failures:open_ms:probes", s)
	}
	var n [3]int
	for i := range n {
		n[i], _ = strconv.Atoi(m[i+2]) // at most nine digits
	}
	return &saga.Breaker{Name: m[1], Failures: n[0], OpenMS: n[1], Probes: n[2]}, nil
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
