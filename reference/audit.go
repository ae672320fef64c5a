package reference

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/reference/policies"
	"github.com/sagacheck/sagacheck/reference/store"
	"github.com/sagacheck/sagacheck/saga"
)

// The journals say what was decided, in the same commit in which it was. The audit reads
// them, and says why: nothing of it is written down apart, so that nothing can be missing.

// AuditQuery chooses entries of the audit.
type AuditQuery struct {
	Saga         string    // its id; empty: all, and the changes of what governs them
	Since, Until time.Time // zero: without a bound
}

// Audit is what was decided, in the order of time.
type Audit struct {
	Entries []AuditEntry `json:"entries"`
	// Cut: there are more; ask again from the time of the last.
	Cut bool `json:"cut,omitempty"`
}

// AuditEntry is one decision, or what came of one.
type AuditEntry struct {
	At        time.Time         `json:"at"`
	What      string            `json:"what"`
	Saga      string            `json:"saga,omitempty"`
	Step      string            `json:"step,omitempty"`
	Direction saga.Direction    `json:"direction,omitempty"`
	Attempt   int               `json:"attempt,omitempty"`
	Version   int               `json:"version,omitempty"`  // of the policies that decided
	Template  string            `json:"template,omitempty"` // of that version
	Flag      policies.FlagName `json:"flag,omitempty"`
	Code      int               `json:"code,omitempty"` // of the answer
	Why       string            `json:"why,omitempty"`
	Key       string            `json:"key,omitempty"` // of an operator's request
	By
}

// What an entry of the audit is about.
const (
	AuditAccepted  = "saga-accepted"
	AuditAttempt   = "attempt" // its call may leave
	AuditAnswered  = "answered"
	AuditWithdrawn = "withdrawn" // the attempt did not leave
	AuditHeld      = "held"
	AuditDrift     = "drift"      // what the participant holds differs from what is written down
	AuditDriftGone = "drift-gone" // it does not any more; repairs are attempts, by AuditReconcile
	AuditReadBack  = "read-back"  // what the participant told before another round of attempts
	AuditOperator  = "operator-"  // and the act that was asked for
	AuditPolicies  = "policies-changed"
	AuditFlagOn    = "flag-on"
	AuditFlagOff   = "flag-off"
)

// How much one answer holds at the most.
const (
	auditEntries = 10_000
	auditSagas   = 2_000
)

// Audit reads what was decided. The error is ErrNotFound for a saga that is not known, or
// ErrUnavailable.
func (e *Executor) Audit(ctx context.Context, q AuditQuery) (Audit, error) {
	ctx, cancel := context.WithTimeout(ctx, auditPatience)
	defer cancel()
	a, err := audit(ctx, e.store, &e.control.versions, e.rules, q)
	if err != nil && !errors.Is(err, ErrNotFound) {
		e.log.Error("the audit can't be read", "error", err)
		err = unavailable("can't " + store.Reading)
	}
	return a, err
}

// auditPatience bounds one reading of the audit.
const auditPatience = 5 * time.Second

// ReadAudit reads what was decided from a store. A SQLite file must not be held by an
// executor.
func ReadAudit(ctx context.Context, dsn string, q AuditQuery) (a Audit, err error) {
	s, err := store.OpenForPerson(ctx, dsn, false)
	if err != nil {
		return a, err
	}
	c := control{flags: newFlags()}
	if err = c.load(ctx, s); err == nil {
		a, err = audit(ctx, s, &c.versions, rules, q)
	}
	return a, errors.Join(err, s.Close())
}

