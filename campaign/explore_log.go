package campaign

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/planning"
)

// ExploreLog is what an exploration notes in its run folder, so that another
// can go on with it: JSON Lines, a head and one line a plan that is done.
const ExploreLog = "explore.jsonl"

// exploreLogVersion is the version of the format. Another version is refused.
const exploreLogVersion = 1

// logHead is the first line: what must be the same for the plans to count.
type logHead struct {
	Version      int      `json:"sagacheck_explore"`
	Tool         string   `json:"tool"`
	Orchestrator string   `json:"orchestrator"`
	Profile      string   `json:"profile"`
	Seed         uint64   `json:"seed"`
	Defects      []string `json:"defects,omitempty"`
	// Flags are those of the command line, so that who goes on need not repeat them.
	Flags map[string][]string `json:"flags,omitempty"`
}

// ExploreFlags are the flags that are noted in the log of an exploration.
func ExploreFlags(path string) (map[string][]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	line, err := bufio.NewReader(f).ReadBytes('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	var head logHead
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, fmt.Errorf("%s:1: expected the head of an exploration's log: %w", path, err)
	}
	return head.Flags, nil
}

// logLine is one plan that is done.
type logLine struct {
	Scenario     string   `json:"scenario"`
	Definitions  string   `json:"definitions"` // their fingerprint
	PlanID       string   `json:"plan_id"`
	Plan         string   `json:"plan"`
	Violated     []string `json:"violated,omitempty"` // properties
	Inconclusive []string `json:"inconclusive,omitempty"`
	History      string   `json:"history"` // path of the stored history
	// Broken are the histories of earlier tries (whose fault did not fire) in which
	// a property was violated.
	Broken []string       `json:"broken,omitempty"`
	Trace  planning.Trace `json:"trace"`
}

// logKey names a plan of a scenario in one state of its definitions.
type logKey struct{ scenario, definitions, plan string }

func newLogLine(p *planning.Probe, print, path string, t planning.Trace, verdicts []checkers.Verdict) logLine {
	l := logLine{Scenario: p.Space, Definitions: print, PlanID: p.Plan.ID(), Plan: p.Plan.String(), History: path, Trace: t}
	for _, v := range verdicts {
		switch v.Outcome {
		case checkers.Violation:
			l.Violated = append(l.Violated, v.Property)
		case checkers.Inconclusive:
			l.Inconclusive = append(l.Inconclusive, v.Property)
		}
	}
	return l
}

// exploreLog is written line by line, so that an interrupted exploration leaves
// all that it has done.
type exploreLog struct {
	file *os.File
	enc  *json.Encoder
}

func newExploreLog(path string, head logHead) (*exploreLog, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	l := &exploreLog{file: f, enc: json.NewEncoder(f)}
	l.enc.SetEscapeHTML(false)
	return l, l.enc.Encode(head)
}

func (l *exploreLog) add(line logLine) error { return l.enc.Encode(line) }

func (l *exploreLog) close() error { return l.file.Close() }

// loadExploreLog reads what an exploration with the same head has done. A line
// that was cut short by an interruption is ignored if it is the last; any other
// damage, another version and another head are errors.
func loadExploreLog(path string, want logHead) (map[logKey]logLine, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	done := map[logKey]logLine{}
	sc := bufio.NewScanner(bytes.NewReader(b))
	sc.Buffer(nil, len(b)+1)
	for n := 1; sc.Scan(); n++ {
		if n == 1 {
			if err := checkHead(sc.Bytes(), want); err != nil {
				return nil, fmt.Errorf("%s:1: %w", path, err)
			}
			continue
		}
		var line logLine
		if err := json.Unmarshal(sc.Bytes(), &line); err != nil {
			if bytes.HasSuffix(b, sc.Bytes()) { // no line end: it was being written
				break
			}
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		done[logKey{line.Scenario, line.Definitions, line.PlanID}] = line
	}
	if len(b) == 0 {
		return nil, fmt.Errorf("%s: empty: expected the log of an exploration", path)
	}
	return done, sc.Err()
}

func checkHead(b []byte, want logHead) error {
	var got logHead
	if err := json.Unmarshal(b, &got); err != nil {
		return fmt.Errorf("expected the head of an exploration's log: %w", err)
	}
	var errs []error
	differ := func(what string, a, b any) {
		if x, y := fmt.Sprint(a), fmt.Sprint(b); x != y {
			errs = append(errs, fmt.Errorf("%s is %q: this exploration has %q", what, x, y))
		}
	}
	switch got.Version {
	case exploreLogVersion:
	case 0:
		return errors.New("sagacheck_explore: missing: expected the log of an exploration")
	default:
		return fmt.Errorf("sagacheck_explore: version %d: this sagacheck reads version %d", got.Version, exploreLogVersion)
	}
	differ("tool", got.Tool, want.Tool)
	differ("orchestrator", got.Orchestrator, want.Orchestrator)
	differ("profile", got.Profile, want.Profile)
	differ("seed", got.Seed, want.Seed)
	differ("defects", slices.Sorted(slices.Values(got.Defects)), slices.Sorted(slices.Values(want.Defects)))
	return errors.Join(errs...)
}
