package history_test

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/history"
)

func stored(t testing.TB) []string {
	t.Helper()
	var b bytes.Buffer
	if _, err := parse(t, sample).WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return strings.SplitAfter(strings.TrimSuffix(b.String(), "\n"), "\n")
}

func read(lines []string) (*history.History, error) {
	return history.Read(strings.NewReader(strings.Join(lines, "")))
}

func TestSaveAndLoad(t *testing.T) {
	h := parse(t, sample)
	path := filepath.Join(t.TempDir(), "c1"+history.Extension)
	if err := h.Save(path); err != nil {
		t.Fatal(err)
	}
	back, err := history.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	var a, b bytes.Buffer
	if err := history.FormatText(&a, h); err != nil {
		t.Fatal(err)
	}
	if err := history.FormatText(&b, back); err != nil {
		t.Fatal(err)
	}
	if a.String() != b.String() {
		t.Errorf("loaded:\n%s\nsaved:\n%s", b.String(), a.String())
	}
}

// A history that lost anything must never be judged as if it were whole.
func TestReadRefusesDamage(t *testing.T) {
	lines := stored(t)
	lines[len(lines)-1] += "\n"
	if _, err := read(lines); err != nil {
		t.Fatalf("undamaged: %v", err)
	}
	for n := range lines {
		if _, err := read(lines[:n]); err == nil {
			t.Errorf("cut after line %d: no error", n)
		}
	}
	for n := range lines[:len(lines)-1] {
		if _, err := read(slices.Delete(slices.Clone(lines), n, n+1)); err == nil {
			t.Errorf("without line %d: no error", n+1)
		}
		swapped := slices.Clone(lines)
		swapped[n], swapped[n+1] = swapped[n+1], swapped[n]
		if _, err := read(swapped); err == nil {
			t.Errorf("lines %d and %d swapped: no error", n+1, n+2)
		}
	}
	for n, l := range lines {
		for _, cut := range []int{1, len(l) / 2, len(l) - 1} {
			broken := slices.Clone(lines)
			broken[n] = l[:cut] + "\n"
			if cut == len(l)-1 {
				broken[n] = l[:cut] // the line break alone: two values on a line, or a cut end
			}
			if _, err := read(broken); err == nil {
				t.Errorf("line %d cut to %d bytes: no error", n+1, cut)
			}
		}
	}
}

func TestReadNamesTheLine(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{`"sagacheck_history":2`, `"sagacheck_history":3`, "line 1: sagacheck_history: version 3: this sagacheck reads versions 1 to 2"},
		{`"cell":`, `"call":`, `line 1: header: json: unknown field "call"`},
		{`"seq":4,`, `"seq":5,`, "line 5: seq: 5: expected 4"},
		{`"at_ns":1500000`, `"at_ns":9500000`, "line 5: at_ns: 2000000 is before the event above"},
		{`"kind":"call-answered"`, `"kind":"call-answerd"`, `line 8: kind: "call-answerd" is no kind of event`},
		{`"saga":"s1","step":"reserve","direction":"action"`, `"saga":"s9","step":"reserve","direction":"action"`, `line 7: saga: "s9" is not in the header`},
		{`"fault":0`, `"fault":9`, "line 9: fault: 9: the header has 2 faults"},
		{`"kind":"ledger-read"`, `"kind":"settled"`, "line 17: cut off: expected the ledgers"},
	} {
		all := strings.Join(stored(t), "") + "\n"
		damaged := strings.Replace(all, c.from, c.to, 1)
		if damaged == all {
			t.Fatalf("%s is not in the history", c.from)
		}
		_, err := history.Read(strings.NewReader(damaged))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s → %s: got error %v, want %q", c.from, c.to, err, c.want)
		}
	}
}

func TestRecorder(t *testing.T) {
	r := history.NewRecorder(history.Header{Cell: "c"})
	for want := range 3 {
		if got := r.Add(history.Event{Kind: history.Settled}); got != want+1 {
			t.Errorf("sequence number: got %d, want %d", got, want+1)
		}
	}
	<-r.Changed()
	h := r.Close()
	if got := r.Add(history.Event{Kind: history.Settled}); got != 0 || len(h.Events) != 3 {
		t.Errorf("after Close: number %d, %d events", got, len(h.Events))
	}
	if !slices.IsSortedFunc(h.Events, func(a, b history.Event) int { return int(a.At - b.At) }) {
		t.Error("events are not in the order of time")
	}
}

// Whatever is accepted is written back as it was read.
func FuzzRead(f *testing.F) {
	f.Add([]byte(strings.Join(stored(f), "") + "\n"))
	f.Add([]byte(`{"sagacheck_history":1}` + "\n" + `{"seq":1,"at_ns":0,"kind":"ledger-read"}` + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := history.Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		var once, twice bytes.Buffer
		if _, err := h.WriteTo(&once); err != nil {
			t.Fatal(err)
		}
		back, err := history.Read(bytes.NewReader(once.Bytes()))
		if err != nil {
			t.Fatalf("%v in\n%s", err, once.String())
		}
		if _, err := back.WriteTo(&twice); err != nil {
			t.Fatal(err)
		}
		if once.String() != twice.String() {
			t.Errorf("written once:\n%s\ntwice:\n%s", once.String(), twice.String())
		}
	})
}