func audit(ctx context.Context, s store.Store, v *versions, r *Rules, q AuditQuery) (Audit, error) {
	a := auditor{versions: v, rules: r, query: q}
	ids := []string{q.Saga}
	if q.Saga == "" {
		var err error
		if ids, err = s.Since(ctx, q.Since, auditSagas+1); err != nil {
			return Audit{}, err
		}
		if len(ids) > auditSagas {
			ids, a.Cut = ids[:auditSagas], true
		}
		if err := s.Load(ctx, controlID, decoded(a.control)); err != nil {
			return Audit{}, err
		}
	}
	for _, id := range ids {
		a.state = nil
		if err := s.Load(ctx, id, decoded(a.saga)); err != nil {
			return Audit{}, err
		}
		if q.Saga != "" && a.state == nil {
			return Audit{}, ErrNotFound
		}
	}
	slices.SortStableFunc(a.Entries, func(x, y AuditEntry) int { return x.At.Compare(y.At) })
	if len(a.Entries) > auditEntries {
		a.Entries, a.Cut = a.Entries[:auditEntries], true
	}
	if a.Entries == nil {
		a.Entries = []AuditEntry{}
	}
	return a.Audit, nil
}

// auditor turns records into what they say of decisions.
type auditor struct {
	Audit
	versions *versions
	rules    *Rules
	query    AuditQuery
	state    *State // of the saga that is being read, before the record
	ended    map[Ref]Record
}

func (a *auditor) add(en AuditEntry) {
	if (a.query.Since.IsZero() || !en.At.Before(a.query.Since)) && (a.query.Until.IsZero() || en.At.Before(a.query.Until)) && a.rules.Tells(en) {
		a.Entries = append(a.Entries, en)
	}
}

// control takes an entry of the journal of changes.
func (a *auditor) control(en entry) error {
	for _, r := range en.records {
		ch := r.Change
		if ch == nil {
			continue
		}
		one := AuditEntry{At: r.At, By: ch.By}
		switch {
		case ch.Flag != nil:
			one.What, one.Flag = AuditFlagOn, ch.Flag.Name
			one.Why = fmt.Sprintf("until %s", ch.Flag.Expires.Format(time.RFC3339))
		case ch.Off != "":
			one.What, one.Flag = AuditFlagOff, ch.Off
		default:
			one.What, one.Version = AuditPolicies, ch.Version
		}
		a.add(one)
	}
	return en.damage
}

// saga takes an entry of a saga's journal. What can't be read ends it: what came before
// stays.
func (a *auditor) saga(en entry) error {
	for _, r := range en.records {
		switch {
		case en.damage != nil:
		case r.Kind == recAccepted && a.state == nil && r.Definition != nil && r.Definition.Validate() == nil:
			a.state, a.ended = newState(*r.Definition, nil), map[Ref]Record{}
			a.state.versions, a.state.accepted = a.versions, r.At
			a.add(AuditEntry{At: r.At, What: AuditAccepted, Saga: en.saga})
		case a.state == nil:
		default:
			a.record(r)
		}
	}
	return nil
}

func (a *auditor) record(r Record) {
	one := AuditEntry{At: r.At, Saga: a.state.Def.ID}
	switch r.Kind {
	case RecordRound:
	case RecordOperator:
		asked := r.asked()
		one.What, one.Why, one.By, one.Key, one.Step = AuditOperator+string(asked.Act), "an operator asked for it", asked.By, asked.Key, asked.Step
	default:
		step := r.Step
		if step < 0 || step >= len(a.state.Def.Steps) {
			return
		}
		one.Step, one.Direction, one.Attempt = a.state.Def.Steps[step].Name, r.Direction, r.Attempt
		one.Flag, one.Code = r.Flag, r.Code
	}
	why := ""
	if r.Kind == RecordIntent {
		why = a.whyAttempt(r)
	}
	if a.state.apply(r) != nil {
		return // the journal is damaged
	}
	switch r.Kind {
	case RecordRound:
		a.round(&one)
	case RecordIntent:
		one.What, one.Why = AuditAttempt, why
		one.Version, one.Template, _ = a.decided(r.ref())
	case RecordOutcome:
		one.What, one.Why = AuditAnswered, whatCame(r)
		one.Version, one.Template, _ = a.decided(r.ref())
		a.ended[r.ref()] = r
	case recWithdrawn:
		one.What, one.Why = AuditWithdrawn, cmp.Or(whyHeld(r), "it could not leave, or was too late")
	case RecordReadBack:
		one.What, one.Why = AuditReadBack, whatFound(r)
	case RecordDrift:
		one.What, one.Why, one.Direction = AuditDriftGone, "the participant holds what is written down again, or the step was undone", ""
		if r.Drift != nil {
			one.What, one.Why = AuditDrift, whatDrifted[r.Drift.What]
		}
	case RecordRepair:
		a.repair(&one, r)
	case recHeld:
		one.What, one.Why = AuditHeld, whyHeld(r)
	}
	a.add(one)
}

