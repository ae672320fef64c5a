package reference

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/sagacheck/sagacheck/reference/policies"
	"github.com/sagacheck/sagacheck/reference/store"
)

// What governs all sagas is kept in a journal of its own in the same store, and committed
// by the same writer. Its entries are changes: each is durable before it is in force.

// controlID is where that journal stands. No saga can have such an id.
const controlID = " control"

// recChange is the kind of its records.
const recChange RecordKind = "change"

// Change is a change of what governs all sagas.
type Change struct {
	// Version and Text are those of the policies that come into force.
	Version int    `json:"version,omitempty"`
	Text    string `json:"text,omitempty"`
	// Flag is one that is on from now on, Off the name of one that is not any more.
	Flag *policies.Flag    `json:"flag,omitempty"`
	Off  policies.FlagName `json:"off,omitempty"`
	By
}

// By is who asked for a change, and why.
type By struct {
	Source string `json:"source,omitempty"` // "file", "http"
	Author string `json:"author,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// control is what governs all sagas.
type control struct {
	turn     chan struct{} // held by whoever changes it
	n        int           // entries of the journal
	versions versions
	flags    flags
	fromFile string // the text that last came from a file
}

// load reads the journal.
func (c *control) load(ctx context.Context, s store.Store) error {
	return s.Load(ctx, controlID, decoded(func(e entry) error {
		if e.damage != nil {
			return e.damage
		}
		c.n = e.n
		for _, r := range e.records {
			if r.Change == nil {
				return fmt.Errorf("journal of changes, entry %d: %q: expected %q", e.n, r.Kind, recChange)
			}
			if err := c.apply(*r.Change); err != nil {
				return fmt.Errorf("journal of changes, entry %d: %w", e.n, err)
			}
		}
		return nil
	}))
}

// apply puts a change in force.
func (c *control) apply(ch Change) error {
	switch {
	case ch.Flag != nil:
		c.flags.during(func() { c.flags.set[ch.Flag.Name] = *ch.Flag })
		return nil
	case ch.Off != "":
		c.flags.during(func() { delete(c.flags.set, ch.Off) })
		return nil
	}
	f, err := policies.Parse(fmt.Sprintf("version %d", ch.Version), []byte(ch.Text))
	if err != nil {
		return err
	}
	if want := c.versions.inForce() + 1; ch.Version != want {
		return fmt.Errorf("version %d: expected %d", ch.Version, want)
	}
	if ch.Source == fromFile {
		c.fromFile = ch.Text
	}
	c.flags.follow(c.versions.file(c.versions.inForce()), f)
	c.versions.add(f, ch.Text)
	return nil
}

// change makes a change durable and puts it in force. ask is called when no other change
// is under way, and may say that there is nothing to do (nil).
func (e *Executor) change(ctx context.Context, ask func(c *control) (*Change, error)) error {
	select {
	case e.control.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-e.ctx.Done():
		return ErrClosed
	}
	done := make(chan error, 1)
	e.mu.Lock()
	if e.ctx.Err() != nil { // Close waits for all that was started before
		e.mu.Unlock()
		return ErrClosed
	}
	e.spawn(func() {
		defer func() { <-e.control.turn }()
		done <- e.carryOut(ask)
	})
	e.mu.Unlock()
	timer := time.NewTimer(submitPatience + submitPatience/4)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return unavailable("not durable yet: it may still happen")
	}
}

func (e *Executor) carryOut(ask func(c *control) (*Change, error)) error {
	c := &e.control
	ch, err := ask(c)
	if err != nil || ch == nil {
		return err
	}
	err = e.journal.append(e.ctx, entry{saga: controlID, n: c.n + 1, records: []Record{{Kind: recChange, At: e.now(), Change: ch}}})
	if err != nil {
		return err
	}
	c.n++
	return c.apply(*ch)
}

// ErrChanged is returned when the policies in force are not those that were expected.
var ErrChanged = errors.New("the policies in force are not those that were expected")

// Policies are the version in force, its text and its tag, which names it among all that
// there ever will be. Version 0: there are none.
func (e *Executor) Policies() (version int, text, tag string) {
	version, text = e.control.versions.last()
	return version, text, PolicyTag(version, text)
}

// PolicyVersion reads the text of a version of the policies. The error is ErrUnavailable.
func (e *Executor) PolicyVersion(ctx context.Context, version int) (text string, found bool, err error) {
	err = e.changes(ctx, func(r Record) {
		if r.Change.Version == version && version > 0 {
			text, found = r.Change.Text, true
		}
	})
	return text, found, err
}

// changes reads the journal of changes.
func (e *Executor) changes(ctx context.Context, yield func(Record)) error {
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	err := e.store.Load(ctx, controlID, decoded(func(en entry) error {
		for _, r := range en.records {
			if r.Change != nil {
				yield(r)
			}
		}
		return en.damage
	}))
	if err != nil {
		return unavailable("can't " + store.Reading)
	}
	return nil
}

// PolicyTag names a version of the policies among all that there ever will be.
func PolicyTag(version int, text string) string {
	sum := sha256.Sum256([]byte(text))
	return fmt.Sprintf("%d-%s", version, hex.EncodeToString(sum[:6]))
}

// ChangePolicies puts a file of policies in force, if the version in force is the one
// whose tag is expected; "": whichever it is. A file that is wrong anywhere changes
// nothing: the error joins a yamlfile.Problem for each mistake. A text that is in force
// already changes nothing either. Without an error the version is the one in force then.
func (e *Executor) ChangePolicies(ctx context.Context, text, expected string, by By) (version int, err error) {
	if _, err := policies.Parse("", []byte(text)); err != nil {
		return 0, err
	}
	inForce := 0
	err = e.change(ctx, func(c *control) (*Change, error) {
		version, now := c.versions.last()
		inForce = version
		switch {
		case expected != "" && expected != PolicyTag(version, now):
			return nil, ErrChanged
		case by.Source == fromFile && c.fromFile == text, by.Source != fromFile && version > 0 && now == text:
			return nil, nil
		}
		inForce++
		e.log.Info("policies change", "version", inForce, "source", by.Source, "author", by.Author, "reason", by.Reason)
		return &Change{Version: inForce, Text: text, By: by}, nil
	})
	if err != nil { // the change may still be under way
		return 0, err
	}
	return inForce, nil
}

// fromFile is the source of what a file says.
const fromFile = "file"

// followPause is how often a file of policies is looked at.
const followPause = 500 * time.Millisecond

// followFile puts a file of policies in force whenever it changes, and does not bring back
// what it said before something else came into force. A file that is wrong, or is not
// there, changes nothing; that is logged once.
func (e *Executor) followFile(name string) {
	seen, said := "", ""
	for tick := time.NewTicker(followPause); ; {
		text, err := os.ReadFile(name)
		if err == nil && string(text) != seen {
			if err = e.takeFile(name, string(text)); err == nil {
				seen, said = string(text), ""
			}
		}
		if err != nil && e.ctx.Err() == nil && err.Error() != said {
			said = err.Error()
			e.log.Error("the file of policies changes nothing", "error", err)
		}
		select {
		case <-tick.C:
		case <-e.ctx.Done():
			tick.Stop()
			return
		}
	}
}

func (e *Executor) takeFile(name, text string) error {
	if _, err := policies.Parse(name, []byte(text)); err != nil {
		return err
	}
	_, err := e.ChangePolicies(e.ctx, text, "", By{Source: fromFile, Reason: "the file changed"})
	return err
}
