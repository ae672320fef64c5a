package learn

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// Write is the draft of a workflow's file. missing says what a run needs and could not be
// known.
func Write(setup Setup, rec Record) (file []byte, missing []string) {
	d := newDraft(setup, rec)
	w := &writer{}
	w.line(0, "", schemaLine)
	d.head(w)
	d.system(w)
	d.talk(w)
	d.writeServices(w)
	d.writeSteps(w)
	d.writePromises(w)
	return []byte(w.String()), append(d.missing(), d.warnings...)
}

// schemaLine tells editors what a workflow's file may say.
const schemaLine = "yaml-language-server: $schema=https://raw.githubusercontent.com/sagacheck/sagacheck/main/workflows/workflow.schema.json"

// missing are the lines without which a run ends at once.
func (d *draft) missing() (all []string) {
	if d.field == "" {
		all = append(all, "outcome.status: the field of the outcome's answer that tells the status")
	}
	if !slices.ContainsFunc(d.words, func(w word) bool { return w.status == saga.Completed }) {
		all = append(all, "outcome.statuses: the word for completed: no run without faults came to an end")
	}
	for _, name := range slices.Sorted(maps.Keys(d.setup.Services)) {
		if !slices.Contains(d.services(), name) {
			all = append(all, fmt.Sprintf("services.%s: no call reached it: is its address told to the workflow (--env NAME=%s)?", name, name))
		}
	}
	for _, o := range d.ops {
		if o.calm && o.acts() && len(o.answers()) == 0 {
			all = append(all, fmt.Sprintf("services.%s: %s was answered with success not once, but with %d: does the service at --service %s=… do what it is asked for?", o.service, o.request(), o.calls[0].Code, o.service))
		}
	}
	return all
}

// writer writes lines, each with what is to be said of it.
type writer struct{ strings.Builder }

func (w *writer) line(indent int, text, comment string) {
	w.WriteString(strings.Repeat("  ", indent))
	w.WriteString(text)
	if comment != "" {
		if text != "" {
			w.WriteByte(' ')
		}
		w.WriteString("# " + strings.ReplaceAll(comment, "\n", " "))
	}
	w.WriteByte('\n')
}

var (
	plainText = regexp.MustCompile(`^[A-Za-z./][A-Za-z0-9_./-]*$`)
	special   = regexp.MustCompile(`(?i)^(true|false|null|yes|no|on|off|y|n)$`)
)

