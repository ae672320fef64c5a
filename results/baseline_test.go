package results_test

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
)

const entry = `sagacheck_baseline: 1
orchestrator: mine
findings:
  - property: duplicate-effect
    scenario: order
    participants: naive
    plan: reset charge#1@response, lose charge#1@response
    reason: keys come in May
    owner: payments
    expires: 2027-01-31
`

func TestABaselineThatIsWrong(t *testing.T) {
	for change, want := range map[[2]string]string{
		{"", ""}:                                   "",
		{"keys come in May", "''"}:                 `known.yaml:8:13: findings[0].reason: is empty: expected why it may stay for now`,
		{"payments", "' '"}:                        `known.yaml:9:12: findings[0].owner: is empty: expected who sees to it`,
		{"2027-01-31", "soon"}:                     `known.yaml:10:14: findings[0].expires: "soon": expected a day, for example 2027-01-31`,
		{"2027-01-31", "2027-02-30"}:               `known.yaml:10:14: findings[0].expires: "2027-02-30": expected a day, for example 2027-01-31`,
		{"duplicate-effect", "duplicate"}:          `known.yaml:4:15: findings[0].property: "duplicate": expected a property: sagacheck list checkers has them`,
		{"lose charge", "loose charge"}:            `known.yaml:7:11: findings[0].plan: "loose charge#1@response": expected a plan in words, as reports have it: faults with commas between them, each beginning with its kind, or "no fault"`,
		{"owner:", "boss:"}:                        `known.yaml:4:5: findings[0].owner: is missing: expected a text; known.yaml:9:5: findings[0].boss: unknown field "boss": expected one of property, scenario, participants, plan, also, reason, owner, expires`,
		{"baseline: 1", "baseline: 2"}:             `known.yaml:1:21: sagacheck_baseline: version 2: this sagacheck reads version 1`,
		{"orchestrator: mine", "orchestrator: ''"}: `known.yaml:2:15: orchestrator: expected the name of the orchestrator, or of the workflow, whose findings these are`,
		{entry, "findings: ["}:                     `known.yaml:1:11: not YAML: sequence end token ']' not found`,
		{"    expires: 2027-01-31\n", "    expires: 2027-01-31\n" + again}: `known.yaml:11:5: findings[1]: the same finding as findings[0]: expected each once`,
	} {
		file := filepath.Join(t.TempDir(), "known.yaml")
		if err := os.WriteFile(file, []byte(strings.Replace(entry, change[0], change[1], 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		got := ""
		if _, err := results.LoadBaseline(file, false); err != nil {
			got = strings.ReplaceAll(strings.ReplaceAll(err.Error(), file, "known.yaml"), "\n", "; ")
		}
		if got != want {
			t.Errorf("%q:\n got %s\nwant %s", change, got, want)
		}
	}
	_, err := results.LoadBaseline("nowhere.yaml", false)
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "--baseline-update writes a first one") {
		t.Errorf("got %v", err)
	}
}

// The order of a plan's words does not make another finding of it.
const again = `  - property: duplicate-effect
    scenario: order
    participants: naive
    plan: lose charge#1@response, reset charge#1@response
    reason: twice
    owner: payments
    expires: 2027-01-31
`

// An update adds what is new, for people to fill in, leaves out what is gone, and keeps the rest with what
// people said of it. What it has written is read again for an update, and for nothing else.
func TestUpdateOfABaseline(t *testing.T) {
	file := filepath.Join(t.TempDir(), "known.yaml")
	b := results.NewBaseline(file)
	b.Of = "mine"
	stays, gone, untried := knows("lose b, lose a", "2026-01-01"), knows("lose c", "2027-01-31"), knows("lose d", "2027-01-31")
	b.Findings = []results.Known{stays, gone, untried}
	r := cellsOf(t, [2]string{"lose a, lose b", "duplicate-effect"}, [2]string{"lose c", ""}, [2]string{"lose e", "duplicate-effect lost-compensation"})
	if err := r.Hold(b, nil, replayed("lose c", 0), today); err != nil {
		t.Fatal(err)
	}
	next, added, removed := b.Updated(r, today)
	fresh := knows("lose e", "2027-02-26", "lost-compensation")
	fresh.Reason, fresh.Owner = "", ""
	if diff := cmp.Diff([]results.Known{untried, fresh, stays}, next.Findings); diff != "" || added != 1 || removed != 1 {
		t.Errorf("%d added, %d removed:\n%s", added, removed, diff)
	}
	if err := next.Save(); err != nil {
		t.Fatal(err)
	}
	if _, err := results.LoadBaseline(file, false); err == nil || !strings.Contains(err.Error(), "findings[1].reason: is empty") {
		t.Errorf("it is read with empty reasons: %v", err)
	}
	back, err := results.LoadBaseline(file, true)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(next.Findings, back.Findings); diff != "" {
		t.Error(diff)
	}
}

// A run that judges only some properties removes no entry that names another one: whether that is gone nobody looked.
func TestUpdateByASelection(t *testing.T) {
	b := results.NewBaseline("known.yaml")
	b.Findings = []results.Known{knows("lose c", "2027-01-31", "lost-compensation"), knows("lose d", "2027-01-31")}
	for _, selected := range []struct {
		properties []string
		removed    int
	}{
		{[]string{"duplicate-effect", "lost-compensation"}, 2},
		{[]string{"duplicate-effect"}, 1},
	} {
		meta := samples.Meta()
		meta.Properties = slices.DeleteFunc(meta.Properties, func(d checkers.Doc) bool { return !slices.Contains(selected.properties, d.Name) })
		c := results.New(meta)
		for _, plan := range []string{"lose c", "lose d"} {
			c.Add(results.CellInfo{ID: plan, Plan: plan}, samples.Quiet("order", "c"), []checkers.Verdict{samples.Pass("duplicate-effect", 1)})
		}
		r := c.Finish()
		played := replayed("lose c", 0)
		maps.Copy(played.Rates, replayed("lose d", 0).Rates)
		if err := r.Hold(b, nil, played, today); err != nil {
			t.Fatal(err)
		}
		if next, _, removed := b.Updated(r, today); removed != selected.removed || len(next.Findings) != 2-selected.removed {
			t.Errorf("%v: %d removed, left are %v", selected.properties, removed, next.Findings)
		}
	}
}

func TestABaselineOfAnother(t *testing.T) {
	b := results.NewBaseline("known.yaml")
	b.Of = "theirs"
	err := cellsOf(t).Hold(b, nil, results.Replays{}, today)
	if err == nil || err.Error() != `known.yaml: orchestrator: "theirs": the run is of "mine": what is known of one says nothing of another` {
		t.Errorf("got %v", err)
	}
}

// What is written is read again as it was meant, whatever people wrote; what can't be is not written, and
// what others wrote meanwhile stays.
func TestABaselineIsWrittenWithCare(t *testing.T) {
	dir := t.TempDir()
	real, file := filepath.Join(dir, "real.yaml"), filepath.Join(dir, "known.yaml")
	if err := errors.Join(os.WriteFile(real, []byte(entry), 0o600), os.Symlink("real.yaml", file)); err != nil {
		t.Fatal(err)
	}
	b, err := results.LoadBaseline(file, true)
	if err != nil {
		t.Fatal(err)
	}
	again := func() string {
		next, _, _ := b.Updated(hold(t, cellsOf(t), nil, results.Replays{}), today)
		if err := next.Save(); err != nil {
			return err.Error()
		}
		back, err := results.LoadBaseline(file, true)
		if err != nil {
			return err.Error()
		}
		diff := cmp.Diff(next.Findings, back.Findings)
		b = back
		return diff
	}
	for _, reason := range []string{"? who knows", "one\n two\n", "a\tb", ".inf", "null", "- x: y # z"} {
		if b.Findings[0].Reason = reason; again() != "" {
			t.Errorf("%q: %s", reason, again())
		}
	}
	link, err := os.Lstat(file)
	info, err2 := os.Stat(real)
	if err := errors.Join(err, err2); err != nil || link.Mode()&fs.ModeSymlink == 0 || info.Mode().Perm() != 0o600 {
		t.Errorf("%v: the link has mode %v, and the file %v", err, link.Mode(), info.Mode())
	}
	b.Of = " "
	b.Findings[0].Scenario = ""
	if got := again(); !strings.HasPrefix(got, file+": not written: it could not be read again: ") || !strings.Contains(got, "findings[0].scenario: expected the name") {
		t.Errorf("got %s", got)
	}
	b.Findings[0].Scenario = "order"
	if err := os.WriteFile(real, []byte(entry), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := again(); got != file+": not written: somebody changed it while this ran: run again" {
		t.Errorf("got %s", got)
	}
	if err := results.NewBaseline(file).Save(); err == nil {
		t.Error("a new one is written over another")
	}
}

// Whether it can be written is known before the run.
func TestABaselineThatCantBeWritten(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link.yaml")
	if err := os.Symlink("nowhere.yaml", link); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		filepath.Join(dir, "known.yaml"):            "",
		filepath.Join(dir, "nowhere", "known.yaml"): "expected a folder that is there and that you may write to",
		link: "is a link to nothing",
	} {
		err := results.NewBaseline(file).Writable()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", file, err)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("%v: left behind: %v", err, left)
	}
}
