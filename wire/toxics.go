package wire

import (
	"bytes"
	"encoding/json"
	"sync"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"

	"github.com/sagacheck/sagacheck/faults"
)

// toxic is one toxic of a connection's chain.
type toxic struct {
	Type       string         `json:"type"`
	Stream     string         `json:"stream"`
	Toxicity   float32        `json:"toxicity"` // always 1: dice are rolled by the generator
	Name       string         `json:"name"`
	Attributes map[string]any `json:"attributes"`
}

const (
	upstream   = "upstream"
	downstream = "downstream"
)

// Types of toxics that are asked for elsewhere.
const (
	timeoutType = "timeout"
	swallowType = "sagacheck_swallow"
	resetType   = "sagacheck_reset"
	limitType   = "sagacheck_limit"
	bodyType    = "sagacheck_body"
)

// toxicsOf is an injection's chain.
func toxicsOf(e faults.Injection) []toxic {
	var chain []toxic
	for _, b := range e.Bends {
		chain = append(chain, bent(b))
	}
	return chain
}

// bent is the toxic that bends bytes.
func bent(b faults.Bend) toxic {
	direction := upstream
	if b.Answer {
		direction = downstream
	}
	switch b.How {
	case faults.Late:
		return newToxic("latency", direction, map[string]any{"latency": b.N})
	case faults.Trickling:
		return newToxic("bandwidth", direction, map[string]any{"rate": b.N})
	case faults.Ended:
		return newToxic(limitType, direction, map[string]any{"bytes": b.N})
	case faults.Reset:
		return newToxic(resetType, direction, map[string]any{"timeout": 0})
	case faults.BrokenOff, faults.Stalled:
		return newToxic(bodyType, direction, map[string]any{"stalls": b.How == faults.Stalled})
	case faults.Swallowed:
		if b.Answer {
			return newToxic(swallowType, direction, nil)
		}
		return newToxic(timeoutType, direction, map[string]any{"timeout": 0})
	}
	panic("bytes bent in no known way: " + string(b.How))
}

func newToxic(typ, direction string, attributes map[string]any) toxic {
	if attributes == nil {
		attributes = map[string]any{}
	}
	return toxic{Type: typ, Stream: direction, Toxicity: 1, Attributes: attributes}
}

// addTo appends the toxic to a connection's chain. AddToxicJson is the only way
// in that toxiproxy exports.
func (t toxic) addTo(c *toxiproxy.ToxicCollection) error {
	b, err := json.Marshal(t)
	if err != nil {
		return err
	}
	_, err = c.AddToxicJson(bytes.NewReader(b))
	return err
}

// swallow keeps an answer back and the connection open until the orchestrator
// gives up: the stock timeout toxic closes as soon as the participant does.
type swallow struct {
	Exchange uint64 `json:"exchange"`
}

var _ toxics.Toxic = (*swallow)(nil)

// gone tells swallow toxics when the orchestrator's side of their exchange is
// over. A toxic is made from JSON, so it can only carry a number.
var gone sync.Map // exchange number → <-chan struct{}

// Pipe drops the data and waits.
func (s *swallow) Pipe(stub *toxics.ToxicStub) { dropUntilGone(s.Exchange, stub) }

// dropUntilGone drops what comes until the orchestrator's side is over.
func dropUntilGone(exchange uint64, stub *toxics.ToxicStub) {
	v, ok := gone.Load(exchange)
	if !ok {
		stub.Close()
		return
	}
	left := v.(<-chan struct{})
	input := stub.Input
	for {
		select {
		case <-left:
			drain(input)
			stub.Close()
			return
		case <-stub.Interrupt:
			return
		case c := <-input:
			if c == nil {
				input = nil // the participant is done; the orchestrator waits on
			}
		}
	}
}

// drain takes what is still to come, so that no sender is left behind.
func drain(input <-chan *stream.StreamChunk) {
	if input == nil {
		return
	}
	go func() {
		for c := range input {
			if c == nil {
				return
			}
		}
	}()
}

// resetter is the stock reset_peer without its conditions: a link that finds that one
// wants bare TCP connections on both sides. The ends of an exchange do themselves
// what makes a close a reset.
type resetter struct{ toxics.ResetToxic }

var _ toxics.Toxic = (*resetter)(nil)

// Pipe ends the link at the first data.
func (r *resetter) Pipe(stub *toxics.ToxicStub) {
	r.ResetToxic.Pipe(stub)
	drain(stub.Input)
}

// limit is the stock limit_data, which leaves its sender waiting for ever if more
// comes after the limit.
type limit struct{ toxics.LimitDataToxic }

var (
	_ toxics.Toxic         = (*limit)(nil)
	_ toxics.StatefulToxic = (*limit)(nil)
)

// Pipe passes the bytes up to the limit, and ends the link.
func (l *limit) Pipe(stub *toxics.ToxicStub) {
	l.LimitDataToxic.Pipe(stub)
	drain(stub.Input)
}

// halfBody passes the head of an answer and the first byte of its body, and then ends
// the link, or waits as swallow does.
type halfBody struct {
	Exchange uint64 `json:"exchange"`
	Stalls   bool   `json:"stalls"`
}

var _ toxics.Toxic = (*halfBody)(nil)

// Pipe looks for the end of the head, which may come in pieces.
func (b *halfBody) Pipe(stub *toxics.ToxicStub) {
	var seen []byte
	for {
		select {
		case <-stub.Interrupt:
			return
		case c := <-stub.Input:
			if c == nil {
				stub.Close()
				return
			}
			before := len(seen)
			seen = append(seen, c.Data...)
			head := bytes.Index(seen, []byte("\r\n\r\n"))
			if enough := head + len("\r\n\r\n") + 1; head >= 0 && len(seen) >= enough {
				c.Data = c.Data[:enough-before]
				stub.Output <- c
				b.stop(stub)
				return
			}
			stub.Output <- c
		}
	}
}

func (b *halfBody) stop(stub *toxics.ToxicStub) {
	if b.Stalls {
		dropUntilGone(b.Exchange, stub)
		return
	}
	stub.Close()
	drain(stub.Input)
}

var registerToxics = sync.OnceFunc(func() {
	toxics.Register(swallowType, new(swallow))
	toxics.Register(resetType, new(resetter))
	toxics.Register(limitType, new(limit))
	toxics.Register(bodyType, new(halfBody))
})
