package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// rules are the decisions of the shop that are easily taken wrongly.
type rules struct {
	order             func([]step) []step // forward
	undo              func([]step) []step // backward
	key               func(o *Order, name string) string
	sent              func(o *Order, c call, attempt int) call // what leaves for a call
	judge             func(c call, r reply, attempt int) outcome
	afterRefusal      func(*refusal) string // the state of the order
	believesRefusals  bool                  // whatever may have been done before
	ignoresClientKeys bool
	trustsOldKeys     bool                                              // a call of a process that died is made again without looking
	trustsStatus      bool                                              // a success is one whatever its body says
	looksFirst        func(s *Shop, o *Order, st *step) (string, error) // before a retry; nil: it doesn't
	resume            func(s *Shop, o *Order) error                     // nil: where the order stands
	pause             func(s *Shop, o *Order, d time.Duration) error    // before the next attempt
	tables            string                                            // in SQL, that a mistake needs
	add               func(s *store, o *Order, key string, body []byte) (known string, same bool, err error)
}

func right() rules {
	return rules{
		order: func(all []step) []step { return all },
		undo: func(all []step) []step {
			slices.Reverse(all)
			return all
		},
		key:          func(o *Order, name string) string { return o.ID + "/" + name },
		sent:         func(_ *Order, c call, _ int) call { return c },
		judge:        judge,
		afterRefusal: func(*refusal) string { return Cancelling },
		add:          (*store).add,
		pause:        func(s *Shop, _ *Order, d time.Duration) error { return s.wait(d) },
	}
}

// bugs are mistakes that services like this one have had. README.md says of each
// what follows from it.
var bugs = map[string]func(*rules){
	"no-key": paying(func(_ *Order, c *call, _ int) { c.key = "" }),
	"fresh-key": paying(func(_ *Order, c *call, attempt int) {
		c.key += fmt.Sprintf("/%d", attempt)
	}),
	"shared-key": func(r *rules) { // the column for keys was eight characters wide
		r.key = func(o *Order, name string) string { return fmt.Sprintf("%.8s/%s", o.ID, name) }
	},
	"retry-refusal": func(r *rules) {
		r.judge = func(c call, got reply, attempt int) outcome {
			out := judge(c, got, attempt)
			if out == refused && attempt < 3 {
				return unknown
			}
			return out
		}
	},
	"give-up":      func(r *rules) { r.judge, r.believesRefusals = unknownIs(refused, ""), true },
	"trust-status": func(r *rules) { r.trustsStatus = true },
	"error-is-refusal": func(r *rules) {
		r.judge = func(c call, got reply, attempt int) outcome {
			if got.code >= 500 {
				return refused
			}
			return judge(c, got, attempt)
		}
		r.believesRefusals = true
	},
	"blind-refusal": func(r *rules) { r.believesRefusals = true },
	"readback-other": func(r *rules) { // no key, but it looks before it charges again
		var latest atomic.Value
		paying(func(o *Order, c *call, _ int) {
			latest.Store(o.ID)
			c.key = ""
		})(r)
		r.looksFirst = func(s *Shop, o *Order, st *step) (string, error) {
			if st.name != "pay" {
				return "", nil
			}
			return s.find(latest.Load().(string), st)
		}
	},
	"refund-order": func(r *rules) { // and "no such payment" means that there is nothing to do
		r.sent = onCall("undo-pay", func(o *Order, c *call, _ int) { c.path = "/payments/" + o.ID + "/refund" })
		r.judge = func(c call, got reply, attempt int) outcome {
			if c.name == "undo-pay" && got.code == 404 {
				return done
			}
			return judge(c, got, attempt)
		}
	},
	"release-first": func(r *rules) {
		r.undo = func(all []step) []step {
			return slices.DeleteFunc(right().undo(all), func(st step) bool {
				return strings.HasPrefix(st.name, "reserve-") && st.name != "reserve-1"
			})
		}
	},
	"refund-short": func(r *rules) { // less a fee
		r.sent = onCall("undo-pay", func(o *Order, c *call, _ int) { c.body = encode(refund{o.Amount - o.Amount/50 - 1}) })
	},
	"amount-redrawn": paying(func(o *Order, c *call, attempt int) {
		c.body = encode(payment{o.Customer, o.ID, o.Amount + int64(attempt-1), "EUR"})
	}),
	"refund-early": func(r *rules) {
		r.judge, r.believesRefusals = unknownIs(refused, "ship"), true
	},
	"forward-undo":   func(r *rules) { r.undo = func(all []step) []step { return all } },
	"ship-first":     func(r *rules) { r.order = shipFirst },
	"restart-anew":   restartAnew,
	"no-resume":      func(r *rules) { r.resume = func(*Shop, *Order) error { return nil } },
	"blind-resume":   func(r *rules) { r.trustsOldKeys = true },
	"forget-undo":    forgetUndo,
	"lost-timers":    lostTimers,
	"resume-once":    resumeOnce,
	"resume-one":     resumeOne,
	"give-up-old":    giveUpOld,
	"mixed-orders":   mixedOrders,
	"done-anyway":    func(r *rules) { r.afterRefusal = doneAnyway },
	"resumed-kept":   resumedKept,
	"commit-late":    func(r *rules) { r.add = commitLate },
	"ignored-client": func(r *rules) { r.ignoresClientKeys = true },
}

