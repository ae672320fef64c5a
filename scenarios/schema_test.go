package scenarios

import (
	"bytes"
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	generator "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "rewrite the generated files")

// fresh compares a generated file with what is on the disk.
func fresh(t *testing.T, path string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Errorf("%s is stale: run go test ./scenarios -update", path)
	}
}

// generateSchema makes the schema from the types and their comments.
func generateSchema(t *testing.T) []byte {
	t.Helper()
	r := &generator.Reflector{
		Anonymous: true, ExpandedStruct: true, FieldNameTag: "yaml",
		Mapper: func(typ reflect.Type) *generator.Schema {
			if typ != reflect.TypeFor[Undo]() {
				return nil
			}
			return &generator.Schema{OneOf: []*generator.Schema{
				{Type: "string", Enum: []any{UndoInverse, UndoNone}},
				{Type: "array", Items: &generator.Schema{Ref: "#/$defs/Change"}, MinItems: new(uint64(1))},
			}}
		},
	}
	for path, folder := range map[string]string{"scenarios": ".", "saga": "../saga"} {
		if err := r.AddGoComments("github.com/sagacheck/sagacheck/"+path, folder, generator.WithFullComment()); err != nil {
			t.Fatal(err)
		}
	}
	for name, comment := range r.CommentMap { // the folder of the package became part of its name
		r.CommentMap[strings.ReplaceAll(name, "/../saga", "")] = strings.ReplaceAll(comment, "\n", " ")
	}
	s := r.Reflect(&Scenario{})
	s.Title = "Sagacheck scenario"
	one := uint64(1)
	s.Definitions["Change"].MinProperties, s.Definitions["Change"].MaxProperties = &one, &one
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

func TestSchemaIsFresh(t *testing.T) {
	fresh(t, "scenario.schema.json", generateSchema(t))
}

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(generateSchema(t)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("scenario.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile("scenario.schema.json")
}

func TestCatalogueFilesValidateAgainstTheSchema(t *testing.T) {
	schema := compiledSchema(t)
	n := 0
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		if err := againstSchema(schema, b); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		n++
		return nil
	})
	if err != nil || n < len(names) {
		t.Fatalf("%d files: %v", n, err)
	}
}

func againstSchema(schema *jsonschema.Schema, b []byte) error {
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

// What the schema alone can see, it must refuse like the loader.
func TestSchemaRefusesWhatTheLoaderRefuses(t *testing.T) {
	schema := compiledSchema(t)
	for _, change := range []struct{ old, new string }{
		{"kind: pivot", "kind: pivto"},
		{"amount: 4200", "amount: 0"},
		{"amount: 4200", "amount: 4.5"},
		{"participant: mail", "participants: mail"},
		{"undo: none", "undo: nothing"},
		{"jitter: 0.5", "jitter: 2"},
		{"name: order", "name: Order"},
		{"description:", "x:"},
	} {
		b, err := files.ReadFile("catalogue/order.yaml")
		if err != nil {
			t.Fatal(err)
		}
		b = bytes.Replace(b, []byte(change.old), []byte(change.new), 1)
		if _, err := Parse("order.yaml", b); err == nil {
			t.Errorf("the loader accepts %q", change.new)
		}
		if err := againstSchema(schema, b); err == nil {
			t.Errorf("the schema accepts %q", change.new)
		}
	}
}
