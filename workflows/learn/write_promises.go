package learn

import (
	"fmt"
	"slices"
	"strings"
)

// writePromises writes what each call was seen to keep.
func (d *draft) writePromises(w *writer) {
	var lines [][2]string
	if d.record.Idempotent {
		lines = append(lines, [2]string{"start: idempotent", "a start that was sent twice with one Idempotency-Key gave one saga"})
	}
	ops, again := d.changing(""), 0
	for _, op := range ops {
		if how, n := keeps(op, ops, usualKey); how == sameKey {
			again += n
		}
	}
	for _, of := range d.promising() {
		switch promised, why := d.promised(of.op.operation, again); {
		case promised != "":
			lines = append(lines, [2]string{of.name + ": {" + promised + "}", why})
		case why != "":
			lines = append(lines, [2]string{"", of.name + ": " + why})
		}
	}
	if !slices.ContainsFunc(lines, func(l [2]string) bool { return l[0] != "" }) {
		w.line(0, "", "promises: nothing was seen that it promises beyond being a saga")
	} else {
		w.line(0, "promises:", "what was seen; take out what is no promise")
	}
	for _, l := range lines {
		w.line(1, l[0], l[1])
	}
}

// promising is a call under the name by which promises know it.
type promising struct {
	name string
	op   *drafted
}

// promising are the calls of the steps, under the names by which promises know them.
func (d *draft) promising() (all []promising) {
	taken := map[string]int{}
	steps := d.steps()
	for _, st := range steps {
		taken[st.name]++
	}
	for _, op := range d.ops {
		taken[op.name]++
	}
	add := func(name string, op *drafted) {
		all = append(all, promising{name, op})
	}
	for _, st := range steps {
		if add(st.name, st.do); st.undo == nil {
			continue
		}
		name := st.undo.name
		if taken[name] > 1 || name == "start" || name == "rollback" {
			name = st.undo.service + "." + name
		}
		add(name, st.undo)
	}
	return all
}

// promised is what is to be written of one call, and why that, or nothing, is; again is how many
// calls were made again with the key that they had had.
func (d *draft) promised(op *operation, again int) (promised, why string) {
	var texts, reasons []string
	if codes, n := d.shapes.permanent(op); len(codes) > 0 {
		texts = append(texts, "permanent: "+strings.ReplaceAll(fmt.Sprint(codes), " ", ", "))
		reasons = append(reasons, fmt.Sprintf("none of %d refused calls was made again", n))
	}
	switch how, _ := keeps(op, d.changing(""), usualKey); {
	case how == ownKeys:
		reasons = append(reasons, "no same_key: its attempts had keys of their own: a repeat may do it twice")
	case how == sharedKey:
		reasons = append(reasons, "no same_key: another call had the same key: a service may take one for a repeat of the other")
	case how == sameKey && again > 0:
		texts = append(texts, "same_key: true")
		reasons = append(reasons, fmt.Sprintf("each call had a key of its own, and %d repeats the same", again))
	}
	return strings.Join(texts, ", "), strings.Join(reasons, "; ")
}
