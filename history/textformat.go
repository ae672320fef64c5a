package history

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// FormatText writes the text form. It reads itself back before it writes: a
// history that the form cannot carry is an error, never a silent loss.
func FormatText(w io.Writer, h *History) error {
	var b bytes.Buffer
	bw := bufio.NewWriter(&b)
	formatHeader(bw, &h.Header)
	fmt.Fprintln(bw)
	for i := range h.Events {
		fmt.Fprintln(bw, formatEvent(h, &h.Events[i]))
	}
	if err := bw.Flush(); err != nil {
		return err
	}
	back, err := ParseText(bytes.NewReader(b.Bytes()))
	if err != nil {
		return fmt.Errorf("the text form can't carry this history: %w", err)
	}
	if err := sameHistory(h, back); err != nil {
		return fmt.Errorf("the text form can't carry this history: %w", err)
	}
	_, err = w.Write(b.Bytes())
	return err
}

// sameHistory compares as JSON, the form in which histories are kept: there nil
// and empty lists are the same.
func sameHistory(a, b *History) error {
	if x, y := asJSON(a.Header), asJSON(b.Header); x != y {
		return fmt.Errorf("header %s reads back as %s", x, y)
	}
	for i := range a.Events {
		if x, y := asJSON(a.Events[i]), asJSON(b.Events[i]); x != y {
			return fmt.Errorf("event %d: %s reads back as %s", i+1, x, y)
		}
	}
	return nil
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return strings.ReplaceAll(string(b), `"capabilities":null`, `"capabilities":[]`)
}

// quote is the opposite of value.
func quote(v string) string {
	switch {
	case v == "":
		return "-"
	case v == "-" || strings.ContainsAny(v, " \t\r\n\"\\#=") || strconv.Quote(v) != `"`+v+`"`:
		return strconv.Quote(v)
	}
	return v
}

func formatHeader(w io.Writer, h *Header) {
	line := func(name, v string) {
		if v != "" {
			fmt.Fprintln(w, name, quote(v))
		}
	}
	number := func(name string, n uint64) {
		if n != 0 {
			fmt.Fprintln(w, name, n)
		}
	}
	line("scenario", h.Scenario)
	line("workflow", h.Workflow)
	for _, of := range slices.Sorted(maps.Keys(h.Promises)) {
		fmt.Fprintln(w, h.Promises[of].format(of))
	}
	for _, step := range slices.Sorted(maps.Keys(h.Real)) {
		fmt.Fprintf(w, "real %s=%s\n", step, h.Real[step])
	}
	line("cell", h.Cell)
	line("profile", h.Profile)
	if o := h.Orchestrator; o.Name != "" || o.Version != "" {
		fmt.Fprintln(w, strings.TrimSuffix("orchestrator "+quote(o.Name)+" "+quote(o.Version), " -"))
	}
	if c := h.Orchestrator.Capabilities; !slices.Equal(c, textCapabilities) {
		fmt.Fprintln(w, "capabilities", cmp.Or(strings.Join(c, " "), "-"))
	}
	if u := h.Orchestrator.Unable; len(u) > 0 {
		fmt.Fprintln(w, "unable", strings.Join(u, " "))
	}
	if x := h.Orchestrator.Supplied; len(x) > 0 {
		fmt.Fprintln(w, "supplied", strings.Join(x, " "))
	}
	number("seed", h.Seed)
	number("settle-ms", uint64(h.SettleMS))
	if h.QuietMS > 0 {
		number("quiet-ms", uint64(h.QuietMS))
	}
	line("plan-id", h.PlanID)
	line("plan", string(h.Plan))
	if len(h.Defects) > 0 {
		fmt.Fprintln(w, "defects", strings.Join(h.Defects, " "))
	}
	for _, k := range slices.Sorted(maps.Keys(h.Registers)) {
		fmt.Fprintf(w, "register %s=%s\n", k, quote(h.Registers[k]))
	}
	for _, f := range h.Faults {
		fmt.Fprintln(w, formatFault(f))
	}
	for _, d := range h.Definitions {
		fmt.Fprintln(w, strings.TrimSuffix("saga "+d.ID+" "+d.Name, " "+h.Scenario)+formatVersion(d.Version)+formatBudget(d)+formatShows(d))
		for _, s := range d.Steps {
			fmt.Fprintln(w, formatStep(d.ID, s))
		}
	}
}

func formatVersion(v string) string {
	if v == "" {
		return ""
	}
	return " version=" + quote(v)
}

// formatBudget is what bounds all steps of a saga together.
func formatBudget(d saga.Definition) (text string) {
	b := d.Budget
	if b.Attempts > 0 {
		text += fmt.Sprint(" attempts=", b.Attempts)
	}
	if b.TimeMS > 0 {
		text += fmt.Sprint(" time=", b.TimeMS)
	}
	if d.Rounds > 0 {
		text += fmt.Sprint(" rounds=", d.Rounds)
	}
	if d.RoundDelayMS > 0 {
		text += fmt.Sprint(" round-delay=", d.RoundDelayMS)
	}
	return text
}

