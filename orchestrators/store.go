package orchestrators

import (
	"errors"

	"github.com/sagacheck/sagacheck/history"
)

// CanCutStore tells whether the manifest says how its store can be cut off: by a
// proxy, or by a full disk.
func (m *Manifest) CanCutStore() bool { return m.FullDisk || m.proxied() }

func (m *Manifest) proxied() bool {
	for _, p := range m.Proxies {
		if p.Store {
			return true
		}
	}
	return false
}

// CanKill tells whether the manifest has a process or a container that may be killed
// and paused.
func (m *Manifest) CanKill() bool { return m.crashable() }

func (m *Manifest) crashable() bool {
	for _, p := range m.Processes {
		if p.Crashable {
			return true
		}
	}
	return m.Container != nil
}

// unable lists what can't be done to the system.
func (m *Manifest) unable() []string {
	var u []string
	if !m.crashable() {
		u = append(u, history.Kill, history.Pause)
	}
	if !m.CanCutStore() {
		u = append(u, history.StoreOutage)
	}
	return u
}

// Down cuts the system off from its store: by the proxies of the manifest that lead
// to it, or else as if the disk were full on which its crashable processes keep it,
// so that every write to a file fails.
func (s *started) Down() error { return s.named(s.cutStore(true)) }

// Up gives it its store back.
func (s *started) Up() error { return s.named(s.cutStore(false)) }

func (s *started) cutStore(cut bool) error {
	if !s.manifest.proxied() {
		return s.fillDisk(cut)
	}
	for _, p := range s.proxies {
		switch {
		case p.spec.Store && cut:
			p.Down()
		case p.spec.Store:
			p.Up()
		}
	}
	return nil
}

func (s *started) fillDisk(full bool) error {
	var errs []error
	limited := 0
	for _, u := range s.units {
		p, ok := u.(*process)
		if !ok || !p.crashable() {
			continue
		}
		limited++
		errs = append(errs, p.fillDisk(full))
	}
	if limited == 0 {
		return errors.New("its store can't be cut off: its manifest has no proxy with store: true, and no crashable process")
	}
	return errors.Join(errs...)
}
