package yamlfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

type recipe struct {
	Name  string   `yaml:"name" json:"name"`
	Serve int      `yaml:"serve" json:"serve"`
	Steps []string `yaml:"steps" json:"steps"`
}

func (r *recipe) problems() (ps Problems) {
	if r.Name == "" {
		ps.Add("name", "expected one")
	}
	if r.Serve < 1 {
		ps.Add("serve", "%d: expected 1 or more", r.Serve)
	}
	return ps
}

// All mistakes are named at once, each in its place: those of the shape, and what else is wrong
// with the rest. Of a field that has not the shape nothing else is said.
func TestDecodeNamesAllMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"name: soup\nserve: 2\nsteps: [boil]\n": "",
		"name: ''\nserve: 0\nsteps: [boil]\n":   `r.yaml:1:7: name: expected one; r.yaml:2:8: serve: 0: expected 1 or more`,
		"name: ''\nserve: many\nsteps: []\n":    `r.yaml:1:7: name: expected one; r.yaml:2:8: serve: "many": expected a whole number`,
		"name: soup\nserve: 2\ncook: me\n":      `r.yaml:1:1: steps: is missing: expected a list; r.yaml:3:1: cook: unknown field "cook": expected one of name, serve, steps`,
		"just a word":                           `r.yaml:1:1: "just a word": expected a mapping with name, serve, steps`,
		"":                                      `r.yaml:1:1: the file is empty: expected a recipe`,
		strings.Repeat("#", 101):                `r.yaml: the file is too large: expected at most 100 bytes`,
	} {
		var r recipe
		sh, ps := Decode([]byte(text), 100, "a recipe", &r, nil)
		if sh != nil {
			ps = sh.Besides(r.problems())
		}
		var got []string
		for _, p := range ps.Of("r.yaml").InOrder() {
			got = append(got, p.Error())
		}
		if all := strings.Join(got, "; "); all != want {
			t.Errorf("%q:\n got %s\nwant %s", text, all, want)
		}
	}
}

// A file is read as far as one byte more than it may have.
func TestReadStopsBehindTheLimit(t *testing.T) {
	file := filepath.Join(t.TempDir(), "long.yaml")
	if err := os.WriteFile(file, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	for most, want := range map[int]string{4: "01234", 20: "0123456789"} {
		if b, err := Read(file, most); string(b) != want || err != nil {
			t.Errorf("at most %d: %q, %v", most, b, err)
		}
	}
	if _, err := Read(file+"x", 4); !os.IsNotExist(err) {
		t.Errorf("no file: %v", err)
	}
}
