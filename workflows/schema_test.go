package workflows

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	generator "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

type node = generator.Schema

// object is a mapping with these fields and no others.
func object(required []string, fields ...any) *node {
	o := &node{Type: "object", Properties: generator.NewProperties(), Required: required, AdditionalProperties: generator.FalseSchema}
	for i := 0; i < len(fields); i += 2 {
		o.Properties.Set(fields[i].(string), fields[i+1].(*node))
	}
	return o
}

func words(values ...any) *node { return &node{Type: "string", Enum: values} }

// unions are the fields that take more than one form, by type and field.
func unions() map[string]*node {
	text := &node{Type: "string"}
	filled := &node{AnyOf: []*node{text, {Type: "number"}}}
	minded := object(nil, "key", text, "ttl", text, "in_progress", &node{Enum: []any{409, "409", "wait"}},
		"scope", words("operation", "service"), "refused", words("final", "again"))
	minded.MinProperties = new(uint64(1))
	change := &node{OneOf: []*node{
		object([]string{"transfer"}, "transfer", object([]string{"from", "to", "amount", "unit"}, "from", text, "to", text, "amount", filled, "unit", text)),
		object([]string{"set"}, "set", object([]string{"register", "to"}, "register", text, "from", filled, "to", filled)),
		object([]string{"create"}, "create", object([]string{"record"}, "record", text)),
		object([]string{"delete"}, "delete", object([]string{"record"}, "record", text)),
	}}
	question := &node{OneOf: []*node{
		text, object([]string{"sql", "dsn"}, "sql", text, "dsn", text), object([]string{"http"}, "http", text),
		object([]string{"command"}, "command", &node{Type: "array", Items: text, MinItems: new(uint64(1))}),
	}}
	return map[string]*node{
		"Service.protection": {OneOf: []*node{
			words("naive", "keyed", "fenced"), object([]string{"keyed"}, "keyed", minded), object([]string{"fenced"}, "fenced", minded),
		}},
		"Operation.effect":  {OneOf: []*node{words("inverse"), change, {Type: "array", Items: change}}},
		"Operation.repeat":  {OneOf: []*node{words("again", "same-answer"), object([]string{"answer"}, "answer", &node{Ref: "#/$defs/Answer"})}},
		"Invariant.settled": question, "Invariant.sometimes": question, "Invariant.always": text,
	}
}

// generateSchema makes the schema from the types and their comments.
func generateSchema(t *testing.T) *node {
	t.Helper()
	r := &generator.Reflector{Anonymous: true, ExpandedStruct: true, FieldNameTag: "yaml"}
	for path, folder := range map[string]string{"workflows": ".", "orchestrators": "../orchestrators"} {
		if err := r.AddGoComments("github.com/sagacheck/sagacheck/"+path, folder, generator.WithFullComment()); err != nil {
			t.Fatal(err)
		}
	}
	for name, comment := range r.CommentMap { // the folder of the package became part of its name
		r.CommentMap[strings.ReplaceAll(name, "/../orchestrators", "")] = strings.ReplaceAll(comment, "\n", " ")
	}
	s := r.Reflect(&Workflow{})
	s.Title = "Sagacheck workflow"
	for at, union := range unions() {
		typ, field, _ := strings.Cut(at, ".")
		old, there := s.Definitions[typ].Properties.Get(field)
		if !there {
			t.Fatalf("there is no %s", at)
		}
		of := *union
		of.Description = old.Description
		s.Definitions[typ].Properties.Set(field, &of)
	}
	operation := s.Definitions["Operation"]
	for _, ours := range []string{"Name", "Service"} { // of what is compiled from it
		operation.Properties.Delete(ours)
		operation.Required = slices.DeleteFunc(operation.Required, func(f string) bool { return f == ours })
	}
	promise := r.Reflect(&Promise{})
	promise.Version = ""
	s.Definitions["Promise"] = promise
	s.Definitions["Promises"].AdditionalProperties = &node{Ref: "#/$defs/Promise"}
	return s
}

