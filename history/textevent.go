package history

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// parseEventLine reads one event of the text form. The validator is made at the
// first one, when the header is complete.
func (h *History) parseEventLine(words []string, valid *validator) (*validator, error) {
	var err error
	if valid == nil {
		if valid, err = newValidator(&h.Header); err != nil {
			return nil, err
		}
	}
	e, err := h.parseEvent(words)
	if err != nil {
		return nil, err
	}
	if n := len(h.Events); n > 0 && e.At < h.Events[n-1].At {
		return nil, fmt.Errorf("time: %q is before the event above", words[0])
	}
	e.Seq = len(h.Events) + 1
	h.Events = append(h.Events, e)
	return valid, valid.event(&e)
}

// eventText is an event being read, with what must be known before defaults can
// be filled in.
type eventText struct {
	Event
	given map[string]bool
}

var (
	stepForm = regexp.MustCompile(`^(` + saga.StepRefPattern + `)#(\d{1,9})$`)
	codeForm = regexp.MustCompile(`^\d{1,9}$`)
)

func (h *History) parseEvent(words []string) (Event, error) {
	at, err := time.ParseDuration(words[0])
	if err != nil || len(words) < 2 {
		return Event{}, fmt.Errorf("%q: expected a time, for example 12ms, and a kind", strings.Join(words, " "))
	}
	t := &eventText{Event: Event{At: at, Kind: Kind(words[1])}, given: map[string]bool{}}
	if t.Kind == Telemetry {
		t.Signal = &Signal{}
	}
	for _, w := range words[2:] {
		if t.Kind == LedgerRead {
			err = t.ledgerWord(w)
		} else if k, v, ok := strings.Cut(w, "="); ok {
			t.given[k] = true
			err = t.field(k, v)
		} else {
			err = t.word(w)
		}
		if err != nil {
			return Event{}, fmt.Errorf("%s: %w", t.Kind, err)
		}
	}
	t.defaults(h)
	return t.Event, nil
}

// word reads a value without a name; its shape says what it is.
func (t *eventText) word(w string) error {
	if m := stepForm.FindStringSubmatch(w); m != nil {
		ref := saga.CutRef(m[1])
		t.Step, t.Direction, t.Part = ref.Step, ref.Direction, ref.Part
		t.Attempt, _ = strconv.Atoi(m[2]) // at most nine digits
		return nil
	}
	switch {
	case codeForm.MatchString(w):
		t.Code, _ = strconv.Atoi(w)
	case w == "partial":
		t.Partial = true
	case w == "pending":
		t.Pending = true
	case w == "declined":
		t.Declined = true
	case w == "uncertain":
		t.given[w] = true
	case t.Saga == "":
		t.Saga = w
	case t.Status == "":
		t.Status = saga.Status(w)
	default:
		return fmt.Errorf("%q: expected name=value", w)
	}
	return nil
}

// texts, times, numbers and flags are the fields whose values are read by their type.
func (t *eventText) texts() map[string]*string {
	return map[string]*string{
		"key": &t.Key, "saga-id": &t.SagaID, "step-id": &t.StepID, "trace": &t.Trace, "detail": &t.Detail, "word": &t.Word,
		"flag": &t.Flag, "what": &t.What, "by": &t.By, "reason": &t.Reason, "ref": &t.Ref, "garbled": &t.Garbled, "of": &t.Of,
		"invariant": &t.Invariant, "when": &t.When, "participant": &t.Participant,
	}
}

func (t *eventText) times() map[string]*time.Duration {
	return map[string]*time.Duration{"waits": &t.Waits, "still": &t.Still, "waited": &t.Waited, "passed": &t.Passed, "acked": &t.Acked, "found": &t.Found}
}

func (t *eventText) numbers() map[string]*int {
	return map[string]*int{"copy": &t.Copy, "retry-after-ms": &t.RetryAfterMS, "lag-ms": &t.LagMS, "every-ms": &t.EveryMS}
}

func (t *eventText) flags() map[string]*bool {
	return map[string]*bool{"changed": &t.Changed, "holds": &t.Holds}
}

