package checkers

import (
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// A saga that took a way round (saga.Step.FallbackFor) is judged in parts: the step that was given
// up, with its undo, is a saga of its own that has to have ended compensated when the step that
// stands for it is first attempted; the rest is a saga that never had it. So whatever holds of
// sagas holds of both, and what is done twice, or left, is found by who finds it anywhere. Where
// no way round was taken the saga is one without it. Index.Saga has the whole.

// takenApart is the index with each saga that knows a way round, or rounds, taken apart.
func takenApart(ix *history.Index, rounds func(*history.SagaRecord) []*history.SagaRecord) *history.Index {
	if !slices.ContainsFunc(ix.History.Header.Definitions, func(d saga.Definition) bool { return hasFallback(d) || d.HasRounds() }) {
		return ix
	}
	parts := *ix
	parts.Sagas = nil
	for _, s := range ix.Sagas {
		if s.Definition.HasRounds() { // which has no ways round
			parts.Sagas = append(parts.Sagas, rounds(s)...)
			continue
		}
		parts.Sagas = append(parts.Sagas, partsApart(s)...)
	}
	return &parts
}

func hasFallback(d saga.Definition) bool {
	return slices.ContainsFunc(d.Steps, func(s saga.Step) bool { return s.FallbackFor != "" })
}

// partsApart are the parts of a saga, the rest first.
func partsApart(s *history.SagaRecord) []*history.SagaRecord {
	rest := *s
	rest.Freed = map[string]*history.Event{}
	var given []*history.SagaRecord
	for _, step := range s.Definition.Steps {
		if step.FallbackFor == "" {
			continue
		}
		taken := firstSent(s.Op(step.Name, saga.Action))
		if taken == nil {
			if !undoneUnbegun(s, step) {
				leaveOut(&rest, step.Name)
			}
			continue
		}
		given = append(given, givenUp(s, step.FallbackFor, taken))
		leaveOut(&rest, step.FallbackFor)
		rest.Freed[step.Name] = freedBy(s, step.FallbackFor)
	}
	return append([]*history.SagaRecord{&rest}, given...)
}

// undoneUnbegun tells whether a step was undone in a rollback that stands for one that had
// succeeded, and so never began: it is judged like any other then.
func undoneUnbegun(s *history.SagaRecord, step saga.Step) bool {
	return len(s.Undos(step.Name)) > 0 && acknowledged(s.Op(step.FallbackFor, saga.Action)) != nil &&
		s.Ended != nil && s.Ended.Status == saga.Compensated
}

// leaveOut takes a step out of a saga, with all that was said and done of it.
func leaveOut(s *history.SagaRecord, name string) {
	s.Definition = s.Definition.Without(name)
	keepSteps(s, func(step string) bool { return step != name })
}

// givenUp is the part of a saga in which a step was given up: until another one was attempted in
// its place.
func givenUp(s *history.SagaRecord, name string, taken *history.Event) *history.SagaRecord {
	part := *s
	for _, other := range s.Definition.Steps {
		if other.Name != name {
			part.Definition = part.Definition.Without(other.Name)
		}
	}
	keepSteps(&part, func(step string) bool { return step == name })
	end := *taken
	end.Kind, end.Status, end.Still = history.SagaEnded, saga.Compensated, taken.At
	part.Ended, part.Ends = &end, []*history.Event{&end}
	part.Reports = reportsOfGivenUp(part.Reports, taken, s.Ended)
	part.Operator, part.Operated = upTo(s.Operator, taken), upTo(s.Operated, taken)
	return &part
}

// reportsOfGivenUp are the reports on a saga as those on the part in which a step was given up. The
// first after another step was taken in its place may have been under way then.
func reportsOfGivenUp(reports []*history.Event, taken, ended *history.Event) (of []*history.Event) {
	var first *history.Event
	for i, r := range reports {
		said := *r
		said.Status = saga.Running
		if r.Seq > taken.Seq {
			if first == nil {
				first = r
			}
			if r.At == first.At && !r.Status.Ended() && !stood(reports, i, ended) {
				continue
			}
			said.Status = saga.Compensated
		}
		of = append(of, &said)
	}
	return of
}

// stood tells whether report i was the answer to a later question, too: what is said again is not
// noted again, but the end tells when the last question before it was asked.
func stood(reports []*history.Event, i int, ended *history.Event) bool {
	last := i+1 == len(reports) || reports[i+1].Status.Ended()
	return last && ended != nil && ended.Still > reports[i].At
}

// freed is the first event from which an orchestrator can have known that nothing is left of the
// step in whose place another one was taken; nil: it stands for none, or that is not known.
func freed(s *history.SagaRecord, name string) *history.Event {
	if step, _ := s.Definition.Step(name); step.FallbackFor != "" {
		return freedBy(s, step.FallbackFor)
	}
	return s.Freed[name]
}

// freedBy is that event by the name of the step that was given up: it was undone, or, where there
// was nothing to undo, failed.
func freedBy(s *history.SagaRecord, name string) (free *history.Event) {
	undos := s.Undos(name)
	for _, undo := range undos {
		done := acknowledged(undo)
		if done == nil {
			return nil
		}
		if free == nil || done.Seq > free.Seq {
			free = done
		}
	}
	if o := s.Op(name, saga.Action); o != nil && len(undos) == 0 {
		if as := sent(o); len(as) > 0 {
			free = learntFrom(as[len(as)-1])
		}
	}
	return free
}

// isGivenUp tells whether a record is a part of a saga that was given up: a step ended it, the one
// that was taken in its place, or with which another round began.
func isGivenUp(s *history.SagaRecord) bool { return s.Ended != nil && s.Ended.Step != "" }

func upTo(es []*history.Event, until *history.Event) []*history.Event {
	return slices.DeleteFunc(slices.Clone(es), func(e *history.Event) bool { return e.Seq > until.Seq })
}

// keepSteps keeps of a saga what was said and done of some of its steps.
func keepSteps(s *history.SagaRecord, keep func(step string) bool) {
	ops := map[saga.StepRef]*history.OpRecord{}
	for ref, o := range s.Ops {
		if keep(ref.Step) {
			ops[ref] = o
		}
	}
	s.Ops = ops
	s.Calls = slices.DeleteFunc(slices.Clone(s.Calls), func(e *history.Event) bool { return !keep(e.Step) })
	s.Reports = slices.Clone(s.Reports)
	for i, r := range s.Reports {
		said := *r
		said.Steps = slices.DeleteFunc(slices.Clone(r.Steps), func(st saga.StepStatus) bool { return !keep(st.Name) })
		s.Reports[i] = &said
	}
}