// AuditReconcile is the author of repairs.
const AuditReconcile = "reconcile"

// repair fills in what is told of an attempt at a repair.
func (a *auditor) repair(one *AuditEntry, r Record) {
	one.By = By{Author: AuditReconcile, Reason: whatDrifted[DriftStill]}
	switch r.Answer {
	case "":
		one.What, one.Why = AuditAttempt, "a repair: the compensation is called again under its key"
	case RepairWithdrawn:
		one.What, one.Why = AuditWithdrawn, "it could not leave, or a flag or a circuit kept it back"
		return
	default:
		one.What, one.Why = AuditAnswered, whatCame(r)
	}
	one.Version, one.Template, _ = a.decided(r.ref())
}

// whatFound says what came of a question before another round.
func whatFound(r Record) string {
	switch {
	case r.Answer == saga.Done:
		return "the participant holds what the action was to do: it is done, although nobody heard of it"
	case r.Answer == saga.Transient:
		return "the participant holds nothing of the action: another round may begin"
	case r.Exhausted:
		return "nobody will know what the participant holds: the action is given up"
	}
	return "nobody could say what the participant holds: a round is lost"
}

// whatDrifted says what differs.
var whatDrifted = map[DriftWhat]string{
	DriftMissing: "the action is done, and the participant holds nothing of it",
	DriftOther:   "the action is done, and the participant holds something else",
	DriftStill:   "the action is undone, and the participant still holds something of it",
}

func whyHeld(r Record) string {
	switch {
	case r.Layer == LayerRetryBudget:
		return "the retry budget of the participant has no token left"
	case r.Layer == LayerBudget:
		return "the budget over all attempts is spent: the action is given up"
	case r.Flag == "":
		return ""
	}
	return fmt.Sprintf("the flag %s is on", r.Flag)
}

// decided is by what an attempt of an operation was decided.
func (a *auditor) decided(r Ref) (version int, template, why string) {
	version, _ = a.state.Policy(r.Step)
	if f := a.versions.file(version); f != nil {
		template, why = f.Of(a.state.Def.Name, a.state.Def.FirstName(r.Step), r.Dir, callOf(&a.state.Def, r))
	}
	return version, template, why
}

// whyAttempt says why an attempt is made, before its intent is taken in.
func (a *auditor) whyAttempt(r Record) string {
	last, again := a.ended[r.ref()]
	switch {
	case !again && r.Direction == saga.Compensation:
		return "the saga is on its way back, and the step has had an effect, or may have"
	case !again:
		return "the steps before it let it start"
	}
	most := "as many attempts as it takes"
	if n := a.state.call(r.ref()).Retry.Most(); n > 0 {
		most = fmt.Sprintf("%d attempts", n)
	}
	by := "its own policy"
	if version, template, why := a.decided(r.ref()); template != "" {
		by = fmt.Sprintf("template %s of version %d (%s)", template, version, why)
	}
	return fmt.Sprintf("%s: %s allows %s", whatCame(last), by, most)
}

// whatCame says what came of an attempt.
func whatCame(r Record) string {
	came := fmt.Sprintf("attempt %d was answered %d %s", r.Attempt, r.Code, http.StatusText(r.Code))
	switch {
	case r.Interrupted:
		came = fmt.Sprintf("attempt %d was cut short by an end of the executor", r.Attempt)
	case r.Code == 0:
		came = fmt.Sprintf("attempt %d brought no answer", r.Attempt)
	}
	switch r.Answer {
	case saga.Done:
		return came
	case saga.Permanent:
		return came + ", a refusal"
	}
	if r.Exhausted {
		return came + ", so that its outcome is unknown, and its attempts are used up"
	}
	return came + ", so that its outcome is unknown"
}
