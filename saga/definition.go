package saga

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"time"
)

// Kind says what a step means for the saga.
type Kind string

// The kinds of steps.
const (
	Compensatable Kind = "compensatable"
	Pivot         Kind = "pivot"      // the point of no return
	Retriable     Kind = "retriable"  // after the pivot: must succeed in the end
	Deferrable    Kind = "deferrable" // not critical: may be done later
)

// Definition is a saga as it is submitted to an orchestrator: the body of
// POST /sagas in the contract. Steps refer to each other by name.
type Definition struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Version is which one of its kind of saga this is; empty: none is named.
	Version string `json:"version,omitempty"`
	Steps   []Step `json:"steps"`
	// Budget bounds all attempts of the saga's actions together; zero: nothing does.
	Budget Budget `json:"budget,omitzero"`
	// Rounds is how often the saga is run forward at the most, each time when all of the time before is
	// undone, RoundDelayMS later; 0 is 1. Round is which of them its steps are of: see InRound.
	Rounds       int `json:"rounds,omitempty"`
	RoundDelayMS int `json:"round_delay_ms,omitempty"`
	Round        int `json:"-"`
	// Reads are calls of a user's own workflow that only ask what was done: the contract
	// knows none.
	Reads []string `json:"reads,omitempty"`
	// Callbacks are the steps (charge, charge.undo) of a user's own workflow of which their
	// service tells later, by a call of its own.
	Callbacks []string `json:"callbacks,omitempty"`
	// Polled are those of which it tells later when it is asked (Reads).
	Polled []string `json:"polled,omitempty"`
	// Shows are the steps (charge, charge.undo) of which each of Reads tells, by its name; a name that is not
	// there may tell of any.
	Shows map[string][]string `json:"shows,omitempty"`
}

// Step is one member of a saga. After nil means "after the step before it in
// the list"; an empty After means "at once".
type Step struct {
	Name         string   `json:"name"`
	Kind         Kind     `json:"kind"`
	After        []string `json:"after,omitzero"`
	Action       Call     `json:"action"`
	Compensation *Call    `json:"compensation,omitempty"` // nil: nothing to undo
	// FallbackFor names the step for which this one stands when that is given up: a way round;
	// empty: none. See Definition.Fallbacks.
	FallbackFor string `json:"fallback_for,omitempty"`
	// ReadBack is a URL that tells, by GET with the action's idempotency key, what the participant
	// holds of the action; empty: nobody can ask.
	ReadBack string `json:"read_back,omitempty"`
	// Parts are the further calls of a compensation that is done part by part, of which
	// Compensation is the first; nil: it is done as a whole. Only sagas of a user's own
	// workflow have them.
	Parts []Call `json:"parts,omitzero"`
	// Keeps is what of the action's effect stays when it has been undone (a fee), as the file
	// of a user's own workflow says it; nil: nothing.
	Keeps *Effect `json:"keeps,omitempty"`
	// Waived: a saga of a user's own workflow went on without this step, which is optional: it was
	// refused, or undone. Nothing is missing without it.
	Waived bool `json:"waived,omitempty"`
}

// Unbounded tells whether the action is attempted until its outcome is known, whatever
// its policy says: a deferrable step in the background, a pivot that can't be undone
// because everything depends on it.
func (s Step) Unbounded() bool {
	return s.Kind == Deferrable || s.Kind == Pivot && s.Compensation == nil
}

// Call is an HTTP POST of Body to URL under a retry policy. Breaker, if given,
// is shared by all calls that name the same one.
type Call struct {
	URL     string          `json:"url"`
	Body    json.RawMessage `json:"body,omitempty"`
	Retry   RetryPolicy     `json:"retry"`
	Breaker *Breaker        `json:"breaker,omitempty"`
	// RetryBudget, if given, is shared by all calls that name the same one.
	RetryBudget *RetryBudget `json:"retry_budget,omitempty"`
	// Policy names a template of the orchestrator's policies, which takes the place of
	// Retry. Empty: none; where there is no such template Retry counts.
	Policy string `json:"policy,omitempty"`
}

