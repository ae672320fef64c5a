package reports

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/results"
)

// home is where the program and its pages are.
const home = "https://github.com/sagacheck/sagacheck"

// What of SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format") is written.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		Automation  sarifID           `json:"automationDetails"`
		Results     []sarifResult     `json:"results"`
	}
	sarifID struct {
		ID string `json:"id"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Home    string      `json:"informationUri"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID    string     `json:"id"`
		Short sarifText  `json:"shortDescription"`
		Help  *sarifText `json:"help,omitempty"`
		URI   string     `json:"helpUri,omitempty"`
	}
	sarifInvocation struct {
		Command string        `json:"commandLine"`
		Success bool          `json:"executionSuccessful"` // of the program, not of what it tests
		Exit    int           `json:"exitCode"`
		Outcome string        `json:"exitCodeDescription"`
		Start   string        `json:"startTimeUtc"`
		End     string        `json:"endTimeUtc"`
		Notes   []sarifNotice `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotice struct {
		Level   string    `json:"level"`
		Message sarifText `json:"message"`
	}
	sarifResult struct {
		Rule         string            `json:"ruleId"`
		Index        int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Fingerprints map[string]string `json:"partialFingerprints"`
		Occurrences  int               `json:"occurrenceCount,omitempty"`
		Flows        []sarifCodeFlow   `json:"codeFlows,omitempty"`
		Properties   sarifProperties   `json:"properties"`
	}
	sarifProperties struct {
		Verdict      string   `json:"verdict"`
		Participants string   `json:"participants,omitempty"`
		Plan         string   `json:"plan,omitempty"`
		ShrunkTo     string   `json:"shrunkTo,omitempty"` // the smaller plan that this one was shrunk to
		Clause       string   `json:"clause,omitempty"`
		Also         []string `json:"also,omitempty"`
		Replay       string   `json:"replay,omitempty"`
	}
	sarifLocation struct {
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
		Message  *sarifText     `json:"message,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifURI    `json:"artifactLocation"`
		Region   sarifRegion `json:"region"`
	}
	sarifURI struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		Line int `json:"startLine"`
	}
	sarifLogical struct {
		Name string `json:"fullyQualifiedName"`
	}
	sarifCodeFlow struct {
		Threads []sarifThreadFlow `json:"threadFlows"`
	}
	sarifThreadFlow struct {
		Locations []sarifStep `json:"locations"`
	}
	sarifStep struct {
		Location   sarifLocation `json:"location"`
		Order      int           `json:"executionOrder"`
		Importance string        `json:"importance"`
	}
)

// SARIF writes report.sarif: a result for each finding, and for each thing that the run left open or
// has not proven, at its line in the user's file, or in the replay file or the report where the
// user has none. Its fingerprint is the key of the finding. The story of a finding is a code flow.
func SARIF(w io.Writer, r *results.Run) error {
	run := sarifRun{
		Tool:        sarifTool{sarifDriver{Name: "sagacheck", Version: r.Tool, Home: home, Rules: []sarifRule{}}},
		Invocations: []sarifInvocation{sarifInvoked(r)},
		Automation:  sarifID{strings.Join([]string{"sagacheck", firstWord(r.Command), r.Orchestrator.Name, r.Profile, ""}, "/")},
		Results:     []sarifResult{},
	}
	rules := map[string]int{}
	rule := func(name string) int {
		i, known := rules[name]
		if !known {
			i = len(rules)
			rules[name] = i
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRuleOf(r, name))
		}
		return i
	}
	for _, p := range r.Properties {
		rule(p.Name)
	}
	for _, p := range problems(r) {
		run.Results = append(run.Results, sarifProblem(r, p, rule(p.Rule)))
	}
	return writeJSON(w, sarifLog{Schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}})
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(s, " ")
	return word
}

