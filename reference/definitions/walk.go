package definitions

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sagacheck/sagacheck/saga"
)

// walker goes through the text of a definition before anything is made of it: what it
// refuses costs neither memory nor time. It finds fields that a definition has not, among
// them those that the decoder would recognise although they are written differently, names
// that are there twice, and lists that are too long. Where the text is no JSON it stops
// and finds nothing: the decoder refuses that.
type walker struct {
	text  []byte
	pos   int    // of the next byte
	path  []byte // of the value there
	depth int
	edges int
	until int64  // looks for the field that ends here; 0: for none
	at    string // that field
}

// deepest is how deep a definition's own fields may lie; it takes five.
const deepest = 8

// shape is what is to be made of a value; nil: nothing can, which is for the decoder to say.
type shape struct {
	opaque  bool             // any value will do
	fields  map[string]field // of an object
	element *shape           // of a list
}

// field is one of an object. Its bit says that it was there: no object has 64 of them.
type field struct {
	bit uint64
	of  *shape
}

// whole is the shape of a definition.
var whole = shapeOf(reflect.TypeFor[saga.Definition]())

func shapeOf(t reflect.Type) *shape {
	if t == reflect.TypeFor[json.RawMessage]() {
		return &shape{opaque: true}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return shapeOf(t.Elem())
	case reflect.Slice:
		return &shape{element: shapeOf(t.Elem())}
	case reflect.Struct:
		s := &shape{fields: map[string]field{}}
		for i := range t.NumField() {
			f := t.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name != "-" {
				s.fields[name] = field{1 << i, shapeOf(f.Type)}
			}
		}
		return s
	}
	return nil
}

// value goes through the value that is next.
func (w *walker) value(of *shape) error {
	if of != nil && of.opaque {
		w.skip()
		return nil
	}
	if w.depth++; w.depth > deepest {
		return w.refused("lies too deep")
	}
	var err error
	switch w.next() {
	case '[':
		w.passes(1)
		err = w.list(of)
	case '{':
		w.passes(1)
		err = w.object(of)
	default:
		w.passes(w.scalar())
	}
	w.depth--
	return err
}

// passes goes so many bytes on, and notes the field that was looked for.
func (w *walker) passes(n int) {
	w.pos += n
	if w.at == "" && w.until > 0 && int64(w.pos) >= w.until {
		w.at = string(w.path)
	}
}

func (w *walker) list(of *shape) error {
	var element *shape
	if of != nil {
		element = of.element
	}
	steps, edges := string(w.path) == "steps", bytes.HasSuffix(w.path, []byte(".after"))
	for i := 0; w.more(']'); i++ {
		switch {
		case steps && i >= maxSteps:
			return w.refused(fmt.Sprintf("expected at most %d", maxSteps))
		case edges && w.edges >= maxEdges:
			return w.refused(fmt.Sprintf("more than %d names in all steps together", maxEdges))
		case edges:
			w.edges++
		}
		list := len(w.path)
		w.path = append(strconv.AppendInt(append(w.path, '['), int64(i), 10), ']')
		if err := w.value(element); err != nil {
			return err
		}
		w.path = w.path[:list]
	}
	return nil
}

func (w *walker) object(of *shape) error {
	var seen uint64
	for w.more('}') {
		name, ok := w.name()
		if !ok {
			w.stop()
			return nil
		}
		object := len(w.path)
		if object > 0 {
			w.path = append(w.path, '.')
		}
		w.path = append(w.path, name...)
		var f field
		if of != nil && of.fields != nil { // else every name is as good as any other
			var known bool
			switch f, known = of.fields[string(name)]; {
			case !known && len(bytes.Trim(name, "abcdefghijklmnopqrstuvwxyz_")) > 0:
				return w.refused("unknown field: names are lower-case")
			case !known:
				return w.refused("unknown field")
			case seen&f.bit != 0:
				return w.refused("is there twice")
			}
			seen |= f.bit
		}
		if err := w.value(f.of); err != nil {
			return err
		}
		w.path = w.path[:object]
	}
	return nil
}

// refused is an error about the value that is next.
func (w *walker) refused(reason string) error { return &InvalidError{string(w.path), reason} }

// The rest reads JSON, and takes for granted that it is JSON.

// next is the next byte that is no space; 0: there is none.
func (w *walker) next() byte {
	for ; w.pos < len(w.text); w.pos++ {
		switch c := w.text[w.pos]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

func (w *walker) stop() { w.pos = len(w.text) }

// more goes on to the next value of a list or an object, or to behind its end.
func (w *walker) more(end byte) bool {
	if w.next() == ',' {
		w.pos++
	}
	switch w.next() {
	case 0:
		return false
	case end:
		w.pos++
		return false
	}
	return true
}

// name goes to behind the name of a field and its colon.
func (w *walker) name() (name []byte, ok bool) {
	if w.next() != '"' {
		return nil, false
	}
	text := w.text[w.pos : w.pos+w.scalar()]
	w.pos += len(text)
	if w.next() != ':' || len(text) < 2 {
		return nil, false
	}
	w.pos++
	if bytes.IndexByte(text, '\\') < 0 && utf8.Valid(text) {
		return text[1 : len(text)-1], true
	}
	var s string
	ok = json.Unmarshal(text, &s) == nil
	return []byte(s), ok
}

// scalar is the length of the next value, which is no list and no object.
func (w *walker) scalar() int {
	rest := w.text[w.pos:]
	if len(rest) == 0 || rest[0] != '"' {
		n := bytes.IndexAny(rest, " \t\r\n,]}")
		if n <= 0 { // nothing comes after it, or it is none
			n = len(rest)
		}
		return n
	}
	for i := 1; i < len(rest); i++ {
		switch rest[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(rest)
}

// skip goes to behind the next value.
func (w *walker) skip() {
	for depth := 0; w.next() != 0; {
		switch w.text[w.pos] {
		case '[', '{':
			depth++
			w.pos++
		case ']', '}':
			depth--
			w.pos++
		case ',', ':':
			w.pos++
		default:
			w.pos += w.scalar()
		}
		if depth <= 0 {
			return
		}
	}
}