// Effect reads the body as the effect that the call asks for.
func (c Call) Effect() (Effect, error) {
	var e Effect
	if len(c.Body) == 0 {
		return e, nil
	}
	if err := json.Unmarshal(c.Body, &e); err != nil {
		return e, fmt.Errorf("body: %w", err)
	}
	return e, nil
}

// MostAttempts is how many attempts a policy may allow where it sets a maximum: who judges goes through all of them.
const MostAttempts = 1000

// RetryPolicy says how often and when a call is attempted. The wait before
// attempt n ≥ 2 lies in d·(1±Jitter) with d = min(initial·multiplier^(n−2), max). With
// Adaptive the initial interval and the time-out are the longest there are.
type RetryPolicy struct {
	MaxAttempts       int     `json:"max_attempts" yaml:"max_attempts"` // 0: until it succeeds
	InitialIntervalMS int     `json:"initial_interval_ms" yaml:"initial_interval_ms"`
	Multiplier        float64 `json:"multiplier" yaml:"multiplier"`
	MaxIntervalMS     int     `json:"max_interval_ms" yaml:"max_interval_ms"`
	Jitter            float64 `json:"jitter" yaml:"jitter"` // 0 to 1
	AttemptTimeoutMS  int     `json:"attempt_timeout_ms" yaml:"attempt_timeout_ms"`
	DeadlineMS        int     `json:"deadline_ms,omitempty" yaml:"deadline_ms,omitempty"` // no new attempt later than this after the first; 0: none
	// Rounds is how many rounds of MaxAttempts there are at the most, between which the participant is
	// asked what it holds; 0 is 1. RoundDelayMS is the wait before another one.
	Rounds       int `json:"rounds,omitempty" yaml:"rounds,omitempty"`
	RoundDelayMS int `json:"round_delay_ms,omitempty" yaml:"round_delay_ms,omitempty"`
	// Adaptive lets the time-out and the first wait follow what is observed; zero: they don't.
	Adaptive Adaptive `json:"adaptive,omitzero" yaml:"adaptive,omitempty"`
}

// Breaker is a circuit breaker: after Failures failed calls in a row it is open
// and no call is made for OpenMS; then Probes calls may pass and decide.
type Breaker struct {
	Name     string `json:"name" yaml:"name"`
	Failures int    `json:"failures" yaml:"failures"`
	OpenMS   int    `json:"open_ms" yaml:"open_ms"`
	Probes   int    `json:"probes" yaml:"probes"`
}

// Open is how long no call is made.
func (b Breaker) Open() time.Duration { return time.Duration(b.OpenMS) * time.Millisecond }

// AttemptTimeout is how long one attempt may take at the most; 0 means no limit.
func (p RetryPolicy) AttemptTimeout() time.Duration {
	return time.Duration(p.AttemptTimeoutMS) * time.Millisecond
}

// Backoff is the wait before attempt n ≥ 2 without jitter; 0 for n < 2. Each round begins anew.
func (p RetryPolicy) Backoff(n int) time.Duration {
	if p.BeginsRound(n) {
		return time.Duration(p.RoundDelayMS) * time.Millisecond
	}
	if n = p.inRound(n); n < 2 {
		return 0
	}
	d := float64(p.InitialIntervalMS) * math.Pow(p.Multiplier, float64(n-2))
	if p.MaxIntervalMS > 0 {
		d = math.Min(d, float64(p.MaxIntervalMS))
	}
	return time.Duration(d * float64(time.Millisecond))
}

// Band is the interval in which the wait before attempt n lies.
func (p RetryPolicy) Band(n int) (lo, hi time.Duration) {
	return time.Duration(float64(p.least().Backoff(n)) * (1 - p.Jitter)), time.Duration(float64(p.Backoff(n)) * (1 + p.Jitter))
}

