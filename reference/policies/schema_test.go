package policies

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	generator "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "rewrite the generated files")

// generateSchema makes the schema from the types and their comments.
func generateSchema(t *testing.T) []byte {
	t.Helper()
	r := &generator.Reflector{Anonymous: true, ExpandedStruct: true, FieldNameTag: "yaml"}
	for path, folder := range map[string]string{"reference/policies": ".", "saga": "../../saga"} {
		if err := r.AddGoComments("github.com/sagacheck/sagacheck/"+path, folder, generator.WithFullComment()); err != nil {
			t.Fatal(err)
		}
	}
	for name, comment := range r.CommentMap { // the folder of the package became part of its name
		r.CommentMap[strings.ReplaceAll(name, "/../../saga", "")] = strings.ReplaceAll(comment, "\n", " ")
	}
	s := r.Reflect(&File{})
	s.Title = "Policies of the reference executor"
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

func TestSchemaIsFresh(t *testing.T) {
	want := generateSchema(t)
	if *update {
		if err := os.WriteFile("policies.schema.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(Schema, want) {
		t.Error("policies.schema.json is stale: run make docs")
	}
}

// What the reader accepts fits the schema, and what the schema alone can see it refuses.
func TestSchema(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(generateSchema(t)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("policies.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema := c.MustCompile("policies.schema.json")
	fits := func(text string) error {
		j, err := yaml.YAMLToJSON([]byte(text))
		if err != nil {
			return err
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(j))
		if err != nil {
			return err
		}
		return schema.Validate(v)
	}
	if err := fits(full); err != nil {
		t.Error(err)
	}
	for _, change := range []struct{ old, new string }{
		{"max_attempts: 4", "max_attempts: four"},
		{"template: payments", "templates: payments"},
		{"class: permanent", "clas: permanent"},
	} {
		bad := strings.Replace(full, change.old, change.new, 1)
		if _, err := Parse("x", []byte(bad)); err == nil || fits(bad) == nil {
			t.Errorf("%q is accepted", change.new)
		}
	}
}
