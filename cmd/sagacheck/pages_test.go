package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/campaign"
	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/lint"
	"github.com/sagacheck/sagacheck/orchestrators"
	participantdefects "github.com/sagacheck/sagacheck/participants/defects"
	"github.com/sagacheck/sagacheck/reference/defects"
	"github.com/sagacheck/sagacheck/workflows"
)

var update = flag.Bool("update", false, "write the generated pages anew")

// The pages that are made from catalogues and from the command tree are those in
// docs/. make docs writes them anew.
func TestGeneratedPages(t *testing.T) {
	for name, write := range map[string]func(io.Writer) error{
		"checkers.md": checkers.Reference,
		"faults.md":   faults.Reference,
		"cli.md":      writeCLI,
		"lint.md":     lint.Reference,
		"defects.md":  writeDefects,
	} {
		path := filepath.Join("..", "..", "docs", name)
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, b.Bytes()) {
			t.Errorf("docs/%s is stale: run make docs", name)
		}
	}
}

// Links between the pages lead somewhere.
func TestPagesLinkToPages(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	runbooks, err := filepath.Glob("../../docs/runbooks/*.md")
	if err != nil {
		t.Fatal(err)
	}
	pages = append(pages, runbooks...)
	for _, page := range append(pages, "../../README.md", "../../CONTRIBUTING.md", "../../SECURITY.md", "../../CHANGELOG.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split(string(text), "](")[1:] {
			target, _, _ := strings.Cut(part, ")")
			target, _, _ = strings.Cut(target, "#")
			if target == "" || strings.Contains(target, "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), target)); err != nil {
				t.Errorf("%s links to %q: %v", page, target, err)
			}
		}
	}
}

func writeDefects(w io.Writer) error {
	return errors.Join(defects.Reference(w), participantdefects.Reference(w))
}

// blocks are the blocks of code of a page that begin with three backquotes and
// the language.
func blocks(t *testing.T, page, language string) (found []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range strings.Split("\n"+string(text), "\n```") {
		head, body, _ := strings.Cut(part, "\n")
		if i%2 == 1 && head == language {
			found = append(found, body+"\n")
		}
	}
	if len(found) == 0 {
		t.Fatalf("docs/%s has no block of %q", page, language)
	}
	return found
}

// The examples of hand-written pages are read by what they are examples for.
func TestPagesHaveValidExamples(t *testing.T) {
	for _, text := range blocks(t, "plans.md", "yaml") {
		if _, err := faults.ParsePlan([]byte(text)); err != nil {
			t.Errorf("plans.md: %s: %v", text, err)
		}
	}
	for _, text := range blocks(t, "your-workflow.md", "yaml") {
		if _, err := workflows.Parse("your-workflow.md", []byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	h, err := history.ParseText(strings.NewReader(blocks(t, "histories.md", "")[0]))
	if err != nil {
		t.Fatalf("histories.md: %v", err)
	}
	c, _ := checkers.ByName("duplicate-effect")
	if v := checkers.Judge(h, []checkers.Checker{c})[0]; v.Outcome != checkers.Violation {
		t.Errorf("histories.md: the example shows %s, expected a duplicate effect", v.Outcome)
	}
}

// Each kind of event has a row.
func TestPagesNameEveryEvent(t *testing.T) {
	text, err := os.ReadFile("../../docs/histories.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range history.Kinds {
		if !strings.Contains(string(text), "`"+string(k)+"`") {
			t.Errorf("histories.md does not name %s", k)
		}
	}
}

// What the pages say of defaults and of manifests is so.
func TestPagesSayWhatIs(t *testing.T) {
	fields := map[string]bool{}
	for i := range reflect.TypeFor[orchestrators.Manifest]().NumField() {
		name, _, _ := strings.Cut(reflect.TypeFor[orchestrators.Manifest]().Field(i).Tag.Get("yaml"), ",")
		fields[name] = true
	}
	inManifest := regexp.MustCompile("`([a-z_]+)` in (?:its|the|your|a) manifest")
	perCore := regexp.MustCompile(`(\d+) sagas a core`)
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	runbooks, err := filepath.Glob("../../docs/runbooks/*.md")
	if err != nil {
		t.Fatal(err)
	}
	pages = append(pages, runbooks...)
	for _, page := range append(pages, "../../README.md") {
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(strings.Fields(string(b)), " ")
		for _, m := range inManifest.FindAllStringSubmatch(text, -1) {
			if !fields[m[1]] {
				t.Errorf("%s: a manifest has no field %q", page, m[1])
			}
		}
		for _, m := range perCore.FindAllStringSubmatch(text, -1) {
			if m[1] != strconv.Itoa(campaign.SagasPerCore) {
				t.Errorf("%s: %s: the default is %d", page, m[0], campaign.SagasPerCore)
			}
		}
	}
}

// writeCLI renders the help of every command, the same text as --help.
func writeCLI(w io.Writer) error {
	var b bytes.Buffer
	b.WriteString("# The command line\n\n<!-- generated from the command tree; run: make docs -->\n")
	p := process{stdout: io.Discard, stderr: io.Discard, getenv: func(string) string { return "" }}
	root := newRoot(p)
	root.InitDefaultHelpCmd()
	writeCommand(&b, root)
	_, err := w.Write(b.Bytes())
	return err
}

func writeCommand(b *bytes.Buffer, c *cobra.Command) {
	if !c.IsAvailableCommand() {
		return
	}
	c.InitDefaultHelpFlag()
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n", c.CommandPath(), c.Short)
	if c.Long != "" {
		fmt.Fprintf(b, "%s\n\n", c.Long)
	}
	if c.Runnable() {
		fmt.Fprintf(b, "    %s\n\n", c.UseLine())
	}
	if c.Example != "" {
		fmt.Fprintf(b, "Examples:\n\n%s%s\n\n", marksOf(c.CommandPath()), indent(c.Example))
	}
	if flags := c.NonInheritedFlags(); flags.HasAvailableFlags() {
		fmt.Fprintf(b, "Flags:\n\n%s", indent(strings.TrimRight(flags.FlagUsages(), "\n"))+"\n")
	}
	for _, sub := range c.Commands() {
		writeCommand(b, sub)
	}
}

//go:embed testdata/examples.txtar
var examples []byte

// marksOf are the comments before the examples of a command, by which TestPrintedLines runs them.
func marksOf(command string) (marks string) {
	for _, f := range txtar.Parse(examples).Files {
		if f.Name != command {
			continue
		}
		for line := range strings.Lines(string(f.Data)) {
			marks += "<!-- " + strings.TrimSpace(line) + " -->\n"
		}
		marks += "\n"
	}
	return marks
}

// indent makes a block of code of lines that are indented by two already.
func indent(s string) string {
	var lines []string
	for line := range strings.Lines(s) {
		lines = append(lines, "  "+strings.TrimRight(line, " \n"))
	}
	return strings.Join(lines, "\n")
}

// Each command has an example or sub-commands, and help that works.
func TestEveryCommandHasHelp(t *testing.T) {
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		args := append(strings.Fields(c.CommandPath())[1:], "--help")
		var out bytes.Buffer
		if code := run(context.Background(), process{args: args, stdout: &out, stderr: io.Discard, getenv: os.Getenv}); code != 0 {
			t.Errorf("%v: exit %d", args, code)
		}
		if !strings.Contains(out.String(), "Usage:") {
			t.Errorf("%v: no usage in %q", args, out.String())
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRoot(process{stdout: io.Discard, stderr: io.Discard, getenv: os.Getenv}))
}
