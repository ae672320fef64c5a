package dashboard

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// maxStreams bounds the pages that follow what happens at once, since each has a connection.
const maxStreams = 16

// How often is looked whether something has changed, how long one stream lasts before the browser
// asks for another, and how long the browser may take to read.
const (
	lookEvery   = time.Second
	streamLasts = 2 * time.Minute
	readWithin  = 10 * time.Second
)

// follow sends a part of a page each time that it has changed, as server-sent events.
func (p *pages) follow(e Executor, w http.ResponseWriter, r *http.Request, part func() (string, error)) {
	select {
	case p.streams <- struct{}{}:
		defer func() { <-p.streams }()
	default: // it stays as it is, and can be loaded anew
		w.WriteHeader(http.StatusNoContent) // a browser asks no more
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // there is nothing more to read
	over := time.NewTimer(streamLasts)
	defer over.Stop()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for sent := ""; ; {
		text, err := part()
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
		case <-tick.C:
		case <-over.C:
			return
		case <-r.Context().Done():
			return
		}
	}
}
