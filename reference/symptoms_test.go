package reference_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

// scene is one run of a saga.
type scene struct {
	p *reference.Participant
	e *reference.Executor
}

func (s scene) status() saga.Status {
	r, err := s.e.Status("s")
	if err != nil {
		return ""
	}
	return r.Status
}

func (s scene) step(name string) saga.StepStatus {
	r, _ := s.e.Status("s") // of an error it shows nothing
	i := slices.IndexFunc(r.Steps, func(st saga.StepStatus) bool { return st.Name == name })
	if i < 0 {
		return saga.StepStatus{}
	}
	return r.Steps[i]
}

func (s scene) over() bool { return s.status().Ended() || s.status() == saga.Stuck }

func (s scene) calls() string {
	s.p.Mu.Lock()
	defer s.p.Mu.Unlock()
	var ops []string
	for _, c := range s.p.Calls {
		ops = append(ops, c.Op)
	}
	return strings.Join(ops, " ")
}

func (s scene) String() string {
	s.p.Mu.Lock()
	effects := fmt.Sprint(s.p.Effects)
	s.p.Mu.Unlock()
	return fmt.Sprintf("%s, calls %s, effects %s", s.status(), s.calls(), effects)
}

func (s scene) count(op string) int { return len(s.p.Of(op)) }

func (s scene) effects(op string) int {
	s.p.Mu.Lock()
	defer s.p.Mu.Unlock()
	return s.p.Effects["s/"+op]
}

func (s scene) header(op string, attempt int, name string) string {
	if c := s.p.Of(op); len(c) >= attempt {
		return c[attempt-1].Header.Get(name)
	}
	return ""
}

var (
	two  = []string{"a compensatable", "b compensatable"}
	fork = []string{"p pivot", "a retriable p", "b retriable p", "c retriable a,b"}
)

