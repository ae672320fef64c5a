package main

import (
	"context"
	"errors"
	"log"
	"net/http"
	"sync"
	"time"
)

// config is what a shop needs to know.
type config struct {
	database string
	services map[string]string // addresses
	timeout  time.Duration     // of a call
	pause    time.Duration     // before the second attempt
	rules    rules
}

// A Shop carries orders out. Everything that it has to remember is in its store: an
// order is taken up where the store says that it stands, after a crash as well.
type Shop struct {
	config
	store  *store
	client *http.Client

	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup
}

func open(c config) (*Shop, error) {
	st, err := openStore(c.database, c.rules.tables)
	if err != nil {
		return nil, err
	}
	s := &Shop{config: c, store: st, client: newClient(c.timeout)}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s, nil
}

// close lets go of all orders; who opens the database again goes on with them.
func (s *Shop) close() {
	s.stop()
	s.running.Wait()
	_ = s.store.db.Close() // what was written is written
}

// resume takes up all orders that are not at their end.
func (s *Shop) resume() error {
	ids, err := s.store.open()
	if err != nil {
		return err
	}
	for _, id := range ids {
		o, err := s.store.order(id)
		if err != nil {
			return err
		}
		if s.rules.resume == nil {
			s.start(o)
		} else if err := s.rules.resume(s, o); err != nil {
			return err
		}
	}
	return nil
}

// start carries an order out beside all others, and begins anew where it stands if
// the store had a bad moment.
func (s *Shop) start(o *Order) {
	s.running.Go(func() {
		for {
			err := s.carryOut(o)
			if err == nil || s.ctx.Err() != nil {
				return
			}
			log.Printf("shop: order %s: %v", o.ID, err)
			if s.wait(time.Second) != nil {
				return
			}
		}
	})
}

// A refusal is a service's no: the order can't be carried out as it is.
type refusal struct{ what string }

func (r *refusal) Error() string { return r.what }

// carryOut brings an order to its end. An error is trouble of our own.
func (s *Shop) carryOut(o *Order) error {
	var no *refusal
	if o.State == New {
		err := s.forward(o)
		switch {
		case err == nil:
			return s.store.turn(o, Done, "")
		case !errors.As(err, &no):
			return err
		}
		if err := s.store.turn(o, s.rules.afterRefusal(no), no.what); err != nil || o.State != Cancelling {
			return err
		}
	}
	err := s.back(o)
	switch {
	case err == nil:
		return s.store.turn(o, Cancelled, o.Reason)
	case errors.As(err, &no):
		return s.store.turn(o, Failed, o.Reason+"; can't be undone: "+no.what)
	}
	return err
}

// forward takes the steps one after the other. Those that are done it passes over.
func (s *Shop) forward(o *Order) error {
	for _, st := range s.rules.order(steps(o)) {
		ids, err := s.store.results(o)
		if err != nil {
			return err
		}
		if err := s.perform(o, st.do(ids), &st); err != nil {
			return err
		}
	}
	return nil
}

// back undoes what was done, the last first.
func (s *Shop) back(o *Order) error {
	ids, err := s.store.results(o)
	if err != nil {
		return err
	}
	for _, st := range s.rules.undo(steps(o)) {
		id, isDone := ids[st.name]
		if !isDone || st.undo == nil {
			continue
		}
		if err := s.perform(o, st.undo(id), nil); err != nil {
			return err
		}
	}
	return nil
}

// perform makes a call until its outcome is known, and writes the outcome down. The
// step is the one that the call does; nil: it undoes one.
func (s *Shop) perform(o *Order, c call, st *step) error {
	c.key = s.rules.key(o, c.name)
	c, before, err := s.store.intend(o, c)
	if err != nil {
		return err
	}
	if c.outcome == unknown {
		if err := s.insist(o, &c, st, before); err != nil {
			return err
		}
		if err := s.store.learn(o, c); err != nil {
			return err
		}
	}
	switch c.outcome {
	case done:
		return nil
	case found:
		return &refusal{c.name + " was refused, and had been done before"}
	}
	return &refusal{c.name + " was refused: " + c.result}
}

// insist makes a call until its outcome is known. unsure: it may have been heard
// before, in the life of a process that died.
func (s *Shop) insist(o *Order, c *call, st *step, unsure bool) error {
	if unsure && st != nil && !s.rules.trustsOldKeys {
		// nobody knows how long ago that was, and services forget keys
		id, err := s.find(o.ID, st)
		if id != "" || err != nil {
			c.outcome, c.result = done, id
			return err
		}
	}
	for attempt := 1; ; attempt++ {
		r := s.send(s.rules.sent(o, *c, attempt), st)
		c.outcome, c.result = s.rules.judge(*c, r, attempt), r.said
		switch {
		case c.outcome == refused && unsure && st != nil && !s.rules.believesRefusals:
			return s.lookAgain(o, c, st) // the refusal speaks for its own attempt only
		case c.outcome != unknown:
			return nil
		}
		unsure = true
		if s.rules.looksFirst != nil && st != nil {
			id, err := s.rules.looksFirst(s, o, st)
			if id != "" || err != nil {
				c.outcome, c.result = done, id
				return err
			}
		}
		if err := s.rules.pause(s, o, max(backoff(s.pause, attempt), r.retryAfter)); err != nil {
			return err
		}
	}
}

// lookAgain asks the service whether a step that it refused has been done by an
// attempt before.
func (s *Shop) lookAgain(o *Order, c *call, st *step) error {
	id, err := s.find(o.ID, st)
	switch {
	case err != nil || id == "":
		return err
	case st.undo == nil:
		c.outcome = done // there is no way back from it
	default:
		c.outcome = found
	}
	c.result = id
	return nil
}

func (s *Shop) wait(d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}
