package campaign

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/results"
)

// What travels between who plans and judges a run and the workers that run its cells.

// orders are what a worker is told of a run: it must make the same of the settings.
type orders struct {
	Settings     Settings             `json:"settings"`
	Again        int                  `json:"again"` // how often a cell is run again whose fault did not fire
	Orchestrator history.Orchestrator `json:"orchestrator"`
	Content      results.Content      `json:"content"`
	System       results.System       `json:"system"` // how the orchestrator is reached
}

// order is one cell.
type order struct {
	Scenario string      `json:"scenario"`
	Plan     faults.Plan `json:"plan"`
	PlanID   string      `json:"plan_id"`
	Seed     uint64      `json:"seed"`
}

func orderOf(c harness.Cell) (json.RawMessage, error) {
	return json.Marshal(order{c.Scenario, c.Plan, c.Plan.ID(), c.Seed})
}

// parcel is one run of a cell: several if a planned fault did not fire. Its history follows all
// of them, as lines.
type parcel struct {
	Cell     string        `json:"cell"`
	Duration time.Duration `json:"duration"`
	Err      string        `json:"error,omitempty"`
	Spoilt   bool          `json:"spoilt,omitempty"`
	Bytes    int           `json:"bytes"` // of the history; 0: there is none
	// Late, with the last run of a cell, is all that its worker has heard too late so far.
	Late harness.Late `json:"late,omitzero"`
}

// zippers are kept: each has tables of a megabyte.
var zippers = sync.Pool{New: func() any {
	z, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil { // a level that there is
		panic(err)
	}
	return z
}}

// pack writes what became of a cell, compressed, and what was heard too late.
func pack(tries []harness.Result, late harness.Late) ([]byte, error) {
	var head []parcel
	var histories bytes.Buffer
	for _, r := range tries {
		t := parcel{Cell: r.Cell.ID, Duration: r.Duration, Spoilt: r.Spoilt}
		if r.Err != nil {
			t.Err = r.Err.Error()
		}
		if r.History != nil {
			before := histories.Len()
			if _, err := r.History.WriteTo(&histories); err != nil {
				return nil, err
			}
			t.Bytes = histories.Len() - before
		}
		head = append(head, t)
	}
	head[len(head)-1].Late = late
	var body bytes.Buffer
	z := zippers.Get().(*gzip.Writer)
	defer zippers.Put(z)
	z.Reset(&body)
	err := json.NewEncoder(z).Encode(head)
	if err == nil {
		_, err = z.Write(histories.Bytes())
	}
	if err == nil {
		err = z.Close()
	}
	return body.Bytes(), err
}

// unpack reads what became of a cell, and stores its histories in a folder.
func unpack(body []byte, asked harness.Cell, dir string) ([]harness.Result, harness.Late, error) {
	var none harness.Late
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, none, err
	}
	all, err := io.ReadAll(z)
	if err != nil {
		return nil, none, err
	}
	line, rest, _ := bytes.Cut(all, []byte("\n"))
	var head []parcel
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, none, err
	}
	var tries []harness.Result
	for _, t := range head {
		if t.Bytes > len(rest) || t.Bytes < 0 {
			return nil, none, fmt.Errorf("the history of %s is cut", t.Cell)
		}
		r, err := t.result(rest[:t.Bytes], asked, dir)
		if err != nil {
			return nil, none, err
		}
		tries, rest = append(tries, r), rest[t.Bytes:]
	}
	if len(tries) == 0 || tries[len(tries)-1].Spoilt {
		return nil, none, fmt.Errorf("%d runs of %s, none of which is the last", len(tries), asked.ID)
	}
	return tries, head[len(head)-1].Late, nil
}

func (t parcel) result(text []byte, asked harness.Cell, dir string) (harness.Result, error) {
	r := harness.Result{Cell: asked, Asked: asked.ID, Duration: t.Duration, Spoilt: t.Spoilt}
	r.Cell.ID = t.Cell
	if t.Err != "" {
		r.Err = errors.New(t.Err)
	}
	if t.Bytes == 0 {
		return r, nil
	}
	var err error
	if r.History, err = history.Read(bytes.NewReader(text)); err != nil {
		return r, err
	}
	r.Path = filepath.Join(dir, filepath.Base(t.Cell)+history.Extension)
	return r, results.WriteFile(r.Path, text)
}
