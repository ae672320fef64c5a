package pages

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// maxStreams bounds the pages that follow what happens at once, since each has a connection.
const maxStreams = 16

// How often is looked whether something has changed, at the most, and how many times as long as a look
// for each question takes is between two, so that all together use a quarter of one processor; how long
// a stream without an end lasts before the browser asks for another, and how long the browser may take
// to read.
const (
	lookEvery   = time.Second
	lookShare   = 4
	streamLasts = 2 * time.Minute
	readWithin  = 10 * time.Second
)

// Question is what streams ask that show the same.
type Question struct {
	Of      any    // who is asked; it can be compared
	Address string // of what is shown
}

// answer is what was seen last, for all streams that ask the same.
type answer struct {
	streams int // that ask; guarded by Streams

	mu   sync.Mutex
	text string
	next time.Time // when is looked again
}

// Streams are the pages that follow what happens.
type Streams struct {
	room chan struct{} // bounds them
	mu   sync.Mutex
	all  map[Question]*answer // what they are sent
}

// NewStreams begins with none.
func NewStreams() *Streams {
	return &Streams{room: make(chan struct{}, maxStreams), all: map[Question]*answer{}}
}

// join is the answer to a question, until its stream leaves.
func (s *Streams) join(q Question) (a *answer, leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a = s.all[q]
	if a == nil {
		a = &answer{}
		s.all[q] = a
	}
	a.streams++
	return a, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if a.streams--; a.streams == 0 {
			delete(s.all, q)
		}
	}
}

// count is how many questions are asked.
func (s *Streams) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

// look sees how it is now if it is time to, or if anew: a page that has just been made is not to go
// back. Questions are how many are asked.
func (a *answer) look(anew bool, questions int, see func() (string, error)) (text string, next time.Time, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if began := time.Now(); anew || !began.Before(a.next) {
		text, err := see()
		if err != nil {
			return "", a.next, err
		}
		took := time.Since(began)
		a.text, a.next = text, began.Add(max(lookEvery, lookShare*time.Duration(questions)*took))
	}
	return a.text, a.next, nil
}

// Part is what of a page follows.
type Part struct {
	Question
	// See is the part as it is now. An error ends the stream; the browser asks again.
	See func() (string, error)
	// Last is closed when nothing more will happen: the part is sent once more, and the browser
	// asks no more. nil: never.
	Last <-chan struct{}
}

// Follow sends a part of a page each time that it has changed, as server-sent events.
func (s *Streams) Follow(w http.ResponseWriter, r *http.Request, p Part) {
	select {
	case s.room <- struct{}{}:
		defer func() { <-s.room }()
	default: // it stays as it is, says so, and can ask later
		w.WriteHeader(http.StatusNoContent) // a browser asks no more by itself
		return
	}
	a, leave := s.join(p.Question)
	defer leave()
	w.Header().Set("Content-Type", "text/event-stream")
	out := stream{w: w, control: http.NewResponseController(w)}
	_ = out.control.SetReadDeadline(time.Time{}) // there is nothing more to read
	// A stream with an end lasts until then: between two streams a page would miss it.
	var over <-chan time.Time
	if p.Last == nil {
		over = time.After(streamLasts)
	}
	for anew := true; ; anew = false {
		text, next, err := a.look(anew, s.count(), p.See)
		if err != nil || !out.send(text) {
			return // the browser asks again
		}
		select {
		case <-time.After(time.Until(next)):
		case <-p.Last:
			if text, err := p.See(); err == nil && out.send(text) {
				out.write("event: last\ndata:\n\n")
			}
			return
		case <-over:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// stream is the way to one browser.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	sent    string
}

// send sends a part unless it was the last that was sent, and tells whether the browser still listens.
func (s *stream) send(text string) bool {
	if text == s.sent {
		return s.write(": nothing new\n\n")
	}
	s.sent = text
	data, err := json.Marshal(text) // in one line
	return err == nil && s.write(fmt.Sprintf("data: %s\n\n", data))
}

func (s *stream) write(message string) bool {
	_ = s.control.SetWriteDeadline(time.Now().Add(readWithin)) // else the answer would have to end in time
	_, err := s.w.Write([]byte(message))
	return err == nil && s.control.Flush() == nil
}
