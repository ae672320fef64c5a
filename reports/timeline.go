package reports

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/results"
)

// timeline is a story as it is drawn: lanes side by side, in which time goes downwards. The page and
// the terminal draw the same one.
type timeline struct {
	Lanes   []string
	Moments []time.Duration // one a line of the story
	Down    []down
	Marks   []mark // by their begin
	LeftOut int    // lines
}

// shape is how something is drawn.
type shape string

const (
	arrowShape  shape = "arrow"  // from one lane to another
	effectShape shape = "effect" // in one lane
	noteShape   shape = "said"   // in one lane
)

// mark is one thing that happened: a line of the story, or two of which the second is where the first
// one arrives.
type mark struct {
	Shape      shape
	From, To   int // lanes; a note has the same
	Begin, End int // moments
	Lost       bool
	Cut        bool // of an answer: only its head arrives
	Label      string
	Key        string // idempotency key
	Text       string // all of it, in words
	Seqs       []int
	Why        results.Mark
}

// down is a time in which a party did nothing: its process was killed or paused.
type down struct {
	Lane       int
	Begin, End int // moments; an End of -1: for good
}

// downs finds them in a story.
func (t timeline) downs(lines []results.Line) []down {
	var out []down
	for i, l := range lines {
		lane := t.lane(l.From)
		open := slices.IndexFunc(out, func(d down) bool { return d.Lane == lane && d.End < 0 })
		switch l.Kind {
		case history.ProcessKilled, history.ProcessPaused, history.ProcessGone:
			if open < 0 {
				out = append(out, down{lane, i, -1})
			}
		case history.ProcessStarted, history.ProcessResumed:
			if open >= 0 {
				out[open].End = i
			}
		}
	}
	return out
}

// newTimeline lays a story out: what leaves and what arrives is one arrow.
func newTimeline(s results.Story) timeline {
	t := timeline{Lanes: s.Parties(), LeftOut: s.LeftOut}
	used := make([]bool, len(s.Lines))
	for i, l := range s.Lines {
		t.Moments = append(t.Moments, l.At)
		if used[i] {
			continue
		}
		m := t.mark(s, i)
		for j := i + 1; j < len(s.Lines) && m.End == i; j++ {
			if o := s.Lines[j]; !used[j] && arrives(l, o) {
				used[j], m.End = true, j
				m.Text += "; " + o.Text
				m.Seqs = append(m.Seqs, o.Seq)
				m.To, m.Lost = t.lane(o.To), o.Lost
				m.cut(o)
				if o.Mark != "" {
					m.Why = o.Mark
				}
			}
		}
		t.Marks = append(t.Marks, m)
	}
	t.Down = t.downs(s.Lines)
	return t
}

func (t timeline) lane(party string) int { return max(0, slices.Index(t.Lanes, party)) }

// arrives tells whether a line tells the arrival of what leaves in another.
func arrives(l, o results.Line) bool {
	if l.Call == nil || o.Call == nil || l.Call.Saga != o.Call.Saga || l.Call.Attempt != o.Call.Attempt {
		return false
	}
	switch l.Kind {
	case history.CallSent:
		return o.Kind == history.CallReceived && o.Call.Copy == 0
	case history.CallAnswered:
		return o.Kind == history.CallEnded && o.Call.Code != 0 && l.Call.Copy == 0
	}
	return false
}

// mark is one line alone.
func (t timeline) mark(s results.Story, i int) mark {
	l := s.Lines[i]
	m := mark{Shape: arrowShape, From: t.lane(l.From), To: t.lane(l.To), Begin: i, End: i, Lost: l.Lost, Label: l.Text, Text: l.Text, Seqs: []int{l.Seq}, Why: l.Mark}
	switch {
	case l.To == "" && l.Effect != "":
		m.Shape, m.To, m.Label = effectShape, m.From, l.Effect
	case l.To == "":
		m.Shape, m.To, m.Label = noteShape, m.From, strings.TrimPrefix(l.Text, "fault: ")
	}
	if l.Call == nil {
		return m
	}
	attempt := l.Call.Attempt
	if l.Call.Copy > 0 {
		attempt += ", copy " + strconv.Itoa(l.Call.Copy)
	}
	switch l.Kind {
	case history.CallSent:
		m.Label, m.Key = attempt, l.Call.Key
		m.Lost = s.LeftOut == 0 && !slices.ContainsFunc(s.Lines[i:], func(o results.Line) bool { return reached(l, o) })
	case history.CallReceived:
		m.Label = attempt
	case history.CallAnswered:
		m.Label = attempt + ": " + strconv.Itoa(l.Call.Code)
		m.Lost = slices.ContainsFunc(s.Lines[i:], func(o results.Line) bool {
			return o.Kind == history.CallEnded && o.Lost && sameAttempt(l, o)
		})
	case history.CallEnded:
		m.Label = attempt + ": " + strconv.Itoa(l.Call.Code)
		if l.Lost {
			m.Label = attempt + noAnswer
		}
		m.cut(l)
	}
	return m
}

// cut notes that of an answer not all arrives.
func (m *mark) cut(arrival results.Line) {
	if arrival.Call.Partial {
		m.Cut = true
		m.Label += ", cut short"
	}
}

// noAnswer is how an attempt ends of which nothing came back.
const noAnswer = ": no answer"

func sameAttempt(l, o results.Line) bool {
	return o.Call != nil && l.Call.Saga == o.Call.Saga && l.Call.Attempt == o.Call.Attempt
}

// reached tells whether a line proves that an attempt which was sent has come to its participant.
func reached(l, o results.Line) bool {
	return sameAttempt(l, o) && (o.Kind == history.CallReceived || o.Kind == history.CallCommitted || o.Kind == history.CallAnswered)
}

// wait is a time that passes between two moments.
type wait struct {
	Space  float64 // that stands for it in the drawing
	Broken bool    // it would take more
	Long   time.Duration
}

// Of the space for all waits, and the most for one.
const (
	spaceOfWaits = 300.0
	spaceOfAWait = 84.0
)

// waits gives each moment the space before it that stands for the time since the last one: to scale,
// but for the longest, which are broken.
func (t timeline) waits() []wait {
	out := make([]wait, len(t.Moments))
	for i := 1; i < len(out); i++ {
		out[i].Long = max(0, t.Moments[i]-t.Moments[i-1])
	}
	for {
		var sum time.Duration
		space := spaceOfWaits
		for _, w := range out {
			if w.Broken {
				space -= spaceOfAWait
			} else {
				sum += w.Long
			}
		}
		scale := max(space, spaceOfAWait) / max(float64(sum), float64(100*time.Millisecond)) // so that microseconds are no wait
		again := false
		for i := range out {
			w := &out[i]
			if !w.Broken {
				w.Space = scale * float64(w.Long)
				w.Broken = w.Space > spaceOfAWait
				again = again || w.Broken
			}
			if w.Broken {
				w.Space = spaceOfAWait / 2
			}
		}
		if !again {
			return out
		}
	}
}

// longText is a time for people: 3 ms, 1.25 s.
func longText(d time.Duration) string {
	switch {
	case d >= time.Second:
		return strings.TrimSuffix(strconv.FormatFloat(d.Seconds(), 'f', 2, 64), ".00") + " s"
	case d >= 10*time.Millisecond:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	}
	return strconv.FormatFloat(float64(d)/1e6, 'f', 1, 64) + " ms"
}
