package scenarios

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
)

// report is a public thread: the scenario that was taken from it, or the reason
// why our vocabulary can't express it.
type report struct {
	scenario                      string
	ref, symptom, trigger, reason string // where there is no scenario
}

// reports lists the threads in the order of the track record.
var reports = []report{
	{scenario: "n8n-14423"},
	{scenario: "n8n-12096"},
	{scenario: "n8n-9236"},
	{scenario: "n8n-15878"},
	{scenario: "n8n-11861"},
	{scenario: "n8n-13168"},
	{scenario: "n8n-4867"},
	{scenario: "node-red-1736"},
	{
		ref: "Node-RED #609", symptom: "one copy more of each message after every deploy", trigger: "the old subscription was kept",
		reason: "the trigger is a new deployment of the workflow itself while it is subscribed; a cell has one deployment, and no fault changes it",
	},
	{scenario: "conductor-386"},
	{scenario: "conductor-1859"},
	{scenario: "temporal-java-305"},
	{scenario: "temporal-skill-43"},
	{scenario: "temporal-compensating-3"},
	{scenario: "temporal-8901"},
	{scenario: "temporal-10286"},
	{scenario: "dtm-453"},
	{scenario: "dtm-272"},
	{scenario: "dtm-8"},
	{scenario: "dtm-306"},
	{scenario: "dtm-545"},
	{scenario: "seata-6374"},
	{scenario: "seata-go-685"},
	{scenario: "seata-2827"},
	{scenario: "txle-13"},
	{scenario: "servicecomb-635"},
	{scenario: "servicecomb-227"},
	{scenario: "go-workflows-144"},
	{scenario: "dbos-java-491"},
	{
		ref: "DBOS-ts #1206, #1219", symptom: "two executions of one workflow received different messages", trigger: "two processes recovered it at the same time",
		reason: "a saga has no step that waits for a message, and a cell has one process of the orchestrator, not two that recover side by side",
	},
	{scenario: "dbos-py-742"},
	{scenario: "restate-5033"},
	{scenario: "camunda-8588"},
	{scenario: "camunda-5925"},
	{scenario: "azure-durable-559"},
	{scenario: "camunda-15141"},
	{scenario: "dbos-py-805"},
}

// threadNames are the names of the scenarios that were taken from threads.
func threadNames() []string {
	var ns []string
	for _, r := range reports {
		if r.scenario != "" {
			ns = append(ns, r.scenario)
		}
	}
	return ns
}

var threads = sync.OnceValue(func() []*Scenario { return read("catalogue/threads", threadNames()) })

// Threads are the scenarios that were taken from public bug reports, each with
// its Thread. They are shared and must not be changed.
func Threads() []*Scenario { return slices.Clone(threads()) }

// Profile is the participant profile that the thread needs.
func (t *Thread) Profile() string {
	if t.Participants == "" {
		return "fenced"
	}
	return t.Participants
}

// PlanJSON is the fault plan as JSON, for the package that knows plans.
func (t *Thread) PlanJSON() json.RawMessage {
	b, err := json.Marshal(t.Plan)
	if err != nil { // read from YAML: texts, numbers, lists, mappings with texts as keys
		panic(err)
	}
	return b
}

// TrackRecord writes docs/track-record.md: what happened to others, and what of
// it Sagacheck can show.
func TrackRecord(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, `# What happened to others

<!-- generated from scenarios/catalogue/threads; run: go test ./scenarios -update -->

These are public threads about orchestrators, workflow engines and saga frameworks. %d of
the %d are scenarios here, named after their threads: the symptom is shown by a planted
defect of the reference executor and must be found by the checker in the row; without
the defect the same plan must not show it. A row says nothing about today's version of an
engine: a thread is here because the mistake is easy to make.

`, len(threadNames()), len(reports))
	b.WriteString("| # | thread | symptom | trigger | scenario | found by | participants | planted defect | tried on |\n|---|---|---|---|---|---|---|---|---|\n")
	for i, r := range reports {
		if r.scenario == "" {
			fmt.Fprintf(&b, "| %d | %s | %s | %s | not expressible: %s | | | | |\n", i+1, r.ref, r.symptom, r.trigger, r.reason)
			continue
		}
		t := threadByName(r.scenario).Thread
		fmt.Fprintf(&b, "| %d | %s | %s | %s | `%s` | `%s` | %s | `%s` | %s |\n",
			i+1, t.Ref, t.Symptom, t.Trigger, r.scenario, t.Checker, t.Profile(), t.Defect, strings.Join(t.Tried, ", "))
	}
	_, err := w.Write(b.Bytes())
	return err
}

func threadByName(name string) *Scenario {
	return threads()[slices.Index(threadNames(), name)]
}