func bugNames() []string { return slices.Sorted(maps.Keys(bugs)) }

// rulesWith are the right rules with one mistake; "" is none.
func rulesWith(bug string) (rules, error) {
	r := right()
	if bug == "" {
		return r, nil
	}
	plant, there := bugs[bug]
	if !there {
		return r, fmt.Errorf("there is no bug %q: expected one of %s", bug, strings.Join(bugNames(), ", "))
	}
	plant(&r)
	return r, nil
}

func onCall(name string, change func(o *Order, c *call, attempt int)) func(*Order, call, int) call {
	return func(o *Order, c call, attempt int) call {
		if c.name == name {
			change(o, &c, attempt)
		}
		return c
	}
}

func paying(change func(o *Order, c *call, attempt int)) func(*rules) {
	return func(r *rules) { r.sent = onCall("pay", change) }
}

// unknownIs takes an outcome that is not known for another; of one call, or of all
// that do something.
func unknownIs(other outcome, name string) func(call, reply, int) outcome {
	return func(c call, got reply, attempt int) outcome {
		out := judge(c, got, attempt)
		mine := c.name == name || name == "" && !strings.HasPrefix(c.name, "undo-")
		if out == unknown && mine {
			return other
		}
		return out
	}
}

func shipFirst(all []step) []step {
	n := len(all)
	all[n-1], all[n-2] = all[n-2], all[n-1]
	return all
}

func doneAnyway(no *refusal) string {
	if strings.HasPrefix(no.what, "ship ") {
		return Done
	}
	return Cancelling
}

// restartAnew begins an order again after a crash as if nothing had been called, under
// keys of the new process.
func restartAnew(r *rules) {
	process := rand.Text()
	r.key = func(o *Order, name string) string { return o.ID + "/" + name + "/" + process }
	r.resume = func(s *Shop, o *Order) error {
		if _, err := s.store.db.Exec(`delete from calls where order_id = ?`, o.ID); err != nil {
			return err
		}
		err := s.store.turn(o, New, "")
		s.start(o)
		return err
	}
}

func forgetUndo(r *rules) {
	r.resume = func(s *Shop, o *Order) error {
		if o.State == Cancelling {
			return s.store.turn(o, Cancelled, o.Reason)
		}
		s.start(o)
		return nil
	}
}

