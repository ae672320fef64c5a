package reference

import (
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/saga"
)

// What those see who look at all sagas at once: a dashboard. It is read from memory. Of a saga
// that memory has let go of although it has not ended, since only a person can move it, a card
// stays behind.

// Mark is what a saga is found by. One saga may have several.
type Mark string

// The marks.
const (
	MarkRunning      Mark = "running"
	MarkRetrying     Mark = "retrying" // some operation is attempted again, or waits for that
	MarkCompensating Mark = "compensating"
	MarkStuck        Mark = "stuck"
	MarkDeferred     Mark = "deferred" // some step is left for later
	MarkPaused       Mark = "paused"
	MarkEnded        Mark = "ended" // and is still in memory
)

// Marks lists them.
func Marks() []Mark {
	return []Mark{MarkRunning, MarkRetrying, MarkCompensating, MarkStuck, MarkDeferred, MarkPaused, MarkEnded}
}

// Card is one saga on the board.
type Card struct {
	Listed
	Marks       []Mark
	Steps, Done int
	Quarantined bool   // nothing more is done for it
	words       string // that it is found by, in lower case; "": they are not needed
}

// BoardQuery chooses sagas. What is left empty may be anything.
type BoardQuery struct {
	Mark   Mark
	Open   bool   // none that has ended
	Name   string // of their kind
	Prefix string // of their ids
	Text   string // in an id, a name, a version, a step's name or address, or what an operator said
	After  string // the id after which the page begins
	Most   int    // on the page
}

// Board is a page of sagas, in the order of their ids.
type Board struct {
	Counts map[Mark]int // of all sagas, whatever was asked for
	Sagas  []Card
	More   bool // there is another page, after the last id
}

// mostShelved bounds the cards of sagas that are not in memory.
const mostShelved = 100_000

// Board lists sagas that have not ended, and those that have and are still in memory.
func (e *Executor) Board(q BoardQuery) Board {
	b := Board{Counts: map[Mark]int{}}
	q.Text = strings.ToLower(q.Text)
	for _, c := range e.cards(q.Text != "") {
		for _, m := range c.Marks {
			b.Counts[m]++
		}
		if q.fits(c) {
			b.Sagas = append(b.Sagas, c)
		}
	}
	slices.SortFunc(b.Sagas, func(x, y Card) int { return strings.Compare(x.ID, y.ID) })
	if q.Most > 0 && len(b.Sagas) > q.Most {
		b.Sagas, b.More = b.Sagas[:q.Most], true
	}
	return b
}

func (q BoardQuery) fits(c Card) bool {
	return c.ID > q.After && (q.Mark == "" || slices.Contains(c.Marks, q.Mark)) &&
		(!q.Open || !slices.Contains(c.Marks, MarkEnded)) && (q.Name == "" || c.Name == q.Name) &&
		strings.HasPrefix(c.ID, q.Prefix) && strings.Contains(c.words, q.Text)
}

// cards are those of all sagas. No state is looked at while the executor is held: who looks at one
// may ask the executor.
func (e *Executor) cards(words bool) []Card {
	e.mu.Lock()
	all := make([]Card, 0, len(e.sagas)+len(e.shelf))
	sagas := make(map[string]*known, len(e.sagas))
	for id, k := range e.sagas {
		if k.isReady() && k.err == nil {
			sagas[id] = k
		}
	}
	for id, c := range e.shelf {
		if sagas[id] == nil {
			all = append(all, c)
		}
	}
	e.mu.Unlock()
	for id, k := range sagas {
		if k.run == nil {
			c := Card{Listed: Listed{ID: id, Status: saga.Stuck}, Marks: []Mark{MarkStuck}, Quarantined: true}
			if words {
				c.words = strings.ToLower(id)
			}
			all = append(all, c)
			continue
		}
		c := k.run.view.card(words)
		if k.run.broken.Load() != nil {
			c.Quarantined, c.Status, c.Marks = true, saga.Stuck, []Mark{MarkStuck}
		}
		all = append(all, c)
	}
	return all
}

func (v *view) card(words bool) Card {
	c := Card{Listed: v.listed()}
	v.mu.Lock()
	defer v.mu.Unlock()
	c.Steps, c.Marks = len(v.s.Def.Steps), v.s.marks()
	for i := range v.s.Actions {
		if v.s.Actions[i].Done() {
			c.Done++
		}
	}
	if words {
		c.words = v.s.words()
	}
	return c
}

func (s *State) marks() (marks []Mark) {
	switch status := s.status(); {
	case status.Over() && s.Quiet():
		return []Mark{MarkEnded}
	case status == saga.Running, status == saga.Compensating, status == saga.Stuck:
		marks = append(marks, Mark(status))
	}
	if s.retrying() {
		marks = append(marks, MarkRetrying)
	}
	for i := range s.Def.Steps {
		if s.rules.StepState(s, i) == saga.StepDeferred {
			marks = append(marks, MarkDeferred)
			break
		}
	}
	if s.Paused != nil {
		marks = append(marks, MarkPaused)
	}
	return marks
}

// retrying tells whether some operation is attempted again, or is to be, or the whole saga is.
func (s *State) retrying() bool {
	if s.again() {
		return true
	}
	for i := range s.Def.Steps {
		for _, r := range bothOf(i) {
			if r.Dir == saga.Compensation && s.Def.Steps[i].Compensation == nil {
				continue
			}
			if o := s.Op(r); o.Open && o.Attempts > 1 || !o.Open && o.Attempts > 0 && s.wants(r) {
				return true
			}
		}
	}
	return false
}

// words are those that a saga is found by.
func (s *State) words() string {
	all := []string{s.Def.ID, s.Def.Name, s.Def.Version}
	for _, st := range s.Def.Steps {
		all = append(all, st.Name, st.Action.URL)
	}
	for _, by := range []*saga.ByHand{s.Paused, s.ByHand} {
		if by != nil {
			all = append(all, by.Author, by.Reason)
		}
	}
	return strings.ToLower(strings.Join(all, "\n"))
}

// letGo takes a saga out of memory at which nobody works; e.mu is held. Of one that has not ended
// a card stays.
func (e *Executor) letGo(id string) {
	if k := e.sagas[id]; k != nil && k.rest != nil && len(e.shelf) < mostShelved {
		if e.shelf == nil {
			e.shelf = map[string]Card{}
		}
		e.shelf[id] = *k.rest
	}
	delete(e.sagas, id)
	e.forgotten = true
}

// restCard is the card of a saga that has come to rest without having ended; nil: it has, or it is
// broken and stays in memory.
func (k *known) restCard() *Card {
	if k.run == nil || k.run.broken.Load() != nil {
		return nil
	}
	if report, _ := k.run.view.report(); report.Status.Over() {
		return nil
	}
	c := k.run.view.card(true)
	return &c
}