// fileOf is a generated file of the tests: what it is to hold.
func fileOf(t *testing.T, s *node) []byte {
	t.Helper()
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

func TestSchemaIsFresh(t *testing.T) {
	fresh(t, "workflow.schema.json", string(fileOf(t, generateSchema(t))))
}

// TestWorkflowPage: the reference of the fields is what the schema says of them.
func TestWorkflowPage(t *testing.T) {
	fresh(t, "../docs/workflow-file.md", reference(generateSchema(t)))
}

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(fileOf(t, generateSchema(t))))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("workflow.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile("workflow.schema.json")
}

func againstSchema(schema *jsonschema.Schema, file string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	j, err := yaml.YAMLToJSON(b)
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(j))
	if err != nil {
		return err
	}
	return schema.Validate(v)
}

// TestFilesAndSchemaAgree: what is read is valid; of what is refused a schema sees the shape.
func TestFilesAndSchemaAgree(t *testing.T) {
	schema := compiledSchema(t)
	good, err := filepath.Glob("../examples/*/*.yaml")
	good = slices.DeleteFunc(append(good, "testdata/good.yaml"), func(f string) bool { return strings.HasSuffix(f, "openapi.yaml") })
	if err != nil || len(good) < 6 {
		t.Fatalf("%q: %v", good, err)
	}
	for _, file := range good {
		if err := againstSchema(schema, file); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	bad, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var seen int
	for _, file := range bad {
		want, err := os.ReadFile(strings.TrimSuffix(file, ".yaml") + ".want")
		if err != nil {
			t.Fatal(err)
		}
		shape := strings.Contains(string(want), "unknown field")
		var wrong *jsonschema.ValidationError
		switch err := againstSchema(schema, file); {
		case errors.As(err, &wrong):
			seen++
		case err == nil && shape:
			t.Errorf("%s is valid, and yet: %s", file, want)
		}
	}
	if seen < 10 {
		t.Errorf("the schema sees the mistake in %d files of %d", seen, len(bad))
	}
}

// The page.

const pageHead = "# The file of a workflow\n\n" +
	"<!-- Made from workflows/file.go by go test ./workflows -update (make docs). -->\n\n" +
	"Every field of a workflow's file. [Your own workflow](your-workflow.md) goes through one;\n" +
	"`sagacheck init` writes a first one, `sagacheck learn` one from what a workflow does. The JSON\n" +
	"Schema is `workflows/workflow.schema.json`: with\n\n" +
	"    # yaml-language-server: $schema=https://raw.githubusercontent.com/sagacheck/sagacheck/main/workflows/workflow.schema.json\n\n" +
	"as the first line, editors complete and check the file. Unknown fields are refused, and all mistakes\n" +
	"are told at once. `${…}` in a text is a template, an expression of\n" +
	"[expr-lang](https://expr-lang.org/docs/language-definition) within; paths are relative to the file.\n" +
	"A mapping within `map`, `filter` and the like is written in braces of its own, and a text with such in\n" +
	"it is quoted: `answer: {body: '${map(effects, {{\"id\": .id}})}'}`.\n"

const pageFoot = `
## What can't be seen, and when

| where | what is not seen |
|---|---|
| ` + "`system.base`" + ` alone: a system that runs already | kills, pauses and refused connections: nobody starts it again, or another one; hosts: nobody can tell it of the proxy |
| a process without ` + "`crashable: true`" + ` | kills and pauses |
| ` + "`saga: only`" + ` | mistakes among sagas that run at once: each process serves one |
| ` + "`protection: fenced`" + ` (the default) | what a service without protection would do twice: the service is as good as services get |
| ` + "`protection: naive`" + ` | the use of keys: nobody minds them. A second copy that the network makes is done twice, whatever the workflow does |
| ` + "`keyed`" + ` without ` + "`ttl`" + ` | what becomes of a key that is forgotten: it is remembered for ever |
| no ` + "`steps`" + ` | pivots, and steps that may be left for later: each step is one that can be undone; an order that no run showed |
| no ` + "`promises`" + ` | repeated starts, the order of compensations, attempts, refusals that are tried again, keys |
| an operation without ` + "`which`" + ` | compensations of another effect than that of their step |
| ` + "`upstream`" + `: a real service behind | the inside of the service: kills while it works, ledgers, keys that it forgets, answers that are whole and wrong; that it did twice what it gives no name |

A saga that ends later than ` + "`--settle`" + ` (10 s) after the last fault is ` + "`stuck-saga`" + `: an orchestrator that goes on by a sweep every
15 s, say, is tested with a ` + "`--settle`" + ` that is longer than it takes from one sweep to the next.
`

// sections are the types that the page explains, in the order in which one meets them.
var sections = []string{"System", "Start", "Outcome", "Service", "Operation", "Answer", "Async", "Step", "Promises", "Promise", "Invariant", "Process", "Ready", "Container"}

// TestPageHasEveryType: a type that the file has and the page has not is a link into the void.
func TestPageHasEveryType(t *testing.T) {
	page := reference(generateSchema(t))
	for _, link := range regexp.MustCompile(`\]\(#([a-z]+)\)`).FindAllStringSubmatch(page, -1) {
		if !strings.Contains(strings.ToLower(page), "\n## "+link[1]+"\n") {
			t.Errorf("%s has no section of its own", link[1])
		}
	}
}

// reference writes the page from the schema.
func reference(s *node) string {
	var b strings.Builder
	b.WriteString(pageHead)
	section(&b, "The file", s, s)
	for _, name := range sections {
		if d := s.Definitions[name]; d != nil {
			section(&b, name, d, s)
		}
	}
	b.WriteString(pageFoot)
	return b.String()
}

func section(b *strings.Builder, name string, d, root *node) {
	fmt.Fprintf(b, "\n## %s\n\n", name)
	if d != root && d.Description != "" {
		fmt.Fprintf(b, "%s\n\n", firstUpper(d.Description))
	}
	b.WriteString("| field | type | |\n|---|---|---|\n")
	for p := d.Properties.Oldest(); p != nil; p = p.Next() {
		must := ""
		if slices.Contains(d.Required, p.Key) {
			must = " **required**"
		}
		fmt.Fprintf(b, "| `%s` | %s%s | %s |\n", p.Key, kind(p.Value), must, meaning(p.Key, p.Value.Description))
	}
	if of := d.AdditionalProperties; of != nil && of.Ref != "" {
		fmt.Fprintf(b, "| a name | %s | the promises of the call of that name |\n", kind(of))
	}
}

func firstUpper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// meaning is what a comment says of a field, without the name that stands before.
func meaning(key, comment string) string {
	comment = strings.NewReplacer("|", "\\|", "\n", " ").Replace(comment)
	name, rest, _ := strings.Cut(comment, " ")
	verb, what, _ := strings.Cut(rest, " ")
	if strings.EqualFold(name, strings.ReplaceAll(key, "_", "")) && (verb == "is" || verb == "are") {
		return firstUpper(what)
	}
	return comment
}

// kind is the type of a field in words.
func kind(n *node) string {
	switch {
	case n.Ref != "":
		name := n.Ref[strings.LastIndex(n.Ref, "/")+1:]
		return fmt.Sprintf("[%s](#%s)", name, strings.ToLower(name))
	case n.OneOf != nil || n.AnyOf != nil:
		var all []string
		for _, o := range slices.Concat(n.OneOf, n.AnyOf) {
			all = append(all, kind(o))
		}
		return strings.Join(all, ", or ")
	case n.Enum != nil:
		var all []string
		for _, v := range n.Enum {
			all = append(all, fmt.Sprintf("`%v`", v))
		}
		return strings.Join(slices.Compact(all), ", ")
	case n.Type == "array" && n.Items != nil:
		return "list of " + kind(n.Items)
	case n.Type == "object" && n.Properties != nil && n.Properties.Len() > 0:
		var all []string
		for p := n.Properties.Oldest(); p != nil; p = p.Next() {
			all = append(all, "`"+p.Key+"`: "+kind(p.Value))
		}
		return "{" + strings.Join(all, "; ") + "}"
	case n.Type == "object" && n.AdditionalProperties != nil && !reflect.DeepEqual(n.AdditionalProperties, generator.FalseSchema):
		return "mapping of names to " + kind(n.AdditionalProperties)
	case n.Type == "":
		return "anything"
	}
	return n.Type
}