// What each defect does that the executor without it does not.
var symptoms = map[string]struct {
	define []string
	script string
	crash  int  // restart after so many commits; 0: no restart
	open   bool // without the defect the saga does not end
	shows  func(s scene) bool
}{
	"start-twice":         {define: two, shows: func(s scene) bool { return s.effects("a") == 2 && s.effects("b") == 2 }},
	"repeat-with-new-key": {define: two, shows: func(s scene) bool { return s.effects("a") == 3 }},
	"repeat-succeeded":    {define: two, shows: func(s scene) bool { return s.count("a") == 3 && s.effects("a") == 1 }},
	"retry-twice":         {define: two, script: "a 1 503", shows: func(s scene) bool { return s.effects("a") == 2 }},
	"timeout-is-success":  {define: two, script: "a 1 -2", shows: func(s scene) bool { return s.over() && s.count("a") == 1 && s.count("b") == 1 }},
	"conflict-is-success": {define: two, script: "a 1 409", shows: func(s scene) bool { return s.status() == saga.Completed && s.effects("a") == 0 }},
	"continue-on-error":   {define: two, script: "a 1 422", shows: func(s scene) bool { return s.status() == saga.Completed }},
	"complete-early":      {define: two, script: "b * 503", shows: func(s scene) bool { return s.status() == saga.Completed && s.effects("b") == 0 }},
	"report-compensated-early": {define: two, script: "b 1 422, a.undo 1 503, a.undo 2 503, a.undo 3 503", shows: func(s scene) bool {
		return s.status() == saga.Compensated && s.effects("a.undo") == 0
	}},
	"stale-status":                {define: two, shows: func(s scene) bool { return s.status() == saga.Completed && s.status() == saga.Running }},
	"counts-one-attempt":          {define: two, script: "a 1 503", shows: func(s scene) bool { return s.over() && s.count("a") == 2 && s.step("a").Attempts == 1 }},
	"counts-retries-twice":        {define: two, script: "a 1 503", shows: func(s scene) bool { return s.over() && s.count("a") == 2 && s.step("a").Attempts == 3 }},
	"failed-for-ever":             {define: two, script: "a 1 503", shows: func(s scene) bool { return s.status() == saga.Completed && s.step("a").Status == saga.StepFailed }},
	"stuck-too-soon":              {define: two, script: "b 1 422, a.undo * 503", open: true, shows: func(s scene) bool { return s.status() == saga.Stuck && s.count("a.undo") > 3 }},
	"forget-ended":                {define: two, shows: func(s scene) bool { return s.count("b") == 1 && s.status() == "" }},
	"skip-unknown-compensation":   {define: two, script: "b * -1", shows: func(s scene) bool { return s.over() && len(s.p.Left("s")) == 1 }},
	"error-means-undone":          {define: two, script: "b 1 500", shows: func(s scene) bool { return s.over() && s.count("b") == 1 }},
	"trust-late-refusal":          {define: two, script: "b 1 -1, b 2 422", shows: func(s scene) bool { return s.over() && len(s.p.Left("s")) == 1 }},
	"no-compensation-after-retry": {define: two, script: "a 1 503, b 1 422", shows: func(s scene) bool { return s.over() && len(s.p.Left("s")) == 1 }},
	"never-compensate":            {define: two, script: "b 1 422", shows: func(s scene) bool { return s.over() && s.effects("a.undo") == 0 }},
	"compensate-last-only":        {define: []string{"a compensatable", "b compensatable", "c compensatable"}, script: "c 1 422", shows: func(s scene) bool { return s.over() && s.calls() == "a b c b.undo" }},
	"compensation-errors-ignored": {define: two, script: "b 1 422, a.undo 1 503", shows: func(s scene) bool { return s.over() && s.count("a.undo") == 1 }},
	"compensate-twice":            {define: two, script: "b 1 422", shows: func(s scene) bool { return s.over() && s.effects("a.undo") == 2 }},
	"compensate-with-action-body": {define: two, script: "b 1 422", shows: func(s scene) bool { return s.over() && s.p.Of("a.undo")[0].Body == `{"do":true}` }},
	"compensate-unattempted":      {define: two, script: "a 1 422", shows: func(s scene) bool { return s.over() && s.count("b.undo") == 1 }},
	"compensate-on-timeout":       {define: two, script: "b 1 -1", shows: func(s scene) bool { return s.status() == saga.Compensated }},
	"compensate-past-pivot":       {define: []string{"a compensatable", "p pivot", "r retriable"}, script: "r 1 422", shows: func(s scene) bool { return s.count("a.undo") == 1 }},
	"give-up-retriable":           {define: []string{"a compensatable", "p pivot", "r retriable"}, script: "r 1 503, r 2 503", shows: func(s scene) bool { return s.status() == saga.Stuck }},
	"compensate-forward":          {define: []string{"a compensatable", "b compensatable", "c compensatable"}, script: "c 1 422", shows: func(s scene) bool { return s.over() && strings.HasSuffix(s.calls(), "a.undo b.undo") }},
	"compensate-all-at-once":      {define: []string{"a compensatable", "b compensatable", "c compensatable"}, script: "c 1 422, b.undo * 503", shows: func(s scene) bool { return s.count("a.undo") > 0 }},
	"start-all-at-once":           {define: two, script: "a * 503", shows: func(s scene) bool { return s.count("b") > 0 }},
	"join-on-first":               {define: fork, script: "a * 503", open: true, shows: func(s scene) bool { return s.count("c") > 0 }},
	"missing-await":               {define: two, script: "a * 503", shows: func(s scene) bool { return s.count("b") > 0 }},
	"deferrable-fails-saga":       {define: []string{"a compensatable", "n deferrable", "p pivot"}, script: "n 1 422", shows: func(s scene) bool { return s.status() == saga.Compensated }},
	"deferrable-blocks-saga":      {define: []string{"a compensatable", "n deferrable"}, script: "n * 503", shows: func(s scene) bool { return s.count("n") > 3 && !s.over() }},
	"forget-deferred": {define: []string{"a compensatable", "n deferrable", "p pivot"}, script: "n 1 503, n 2 503, n 3 503", shows: func(s scene) bool {
		return s.over() && slices.Contains(reference.EndedIDs(s.e), "s") && s.count("n") == 3
	}},
	"retry-permanent":            {define: two, script: "a 1 422", shows: func(s scene) bool { return s.count("a") == 2 }},
	"retry-refused-compensation": {define: two, script: "b 1 422, a.undo 1 422", shows: func(s scene) bool { return s.count("a.undo") == 2 }},
	"one-attempt-too-many":       {define: two, script: "a * 503", shows: func(s scene) bool { return s.count("a") == 4 }},
	"retries-ignored":            {define: two, script: "a 1 503", shows: func(s scene) bool { return s.status() == saga.Compensated }},
	"fresh-key-per-attempt":      {define: two, script: "a 1 -1", shows: func(s scene) bool { return s.effects("a") == 2 }},
	"no-key":                     {define: two, shows: func(s scene) bool { return s.count("a") > 0 && s.header("a", 1, "Idempotency-Key") == "" }},
	"key-per-saga":               {define: two, shows: func(s scene) bool { return s.header("b", 1, "Idempotency-Key") == "s" }},
	"key-without-direction":      {define: two, script: "b 1 422", shows: func(s scene) bool { return s.header("a.undo", 1, "Idempotency-Key") == "s/a" }},
	"no-saga-id":                 {define: two, shows: func(s scene) bool { return s.count("a") > 0 && s.header("a", 1, "Saga-Id") == "" }},
	"saga-id-of-worker": {define: two, script: "a 1 503", shows: func(s scene) bool {
		return s.header("a", 2, "Saga-Id") == "worker-1"
	}},
	"no-trace-on-compensation":   {define: two, script: "b 1 422", shows: func(s scene) bool { return s.count("a.undo") > 0 && s.header("a.undo", 1, "Traceparent") == "" }},
	"job-lost-with-answer":       {define: two, script: "a 1 -1", shows: func(s scene) bool { return s.count("a") == 1 && s.status() == saga.Running && !s.later() }},
	"throttled-forever":          {define: two, script: "a 1 429", shows: func(s scene) bool { return s.count("a") == 1 && s.status() == saga.Running && !s.later() }},
	"no-recovery":                {define: two, crash: 1, shows: func(s scene) bool { return s.status() == saga.Running && !s.later() }},
	"rerun-done-steps":           {define: two, crash: 2, shows: func(s scene) bool { return s.effects("a") == 2 }},
	"fresh-key-after-restart":    {define: two, crash: 1, shows: func(s scene) bool { return s.effects("a") == 2 }},
	"intent-is-deed":             {define: two, script: "a 1 503", crash: 1, shows: func(s scene) bool { return s.over() && s.effects("a") == 0 }},
	"interrupted-is-used-up":     {define: two, crash: 1, shows: func(s scene) bool { return s.status() == saga.Compensated }},
	"retries-end-with-process":   {define: two, script: "a * 503", crash: 1, shows: func(s scene) bool { return s.status() == saga.Compensated && s.count("a") < 3 }},
	"undo-intent-is-deed":        {define: two, script: "b 1 422, a.undo 1 503", crash: 3, shows: func(s scene) bool { return s.over() && s.effects("a.undo") == 0 }},
	"interrupted-action-is-done": {define: two, script: "a 1 503", crash: 1, shows: func(s scene) bool { return s.over() && s.effects("a") == 0 }},
	"budget-restarts":            {define: two, script: "a * 503", crash: 4, shows: func(s scene) bool { return s.count("a") > 3 }},
	"compensate-again-after-restart": {define: []string{"a compensatable", "b compensatable", "c compensatable"}, script: "c 1 422", crash: 5, shows: func(s scene) bool {
		return s.over() && s.effects("b.undo") == 2
	}},
	"interrupted-compensation-is-done": {define: two, script: "b 1 422, a.undo 1 503", crash: 3, shows: func(s scene) bool { return s.over() && s.effects("a.undo") == 0 }},
	"wrong-input-after-restart": {define: two, script: "b 1 -1, b 2 422, b 3 422", crash: 3, shows: func(s scene) bool {
		return s.count("b.undo") > 0 && s.p.Of("b.undo")[0].Body == `{"undo":"a"}`
	}},
	"refused-compensation-is-done": {define: two, script: "b 1 422, a.undo 1 422", shows: func(s scene) bool { return s.status() == saga.Compensated && s.effects("a.undo") == 0 }},
	"refused-retriable-is-done":    {define: []string{"a compensatable", "p pivot", "r retriable"}, script: "r 1 422", shows: func(s scene) bool { return s.status() == saga.Completed }},
	"codes-by-list":                {define: two, script: "a 1 502", shows: func(s scene) bool { return s.status() == saga.Compensated }},
	"undo-around-pivot":            {define: []string{"a compensatable", "p pivot"}, script: "p 1 503, p 2 503, p 3 503", shows: func(s scene) bool { return s.effects("a.undo") == 1 }},
	"refund-again-later":           {define: two, script: "b 1 422", shows: func(s scene) bool { return s.effects("a.undo") == 2 }},
	"slow-rollback":                {define: two, shows: func(s scene) bool { return s.status() == saga.Compensated }},
	"deferrable-blocks-quietly":    {define: []string{"a compensatable", "n deferrable"}, script: "n * 503", shows: func(s scene) bool { return s.count("n") > 3 && !s.over() }},
	"deferrable-holds-up-steps":    {define: []string{"a compensatable", "n deferrable", "m deferrable n"}, script: "n * 503", shows: func(s scene) bool { return s.count("n") > 4 && s.count("m") == 0 }},
}
