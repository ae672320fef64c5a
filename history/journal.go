package history

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/renameio/v2"
)

// Recorder collects the events of a running cell. It is safe for concurrent use;
// events get their sequence number and time in the order in which they arrive.
type Recorder struct {
	mu     sync.Mutex
	start  time.Time
	closed bool
	h      History
	notify chan struct{}
	act    Activity
	lag    time.Duration
}

// Activity tells how much has been recorded, and when last.
type Activity struct {
	Count     int
	Last      time.Time // of any event, or the beginning
	LastFault time.Time // of an event of a fault or of a process, or the beginning
	LastMove  time.Time // of an effect, or of another status of a saga, or the beginning
}

// NewRecorder begins a history now.
func NewRecorder(h Header) *Recorder {
	h.Version = Version
	now := time.Now()
	return &Recorder{start: now, h: History{Header: h}, notify: make(chan struct{}, 1), act: Activity{Last: now, LastFault: now, LastMove: now}}
}

// Add records an event and returns its sequence number. Seq and At are set
// here. After Close it drops the event and returns 0.
func (r *Recorder) Add(e Event) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return 0
	}
	now := time.Now()
	e.Seq, e.At = len(r.h.Events)+1, now.Sub(r.start)
	if e.Kind == Settled {
		e.LagMS = int(r.lag / time.Millisecond)
	}
	r.h.Events = append(r.h.Events, e)
	r.act.Count, r.act.Last = e.Seq, now
	switch e.Kind {
	case FaultFired, FaultHealed, ProcessKilled, ProcessPaused, ProcessResumed, ProcessStarted, ProcessReady:
		r.act.LastFault = now
	case CallCommitted, SagaStatus:
		r.act.LastMove = now
	}
	select {
	case r.notify <- struct{}{}:
	default:
	}
	return e.Seq
}

// Late notes that the harness was late by d; the worst is told when the cell has
// settled.
func (r *Recorder) Late(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lag = max(r.lag, d)
}

// Clock is a time as the events of the history tell it: since the cell began.
func (r *Recorder) Clock(t time.Time) time.Duration { return t.Sub(r.start) }

// Activity is what has been recorded so far.
func (r *Recorder) Activity() Activity {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.act
}

// Since returns the events after the n-th, and the time on the clock of the
// history. The events are the recorder's own: they must not be changed.
func (r *Recorder) Since(n int) (events []Event, now time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clip(r.h.Events[n:]), time.Since(r.start)
}

// Header is the header as it is now. What it holds must not be changed.
func (r *Recorder) Header() Header {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.h.Header
	h.Definitions = slices.Clone(h.Definitions)
	return h
}

// Changed delivers a token some time after each event.
func (r *Recorder) Changed() <-chan struct{} { return r.notify }

// Close ends the recording and returns the history.
func (r *Recorder) Close() *History {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	return &r.h
}

// WriteTo writes the history as JSON Lines.
func (h *History) WriteTo(w io.Writer) (int64, error) {
	cw := &countingWriter{w: w}
	bw := bufio.NewWriterSize(cw, 1<<16)
	enc := json.NewEncoder(bw)
	enc.SetEscapeHTML(false)
	header, err := h.Header.stored()
	if err == nil {
		err = enc.Encode(header)
	}
	if err != nil {
		return cw.n, fmt.Errorf("header: %w", err)
	}
	for i := range h.Events {
		if err := enc.Encode(&h.Events[i]); err != nil {
			return cw.n, fmt.Errorf("event %d: %w", i+1, err)
		}
	}
	err = bw.Flush()
	return cw.n, err
}

type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// Save writes the history to a temporary file beside path and renames it, so
// that a file under that name is always whole.
func (h *History) Save(path string) error {
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)))
	if err != nil {
		return fmt.Errorf("save history %q: %w", path, err)
	}
	if _, err = h.WriteTo(f); err == nil {
		err = f.CloseAtomicallyReplace()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("save history %q: %w", path, err), f.Cleanup())
	}
	return nil
}

// Extension is the ending of history files.
const Extension = ".history.jsonl"

// Load reads a stored history. See Read.
func Load(path string) (*History, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	h, err := Read(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return h, nil
}

// Read reads JSON Lines. A file of another version, a cut or damaged line, a gap
// in the sequence, time that runs backwards and a history that does not end with
// its ledgers are errors that name the line.
func Read(r io.Reader) (*History, error) {
	br := bufio.NewReaderSize(r, 1<<16)
	h := &History{}
	var valid *validator
	blank := 0 // the first blank line: an editor leaves one at the end
	for line := 1; ; line++ {
		b, err := br.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(bytes.TrimSpace(b)) == 0 {
			break
		}
		if err == nil && h.Header.Version != 0 && len(bytes.TrimSpace(b)) == 0 {
			blank = cmp.Or(blank, line)
			continue
		}
		if blank > 0 {
			return nil, fmt.Errorf("line %d: blank: expected an event, since more follow", blank)
		}
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("line %d: cut off: expected a line break at its end", line)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		if err := h.readLine(line, b); err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		if line == 1 {
			valid, err = newValidator(&h.Header)
		} else {
			err = valid.event(&h.Events[len(h.Events)-1])
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
	}
	if h.Header.Version == 0 {
		return nil, errors.New("line 1: empty file: expected the header")
	}
	if err := h.checkWhole(); err != nil {
		return nil, err
	}
	return h, nil
}

func (h *History) readLine(line int, b []byte) error {
	if line == 1 {
		if err := strict(b, &h.Header); err != nil {
			var v struct {
				Version int `json:"sagacheck_history"`
			}
			if json.Unmarshal(b, &v) == nil && v.Version != 0 && !readable(v.Version) {
				return versionError(v.Version)
			}
			if !json.Valid(b) {
				return errors.New("expected a history, whose first line is JSON with sagacheck_history, the version of its format")
			}
			return fmt.Errorf("header: %w", err)
		}
		if !readable(h.Header.Version) {
			return versionError(h.Header.Version)
		}
		if err := h.Header.restore(); err != nil {
			return fmt.Errorf("header: %w", err)
		}
		return nil
	}
	var e Event
	if err := strict(b, &e); err != nil {
		return fmt.Errorf("event: %w", err)
	}
	if want := len(h.Events) + 1; e.Seq != want {
		return fmt.Errorf("seq: %d: expected %d (a line is missing or out of order)", e.Seq, want)
	}
	if n := len(h.Events); n > 0 && e.At < h.Events[n-1].At {
		return fmt.Errorf("at_ns: %d is before the event above", e.At)
	}
	h.Events = append(h.Events, e)
	return nil
}

func readable(version int) bool { return version >= oldest && version <= Version }

func versionError(v int) error {
	return fmt.Errorf("sagacheck_history: version %d: this sagacheck reads versions %d to %d", v, oldest, Version)
}

func strict(b []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if dec.More() || strings.TrimSpace(string(b[dec.InputOffset():])) != "" {
		return errors.New("more than one value on a line")
	}
	return nil
}

// checkWhole refuses a history whose end is missing: it always closes with the
// settle event and the ledgers.
func (h *History) checkWhole() error {
	n := len(h.Events)
	if n == 0 || h.Events[n-1].Kind != LedgerRead {
		return fmt.Errorf("line %d: cut off: expected the ledgers (%s) at the end", n+1, LedgerRead)
	}
	return nil
}
