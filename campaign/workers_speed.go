package campaign

import "time"

// speed is how many cells workers did in the last seconds, so that a chunk takes one of them
// a few: less would be spent on messages, and of more too much is lost with a worker.
type speed struct{ done []stamp }

type stamp struct {
	at     time.Time
	worker string
}

const (
	speedOver  = 10 * time.Second
	chunkTime  = 2 * time.Second
	firstChunk = 8   // cells, as long as nothing is known
	mostChunk  = 500 // cells
)

// note counts a cell.
func (s *speed) note(worker string) {
	now := time.Now()
	s.done = append(s.done, stamp{now, worker})
	for now.Sub(s.done[0].at) > speedOver {
		s.done = s.done[1:]
	}
}

// chunk is how many cells one worker does in chunkTime.
func (s *speed) chunk() int {
	if len(s.done) < firstChunk {
		return firstChunk
	}
	workers := map[string]bool{}
	for _, d := range s.done {
		workers[d.worker] = true
	}
	over := max(time.Since(s.done[0].at), chunkTime/4)
	return min(max(int(float64(len(s.done))*chunkTime.Seconds()/over.Seconds()/float64(len(workers))), 1), mostChunk)
}
