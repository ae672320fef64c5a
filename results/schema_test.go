package results_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/saga"
)

var update = flag.Bool("update", false, "rewrite the schema")

func TestSchema(t *testing.T) {
	reflector := &jsonschema.Reflector{Mapper: func(t reflect.Type) *jsonschema.Schema {
		if t == reflect.TypeFor[saga.FailurePoint]() { // its text form
			return &jsonschema.Schema{Type: "string", Description: "step[.undo][.callback]#attempt@phase"}
		}
		return nil
	}}
	for _, pkg := range []string{"results", "history", "checkers", "saga"} {
		if err := reflector.AddGoComments("github.com/sagacheck/sagacheck/"+pkg, filepath.Join("..", pkg)); err != nil {
			t.Fatal(err)
		}
	}
	fixCommentKeys(reflector.CommentMap)
	schema := reflector.Reflect(&results.Run{})
	schema.ID = "https://github.com/sagacheck/sagacheck/raw/main/results/report.schema.json"
	schema.Title = "Sagacheck report"
	b, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	b = append(b, '\n')
	if *update {
		if err := os.WriteFile("report.schema.json", b, 0o644); err != nil {
			t.Fatal(err)
		}
	} else if !bytes.Equal(results.Schema, b) {
		t.Error("report.schema.json differs; if that is right, run go test ./results -update")
	}
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
	for _, r := range []*results.Run{samples.Red(), results.New(results.Meta{}).Finish()} {
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
