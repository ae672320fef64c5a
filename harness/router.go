package harness

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/wire"
	"github.com/sagacheck/sagacheck/workflows"
)

// router tells whose the calls are that the processes of a workflow make: which
// operation of which saga.
type router struct {
	flow      *workflows.Workflow
	endpoints map[string]*wire.Endpoint // of the services

	mu    sync.Mutex
	refs  int                 // names that services have given to their effects
	cells []*cellRun          // under way
	sagas map[string]*ownSaga // by each name that they go by; those of cells that are over too
	said  map[string]*ownSaga // value → the saga in whose messages it occurred first
	many  map[string]bool     // values that several sagas said
	news  chan struct{}       // closed when a saga's own name gets known

	nobody *ownSaga // who said what nobody knows of
	// late: a call that says nothing of its saga may be that of one that is over.
	late bool
}

// ownSaga is what is known of one saga of a workflow.
type ownSaga struct {
	id      string
	started workflows.Started
	cell    *cellRun    // nil: its cell is over
	own     string      // the workflow's own name for it; empty: not known yet
	starts  int         // how often it was started
	end     saga.Report // told by the answer to its start; no status: it was not
	promise bool        // the answer to its start was that it was taken
	misled  bool        // an answer to it was not the service's: it may name what nobody has said

	instances workflows.Instances
	actions   []*ownAction
	undos     []*ownAction // compensations that were done, for read-backs that ask for them
	declined  []*ownAction // what the service took, and declines since
	tried     []*ownAction // what was asked for, whatever came of it; nothing is done there
	lines     map[saga.Operation]*wire.Line
	asked     map[saga.Operation]participants.Ask // what the first attempt asked for
	keeps     map[saga.Operation]*workflows.Kept  // what stays of an action that is undone
	told      []told                              // what real services have said that they did

	tellLate func(call string) // told of calls that come when the cell is over; several at a time
}

// ownAction is an action that a service has done, as compensations name it.
type ownAction struct {
	saga *ownSaga
	op   *workflows.Operation
	at   saga.Operation
	done *participants.Done
	said workflows.Action
}

func newRouter(flow *workflows.Workflow) *router {
	return &router{
		flow: flow, endpoints: map[string]*wire.Endpoint{}, sagas: map[string]*ownSaga{}, said: map[string]*ownSaga{}, many: map[string]bool{},
		news: make(chan struct{}), nobody: &ownSaga{tellLate: func(string) {}},
	}
}

// enroll makes the sagas of a cell known.
func (r *router) enroll(cell *cellRun, started []workflows.Started) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cells = append(r.cells, cell)
	for i, id := range cell.ids {
		s := &ownSaga{
			id: id, started: started[i], cell: cell, instances: workflows.Instances{},
			lines: map[saga.Operation]*wire.Line{}, asked: map[saga.Operation]participants.Ask{},
			keeps: map[saga.Operation]*workflows.Kept{}, tellLate: cell.h.late.Load().of(id),
		}
		r.sagas[id] = s
		r.hear(s, started[i].Said()...)
	}
}

// dismiss ends the sagas of a cell. Their names stay known: what still comes for them
// is no mistake of the file. Whether anything does that has no name nobody can know, and
// need not: a cell can be run again in a process that has run no other. Where there is
// only this process, it is believed to be done with them until a call tells otherwise.
func (r *router) dismiss(cell *cellRun) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cells = slices.DeleteFunc(r.cells, func(c *cellRun) bool { return c == cell })
	r.late = r.late || cell.h.Start != nil
	for _, id := range cell.ids {
		s := r.sagas[id]
		s.cell, s.actions, s.undos, s.tried, s.declined, s.lines, s.asked, s.keeps, s.told = nil, nil, nil, nil, nil, nil, nil, nil, nil
	}
}

// starting counts a start that is about to be sent.
func (r *router) starting(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sagas[id].starts++
}

// hear notes the values that were said in the messages of a saga; under the lock.
func (r *router) hear(s *ownSaga, values ...string) {
	for _, v := range values {
		switch first := r.said[v]; {
		case first == nil:
			r.said[v] = s
		case first != s:
			r.many[v] = true
		}
	}
}

// unheard are those of some values that no saga has said.
func (r *router) unheard(values []string) []string {
	return slices.DeleteFunc(slices.Clone(values), func(v string) bool { return r.said[v] != nil })
}

// named notes the workflow's own name for a saga.
func (r *router) named(id, own string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.sagas[id]
	if s == nil || s.own != "" || own == "" {
		return
	}
	s.own = own
	if known := r.sagas[own]; known == nil || known.cell == nil { // whose cell is over: the name is used again
		r.sagas[own] = s
	}
	r.hear(s, own)
	close(r.news)
	r.news = make(chan struct{})
}

// startLimit is how long a process may take to answer a start when its first calls are made
// already: one that answers when all is done takes longer.
const startLimit = 100 * time.Millisecond

// awaitNames waits until all sagas can be asked for: who kills the process while the answer to
// a start leaves it would have the whole saga in the dark.
func (r *router) awaitNames(ctx context.Context, ids []string) {
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	for {
		r.mu.Lock()
		news := r.news
		r.mu.Unlock()
		if !slices.ContainsFunc(ids, func(id string) bool { return !r.askable(id) }) {
			return
		}
		select {
		case <-news:
		case <-limit.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// Trouble is every cell's that is under way: nobody knows whose it was.
func (r *router) Trouble(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.trouble(err)
}

func (r *router) trouble(err error) {
	for _, c := range r.cells {
		c.in.Trouble(err)
	}
}

// open are the sagas of cells that are under way, each once; under the lock.
func (r *router) open() []*ownSaga {
	var all []*ownSaga
	for _, c := range r.cells {
		for _, id := range c.ids {
			all = append(all, r.sagas[id])
		}
	}
	return all
}

// lone is the saga that a call is of which says nothing of one: there is no other. Nil: there
// is, or none.
func (r *router) lone() *ownSaga {
	if open := r.open(); len(open) == 1 && !r.late {
		return open[0]
	}
	return nil
}

// speaker is the only saga that ever said one of the values; nil: there is none.
func (r *router) speaker(values []string) *ownSaga {
	for _, v := range values {
		if s := r.said[v]; s != nil && !r.many[v] {
			return s
		}
	}
	return nil
}
