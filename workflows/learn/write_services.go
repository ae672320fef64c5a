package learn

import (
	"fmt"
	"net/http"
	"strings"
)

func (d *draft) writeServices(w *writer) {
	w.line(0, "services:", "")
	for _, name := range d.services() {
		w.line(1, name+":", "")
		if at := d.setup.Listen[name]; at != "" {
			w.line(2, "listen: "+flow(at), "where the workflow looks for it")
		}
		if host := d.setup.Hosts[name]; host != "" {
			w.line(2, "host: "+flow(host), "the workflow calls it by this name, through a forward proxy")
		}
		d.protection(w, name)
		var passed []string
		for _, op := range d.ops {
			if op.service == name && op.pass {
				passed = append(passed, op.request())
			}
		}
		if len(passed) > 0 {
			w.line(2, "pass: "+flowTexts(passed), "TODO: nothing says what these do")
		}
		w.line(2, "operations:", "")
		for _, op := range d.ops {
			if op.service == name && !op.pass {
				op.write(w)
			}
		}
	}
	w.line(0, "", "")
}

// protection says what was seen of keys. What a service does with them nobody can see from
// outside.
func (d *draft) protection(w *writer, service string) {
	switch header := keyOf(d.changing(service)); header {
	case "":
		w.line(2, "", "not all calls have a key: without protection: here, --participants says what the service does with repeats")
	case usualKey:
		w.line(2, "", "all calls have an Idempotency-Key: protection: keyed is a service that knows keys, fenced (the default) one that refuses late calls too")
	default:
		w.line(2, fmt.Sprintf("protection: {fenced: {key: %s}}", flow(`request.headers["`+header+`"]`)), "all calls have this header")
	}
}

// writeRepeat says what is done with a repeat that has no key, by the method: nothing.
func (op *drafted) writeRepeat(w *writer) {
	repeated, same := op.samePaths()
	if !same {
		return
	}
	seen := "no repeat was seen"
	if repeated {
		seen = "repeats were of the same URI"
	}
	w.line(4, "repeat: same-answer", seen+": what "+op.method+" asks for again is done once (RFC 9110, 9.2.2); take this out if the service does it twice")
}

func (op *drafted) write(w *writer) {
	w.line(3, op.name+":", "")
	w.line(4, "request: "+flow(op.request()), "")
	if op.undoes != nil {
		w.line(4, "undoes: "+op.undoes.name, "it was called only after something was refused")
	}
	if op.reads != nil {
		w.line(4, "reads: "+op.reads.name, "a question about what was done")
	}
	if op.which.text != "" {
		w.line(4, "which: "+flowExpression(op.which.text), op.which.why)
	}
	if op.saga.text != "" {
		w.line(4, "saga: "+op.saga.text, op.saga.why)
	}
	if op.each.text != "" {
		w.line(4, "each: "+flowExpression(op.each.text), op.each.why)
	}
	if op.effect != nil {
		w.line(4, "effect: "+flowAll(op.effect), op.effectWhy)
	} else if op.reads == nil {
		w.line(4, "", "effect: "+op.effectWhy)
	}
	if keyOf([]*operation{op.operation}) == "" && (op.method == http.MethodPut || op.method == http.MethodDelete) {
		op.writeRepeat(w)
	}
	if why := op.later(); why != "" {
		w.line(4, "", "TODO: "+why+": asynchronous? Here it is done when it has answered; async says what comes later (docs/your-workflow.md)")
	}
	answer := fmt.Sprintf("answer: {code: %d", max(op.code, 200))
	if op.body != nil {
		answer += ", body: " + flow(op.body)
	}
	w.line(4, answer+"}", strings.Join(op.notes, "; "))
}

// flowExpression is an expression as YAML has it: as it is, unless a comment would begin in it.
func flowExpression(text string) string {
	if strings.Contains(text, " #") {
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	}
	return text
}