// Validate checks the policy's numbers.
func (p RetryPolicy) Validate() error {
	switch {
	case p.MaxAttempts < 0 || p.MaxAttempts > MostAttempts:
		return fmt.Errorf("max_attempts: %d: expected 0 (until it succeeds) to %d", p.MaxAttempts, MostAttempts)
	case p.InitialIntervalMS < 0:
		return fmt.Errorf("initial_interval_ms: %d: expected 0 or more", p.InitialIntervalMS)
	case p.Multiplier < 1 || math.IsNaN(p.Multiplier) || p.Multiplier > 1000:
		return fmt.Errorf("multiplier: %v: expected 1 to 1000", p.Multiplier)
	case p.MaxIntervalMS < p.InitialIntervalMS:
		return fmt.Errorf("max_interval_ms: %d: expected at least initial_interval_ms (%d)", p.MaxIntervalMS, p.InitialIntervalMS)
	case p.Jitter < 0 || p.Jitter > 1 || math.IsNaN(p.Jitter):
		return fmt.Errorf("jitter: %v: expected 0 to 1", p.Jitter)
	case p.AttemptTimeoutMS <= 0:
		return fmt.Errorf("attempt_timeout_ms: %d: expected more than 0", p.AttemptTimeoutMS)
	case p.DeadlineMS < 0:
		return fmt.Errorf("deadline_ms: %d: expected 0 (none) or more", p.DeadlineMS)
	}
	if err := p.validateRounds(); err != nil {
		return err
	}
	return p.Adaptive.validate(p)
}

// Predecessors are the names of the steps that must have succeeded before step i
// starts.
func (d Definition) Predecessors(i int) []string {
	if d.Steps[i].After != nil {
		return d.Steps[i].After
	}
	if i == 0 {
		return nil
	}
	return []string{d.Steps[i-1].Name}
}

// Ancestors are all steps that come before a step, transitively, in the order of
// the definition.
func (d Definition) Ancestors(step string) []string {
	seen := map[string]bool{}
	var up func(name string)
	up = func(name string) {
		for _, p := range d.Predecessors(d.StepIndex(name)) {
			if !seen[p] {
				seen[p] = true
				up(p)
			}
		}
	}
	up(step)
	var names []string
	for _, s := range d.Steps {
		if seen[s.Name] {
			names = append(names, s.Name)
		}
	}
	return names
}

// StepIndex is the index of the step of that name, or −1. In a saga with rounds the name may be that in
// a later one.
func (d Definition) StepIndex(name string) int {
	i := slices.IndexFunc(d.Steps, func(s Step) bool { return s.Name == name })
	if first, n := RoundOf(name); i < 0 && n > 1 && d.HasRounds() {
		return d.StepIndex(first)
	}
	return i
}

// Step finds a step by name.
func (d Definition) Step(name string) (Step, bool) {
	if i := d.StepIndex(name); i >= 0 {
		return d.Steps[i], true
	}
	return Step{}, false
}

// Call is the call of one direction of a step; ok is false where there is none. A part of
// a compensation of which nothing is known is like the first one.
func (d Definition) Call(r StepRef) (c Call, ok bool) {
	s, ok := d.Step(r.Step)
	switch {
	case !ok, r.Part > 0 && s.Parts == nil:
		return Call{}, false
	case r.Part > 1 && r.Part-2 < len(s.Parts):
		return s.Parts[r.Part-2], true
	case r.Direction == Action:
		return s.Action, true
	case s.Compensation == nil:
		return Call{}, false
	}
	return *s.Compensation, true
}

