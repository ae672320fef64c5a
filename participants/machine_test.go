package participants

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// TestProfiles runs each profile beside a model of it: any calls in any order,
// with and without keys, with bodies that are spelt in different ways or say
// something else, and whatever the hook does at each moment.
func TestProfiles(t *testing.T) {
	for _, p := range Profiles {
		t.Run(string(p), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				m := newMachine(p)
				t.Repeat(map[string]func(*rapid.T){
					"call":  m.call,
					"hold":  m.hold,
					"let":   m.release,
					"check": m.check,
					"":      m.check,
				})
				for len(m.held) > 0 {
					m.finish(t, m.held[0])
				}
				m.check(t)
			})
		})
	}
}

// model says in a few lines what docs/architecture.md says of the profiles.
type model struct {
	profile Profile
	effects map[string]int64 // account → balance
	keys    map[string]*modelKey
	done    map[string]bool // "s/step": the action had its effect
	fences  map[string]bool // "s/step": a compensation was accepted
}

type modelKey struct {
	op, body string
	answer   int // 0: in progress
}

// modelCall is a call as the model sees it: body names the value, whatever way it
// is spelt.
type modelCall struct {
	op          saga.Operation
	key, body   string
	amount      int64
	front, rule int // answers of the hook when it has arrived, and when deciding; 0: none
	commit      int
	hangup      bool // when it is committed
}

func (c modelCall) step() string { return c.op.Saga + "/" + c.op.Step }

// claim is the moment of arrival; true: the key is the call's own.
func (m *model) claim(c modelCall) bool {
	if m.profile == Naive || c.key == "" || m.keys[c.key] != nil {
		return false
	}
	m.keys[c.key] = &modelKey{op: c.op.String(), body: c.body}
	return true
}

// answer is what the call is answered, and changes the model accordingly.
func (m *model) answer(c modelCall, mine bool) (code int, replay bool) {
	forget := func() {
		if mine {
			delete(m.keys, c.key)
		}
	}
	if c.front != 0 {
		forget()
		return c.front, false
	}
	action := c.op.Direction == saga.Action
	if m.profile == Fenced && action && m.fences[c.step()] {
		forget()
		return http.StatusGone, false
	}
	if k := m.keys[c.key]; m.profile != Naive && c.key != "" && !mine {
		switch {
		case k == nil: // it was being worked on, and came to nothing
			mine = m.claim(c)
		case k.op != c.op.String() || k.body != c.body:
			return http.StatusUnprocessableEntity, false
		case k.answer == 0:
			return http.StatusConflict, false
		default:
			return k.answer, true
		}
	}
	if c.rule != 0 {
		forget()
		return c.rule, false
	}
	if m.profile != Naive && !action {
		if m.profile == Fenced {
			m.fences[c.step()] = true
		}
		if !m.done[c.step()] {
			forget()
			return http.StatusOK, false
		}
	}
	m.effects["p/a"] -= c.amount
	m.effects["p/b"] += c.amount
	m.done[c.step()] = m.done[c.step()] || action
	code = http.StatusOK
	if c.commit >= 200 && c.commit < 300 {
		code = c.commit
	}
	if mine {
		m.keys[c.key].answer = code
	}
	if c.commit != 0 {
		return c.commit, false
	}
	return code, false
}

// machine is a world and its model.
type machine struct {
	model
	world   *World
	rec     *history.Recorder
	attempt int
	hooks   map[int]modelCall // by attempt
	held    []*heldCall
}

type heldCall struct {
	modelCall
	claiming     bool
	attempt      int
	let, arrived chan struct{}
	answer       chan Answer
}

func newMachine(p Profile) *machine {
	m := &machine{hooks: map[int]modelCall{}, rec: history.NewRecorder(history.Header{})}
	m.model = model{p, map[string]int64{}, map[string]*modelKey{}, map[string]bool{}, map[string]bool{}}
	m.world = NewWorld(p, nil, m.rec, m.hook, nil)
	return m
}

func (m *machine) hook(c Call, at Moment) *Answer {
	mc := m.hooks[c.Attempt]
	switch at {
	case Arrived:
		for _, h := range m.held {
			if h.attempt == c.Attempt {
				close(h.arrived)
				<-h.let
			}
		}
		if mc.front != 0 {
			return &Answer{Code: mc.front}
		}
	case Deciding:
		if mc.rule != 0 {
			return &Answer{Code: mc.rule}
		}
	case Committed:
		if mc.hangup {
			return &Answer{Hangup: true}
		}
		if mc.commit != 0 {
			return &Answer{Code: mc.commit}
		}
	}
	return nil
}

