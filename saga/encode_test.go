package saga

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestEncodeKeepsBodies(t *testing.T) {
	odd := []string{"{ \"b\" : 1.50e+2,\n\t\"a\": \"<&>\\u0026\\/é\" }", `9007199254740993`, `"\u0000body 0"`}
	d := Definition{ID: `s"\u0000body 2"`, Name: "n", Steps: []Step{
		{Name: "a", Action: Call{URL: "u", Body: json.RawMessage(odd[0])}, Compensation: &Call{URL: "u", Body: json.RawMessage(odd[1])}},
		{Name: "b", Action: Call{URL: "u", Body: json.RawMessage(odd[2])}},
		{Name: "c", Action: Call{URL: "u"}},
	}}
	text, err := d.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range odd {
		if !strings.Contains(string(text), `"body":`+body) {
			t.Errorf("%q is not in %s", body, text)
		}
	}
	var back Definition
	if err := json.Unmarshal(text, &back); err != nil || back.ID != d.ID || string(back.Steps[0].Action.Body) != odd[0] {
		t.Errorf("%+v, %v", back, err)
	}
	if string(d.Steps[0].Action.Body) != odd[0] || string(d.Steps[0].Compensation.Body) != odd[1] {
		t.Error("the definition has changed")
	}
	d.Steps[1].Action.Body = json.RawMessage(`{"a":`)
	if _, err := d.Encode(); err == nil || !strings.HasPrefix(err.Error(), "steps[1].action.body") {
		t.Error(err)
	}
}