func (t *eventText) field(name, raw string) error {
	v, err := value(raw)
	if err != nil {
		return err
	}
	if t.Signal != nil && name != "trace" && name != "detail" {
		return t.Signal.field(name, v)
	}
	if to := t.texts()[name]; to != nil {
		*to = v
	} else if to := t.times()[name]; to != nil {
		*to, err = time.ParseDuration(v)
	} else if to := t.numbers()[name]; to != nil {
		*to, err = strconv.Atoi(v)
	} else if to := t.flags()[name]; to != nil {
		*to, err = strconv.ParseBool(v)
	} else {
		err = t.special(name, v, raw)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// special reads a field whose value has a form of its own.
func (t *eventText) special(name, v, raw string) (err error) {
	switch name {
	case "body":
		t.Body = &v
	case "for":
		t.For = strings.Split(v, ",")
	case "told":
		t.Told = strings.Split(v, ",")
	case "request":
		t.Request, err = parseMessage(v)
	case "reply":
		t.Reply, err = parseMessage(v)
	case "up":
		t.Up, err = strconv.ParseInt(v, 10, 64)
	case "down":
		t.Down, err = strconv.ParseInt(v, 10, 64)
	case "fault":
		var n int
		n, err = strconv.Atoi(v)
		t.Fault = &n
	case "effect":
		var e saga.Effect
		if e, err = parseEffect(raw); raw != "-" {
			t.Effect = &e
		}
	case "steps":
		t.Steps, err = parseSteps(v)
	default:
		known := slices.Concat(slices.Collect(maps.Keys(t.texts())), slices.Collect(maps.Keys(t.times())), slices.Collect(maps.Keys(t.numbers())), slices.Collect(maps.Keys(t.flags())),
			[]string{"body", "for", "told", "request", "reply", "up", "down", "fault", "effect", "steps"})
		slices.Sort(known)
		err = fmt.Errorf("expected %s", strings.Join(known, ", "))
	}
	return err
}

// parseMessage reads what messageText writes.
func parseMessage(v string) (*Message, error) {
	more, ok := strings.CutPrefix(v, messageMark)
	if !ok {
		return &Message{Body: v}, nil
	}
	var m Message
	return &m, strict([]byte(more), &m)
}

// parseSteps reads "charge:succeeded:1,ship:pending:0".
func parseSteps(s string) ([]saga.StepStatus, error) {
	var steps []saga.StepStatus
	for _, part := range list(s) {
		f := strings.Split(part, ":")
		if len(f) != 3 {
			return nil, fmt.Errorf("%q: expected name:status:attempts", part)
		}
		n, err := strconv.Atoi(f[2])
		if err != nil {
			return nil, fmt.Errorf("%q: attempts: %w", part, err)
		}
		steps = append(steps, saga.StepStatus{Name: f[0], Status: saga.StepState(f[1]), Attempts: n})
	}
	return steps, nil
}

// ledgerWord reads the participant's name, then balances as account±amountUNIT
// and registers as name=value.
func (t *eventText) ledgerWord(w string) error {
	if !t.given["participant"] {
		t.given["participant"] = true
		var err error
		t.Participant, err = value(w)
		return err
	}
	if p, ok := parsePosting(w); ok {
		if t.Balances == nil {
			t.Balances = map[string]int64{}
		}
		t.Balances[p.Account+" "+p.Unit] = p.Amount
		return nil
	}
	k, raw, ok := strings.Cut(w, "=")
	v, err := value(raw)
	if !ok || err != nil {
		return fmt.Errorf("%q: expected account±amountUNIT or register=value", w)
	}
	if t.Registers == nil {
		t.Registers = map[string]string{}
	}
	t.Registers[k] = v
	return nil
}

// defaults fills in what a well-behaved call would have had.
func (t *eventText) defaults(h *History) {
	switch t.Kind {
	case CallSent, CallReceived:
		if !t.given["key"] {
			t.Key = t.Operation().String()
		}
		if !t.given["saga-id"] {
			t.SagaID = t.Saga
		}
		if !t.given["step-id"] {
			t.StepID = t.Step
		}
	case CallEnded:
		t.Certain = t.Code != 0 && !t.Partial && !t.given["uncertain"]
	case CallCommitted:
		if t.given["effect"] {
			return
		}
		if e, ok := h.definedEffect(&t.Event); ok {
			t.Effect = &e
		}
	}
}

// definedEffect is what the definition says that the event's operation does.
func (h *History) definedEffect(e *Event) (saga.Effect, bool) {
	d, ok := h.Definition(e.Saga)
	if !ok {
		return saga.Effect{}, false
	}
	c, ok := d.Call(e.Operation().Ref())
	if !ok {
		return saga.Effect{}, false
	}
	effect, err := c.Effect()
	return effect, err == nil && !effect.IsZero()
}