func drawCall(t *rapid.T) (modelCall, []byte) {
	c := modelCall{
		op: saga.Operation{
			Saga: "s", Step: rapid.SampledFrom([]string{"one", "two"}).Draw(t, "step"),
			Direction: rapid.SampledFrom([]saga.Direction{saga.Action, saga.Compensation}).Draw(t, "direction"),
		},
		key:    rapid.SampledFrom([]string{"", "k1", "k2", "k3"}).Draw(t, "key"),
		amount: rapid.Int64Range(1, 2).Draw(t, "amount"),
	}
	c.body = fmt.Sprint(c.amount)
	body := saga.Effect{Postings: []saga.Posting{{Account: "p/a", Amount: -c.amount, Unit: "EUR"}, {Account: "p/b", Amount: c.amount, Unit: "EUR"}}}.Body()
	if rapid.Bool().Draw(t, "spelt another way") {
		body = append([]byte("  "), append(body, '\n')...)
	}
	switch rapid.IntRange(0, 5).Draw(t, "hook") {
	case 0:
		c.front = rapid.SampledFrom([]int{429, 500, 502, 403}).Draw(t, "in front")
	case 1:
		c.rule = http.StatusUnprocessableEntity
	case 2:
		c.commit = rapid.SampledFrom([]int{500, 504, 201, 204}).Draw(t, "at commit")
	case 3:
		c.hangup = true
	}
	return c, body
}

// call is a call from its arrival to its answer.
func (m *machine) call(t *rapid.T) {
	c, body := drawCall(t)
	m.attempt++
	m.hooks[m.attempt] = c
	mine := m.claim(c)
	m.compare(t, c, mine, m.world.Handle(Call{Op: c.op, Attempt: m.attempt}, header(c.key), body))
}

func header(key string) http.Header {
	if key == "" {
		return http.Header{}
	}
	return http.Header{"Idempotency-Key": {`"` + key + `"`}}
}

// hold lets a call arrive, and no further.
func (m *machine) hold(t *rapid.T) {
	if len(m.held) == 2 {
		return
	}
	c, body := drawCall(t)
	m.attempt++
	h := &heldCall{modelCall: c, claiming: m.claim(c), attempt: m.attempt, let: make(chan struct{}), arrived: make(chan struct{}), answer: make(chan Answer, 1)}
	m.hooks[m.attempt], m.held = c, append(m.held, h)
	call := Call{Op: c.op, Attempt: m.attempt}
	go func() { h.answer <- m.world.Handle(call, header(c.key), body) }()
	<-h.arrived
}

// release lets a call that was held go on.
func (m *machine) release(t *rapid.T) {
	if len(m.held) > 0 {
		m.finish(t, rapid.SampledFrom(m.held).Draw(t, "held"))
	}
}

func (m *machine) finish(t *rapid.T, h *heldCall) {
	m.held = slices.DeleteFunc(slices.Clone(m.held), func(o *heldCall) bool { return o == h })
	close(h.let)
	m.compare(t, h.modelCall, h.claiming, <-h.answer)
}

func (m *machine) compare(t *rapid.T, c modelCall, mine bool, got Answer) {
	want, replay := m.answer(c, mine)
	if c.hangup && !replay && want == http.StatusOK && !got.Hangup && got.Detail != neverHappened {
		t.Fatalf("%+v: answered %+v, expected to hang up", c, got)
	}
	if !got.Hangup && got.Code != want {
		t.Fatalf("%+v: answered %+v, expected %d", c, got, want)
	}
	if (got.Detail == history.Replayed) != replay {
		t.Fatalf("%+v: answered %+v, replay %v", c, got, replay)
	}
}

// check compares the books.
func (m *machine) check(t *rapid.T) {
	got := map[string]int64{}
	m.world.mu.Lock()
	for _, l := range m.world.ledgers {
		for account, amount := range l.balances {
			got[account] += amount
		}
	}
	m.world.mu.Unlock()
	want := map[string]int64{}
	for account, amount := range m.model.effects {
		want[account+" EUR"] = amount
	}
	if !maps.Equal(got, want) {
		t.Fatalf("books %v, expected %v", got, want)
	}
}
