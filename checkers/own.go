package checkers

import (
	"strings"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// effectName is the name of an effect, in the step whose service gave it: two services may
// use the same names.
type effectName struct{ step, ref string }

func nameOf(e *history.Event, ref string) effectName {
	step, _ := saga.CutInstance(e.Step)
	return effectName{step, ref}
}

// names are the effects of a history by the names that their services gave them.
func names(h *history.History) map[effectName]*history.Event {
	byName := map[effectName]*history.Event{}
	for i := range h.Events {
		if e := &h.Events[i]; e.Kind == history.CallCommitted && e.Ref != "" && byName[nameOf(e, e.Ref)] == nil {
			byName[nameOf(e, e.Ref)] = e
		}
	}
	return byName
}

// undoneBy are the effects, by their names, that a compensation has undone.
func undoneBy(s *history.SagaRecord) map[effectName]bool {
	all := map[effectName]bool{}
	for _, e := range s.Calls {
		if e.Kind == history.CallCommitted && e.Of != "" {
			all[nameOf(e, e.Of)] = true
		}
	}
	return all
}

// standing are the effects of an action that nobody has undone. Where compensations do
// not name what they undo, one of them undoes all.
func standing(s *history.SagaRecord, step string) []*history.Event {
	if defined, _ := s.Definition.Step(step); inParts(defined) {
		return standingParts(s, defined, always)
	}
	did, back := effects(s.Op(step, saga.Action)), undoneBy(s)
	named := false
	for _, e := range effects(s.Op(step, saga.Compensation)) {
		named = named || e.Of != ""
		if e.Of == "" {
			return nil
		}
	}
	if !named {
		return did
	}
	var left []*history.Event
	for _, e := range did {
		if !back[nameOf(e, e.Ref)] {
			left = append(left, e)
		}
	}
	return left
}

// twice are effects of one operation of which there may be one only: of a compensation,
// those that undo the same.
func twice(o *history.OpRecord) []*history.Event {
	first := map[string]*history.Event{}
	for _, e := range o.Effects {
		if before := first[e.Of]; before != nil {
			return []*history.Event{before, e}
		}
		first[e.Of] = e
	}
	return nil
}

// says tells whether an answer has a name in it. What has no name is said by none.
func says(e *history.Event, name string) bool {
	return name != "" && e.Reply != nil && strings.Contains(e.Reply.Body, name)
}
