package store

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// lease is the ownership of a PostgreSQL store. The owner's row holds an epoch, which
// every write checks (fencing), and the time until which it is the owner's, by the
// database's clock. A session's lock says whether the owner's connection lives, so
// that a dead one is followed at once. Who may take over: whoever gets the lock that
// the owner had, or anybody when the time is over. Nobody takes over from an owner
// that is well.
type lease struct {
	cfg    *pgx.ConnConfig
	log    *slog.Logger
	health *Health
	lasts  time.Duration
	epoch  int64
	sure   atomic.Int64 // until when it is surely ours, on our own clock: since start
	start  time.Time
	once   sync.Once
	gone   chan struct{}
	conn   *pgx.Conn // the session; nil while there is none
	locked bool      // the session has the lock
	stop   context.CancelFunc
	done   sync.WaitGroup
}

// DefaultLease is how long an owner that says nothing stays the owner.
const DefaultLease = 5 * time.Second

func newLease(cfg *pgx.ConnConfig, o Options) *lease {
	l := &lease{cfg: cfg.Copy(), log: o.Logger, health: o.Health, lasts: o.Lease, start: time.Now(), gone: make(chan struct{})}
	if l.lasts == 0 {
		l.lasts = DefaultLease
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	return l
}

// acquire waits until the store is ours.
func (l *lease) acquire(ctx context.Context) error {
	standby := false
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, l.lasts/5) {
		ours, err := l.claim(ctx)
		switch {
		case ours:
			l.health.Well(Opening)
			if standby {
				l.log.Info("standby no longer: the store is ours", "epoch", l.epoch)
			}
			run, stop := context.WithCancel(context.WithoutCancel(ctx))
			l.stop = stop
			l.done.Go(func() { l.heartbeat(run) })
			return nil
		case err != nil && ctx.Err() == nil && !unreachable(err):
			l.disconnect()
			return err
		case ctx.Err() != nil:
		case err != nil:
			l.health.Trouble(Opening, err)
		default:
			l.health.Well(Opening)
			if !standby {
				standby = true
				l.log.Info("standby: another executor owns the store")
			}
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			l.disconnect()
			return context.Cause(ctx)
		}
	}
}

// session connects if there is no connection, and tries to get the lock.
func (l *lease) session(ctx context.Context) error {
	if l.conn == nil || l.conn.IsClosed() {
		conn, err := pgx.ConnectConfig(ctx, l.cfg)
		if err != nil {
			return err
		}
		l.conn, l.locked = conn, false
	}
	if l.locked {
		return nil
	}
	return l.conn.QueryRow(ctx, `SELECT pg_try_advisory_lock(hashtext('sagacheck owner'), hashtext(coalesce(current_schema(), '')))`).Scan(&l.locked)
}

// claim takes the store over if it may.
func (l *lease) claim(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	if err := l.session(ctx); err != nil {
		return false, err
	}
	began := time.Now()
	err := l.conn.QueryRow(ctx, `
		UPDATE sagacheck_owner SET epoch = epoch + 1, expires = clock_timestamp() + $1, locked = $2
		WHERE $2 AND locked OR expires < clock_timestamp() RETURNING epoch`, l.lasts, l.locked).Scan(&l.epoch)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	l.renewed(began)
	return err == nil, err
}

func (l *lease) renewed(began time.Time) { l.sure.Store(int64(began.Add(l.lasts).Sub(l.start))) }

// heartbeat renews the lease until it is lost or stopped.
func (l *lease) heartbeat(ctx context.Context) {
	for {
		l.pause(ctx)
		if ctx.Err() != nil {
			return
		}
		switch err := l.renew(ctx); {
		case errors.Is(err, ErrSuperseded):
			l.lose()
			return
		case err == nil:
			l.health.Well(Renewing)
		case ctx.Err() == nil:
			l.health.Trouble(Renewing, err)
		}
	}
}

// pause waits for the next renewal. The end of the session ends it early: with the
// session its lock is gone, and whoever has that may be the owner by now.
func (l *lease) pause(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, l.lasts/5)
	defer cancel()
	if l.conn != nil && !l.conn.IsClosed() {
		_, _ = l.conn.WaitForNotification(ctx) // nobody sends one: it ends with ctx or the session
		if l.conn.IsClosed() {
			l.sure.Store(0)
			return
		}
	}
	<-ctx.Done()
}

// renew renews the lease; the error is ErrSuperseded if it is lost.
func (l *lease) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, min(statementTimeout, l.lasts/2))
	defer cancel()
	if err := l.session(ctx); err != nil {
		return err
	}
	began := time.Now()
	tag, err := l.conn.Exec(ctx, `UPDATE sagacheck_owner SET expires = clock_timestamp() + $1, locked = $3 WHERE epoch = $2`, l.lasts, l.epoch, l.locked)
	switch {
	case err != nil:
		return err
	case tag.RowsAffected() == 0:
		return ErrSuperseded
	}
	l.renewed(began)
	return nil
}

// lose notes that another executor is the owner.
func (l *lease) lose() {
	l.once.Do(func() {
		l.log.Warn("another executor has taken over the store", "epoch", l.epoch)
		close(l.gone)
	})
}

func (l *lease) Lost() <-chan struct{} { return l.gone }

// Owned: nobody else can be the owner yet. An owner that could not renew its lease
// must not answer for the store any more, though nobody may have taken it over.
func (l *lease) Owned() error {
	select {
	case <-l.gone:
		return ErrSuperseded
	default:
	}
	if int64(time.Since(l.start)) > l.sure.Load() {
		return ErrUnsure
	}
	return nil
}

// release gives the store up, so that the next one need not wait.
func (l *lease) release() {
	if l.stop == nil {
		return // it was never ours
	}
	l.stop()
	l.done.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if l.conn != nil && !l.conn.IsClosed() {
		// If it fails, the next one waits until the lease is over.
		_, _ = l.conn.Exec(ctx, `UPDATE sagacheck_owner SET expires = '-infinity' WHERE epoch = $1`, l.epoch)
	}
	l.disconnect()
}

func (l *lease) disconnect() {
	if l.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = l.conn.Close(ctx) // closed all the same
	l.conn = nil
}