// stepName: a step that is taken several times in one saga has its number behind its
// name, from the second on.
var stepName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}(\([1-9][0-9]{0,2}\))?$`)

// Validate checks the definition; an error names the field by its JSON path.
func (d Definition) Validate() error {
	if d.ID == "" || len(d.ID) > 200 {
		return errors.New("id: expected 1 to 200 characters")
	}
	if len(d.Steps) == 0 {
		return errors.New("steps: expected at least one")
	}
	index := make(map[string]int, len(d.Steps)) // of the first step of each name
	for i, s := range d.Steps {
		if _, twice := index[s.Name]; !twice {
			index[s.Name] = i
		}
	}
	for i, s := range d.Steps {
		if err := d.validateStep(i, s, index); err != nil {
			return fmt.Errorf("steps[%d].%w", i, err)
		}
	}
	if err := d.Budget.Validate(len(d.Steps)); err != nil {
		return fmt.Errorf("budget.%w", err)
	}
	if err := d.validateOrder(index); err != nil {
		return err
	}
	if err := d.validateRounds(); err != nil {
		return err
	}
	return d.validateFallbacks(index)
}

func (d Definition) validateStep(i int, s Step, index map[string]int) error {
	if !stepName.MatchString(s.Name) || s.Name == SubmitStep {
		return fmt.Errorf("name: %q: expected lower-case letters, digits and hyphens, at most 63, and not %q", s.Name, SubmitStep)
	}
	if index[s.Name] != i {
		return fmt.Errorf("name: %q is there twice", s.Name)
	}
	switch s.Kind {
	case Compensatable, Pivot, Retriable, Deferrable:
	default:
		return fmt.Errorf("kind: %q: expected compensatable, pivot, retriable or deferrable", s.Kind)
	}
	for _, a := range d.Predecessors(i) {
		if _, ok := index[a]; !ok {
			return fmt.Errorf("after: no step named %q", a)
		}
	}
	if err := s.Action.validate(); err != nil {
		return fmt.Errorf("action.%w", err)
	}
	if s.Compensation != nil {
		if err := s.Compensation.validate(); err != nil {
			return fmt.Errorf("compensation.%w", err)
		}
	}
	if err := s.validateRounds(); err != nil {
		return err
	}
	return s.validateParts()
}

func (s Step) validateParts() error {
	if s.Compensation == nil && (s.Parts != nil || s.Keeps != nil) {
		return errors.New("compensation: must be given where parts or keeps are")
	}
	for i, c := range s.Parts {
		if err := c.validate(); err != nil {
			return fmt.Errorf("parts[%d].%w", i, err)
		}
	}
	if s.Keeps != nil {
		if err := s.Keeps.Validate(); err != nil {
			return fmt.Errorf("keeps.%w", err)
		}
	}
	return nil
}

func (c Call) validate() error {
	if c.URL == "" {
		return errors.New("url: must be given")
	}
	if err := c.Retry.Validate(); err != nil {
		return fmt.Errorf("retry.%w", err)
	}
	if b := c.Breaker; b != nil && (b.Name == "" || b.Failures < 1 || b.OpenMS < 1 || b.Probes < 1) {
		return errors.New("breaker: expected a name, and failures, open_ms and probes of 1 or more")
	}
	if b := c.RetryBudget; b != nil {
		if err := b.Validate(); err != nil {
			return fmt.Errorf("retry_budget.%w", err)
		}
	}
	return nil
}

// validateOrder refuses cycles in after, in one pass over steps and edges: it takes
// away steps that wait for nothing more until none is left.
func (d Definition) validateOrder(index map[string]int) error {
	waits := make([]int, len(d.Steps))
	next := make([][]int, len(d.Steps))
	var free []int
	for i := range d.Steps {
		before := d.Predecessors(i)
		waits[i] = len(before)
		for _, p := range before {
			next[index[p]] = append(next[index[p]], i)
		}
		if len(before) == 0 {
			free = append(free, i)
		}
	}
	done := 0
	for ; len(free) > 0; done++ {
		i := free[len(free)-1]
		free = free[:len(free)-1]
		for _, j := range next[i] {
			if waits[j]--; waits[j] == 0 {
				free = append(free, j)
			}
		}
	}
	if done < len(d.Steps) {
		return errors.New("steps: after has a cycle")
	}
	return nil
}