// flow is a value on one line of YAML.
func flow(v any) string {
	switch v := v.(type) {
	case map[string]any:
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, flow(k)+": "+flow(v[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []any:
		var parts []string
		for _, x := range v {
			parts = append(parts, flow(x))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case string:
		if plainText.MatchString(v) && !special.MatchString(v) {
			return v
		}
	}
	var b strings.Builder
	enc := json.NewEncoder(&b) // a text of JSON is one of YAML
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "null" // nothing but values of JSON comes here
	}
	return strings.TrimSpace(b.String())
}

func flowTexts(all []string) string {
	parts := make([]any, len(all))
	for i, s := range all {
		parts[i] = s
	}
	return flow(parts)
}

func flowMap(m map[string]string) string {
	all := map[string]any{}
	for k, v := range m {
		all[k] = v
	}
	return flow(all)
}

func (d *draft) head(w *writer) {
	calm := 0
	for _, r := range d.record.Runs {
		if r.Calm() {
			calm++
		}
	}
	w.line(0, "", fmt.Sprintf("Written by sagacheck learn from %d starts, %d of them without a fault. Each comment says what a", len(d.record.Runs), calm))
	w.line(0, "", "guess rests on; TODO marks what nobody could see. Then: sagacheck run --workflow THIS-FILE")
	w.line(0, "name: "+flow(d.setup.Name), "")
	w.line(0, "", "")
}

func (d *draft) system(w *writer) {
	s := d.setup
	w.line(0, "system:", "")
	if len(s.Command) > 0 {
		w.line(1, "processes:", "")
		w.line(2, "- name: "+flow(s.Name), "")
		w.line(3, "command: "+flowTexts(s.Command), "")
		if len(s.Env) > 0 {
			w.line(3, "env:", "")
			for _, k := range slices.Sorted(maps.Keys(s.Env)) {
				w.line(4, flow(k)+": "+flow(s.Env[k]), "")
			}
		}
		limit, why := s.readyLimit()
		if s.Ready != "" {
			w.line(3, "ready: {url: "+flow(s.Ready)+limit+"}", why)
		} else {
			w.line(3, "ready: {tcp: "+flow(strings.TrimPrefix(s.Base, "http://"))+limit+"}", "TODO: a URL that says that it is ready is better: {url: …/healthz}")
		}
		d.crashable(w)
	}
	w.line(1, "base: "+flow(s.Base), "")
	w.line(0, "", "")
}

// crashable says whether the process may be killed: whether it went on when it was.
func (d *draft) crashable(w *writer) {
	switch c := d.record.Crash; {
	case c == nil:
		w.line(3, "crashable: true", "TODO: false if it keeps its sagas in memory only")
	case c.Resumed:
		w.line(3, "crashable: true", "it was killed in the middle of a start, and came to its end when it was started again")
	default:
		w.line(3, "crashable: false", fmt.Sprintf("it was killed in the middle of a start, and did not go on (it still says %q): with true, runs show what follows from that", c.Word))
	}
}

// slowStart is a start that may take longer than a run waits without being told, where the
// machine is busy.
const slowStart = 15 * time.Second

// readyLimit is how long a run should wait for the process, where that may be longer than it
// does without being told.
func (s Setup) readyLimit() (field, why string) {
	if s.Began < slowStart {
		return "", ""
	}
	return fmt.Sprintf(", timeout_ms: %d", (5 * s.Began).Round(10*time.Second).Milliseconds()), fmt.Sprintf("it took %v", s.Began.Round(time.Second))
}

func (d *draft) talk(w *writer) {
	s := d.setup
	w.line(0, "start:", "")
	w.line(1, "request: "+flow(s.Start), "")
	if len(s.Headers) > 0 {
		w.line(1, "headers: "+flowMap(s.Headers), "")
	}
	if len(s.Body) > 0 {
		why := "TODO: what differs from saga to saga? As it was given, all starts are alike"
		if s.Varies {
			why = "names and amounts differ from saga to saga: such starts were accepted"
		}
		w.line(1, "body: "+flow(startTemplate(s.Body, s.Varies)), why)
	}
	accepted, why := d.accepted()
	w.line(1, "accepted: "+accepted, why)
	told := d.told()
	if told != "" {
		w.line(1, "status: "+flow(told), "a start was refused when a call was, and nothing was named that could be asked for: all should be undone then")
	}
	if d.id != "" {
		w.line(1, "id: "+d.id, "another one in each answer to a start")
	}
	w.line(0, "", "")
	w.line(0, "outcome:", "")
	w.line(1, "request: "+flow(s.Outcome), "")
	if d.field == "" {
		w.line(1, "status: answer.body.status", "TODO: no field of the answer looks like a status")
	} else {
		w.line(1, "status: "+d.field, d.why)
	}
	w.line(1, "statuses:", "")
	if told != "" {
		d.words = append(d.words, word{refusedStart, saga.Compensated, "said by start.status"})
	}
	for _, word := range d.words {
		w.line(2, flow(word.text)+": "+string(word.status), word.why)
	}
	if len(d.words) == 0 {
		w.line(2, "TODO: completed", "TODO: the words of the workflow")
	}
	for _, status := range []saga.Status{saga.Running, saga.Compensating, saga.Compensated, saga.Stuck} {
		if !slices.ContainsFunc(d.words, func(w word) bool { return w.status == status }) {
			w.line(2, "", fmt.Sprintf("TODO: no word for %s was seen", status))
		}
	}
	w.line(0, "", "")
}

func (d *draft) writeSteps(w *writer) {
	w.line(0, "steps:", "in the order in which they were seen")
	for _, st := range d.steps() {
		text := fmt.Sprintf("- {name: %s, do: %s.%s", st.name, st.do.service, st.do.name)
		if st.undo != nil {
			text += fmt.Sprintf(", undo: %s.%s", st.undo.service, st.undo.name)
		}
		if st.kind != "" {
			text += ", kind: " + string(st.kind)
		}
		w.line(1, text+"}", st.why)
	}
	w.line(0, "", "")
}

// changing are the operations of a service that do or undo something; of all services
// without a name.
func (d *draft) changing(service string) []*operation {
	var all []*operation
	for _, op := range d.ops {
		if (service == "" || op.service == service) && op.reads == nil && !op.pass {
			all = append(all, op.operation)
		}
	}
	return all
}