func sarifInvoked(r *results.Run) sarifInvocation {
	in := sarifInvocation{
		Command: "sagacheck " + r.Command, Exit: r.Summary.Exit, Outcome: string(r.Summary.Outcome),
		Success: r.Summary.Outcome != results.Errored && r.Summary.Outcome != results.Interrupted,
		Start:   r.Started.UTC().Format(time.RFC3339),
		End:     r.Started.Add(time.Duration(r.DurationMS) * time.Millisecond).UTC().Format("2006-01-02T15:04:05.000Z"),
	}
	level := "error"
	if r.Summary.Exit == results.ExitPass {
		level = "note"
	}
	for _, reason := range r.Summary.Reasons {
		in.Notes = append(in.Notes, sarifNotice{level, sarifText{reason}})
	}
	return in
}

// runRules say what the problems mean that are none of a property.
var runRules = map[string]string{
	runRule:    "The run came to its end and proved something.",
	wholeRule:  "Every planned cell ran.",
	cellsCase:  "Every cell that ran could be judged.",
	faultsCase: "Every planned fault fired.",
}

func sarifRuleOf(r *results.Run, name string) sarifRule {
	rule := sarifRule{ID: name, Short: sarifText{runRules[name]}, URI: home + "/blob/main/docs/ci.md"}
	for _, p := range r.Properties {
		if p.Name == name {
			rule.Short.Text = p.Definition
		}
	}
	if c, ok := checkers.ByName(name); ok {
		doc := c.Doc()
		rule.Short.Text, rule.Help = doc.Definition, &sarifText{"What prevents it: " + doc.Prevented}
		rule.URI = home + "/blob/main/docs/checkers.md#" + name
	}
	if rule.Short.Text == "" {
		rule.Short.Text = name
	}
	return rule
}

func sarifProblem(r *results.Run, p problem, rule int) sarifResult {
	res := sarifResult{
		Rule: p.Rule, Index: rule, Level: p.level(), Message: sarifText{p.Text}, Occurrences: p.Cells,
		Locations:    []sarifLocation{sarifAt(r, p, p.Step)},
		Fingerprints: map[string]string{"sagacheckKey/v1": p.Key.ID()},
		Properties:   sarifProperties{Verdict: p.Verdict, Participants: p.Key.Participants, Also: p.Also},
	}
	if f := p.Failure; f != nil {
		res.Properties.ShrunkTo = p.Shrunk
		res.Properties.Plan, res.Properties.Clause, res.Properties.Replay = p.Key.Plan, f.Clause, f.File
		res.Flows = sarifFlow(r, p)
	}
	return res
}

// sarifAt is the place of a problem, or of what happened at another step of its scenario.
func sarifAt(r *results.Run, p problem, step string) sarifLocation {
	file, line := p.place(r)
	if p.File != "" {
		file, line = r.Place(p.Key.Scenario, step)
	}
	at := sarifLocation{Physical: sarifPhysical{sarifURI{(&url.URL{Path: file}).String()}, sarifRegion{line}}}
	if p.Key.Scenario != "" {
		at.Logical = []sarifLogical{{strings.TrimSuffix(p.Key.Scenario+"/"+step, "/")}}
	}
	return at
}

// sarifFlow is the story of a failure: what proves it is essential, where a fault struck important.
func sarifFlow(r *results.Run, p problem) []sarifCodeFlow {
	var flow sarifThreadFlow
	for i, l := range p.Failure.Story.Lines {
		step := ""
		if l.Call != nil {
			step, _, _ = strings.Cut(l.Call.Attempt, "#")
		}
		s := sarifStep{Location: sarifAt(r, p, step), Order: i + 1, Importance: "unimportant"}
		s.Location.Message = &sarifText{fmt.Sprintf("%.1f ms, %s: %s", float64(l.At)/1e6, who(l), l.Text)}
		switch l.Mark {
		case results.MarkWitness:
			s.Importance = "essential"
		case results.MarkFault:
			s.Importance = "important"
		}
		flow.Locations = append(flow.Locations, s)
	}
	if len(flow.Locations) == 0 {
		return nil
	}
	return []sarifCodeFlow{{[]sarifThreadFlow{flow}}}
}
