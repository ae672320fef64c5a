package scenarios

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sagacheck/sagacheck/saga"
)

// The bodies of calls say what their effects are in as many ways as JSON has:
// white space, escapes that nobody needs, numbers that are no float64, names in an
// order of their own. An orchestrator that passes bodies on as they came does not
// notice; one that reads and writes them anew may. What participants don't need
// stands in a note.

// spelling is one way to write a body.
type spelling struct {
	note   string // a JSON object, or nothing
	first  bool   // the note comes first, and names come backwards
	spaced bool
}

// The notes: characters that JSON writers escape, or that they write without the
// escape; numbers that a float64 can't hold, or would write in another way.
const (
	charactersNote = `{"text":"R\u00e9servation \u0026 caf\u00E9 \/ \ud83d\udeb2","html":"<b>Müller & Söhne</b>","line":"a\u2028b\tc","":""}`
	numbersNote    = `{"version":9007199254740993,"rate":0.1000000000000000055511151231257827,"total":150.00,"tiny":1.50E-7,"zero":-0.0,"large":12345678901234567890123}`
	orderNote      = `{"z":null,"a":[],"m":{"2":true,"10":false,"1":{}}}`
)

var spellings = []spelling{
	{note: charactersNote[:len(charactersNote)-1] + "," + numbersNote[1:], first: true, spaced: true},
	{note: charactersNote},
	{note: numbersNote},
	{note: orderNote, first: true, spaced: true},
}

// body writes an effect in the spelling of one direction of the step with that
// index.
func body(e saga.Effect, step int, d saga.Direction) json.RawMessage {
	n := 2 * step
	if d == saga.Compensation {
		n++
	}
	return spellings[n%len(spellings)].write(e)
}

func (s spelling) write(e saga.Effect) json.RawMessage {
	var parts []string
	if len(e.Postings) > 0 {
		parts = append(parts, `"postings":`+list(e.Postings, s.posting))
	}
	if len(e.Writes) > 0 {
		parts = append(parts, `"writes":`+list(e.Writes, s.register))
	}
	note := `"note":` + s.note
	if s.first {
		parts = append([]string{note}, parts...)
	} else {
		parts = append(parts, note)
	}
	text := []byte("{" + strings.Join(parts, ",") + "}")
	if s.spaced {
		text = spaced(text)
	}
	return text
}

func (s spelling) posting(p saga.Posting) string {
	return s.object(`"account":`+quoted(p.Account), fmt.Sprintf(`"amount":%d`, p.Amount), `"unit":`+quoted(p.Unit))
}

func (s spelling) register(w saga.Write) string {
	return s.object(`"register":`+quoted(w.Register), `"from":`+quoted(w.From), `"to":`+quoted(w.To))
}

func (s spelling) object(a, b, c string) string {
	if s.first {
		a, c = c, a
	}
	return "{" + a + "," + b + "," + c + "}"
}

func list[T any](items []T, write func(T) string) string {
	parts := make([]string, len(items))
	for i, x := range items {
		parts[i] = write(x)
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil { // strings can be written
		panic(err)
	}
	return string(b)
}

// spaced puts white space of all sorts around the tokens of a JSON text.
func spaced(text []byte) []byte {
	around := map[byte]string{'{': "{\n\t", '}': " }", ',': " ,\r\n", ':': " :  "}
	var b bytes.Buffer
	inside, escaped := false, false // a string; the character after a backslash
	for _, c := range text {
		if with, ok := around[c]; ok && !inside {
			b.WriteString(with)
			continue
		}
		b.WriteByte(c)
		if c == '"' && !escaped {
			inside = !inside
		}
		escaped = inside && c == '\\' && !escaped
	}
	return b.Bytes()
}
