package dashboard

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
// one stream lasts before the browser asks for another, and how long the browser may take to read.
const (
	lookEvery   = time.Second
	lookShare   = 4
	streamLasts = 2 * time.Minute
	readWithin  = 10 * time.Second
)

// question is what streams ask that show the same.
type question struct {
	executor Executor
	address  string
}

// answer is what was seen last, for all streams that ask the same.
type answer struct {
	streams int // that ask; guarded by answers

	mu   sync.Mutex
	text string
	next time.Time // when is looked again
}

// answers are those to what is asked now.
type answers struct {
	mu  sync.Mutex
	all map[question]*answer
}

// join is the answer to a question, until its stream leaves.
func (as *answers) join(q question) (a *answer, leave func()) {
	as.mu.Lock()
	defer as.mu.Unlock()
	a = as.all[q]
	if a == nil {
		a = &answer{}
		as.all[q] = a
	}
	a.streams++
	return a, func() {
		as.mu.Lock()
		defer as.mu.Unlock()
		if a.streams--; a.streams == 0 {
			delete(as.all, q)
		}
	}
}

// count is how many questions are asked.
func (as *answers) count() int {
	as.mu.Lock()
	defer as.mu.Unlock()
	return len(as.all)
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

// follow sends a part of a page each time that it has changed, as server-sent events.
func (p *pages) follow(e Executor, w http.ResponseWriter, r *http.Request, part func() (string, error)) {
	select {
	case p.streams <- struct{}{}:
		defer func() { <-p.streams }()
	default: // it stays as it is, says so, and can ask later
		w.WriteHeader(http.StatusNoContent) // a browser asks no more by itself
		return
	}
	a, leave := p.answers.join(question{e, r.URL.String()})
	defer leave()
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // there is nothing more to read
	over := time.NewTimer(streamLasts)
	defer over.Stop()
	sent := ""
	for anew := true; ; anew = false {
		text, next, err := a.look(anew, p.answers.count(), part)
		if err != nil || e.Condition().Status == "closed" {
			return // the browser asks again
		}
		message := ": nothing new\n\n"
		if text != sent {
			sent = text
			data, err := json.Marshal(text) // in one line
			if err != nil {
				return
			}
			message = fmt.Sprintf("data: %s\n\n", data)
		}
		_ = control.SetWriteDeadline(time.Now().Add(readWithin)) // else the answer would have to end in time
		if _, err := w.Write([]byte(message)); err != nil || control.Flush() != nil {
			return
		}
		select {
		case <-time.After(time.Until(next)):
		case <-over.C:
			return
		case <-r.Context().Done():
			return
		}
	}
}
