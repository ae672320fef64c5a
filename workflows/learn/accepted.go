package learn

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/saga"
)

// accepted is true of the answers by which the workflow took a start.
func (d *draft) accepted() (expression, why string) {
	var codes []int
	var reasons []string
	add := func(code int, when string) {
		if slices.Contains(codes, code) {
			return
		}
		if codes = append(codes, code); when != "" {
			reasons = append(reasons, fmt.Sprintf("%d %s", code, when))
		}
	}
	for i := range d.shapes.run {
		if code := d.shapes.run[i].Code; code/100 == 2 {
			add(code, "")
		}
	}
	for _, code := range d.record.Again {
		add(code, "to a start that was sent again")
	}
	for i := range d.shapes.run {
		if r := &d.shapes.run[i]; r.taken(d.id) {
			add(r.Code, "of one that it took: the answer names it")
		}
	}
	slices.Sort(codes)
	switch len(codes) {
	case 0:
		return "answer.code / 100 == 2", "TODO: no start was accepted"
	case 1:
		return fmt.Sprintf("answer.code == %d", codes[0]), "as seen"
	}
	all := strings.ReplaceAll(fmt.Sprint(codes), " ", ", ")
	return "answer.code in " + all, strings.Join(append([]string{"as seen"}, reasons...), "; ")
}

// refusedStart is the workflow's own word, made up, for an end that only the answer to a start tells.
const refusedStart = "REFUSED"

// told is the expression of an end that the answer to a start tells: it was refused when a call
// was, and names nothing that could be asked for. Empty: no start was.
func (d *draft) told() string {
	var codes []int
	for i := range d.shapes.run {
		r := &d.shapes.run[i]
		refused := slices.ContainsFunc(r.calls, func(c *seen) bool { return c.Fate == Refused })
		if _, named := find(r.answer, d.id); refused && !named && saga.Classify(r.Code) == saga.Permanent && !slices.Contains(codes, r.Code) {
			codes = append(codes, r.Code)
		}
	}
	if len(codes) == 0 {
		return ""
	}
	slices.Sort(codes)
	return fmt.Sprintf("answer.code in %s ? %q : nil", strings.ReplaceAll(fmt.Sprint(codes), " ", ", "), refusedStart)
}

// taken tells whether a start was answered with the name of a saga that is known by it
// afterwards: also one that came to its end before the answer, and was refused.
func (v *view) taken(id string) bool {
	l, named := find(v.answer, id)
	return named && l.text != "" && len(v.Outcome) > 0 && v.Code < 500
}
