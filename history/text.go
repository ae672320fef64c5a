package history

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
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
// capabilities, unable, supplied, seed, settle-ms, quiet-ms, defects, plan, plan-id, register, real, fault, saga
// and its steps (part=… for each further part of an undo that is done part by part, parts=- if
// there is none; waived=yes if its saga went on without it). Then the events, one a line: time, kind, saga, step[.undo]#attempt,
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
var textCapabilities = strings.Fields(`dag pivot deferrable deferred-policy exponential-backoff jitter max-attempts
	attempt-timeout deadline retry-after breaker retry-budget saga-budget adaptive rounds saga-rounds permanent-errors idempotency-key exact-body idempotent-submit
	operator-compensation operator-retry operator-pause operator-skip operator-end policies flags audit reconcile repair versions fallback step-status`)

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

// headerLines read what stands behind the first word of a line of the header.
var headerLines = map[string]func(h *Header, words []string) error{
	"saga":         (*Header).parseSaga,
	"step":         (*Header).parseStep,
	"fault":        (*Header).parseFault,
	"promise":      (*Header).parsePromise,
	"real":         (*Header).parseReal,
	"register":     (*Header).parseRegisters,
	"orchestrator": (*Header).parseOrchestrator,
	"capabilities": func(h *Header, words []string) error {
		h.Orchestrator.Capabilities = []string{}
		if len(words) != 1 || words[0] != "-" {
			h.Orchestrator.Capabilities = words
		}
		return nil
	},
	"supplied": func(h *Header, words []string) error { h.Orchestrator.Supplied = words; return nil },
	"unable":   func(h *Header, words []string) error { h.Orchestrator.Unable = words; return nil },
	"defects":  func(h *Header, words []string) error { h.Defects = words; return nil },
}

// headerValues take the one value of a line of the header.
var headerValues = map[string]func(h *Header, v string) error{
	"scenario":  func(h *Header, v string) error { h.Scenario = v; return nil },
	"workflow":  func(h *Header, v string) error { h.Workflow = v; return nil },
	"cell":      func(h *Header, v string) error { h.Cell = v; return nil },
	"profile":   func(h *Header, v string) error { h.Profile = v; return nil },
	"plan-id":   func(h *Header, v string) error { h.PlanID = v; return nil },
	"seed":      func(h *Header, v string) (err error) { h.Seed, err = strconv.ParseUint(v, 10, 64); return err },
	"settle-ms": func(h *Header, v string) (err error) { h.SettleMS, err = strconv.Atoi(v); return err },
	"quiet-ms":  func(h *Header, v string) (err error) { h.QuietMS, err = strconv.Atoi(v); return err },
	"plan": func(h *Header, v string) error {
		if h.Plan = json.RawMessage(v); !json.Valid(h.Plan) {
			return fmt.Errorf("plan: %q is no JSON", v)
		}
		return nil
	},
}

func (h *Header) parseLine(name string, words []string) error {
	if parse := headerLines[name]; parse != nil {
		return parse(h, words)
	}
	set := headerValues[name]
	if set == nil {
		known := slices.Sorted(maps.Keys(headerValues))
		known = append(known, slices.Sorted(maps.Keys(headerLines))...)
		return fmt.Errorf("%q: expected %s, or an event that begins with its time", name, strings.Join(known, ", "))
	}
	if len(words) != 1 {
		return fmt.Errorf("%s: expected one value", name)
	}
	v, err := value(words[0])
	if err != nil {
		return err
	}
	return set(h, v)
}

// parseOrchestrator reads "orchestrator name version".
func (h *Header) parseOrchestrator(words []string) (err error) {
	if len(words) < 1 || len(words) > 2 {
		return errors.New("orchestrator: expected a name, and a version if it has one")
	}
	if h.Orchestrator.Name, err = value(words[0]); err == nil && len(words) == 2 {
		h.Orchestrator.Version, err = value(words[1])
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