// lostTimers takes up after a crash what was called, and forgets the orders that waited for their next attempt.
func lostTimers(r *rules) {
	r.tables = `create table if not exists waiting (order_id text)`
	r.pause = func(s *Shop, o *Order, d time.Duration) error {
		if _, err := s.store.db.Exec(`insert into waiting values (?)`, o.ID); err != nil {
			return err
		}
		if err := s.wait(d); err != nil {
			return err
		}
		_, err := s.store.db.Exec(`delete from waiting where order_id = ?`, o.ID)
		return err
	}
	r.resume = unless(`select count(*) from waiting where order_id = ?`, leave)
}

// resumeOnce takes an order up after a crash, and leaves it after another one.
func resumeOnce(r *rules) {
	r.tables = `create table if not exists resumed (order_id text)`
	r.resume = unless(`select count(*) from resumed where order_id = ?`, leave)
	resume := r.resume
	r.resume = func(s *Shop, o *Order) error {
		err := resume(s, o)
		if err == nil {
			_, err = s.store.db.Exec(`insert into resumed values (?)`, o.ID)
		}
		return err
	}
}

// resumeOne takes up one order after a crash, and forgets that others were under way.
func resumeOne(r *rules) {
	var one atomic.Bool
	r.resume = func(s *Shop, o *Order) error {
		if one.CompareAndSwap(false, true) {
			s.start(o)
		}
		return nil
	}
}

// resumedKept does not undo what was taken up after a crash.
func resumedKept(r *rules) {
	r.tables = `create table if not exists resumed (order_id text, name text);
		create trigger if not exists orders_cancelling after update of state on orders when new.state = 'CANCELLING'
		begin update calls set outcome = 'kept' where order_id = new.id
			and name in (select name from resumed where order_id = new.id); end`
	r.resume = func(s *Shop, o *Order) error {
		_, err := s.store.db.Exec(`insert into resumed select order_id, name from calls where order_id = ? and outcome = ''`, o.ID)
		s.start(o)
		return err
	}
}

// giveUpOld takes a call that was under way more than a second ago for refused when it is started again.
func giveUpOld(r *rules) {
	r.tables = `create table if not exists called (order_id text, at real);
		create trigger if not exists calls_called after insert on calls
		begin insert into called values (new.order_id, julianday('now')); end`
	r.resume = unless(`select count(*) from (select max(at) as last from called where order_id = ?)
		where (julianday('now') - last) * 86400 > 1`, func(s *Shop, o *Order) error {
		_, err := s.store.db.Exec(`update calls set outcome = ?, result = 'too old' where order_id = ? and outcome = ''`, refused, o.ID)
		s.start(o)
		return err
	})
}

// unless takes an order up, but for those of which a query counts something.
func unless(query string, otherwise func(s *Shop, o *Order) error) func(s *Shop, o *Order) error {
	return func(s *Shop, o *Order) error {
		n := 0
		if err := s.store.db.QueryRow(query, o.ID).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return otherwise(s, o)
		}
		s.start(o)
		return nil
	}
}

// leave leaves an order as it is.
func leave(*Shop, *Order) error { return nil }

// commitLate keeps a new order, and has that on the disk only when the client has been told so.
func commitLate(st *store, o *Order, key string, body []byte) (known string, same bool, err error) {
	tx, err := st.db.Begin()
	if err != nil {
		return "", false, err
	}
	known, same, err = addIn(tx, o, key, body)
	if known != "" || err != nil {
		return known, same, errors.Join(err, tx.Rollback())
	}
	time.AfterFunc(50*time.Millisecond, func() {
		if err := tx.Commit(); err != nil {
			log.Print("shop: ", err)
		}
	})
	return "", false, nil
}

// mixedOrders keeps the payment in one place for all orders.
func mixedOrders(r *rules) {
	var latest atomic.Value
	r.judge = func(c call, got reply, attempt int) outcome {
		out := judge(c, got, attempt)
		if c.name == "pay" && out == done {
			latest.Store(got.said)
		}
		return out
	}
	r.sent = onCall("undo-pay", func(_ *Order, c *call, _ int) {
		if id, there := latest.Load().(string); there {
			c.path = "/payments/" + url.PathEscape(id) + "/refund"
		}
	})
}
