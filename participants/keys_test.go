package participants

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// keyed is a world with one service of the user's own.
type keyed struct {
	*World
	done int
	deny bool // what is new is refused
	at   func(Moment)
}

func newKeyed() *keyed {
	k := &keyed{at: func(Moment) {}}
	k.World = NewWorld(Keyed, nil, history.NewRecorder(history.Header{}), func(_ Call, m Moment) *Answer {
		if k.at(m); m == Deciding && k.deny {
			return &Answer{Code: http.StatusUnprocessableEntity}
		}
		return nil
	}, nil)
	return k
}

// call makes a call with the key k; it gives "201 p-1 replayed": the code, what was done,
// and what the service remembered.
func (k *keyed) call(step string, attempt int, keys Keys) string {
	if keys.Service == "" {
		keys.Service = "pay"
	}
	a := k.Do(Call{Op: saga.Operation{Saga: "s", Step: step, Direction: saga.Action}, Attempt: attempt}, Ask{
		Meant:   []byte(`{}`),
		Profile: Keyed, Key: "k", Keys: keys, Repeat: Again,
		Effect: saga.Effect{Writes: []saga.Write{{Register: "pay/" + step, To: "done"}}},
		Answer: func(Done) Answer {
			k.done++
			return Answer{Code: http.StatusCreated, Ref: fmt.Sprintf("p-%d", k.done)}
		},
	})
	return fmt.Sprintf("%d %s %s", a.Code, a.Ref, a.Detail)
}

func (k *keyed) expect(t *testing.T, want, got string) {
	t.Helper()
	if got != want {
		t.Errorf("answered %q, expected %q", got, want)
	}
}

func TestKeysAreForgotten(t *testing.T) {
	k := newKeyed()
	day := Keys{TTL: 24 * time.Hour}
	k.expect(t, "201 p-1 ", k.call("charge", 1, day))
	k.Forget("stock")
	k.expect(t, "201 p-1 replayed", k.call("charge", 2, day))
	k.Forget("pay")
	k.expect(t, "201 p-2 ", k.call("charge", 3, day))
	k.expect(t, "201 p-2 replayed", k.call("charge", 4, day))

	k = newKeyed()
	k.expect(t, "201 p-1 ", k.call("charge", 1, Keys{TTL: time.Nanosecond}))
	time.Sleep(time.Millisecond)
	k.expect(t, "201 p-2 ", k.call("charge", 2, Keys{TTL: time.Nanosecond}))
}

func TestKeysCountWhereTheyAreSaidTo(t *testing.T) {
	k := newKeyed()
	k.expect(t, "201 p-1 ", k.call("charge", 1, Keys{Operation: "charge"}))
	k.expect(t, "201 p-2 ", k.call("tip", 1, Keys{Operation: "tip"}))
	k = newKeyed()
	k.expect(t, "201 p-1 ", k.call("charge", 1, Keys{}))
	k.expect(t, "422  "+history.KeyReused, k.call("tip", 1, Keys{}))
	k.expect(t, "201 p-2 ", k.call("tip", 2, Keys{Service: "bank"}))
}

func TestRefusalsAreRememberedWhereTheyAreFinal(t *testing.T) {
	for final, want := range map[bool]string{true: "422  replayed", false: "201 p-1 "} {
		k := newKeyed()
		k.deny = true
		k.expect(t, "422  ", k.call("charge", 1, Keys{Final: final}))
		k.deny = false
		k.expect(t, want, k.call("charge", 2, Keys{Final: final}))
	}
}

func TestSecondRequestWhileTheFirstIsUnderWay(t *testing.T) {
	for way, want := range map[InProgress]string{Conflicts: "409  " + history.InProgress, Waits: "201 p-1 replayed"} {
		k := newKeyed()
		arrived, let := make(chan struct{}), make(chan struct{})
		held := false
		k.at = func(m Moment) {
			if m == Arrived && !held {
				held = true
				close(arrived)
				<-let
			}
		}
		first := make(chan string)
		go func() { first <- k.call("charge", 1, Keys{InProgress: way}) }()
		<-arrived
		second := make(chan string, 1)
		go func() { second <- k.call("charge", 2, Keys{InProgress: way}) }()
		if way == Conflicts { // it needs nobody
			k.expect(t, want, <-second)
		}
		close(let)
		k.expect(t, "201 p-1 ", <-first)
		if way == Waits {
			k.expect(t, want, <-second)
		}
	}
}