func formatFault(f PlannedFault) string {
	s := f.Kind
	if !f.At.IsZero() {
		s += " " + f.At.String()
	}
	if f.Saga != "" {
		s += " saga=" + quote(f.Saga)
	}
	if len(f.Steps) > 0 {
		s += " steps=" + strings.Join(f.Steps, ",")
	}
	if f.Text != s {
		s += " text=" + quote(f.Text)
	}
	return "fault " + s
}

func formatStep(id string, s saga.Step) string {
	parts := []string{"step", s.Name}
	if s.Kind != saga.Compensatable {
		parts = append(parts, string(s.Kind))
	}
	if s.After != nil {
		parts = append(parts, "after="+cmp.Or(strings.Join(s.After, ","), "-"))
	}
	action, undo := textCalls(id, s.Name)
	if !bytes.Equal(s.Action.Body, action.Body) {
		parts = append(parts, "do="+formatBody(s.Action.Body))
	}
	parts = append(parts, formatCall("", s.Action, action)...)
	inverse := inverseBody(s.Action.Body)
	switch c := s.Compensation; {
	case c == nil && s.Kind == saga.Compensatable:
		parts = append(parts, "undo=-")
	case c == nil:
	default:
		if s.Kind != saga.Compensatable || !bytes.Equal(c.Body, inverse) {
			parts = append(parts, "undo="+formatBody(c.Body))
		}
		parts = append(parts, formatCall("undo.", *c, undo)...)
	}
	if s.FallbackFor != "" {
		parts = append(parts, "fallback-for="+s.FallbackFor)
	}
	if s.ReadBack != "" {
		parts = append(parts, "read-back="+s.ReadBack)
	}
	if s.Waived {
		parts = append(parts, "waived=yes")
	}
	return strings.Join(append(parts, formatParts(s)...), " ")
}

// formatParts are the further parts of a compensation, and what of the action's effect stays.
func formatParts(s saga.Step) (words []string) {
	if s.Parts != nil && len(s.Parts) == 0 {
		words = append(words, "parts=-")
	}
	for _, c := range s.Parts {
		words = append(words, "part="+formatBody(c.Body))
	}
	if s.Keeps != nil {
		words = append(words, "keeps="+formatEffect(*s.Keeps))
	}
	return words
}

// formatCall lists what differs from the default.
func formatCall(prefix string, c, def saga.Call) (parts []string) {
	field := func(name string, v, d any) {
		if v != d {
			parts = append(parts, fmt.Sprintf("%s%s=%v", prefix, name, v))
		}
	}
	p, d := c.Retry, def.Retry
	field("max", p.MaxAttempts, d.MaxAttempts)
	field("wait", p.InitialIntervalMS, d.InitialIntervalMS)
	field("mult", p.Multiplier, d.Multiplier)
	field("cap", p.MaxIntervalMS, d.MaxIntervalMS)
	field("jitter", p.Jitter, d.Jitter)
	field("timeout", p.AttemptTimeoutMS, d.AttemptTimeoutMS)
	field("deadline", p.DeadlineMS, d.DeadlineMS)
	field("rounds", p.Rounds, d.Rounds)
	field("round-delay", p.RoundDelayMS, d.RoundDelayMS)
	if b := c.Breaker; b != nil {
		field("breaker", fmt.Sprintf("%s:%d:%d:%d", b.Name, b.Failures, b.OpenMS, b.Probes), "")
	}
	if b := c.RetryBudget; b != nil {
		field("budget", fmt.Sprintf("%s:%v:%v:%d", b.Name, b.Share, b.MinPerSecond, b.Burst), "")
	}
	if a := p.Adaptive; !a.IsZero() {
		field("adaptive", fmt.Sprintf("%s:%d:%v:%d:%d", a.Name, a.Percentile, a.Times, a.MinTimeoutMS, a.MinWaitMS), "")
	}
	field("url", quote(c.URL), quote(def.URL))
	return parts
}

// formatBody writes a body as an effect where that is all it is.
func formatBody(body json.RawMessage) string {
	if len(body) == 0 {
		return "-"
	}
	e, err := saga.Call{Body: body}.Effect()
	if err != nil || e.IsZero() || !bytes.Equal(e.Body(), body) {
		return strconv.Quote(string(body))
	}
	return formatEffect(e)
}

func formatEffect(e saga.Effect) string {
	var parts []string
	for _, p := range e.Postings {
		parts = append(parts, fmt.Sprintf("%s%+d%s", p.Account, p.Amount, p.Unit))
	}
	for _, w := range e.Writes {
		parts = append(parts, w.Register+":"+w.From+">"+w.To)
	}
	return strings.Join(parts, ",")
}

