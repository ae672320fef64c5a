package learn

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// Setup is what is known of a workflow without looking at it.
type Setup struct {
	Name    string            // of the workflow
	Command []string          // that starts it; none: it runs already
	Env     map[string]string // of the command; templates of a workflow's file
	Ready   string            // URL that answers when the process is ready; empty: its port is open
	Began   time.Duration     // how long it took to be ready
	Base    string            // where it is spoken to; a template
	Start   string            // method and path
	Headers map[string]string // of the start
	Body    json.RawMessage   // of the start, as it was given
	Varies  bool              // its names and amounts differ from start to start
	Outcome string            // method and path, with ${id}
	Listen  map[string]string // addresses that were given, by service
	Hosts   map[string]string // by which the workflow calls services through a proxy
	// Services are all of them, with the URL of what stood behind.
	Services map[string]string
}

// draft is the file in the making.
type draft struct {
	setup    Setup
	shapes   *Shapes
	record   Record
	id       string // field of the answer to the start
	field    string // of the outcome
	why      string
	words    []word
	ops      []*drafted // in the order in which they were seen
	warnings []string
}

// drafted is one operation as the file has it.
type drafted struct {
	*operation
	name      string
	saga      guess
	each      guess
	undoes    *drafted
	which     guess
	pair      pair // what undoes says
	reads     *drafted
	pass      bool
	turned    bool // it reads what went on by itself
	effect    []*effect
	effectWhy string
	code      int
	body      any
	notes     []string
}

func (d *drafted) acts() bool { return d.undoes == nil && d.reads == nil && !d.pass }

// newDraft makes all guesses.
func newDraft(setup Setup, rec Record) *draft {
	d := &draft{setup: setup, record: rec, shapes: NewShapes(rec)}
	d.id = d.shapes.idField()
	var forward []*operation
	for _, o := range d.shapes.all {
		if o.calm && !o.reads() {
			forward = append(forward, o)
		}
		d.ops = append(d.ops, &drafted{operation: o})
	}
	for _, op := range d.ops {
		d.relate(op, forward)
	}
	names := map[string]bool{}
	for _, op := range d.ops {
		op.name = fresh(names, op.service+".", verb(op.operation))
		d.describe(op)
	}
	for _, op := range d.ops {
		if op.undoes != nil {
			d.undoing(op)
		}
	}
	undoing := func(c *seen) bool {
		return slices.ContainsFunc(d.ops, func(op *drafted) bool { return op.undoes != nil && slices.Contains(op.calls, c) })
	}
	if d.field, d.why = d.shapes.statusField(); d.field != "" {
		d.words = d.shapes.words(d.field, undoing)
		known := func(w word) bool { return w.status == saga.Running || w.text == rec.Crash.Stood }
		if c := rec.Crash; c != nil && c.Stood != "" && !slices.ContainsFunc(d.words, known) {
			d.words = append(d.words, word{c.Stood, saga.Running, "when it had made its first call"})
		}
	}
	return d
}

func (d *draft) of(o *operation) *drafted {
	i := slices.IndexFunc(d.ops, func(op *drafted) bool { return op.operation == o })
	if i < 0 {
		return nil
	}
	return d.ops[i]
}

// relate says what an operation is to the others.
func (d *draft) relate(op *drafted, forward []*operation) {
	switch {
	case op.operation.reads():
		if f := read(op.operation, forward); f != nil {
			op.reads = d.of(f)
			return
		}
		op.pass = true
		d.warn("services.%s: %s reads what no other call of it did: it is passed, and answered with nothing; an operation with its answer is yours to write", op.service, op.request())
	case !op.calm:
		p := d.shapes.undone(op.operation, forward)
		if p == nil {
			op.pass = true
			d.warn("services.%s: %s came only after a refusal, and nothing says what it undoes: it is passed; an operation with undoes: and which: is yours to write", op.service, op.request())
			return
		}
		op.undoes, op.which, op.pair = d.of(p.of), p.which, *p
	}
}

