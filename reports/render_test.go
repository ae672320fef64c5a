package reports_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/reports"
)

func TestPrint(t *testing.T) {
	for name, term := range map[string]reports.Terminal{
		"red.term.txt":   {Width: 120},
		"red.narrow.txt": {Width: 60},
		"red.ascii.txt":  {Width: 120, ASCII: true},
		"red.colour.txt": {Width: 120, Colour: true},
	} {
		var b bytes.Buffer
		term.W = &b
		r := redRun(t)
		r.Dir = "out/latest"
		if err := r.Print(term); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
		if term.ASCII && strings.IndexFunc(b.String(), func(r rune) bool { return r > 126 }) >= 0 {
			t.Errorf("%s has characters that are not ASCII", name)
		}
	}
}

func TestWidthIsKept(t *testing.T) {
	c := reports.New(meta())
	for _, s := range strings.Fields("order transfer booking order-status signup single-step long-chain fan-out a-scenario-with-a-long-name another-one") {
		c.Add(reports.CellInfo{}, quiet(t, s, "c1"), []checkers.Verdict{pass("duplicate-effect", 1000), vacuous("lost-compensation")})
	}
	for _, width := range []int{64, 80, 100} {
		var b bytes.Buffer
		if err := c.Finish().Print(reports.Terminal{W: &b, Width: width}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > width && !strings.HasPrefix(line, "VACUOUS") {
				t.Errorf("width %d: a line of %d: %s", width, n, line)
			}
		}
	}
}

func TestMarkdown(t *testing.T) {
	var b bytes.Buffer
	if err := redRun(t).WriteMarkdown(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "red.md", b.Bytes())
}

func TestHTML(t *testing.T) {
	r := redRun(t)
	r.Failures[0].Broken += ` <script>alert("x")</script>`
	r.Failures[0].Story.Lines[0].Text += " </svg><script>"
	var b bytes.Buffer
	if err := r.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "red.html", b.Bytes())
	for _, forbidden := range []string{"<script", "http://www", "https://", "ZgotmplZ", "<no value>"} {
		if strings.Contains(b.String(), forbidden) {
			t.Errorf("the page contains %q", forbidden)
		}
	}
}

