package participants

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// ReadBacks tells what the participants of all cells of a run hold. No fault strikes there: it is
// beside the wire.
type ReadBacks struct {
	http *http.Server
	ln   net.Listener
	done chan error

	mu     sync.Mutex
	worlds map[string]*World // by saga
}

// ServeReadBacks starts to answer on a free port of 127.0.0.1.
func ServeReadBacks() (*ReadBacks, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &ReadBacks{ln: ln, done: make(chan error, 1), worlds: map[string]*World{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sagas/{saga}/steps/{step}", b.tell)
	b.http = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { b.done <- b.http.Serve(ln) }()
	return b, nil
}

// URL is where it is told what there is of a step.
func (b *ReadBacks) URL(saga, step string) string {
	return "http://" + b.ln.Addr().String() + "/sagas/" + saga + "/steps/" + step
}

// Open has the world of some sagas asked, until they are shut.
func (b *ReadBacks) Open(sagas []string, w *World) (shut func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range sagas {
		b.worlds[id] = w
	}
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, id := range sagas {
			delete(b.worlds, id)
		}
	}
}

// tell answers 200 with what there is, 404 if nothing is, and 410 where nobody knows any more.
func (b *ReadBacks) tell(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	world := b.worlds[r.PathValue("saga")]
	b.mu.Unlock()
	if world == nil {
		writeAnswer(w, *problem(http.StatusGone, "over", "the cell is over"))
		return
	}
	step := r.PathValue("step")
	if said := r.Header.Get("Saga-Step"); strings.HasPrefix(said, step+"(") { // in a later round of its saga
		step = said
	}
	e, there := world.ReadBack(r.PathValue("saga"), step, Key(r.Header))
	if !there {
		writeAnswer(w, *problem(http.StatusNotFound, "nothing", "there is nothing of this action"))
		return
	}
	body, _ := json.Marshal(e) // only text and numbers
	writeAnswer(w, Answer{Code: http.StatusOK, Body: body})
}

// Close ends it.
func (b *ReadBacks) Close() error {
	err := b.http.Close()
	if served := <-b.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