// undoing says what an operation gives back of what it undoes.
func (d *draft) undoing(op *drafted) {
	op.effect, op.effectWhy = d.shapes.undoEffect(op.operation, op.undoes.effect, op.pair)
	if op.which.text == "" {
		return
	}
	if op.each = d.shapes.parts(op.operation, op.pair); op.each.text != "" && op.effect == nil {
		op.effectWhy = "TODO: each call undoes a part: the changes of that part"
		d.warn("services.%s: %s undoes %s in parts, and nothing says what each gives back: its effect is yours to write", op.service, op.request(), op.undoes.request())
	}
}

func (d *draft) warn(format string, args ...any) {
	d.warnings = append(d.warnings, fmt.Sprintf(format, args...))
}

// describe says what an operation looks like.
func (d *draft) describe(op *drafted) {
	if op.pass {
		return
	}
	s := d.shapes
	if op.which.text == "" {
		op.saga = s.sagaOf(op.operation, d.id)
	} else if besides := s.saidIn(op.operation, itself(d.id)); !strings.Contains(op.which.text, besides.path()) {
		op.saga = besides // if which names what is another saga's, that is known for wrong
	}
	var of *operation
	if op.reads != nil {
		of, op.turned = op.reads.operation, s.turned(op.operation)
	}
	if op.acts() {
		op.each = s.each(op.operation)
		op.effect, op.effectWhy = s.effectOf(op.operation, op.each.text, op.saga)
	}
	var which guess
	if op.code, op.body, op.notes, which = s.answerOf(op.operation, of); which.text != "" {
		op.which = which
	}
}

// verb names an operation: POST /payments create-payment, POST /payments/{id}/refund
// refund-payment.
func verb(o *operation) string {
	noun := plain(singular(o.noun()))
	if n := len(o.parts); n > 1 && parameter(o.parts[n-2]) && !parameter(o.parts[n-1]) {
		return plain(o.parts[n-1]) + "-" + noun
	}
	verbs := map[string]string{
		http.MethodPost: "create", http.MethodGet: "find", http.MethodHead: "find", http.MethodDelete: "delete",
		http.MethodPut: "put", http.MethodPatch: "change",
	}
	if v, ok := verbs[o.method]; ok {
		return v + "-" + noun
	}
	return plain(o.method) + "-" + noun
}

// fresh is a name that nothing has yet.
func fresh(names map[string]bool, scope, name string) string {
	free := name
	for n := 2; names[scope+free]; n++ {
		free = fmt.Sprintf("%s-%d", name, n)
	}
	names[scope+free] = true
	return free
}

// step is one step of the saga.
type step struct {
	name     string
	do, undo *drafted
	kind     saga.Kind
	why      string
}

// steps are the operations that do something, in the order in which they were seen.
func (d *draft) steps() []step {
	var all []step
	names := map[string]bool{}
	last := -1
	for _, op := range d.ops {
		if !op.acts() {
			continue
		}
		st := step{name: fresh(names, "", plain(singular(op.noun()))), do: op}
		i := slices.IndexFunc(d.ops, func(u *drafted) bool { return u.undoes == op })
		if i >= 0 {
			st.undo, last = d.ops[i], len(all)
		}
		all = append(all, st)
	}
	for i := range all {
		switch st := &all[i]; {
		case st.undo != nil:
		case i == last+1:
			st.kind, st.why = saga.Pivot, "nothing undoes it, and all before it was undone when it was refused"
		case i > last:
			st.kind, st.why = saga.Retriable, "nothing undoes it, and it comes behind the point of no return"
		default:
			st.why = "TODO: nothing undid it: deferrable?"
		}
	}
	return all
}

// services are the names of those that were called, in order.
func (d *draft) services() []string {
	called := map[string]bool{}
	for _, op := range d.ops {
		called[op.service] = true
	}
	return slices.Sorted(maps.Keys(called))
}
