package learn

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"github.com/sagacheck/sagacheck/saga"
)

var statusKey = regexp.MustCompile(`(?i)^(status|state|phase|outcome|result)$`)

// word is the status of a workflow, in its own words, with what is known of it.
type word struct {
	text   string
	status saga.Status
	why    string
}

// IDField is the field of the answer to a start that names the saga; empty: there is none.
func IDField(rec Record) string {
	s := NewShapes(rec)
	return s.idField()
}

func (s *Shapes) idField() string {
	var took []view // others may well say no name
	for _, r := range s.run {
		if saga.Classify(r.Code) == saga.Done {
			took = append(took, r)
		}
	}
	if len(took) == 0 {
		return ""
	}
	var best, any string
	for _, l := range took[0].answer {
		texts := map[string]bool{}
		for _, r := range took {
			o, _ := find(r.answer, l.path)
			texts[o.text] = true
		}
		if len(texts) < len(took) || texts[""] {
			continue
		}
		if any == "" {
			any = l.path
		}
		if best == "" && idKey.MatchString(l.key) && l.text != "" && !startSays(took[0], l.text) {
			best = l.path
		}
	}
	if best == "" {
		return any
	}
	return best
}

func startSays(v view, text string) bool {
	return slices.ContainsFunc(v.start, func(l leaf) bool { return l.text == text })
}

// statusField is the field of the outcome that tells the status.
func (s *Shapes) statusField() (field, why string) {
	if len(s.run) == 0 {
		return "", ""
	}
	var fields []leaf
	values := map[string]map[string]bool{}
	note := func(raw json.RawMessage) {
		for _, l := range leaves("answer.body", "", value(raw)) {
			if values[l.path] == nil {
				values[l.path] = map[string]bool{}
				fields = append(fields, l)
			}
			values[l.path][l.text] = true
		}
	}
	for _, r := range s.run {
		note(r.Outcome)
		for _, c := range r.calls {
			note(c.Outcome)
		}
	}
	for _, l := range fields {
		if statusKey.MatchString(l.key) {
			return l.path, "its name, and it said " + fmt.Sprint(len(values[l.path])) + " different words"
		}
	}
	for _, l := range fields {
		if n := len(values[l.path]); n > 1 && n <= 8 && n < len(s.run) && !l.number {
			return l.path, fmt.Sprintf("it said %d different words in %d starts", n, len(s.run))
		}
	}
	return "", ""
}

// Word is the status that an outcome tells, in the workflow's own words; empty: it tells none.
func Word(rec Record, outcome json.RawMessage) string {
	field, _ := NewShapes(rec).statusField()
	l, _ := find(leaves("answer.body", "", value(outcome)), field)
	return l.text
}

// Ends tells whether an outcome has the word that stood at the end of some start; nil: no start
// came to an end, or none has a word.
func Ends(rec Record) func(outcome json.RawMessage) bool {
	words := map[string]bool{}
	for _, r := range rec.Runs {
		if w := Word(rec, r.Outcome); w != "" && !r.Unsettled {
			words[w] = true
		}
	}
	if len(words) == 0 {
		return nil
	}
	return func(outcome json.RawMessage) bool { return words[Word(rec, outcome)] }
}

// words are those that the workflow said, each by where it was said last.
func (s *Shapes) words(field string, undoes func(*seen) bool) []word {
	var all []word
	say := func(raw json.RawMessage, status saga.Status, why string) {
		l, ok := find(leaves("answer.body", "", value(raw)), field)
		if !ok || slices.ContainsFunc(all, func(w word) bool { return w.text == l.text }) {
			return
		}
		all = append(all, word{l.text, status, why})
	}
	for _, r := range s.run {
		if r.Calm() && !r.Unsettled && r.Served() {
			say(r.Outcome, saga.Completed, "at the end of a run without faults")
		}
	}
	for _, r := range s.run {
		for _, c := range r.calls {
			if c.Fate != Passed || undoes(c) {
				break // from here on it may be on its way back
			}
			say(c.Outcome, saga.Running, "while calls were made")
		}
	}
	for _, r := range s.run {
		for _, c := range r.calls {
			if undoes(c) {
				say(c.Outcome, saga.Compensating, "while calls were undone")
			}
		}
	}
	for _, refused := range []bool{false, true} { // an undo was refused
		for _, r := range s.run {
			if r.Calm() || r.Unsettled || refused != slices.ContainsFunc(r.calls, func(c *seen) bool { return undoes(c) && c.Fate == Refused }) {
				continue
			}
			if refused {
				say(r.Outcome, saga.Stuck, "when an undo was refused for good")
			} else {
				say(r.Outcome, saga.Compensated, "at the end, after a call was refused")
			}
		}
	}
	return all
}

// Field is the text or number at a field of an answer; empty: it is not there.
func Field(answer json.RawMessage, field string) string {
	l, _ := find(leaves("answer.body", "", value(answer)), field)
	return l.text
}
