package yamlfile

import (
	"strings"
	"testing"
)

// Numbers of any value are as they stand in the file, or named with their place: a text in quotes is a text.
func TestNumbersThatChange(t *testing.T) {
	for text, want := range map[string]string{
		"a: 1": "", "a: -7": "", "a: 1.5": "", "a: 0": "", "a: 12345678901234567890": "", "a: [x, '1e3', \"4200.00\", true, null, 2026-11-28, yes]": "",
		"a: 4200.00":                     `1:4: a: 4200.00 would be sent as 4200:`,
		"a: {b: [1, 0.10]}":              `1:12: a.b[1]: 0.10 would be sent as 0.1:`,
		"a:\n  b: 1e3":                   `2:6: a.b: 1e3 would be sent as the text "1e3":`,
		"a: 1.5e3":                       `1:4: a: 1.5e3 would be sent as`,
		"a: 123456789012345678901":       `1:4: a: 123456789012345678901 would be sent as`,
		"a: 0.1234567890123456789":       `1:4: a: 0.1234567890123456789 would be sent as 0.12345678901234568:`,
		"a: 010":                         `1:4: a: 010 would be sent as`,
		"a: 0x1F":                        `1:4: a: 0x1F would be sent as 31:`,
		"a: 1_000":                       `1:4: a: 1_000 would be sent as 1000:`,
		"a: .inf":                        `1:4: a: .inf would be sent not at all:`,
		"a: .nan":                        `1:4: a: .nan would be sent not at all:`,
		"a: +5":                          `1:4: a: +5 would be sent as 5:`,
		"a: 9007199254740993.0\nb: 1e-7": `1:4: a: 9007199254740993.0 would be sent as`,
	} {
		var into map[string]any
		sh, ps := Decode([]byte(text), 1000, "a thing", &into, nil)
		if len(ps) > 0 {
			t.Errorf("%s: %v", text, ps)
			continue
		}
		got := ""
		if all := sh.Changed(); len(all) > 0 {
			got = all[0].Error()
		}
		if want == "" && got != "" || !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s\nexpected %s", text, got, want)
		}
	}
}