func formatEvent(h *History, e *Event) string {
	parts := []string{formatTime(e.At), string(e.Kind)}
	add := func(s string) { parts = append(parts, s) }
	if e.Saga != "" {
		add(e.Saga)
	}
	if e.Step != "" {
		add(e.Operation().Ref().String() + "#" + strconv.Itoa(e.Attempt))
	}
	if e.Code != 0 {
		add(strconv.Itoa(e.Code))
	}
	if e.Partial {
		add("partial")
	}
	if e.Pending {
		add("pending")
	}
	if e.Declined {
		add("declined")
	}
	if e.Status != "" {
		add(string(e.Status))
	}
	if e.Kind == LedgerRead {
		return strings.Join(append(parts, formatLedger(e)...), " ")
	}
	def := eventText{Event: Event{Kind: e.Kind, Saga: e.Saga, Step: e.Step, Direction: e.Direction, Part: e.Part, Code: e.Code, Partial: e.Partial}}
	def.defaults(h)
	if def.Certain && !e.Certain {
		add("uncertain")
	}
	field := func(name string, v, d any) {
		if v != d {
			add(fmt.Sprintf("%s=%v", name, v))
		}
	}
	field("copy", e.Copy, 0)
	field("key", quote(e.Key), quote(def.Key))
	field("saga-id", quote(e.SagaID), quote(def.SagaID))
	field("step-id", quote(e.StepID), quote(def.StepID))
	field("trace", quote(e.Trace), "-")
	if e.Body != nil {
		add("body=" + quote(*e.Body))
	}
	field("retry-after-ms", e.RetryAfterMS, 0)
	field("lag-ms", e.LagMS, 0)
	field("every-ms", e.EveryMS, 0)
	field("still", formatTime(e.Still), "0ms")
	field("waited", formatTime(e.Waited), "0ms")
	field("passed", formatTime(e.Passed), "0ms")
	field("acked", formatTime(e.Acked), "0ms")
	field("found", formatTime(e.Found), "0ms")
	field("up", e.Up, int64(0))
	field("down", e.Down, int64(0))
	field("effect", effectText(e.Effect), effectText(def.Effect))
	if e.Fault != nil {
		field("fault", *e.Fault, -1)
	}
	var steps []string
	for _, s := range e.Steps {
		steps = append(steps, fmt.Sprintf("%s:%s:%d", s.Name, s.Status, s.Attempts))
	}
	field("steps", strings.Join(steps, ","), "")
	field("ref", quote(e.Ref), "-")
	field("of", quote(e.Of), "-")
	field("garbled", quote(e.Garbled), "-")
	field("told", strings.Join(e.Told, ","), "")
	field("waits", formatTime(e.Waits), "0ms")
	field("flag", quote(e.Flag), "-")
	field("for", strings.Join(e.For, ","), "")
	field("what", quote(e.What), "-")
	field("by", quote(e.By), "-")
	field("reason", quote(e.Reason), "-")
	field("changed", e.Changed, false)
	if e.Request != nil {
		add("request=" + messageText(e.Request))
	}
	if e.Reply != nil {
		add("reply=" + messageText(e.Reply))
	}
	field("invariant", quote(e.Invariant), "-")
	field("when", quote(e.When), "-")
	field("holds", e.Holds, false)
	field("participant", quote(e.Participant), "-")
	field("word", quote(e.Word), "-")
	field("detail", quote(e.Detail), "-")
	if e.Signal != nil {
		parts = append(parts, e.Signal.format()...)
	}
	return strings.Join(parts, " ")
}

// messageText is a message as JSON; one that is but a body is that.
func messageText(m *Message) string {
	if m.Body != "" && reflect.DeepEqual(*m, Message{Body: m.Body}) && !strings.HasPrefix(m.Body, messageMark) {
		return quote(m.Body)
	}
	b, err := json.Marshal(m)
	if err != nil { // it holds only text
		panic(err)
	}
	return quote(messageMark + string(b))
}

// messageMark stands before a message that is more than a body.
const messageMark = "message:"

func effectText(e *saga.Effect) string {
	if e == nil {
		return "-"
	}
	return formatEffect(*e)
}

// formatTime keeps nanoseconds, in milliseconds where that is short.
func formatTime(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', -1, 64) + "ms"
}

func formatLedger(e *Event) []string {
	parts := []string{quote(e.Participant)}
	for _, k := range slices.Sorted(maps.Keys(e.Balances)) {
		account, unit, _ := strings.Cut(k, " ")
		parts = append(parts, fmt.Sprintf("%s%+d%s", account, e.Balances[k], unit))
	}
	for _, k := range slices.Sorted(maps.Keys(e.Registers)) {
		parts = append(parts, k+"="+quote(e.Registers[k]))
	}
	return parts
}
