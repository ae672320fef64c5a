// Package yamlfile reads the YAML and JSON files that people write, so that every
// mistake is named at once, with its line and its field, in the words of the file.
package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Text is the text of a file: UTF-8, without the byte order mark that some editors
// put before it.
func Text(b []byte) ([]byte, *Problem) {
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	if utf8.Valid(b) {
		return b, nil
	}
	at := 0
	for at < len(b) {
		r, n := utf8.DecodeRune(b[at:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	line := bytes.Count(b[:at], []byte("\n")) + 1
	start := bytes.LastIndexByte(b[:at], '\n') + 1
	return nil, &Problem{Line: line, Column: utf8.RuneCount(b[start:at]) + 1, Reason: fmt.Sprintf("not UTF-8: the byte 0x%02x: expected a text in UTF-8", b[at])}
}

// Document is the root of the only document of a file; what says what the file
// should hold.
func Document(b []byte, most int, what string) (ast.Node, Problems) {
	if len(b) > most {
		return nil, Problems{{Reason: fmt.Sprintf("the file is too large: expected at most %d bytes", most)}}
	}
	b, bad := Text(b)
	if bad != nil {
		return nil, Problems{bad}
	}
	f, err := parser.ParseBytes(b, 0)
	if err != nil {
		return nil, Problems{NotYAML(err)}
	}
	switch {
	case len(f.Docs) == 0 || f.Docs[0].Body == nil:
		return nil, Problems{{Line: 1, Column: 1, Reason: "the file is empty: expected " + what}}
	case len(f.Docs) > 1:
		return nil, Problems{{Line: 1, Column: 1, Reason: fmt.Sprintf("the file has %d documents: expected %s", len(f.Docs), oneOf(what))}}
	}
	return f.Docs[0].Body, nil
}

// oneOf is "one scenario" of "a scenario".
func oneOf(what string) string { return "one " + what[2:] }

// NotYAML takes the place from an error of the YAML library.
func NotYAML(err error) *Problem {
	var ye yaml.Error
	if !errors.As(err, &ye) {
		return &Problem{Reason: clip(err.Error())}
	}
	p := &Problem{Reason: "not YAML: " + first(ye.GetMessage(), 80)}
	if strings.Contains(ye.GetMessage(), "'\t'") {
		p.Reason = "not YAML: a tab where spaces are expected: YAML is indented with spaces"
	}
	if t := ye.GetToken(); t != nil {
		p.At(t.Position)
	}
	return p
}

// first is the beginning of a text, as many characters as that.
func first(text string, most int) string {
	if rs := []rune(text); len(rs) > most {
		return string(rs[:most]) + "…"
	}
	return text
}
