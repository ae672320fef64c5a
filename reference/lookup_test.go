package reference

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
)

// Who comes while a question is under way is in the next one, and each gets its own answer.
func TestLookupsShareAQuestion(t *testing.T) {
	begun, goOn := make(chan struct{}), make(chan struct{})
	var questions [][]string
	l := lookups{spawn: func(f func()) { go f() }, ask: func(ids []string) ([]string, error) {
		if questions = append(questions, ids); len(questions) == 1 {
			close(begun)
			<-goOn
		}
		return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id[0] == 'n' }), nil
	}}
	var all sync.WaitGroup
	ask := func(id string, want bool) {
		all.Go(func() {
			if known, err := l.known(t.Context(), id); err != nil || known != want {
				t.Errorf("%s: %v, %v", id, known, err)
			}
		})
	}
	ask("first", true)
	<-begun
	for i := range 40 {
		ask(fmt.Sprint("known-", i), true)
		ask(fmt.Sprint("new-", i), false)
	}
	for waiting := 0; waiting < 80; {
		l.mu.Lock()
		waiting = len(l.waiting)
		l.mu.Unlock()
	}
	close(goOn)
	all.Wait()
	if len(questions) != 2 || len(questions[1]) != 80 {
		t.Errorf("%d questions", len(questions))
	}
}

func TestLookupsThatFail(t *testing.T) {
	broken := errors.New("no store")
	l := lookups{spawn: func(f func()) { go f() }, ask: func([]string) ([]string, error) { return nil, broken }}
	if known, err := l.known(t.Context(), "a"); known || !errors.Is(err, broken) {
		t.Error(known, err)
	}
	slow := lookups{spawn: func(f func()) { go f() }, ask: func([]string) ([]string, error) { <-t.Context().Done(); return nil, nil }}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := slow.known(over, "b"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