func TestJUnit(t *testing.T) {
	var b bytes.Buffer
	r := redRun(t)
	r.Failures[0].Story.Lines[0].Text += " \x00 ]]> &" // what XML can't carry must not break it
	if err := r.WriteJUnit(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "red.junit.xml", b.Bytes())
	var parsed struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Skipped  int `xml:"skipped,attr"`
		Suites   []struct {
			Name  string `xml:"name,attr"`
			Cases []struct {
				Name    string    `xml:"name,attr"`
				Class   string    `xml:"classname,attr"`
				Failure *struct{} `xml:"failure"`
				Error   *struct{} `xml:"error"`
				Skipped *struct{} `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	dec := xml.NewDecoder(&b)
	if err := dec.Decode(&parsed); err != nil {
		t.Fatal(err)
	}
	var tests, failures, errors, skipped int
	for _, s := range parsed.Suites {
		for _, c := range s.Cases {
			tests++
			if c.Class != s.Name {
				t.Errorf("case %s has class %q in suite %q", c.Name, c.Class, s.Name)
			}
			switch {
			case c.Failure != nil:
				failures++
			case c.Error != nil:
				errors++
			case c.Skipped != nil:
				skipped++
			}
		}
	}
	if tests != parsed.Tests || failures != parsed.Failures || errors != parsed.Errors || skipped != parsed.Skipped {
		t.Errorf("counted %d %d %d %d, the file says %d %d %d %d", tests, failures, errors, skipped, parsed.Tests, parsed.Failures, parsed.Errors, parsed.Skipped)
	}
	if failures == 0 || errors == 0 || skipped == 0 {
		t.Errorf("a red run shows %d failures, %d errors, %d skipped", failures, errors, skipped)
	}
}

// TestNoGreenJUnit: a run that is not green has a failure or an error.
func TestNoGreenJUnit(t *testing.T) {
	inconclusive := checkers.Verdict{Property: "duplicate-effect", Outcome: checkers.Inconclusive, Reason: "x"}
	for name, fill := range map[string]func(c *reports.Collector){
		"nothing":     func(*reports.Collector) {},
		"interrupted": func(c *reports.Collector) { c.Interrupt() },
		"vacuous": func(c *reports.Collector) {
			c.Add(reports.CellInfo{}, quiet(t, "a", "c1"), []checkers.Verdict{vacuous("duplicate-effect")})
		},
		"inconclusive": func(c *reports.Collector) {
			c.Add(reports.CellInfo{}, quiet(t, "a", "c1"), []checkers.Verdict{inconclusive})
		},
		"not judged": func(c *reports.Collector) { c.Add(reports.CellInfo{}, quiet(t, "a", "c1"), nil) },
	} {
		c := reports.New(meta())
		fill(c)
		var b bytes.Buffer
		if err := c.Finish().WriteJUnit(&b); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), "<failure") && !strings.Contains(b.String(), "<error") {
			t.Errorf("%s looks green:\n%s", name, b.String())
		}
	}
}

func TestSchema(t *testing.T) {
	reflector := &jsonschema.Reflector{}
	for _, pkg := range []string{"reports", "history", "checkers", "saga"} {
		if err := reflector.AddGoComments("github.com/sagacheck/sagacheck/"+pkg, filepath.Join("..", pkg)); err != nil {
			t.Fatal(err)
		}
	}
	fixCommentKeys(reflector.CommentMap)
	schema := reflector.Reflect(&reports.Run{})
	schema.ID = "https://github.com/sagacheck/sagacheck/raw/main/reports/report.schema.json"
	schema.Title = "Sagacheck report"
	b, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	compareFile(t, "report.schema.json", append(b, '\n'))
	compiler := validator.NewCompiler()
	doc, err := validator.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiler.AddResource("report.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*reports.Run{redRun(t), reports.New(reports.Meta{}).Finish()} {
		var report bytes.Buffer
		if err := r.WriteJSON(&report); err != nil {
			t.Fatal(err)
		}
		value, err := validator.UnmarshalJSON(&report)
		if err != nil {
			t.Fatal(err)
		}
		if err := compiled.Validate(value); err != nil {
			t.Error(err)
		}
	}
	if compiled.Validate(map[string]any{"sagacheck_report": 1}) == nil {
		t.Error("a report without its fields is valid")
	}
}

// fixCommentKeys turns "pkg/../pkg.Type" into "pkg.Type".
func fixCommentKeys(m map[string]string) {
	for k, v := range m {
		if i := strings.Index(k, "/../"); i >= 0 {
			m["github.com/sagacheck/sagacheck/"+k[i+len("/../"):]] = v
		}
	}
}

func TestSaveAndLoad(t *testing.T) {
	dir := t.TempDir()
	r := redRun(t)
	if err := r.Save(dir); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != "failures junit.xml report.html report.json report.md" {
		t.Errorf("files: %s", got)
	}
	loaded, err := reports.LoadRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	var a, b bytes.Buffer
	if err := r.WriteJSON(&a); err != nil {
		t.Fatal(err)
	}
	if err := loaded.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	if a.String() != b.String() {
		t.Error("a loaded report is not the saved one")
	}
	golden(t, "red.json", a.Bytes())
	if loaded.Failures[0].Replay == nil || loaded.Failures[0].Replay.Property != "duplicate-effect" {
		t.Error("a loaded report has no replay")
	}
}

func TestUnwritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r := redRun(t)
	err := r.Save(filepath.Join(file, "sub"))
	if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "--out") {
		t.Errorf("got %v: expected the path and what to do", err)
	}
	var b bytes.Buffer
	if err := r.Print(reports.Terminal{W: &b}); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"report: ", "sagacheck replay"} {
		if strings.Contains(b.String(), line) {
			t.Errorf("a report that was not written is pointed to:\n%s", b.String())
		}
	}
	if _, err = reports.NewRunDir(file, "run", started); err == nil || !strings.Contains(err.Error(), "--out") {
		t.Errorf("got %v", err)
	}
}

// TestFullDisk uses the device that is always full.
func TestFullDisk(t *testing.T) {
	f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := redRun(t).Print(reports.Terminal{W: f}); err == nil {
		t.Error("printing to a full disk is no error")
	}
}

func TestRunDirAndLatest(t *testing.T) {
	out := t.TempDir()
	for range 2 {
		dir, err := reports.NewRunDir(out, "run", started)
		if err != nil {
			t.Fatal(err)
		}
		if err := reports.PointLatest(out, reports.LatestLink, dir); err != nil {
			t.Fatal(err)
		}
		target, err := os.Readlink(filepath.Join(out, reports.LatestLink))
		if err != nil {
			t.Fatal(err)
		}
		if target != filepath.Base(dir) {
			t.Errorf("latest points to %q, want %q", target, filepath.Base(dir))
		}
	}
	other := t.TempDir()
	if err := os.Mkdir(filepath.Join(other, reports.LatestLink), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := reports.PointLatest(other, reports.LatestLink, filepath.Join(other, "x")); err == nil {
		t.Error("a folder named latest was replaced")
	}
}

func TestOtherVersionOfReport(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		`{"sagacheck_report":2}`:           "version 2: this sagacheck reads version 1",
		`{"sagacheck_report":1,"nope":[]}`: `unknown field "nope"`,
		`{`:                                "unexpected end",
	} {
		if err := os.WriteFile(filepath.Join(dir, "report.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := reports.LoadRun(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	if _, err := reports.LoadRun(filepath.Join(dir, "no")); err == nil {
		t.Error("a missing report is no error")
	}
}

func TestStory(t *testing.T) {
	h := lostAnswer(t)
	s := reports.Tell(h, duplicate(t, h).Witnesses[0])
	golden(t, "lost-answer.story.txt", []byte(s.Text()))
	golden(t, "lost-answer.mmd", []byte(s.Mermaid()))
	whole := reports.Tell(h, checkers.Witness{})
	if len(whole.Lines) == 0 {
		t.Error("a witness without events has no story")
	}
}

// A process that went away by itself is in the story, whomever it concerns.
func TestStoryOfGoneProcess(t *testing.T) {
	h := lostAnswer(t)
	e := history.Event{Kind: history.ProcessGone, Detail: "signal: killed", At: h.Events[len(h.Events)-1].At, Seq: len(h.Events) + 1}
	h.Events = append(h.Events, e)
	text := reports.Tell(h, duplicate(t, h).Witnesses[0]).Text()
	if want := "went away, which no plan asked for (signal: killed)"; !strings.Contains(text, want) {
		t.Errorf("no %q in\n%s", want, text)
	}
}

// The drawing has the whole of every text.
func TestDrawingCutsNoText(t *testing.T) {
	r := redRun(t)
	words := strings.Fields("what was asked for, of whom, and when: a reservation of two seats in the last row, at the price of the first")
	r.Failures[0].Story.Lines[3].Text = strings.Join(words, " ")
	r.Failures[0].Story.Lines[6].Text = strings.Join(words, " ")
	var b bytes.Buffer
	if err := r.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	_, drawing, _ := strings.Cut(b.String(), "</title>") // the title has the text anyway
	for _, word := range append(words[:0:0], "reservation", "price") {
		if n := strings.Count(drawing, word); n < 2 {
			t.Errorf("%q is there %d times", word, n)
		}
	}
	if strings.Contains(b.String(), "…") {
		t.Error("a text is cut")
	}
}

func TestLongStoryKeepsTheWitness(t *testing.T) {
	h := lostAnswer(t)
	proof := []int{}
	for range 500 {
		e := h.Events[3]
		e.Seq = len(h.Events) + 1
		h.Events = append(h.Events, e)
		if len(proof) < 5 {
			proof = append(proof, e.Seq)
		}
	}
	s := reports.Tell(h, checkers.Witness{Saga: "c2-1", Step: "reserve", Events: proof})
	marked := 0
	for _, l := range s.Lines {
		if l.Mark == reports.MarkWitness {
			marked++
		}
	}
	if len(s.Lines) != 60 || s.LeftOut == 0 || marked != 5 {
		t.Errorf("%d lines, %d left out, %d marked", len(s.Lines), s.LeftOut, marked)
	}
	s = reports.Tell(&history.History{}, checkers.Witness{Events: []int{7}})
	if len(s.Lines) != 0 || s.Text() != "" || s.Mermaid() == "" {
		t.Errorf("an empty history gives %+v", s)
	}
}
