package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// postgresStore keeps the journals in a PostgreSQL database, in the schema that
// the DSN's search_path names, which is made if it is not there. It belongs to one
// executor at a time: see lease.go.
type postgresStore struct {
	pool *pgxpool.Pool
	*lease
}

var _ Store = (*postgresStore)(nil)

const postgresVersion = 2

// statementTimeout ends a statement whose connection has fallen silent; it is more
// for one that carries much.
const statementTimeout = 2 * time.Second

func timeoutFor(bytes int) time.Duration {
	return statementTimeout + time.Duration(bytes>>20)*time.Second
}

// openPostgres opens the store and waits until it is ours.
func openPostgres(ctx context.Context, o Options) (*postgresStore, error) {
	s, err := readPostgres(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := s.acquire(ctx); err != nil {
		s.pool.Close()
		return nil, fmt.Errorf("store %s: %w", s.cfg.Host, sharing(err))
	}
	return s, nil
}

// readPostgres opens the store to read, whoever owns it.
func readPostgres(ctx context.Context, o Options) (*postgresStore, error) {
	cfg, err := pgxpool.ParseConfig(o.DSN)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err) // without the DSN: it may hold a password
	}
	cfg.MaxConns = 4
	cfg.ConnConfig.ConnectTimeout = statementTimeout
	cfg.ConnConfig.RuntimeParams["synchronous_commit"] = "on"
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	s := &postgresStore{pool: pool, lease: newLease(cfg.ConnConfig, o)}
	tables := func(ctx context.Context) error { return s.tables(ctx, cfg.ConnConfig.RuntimeParams["search_path"]) }
	if err := patiently(ctx, o.Health, Opening, unreachable, tables); err != nil {
		pool.Close()
		return nil, fmt.Errorf("store %s: %w", cfg.ConnConfig.Host, sharing(err))
	}
	return s, nil
}

// tables makes them, or brings them up to date. Whoever else does so at the same
// time waits.
func (s *postgresStore) tables(ctx context.Context, schema string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*statementTimeout)
	defer cancel()
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('sagacheck tables'))`); err != nil {
			return err
		}
		if schema != "" {
			if _, err := tx.Exec(ctx, `CREATE SCHEMA IF NOT EXISTS `+pgx.Identifier{schema}.Sanitize()); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `
			CREATE TABLE IF NOT EXISTS sagacheck_owner (
				one BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (one), version INT NOT NULL, epoch BIGINT NOT NULL);
			CREATE TABLE IF NOT EXISTS sagacheck_journal (
				saga TEXT COLLATE "C" NOT NULL, n INT NOT NULL, records TEXT NOT NULL, PRIMARY KEY (saga, n))`)
		if err != nil {
			return err
		}
		var version int
		err = tx.QueryRow(ctx, `INSERT INTO sagacheck_owner AS o (version, epoch) VALUES (1, 0)
			ON CONFLICT (one) DO UPDATE SET version = o.version RETURNING version`).Scan(&version)
		switch {
		case err != nil || version == postgresVersion:
			return err
		case version > postgresVersion:
			return fmt.Errorf("version %d: this executor reads up to version %d", version, postgresVersion)
		}
		_, err = tx.Exec(ctx, `
			ALTER TABLE sagacheck_owner ADD COLUMN expires TIMESTAMPTZ NOT NULL DEFAULT '-infinity',
				ADD COLUMN locked BOOLEAN NOT NULL DEFAULT FALSE;
			CREATE TABLE sagacheck_saga (id TEXT COLLATE "C" PRIMARY KEY, ended TIMESTAMPTZ);
			CREATE INDEX ON sagacheck_saga (id) WHERE ended IS NULL;
			CREATE INDEX ON sagacheck_saga (ended) WHERE ended IS NOT NULL;
			CREATE TABLE sagacheck_breaker (name TEXT COLLATE "C" PRIMARY KEY, seq BIGINT NOT NULL, state TEXT NOT NULL);
			CREATE TABLE sagacheck_set_aside (at TIMESTAMPTZ NOT NULL, saga TEXT NOT NULL, n INT NOT NULL, records TEXT NOT NULL);
			INSERT INTO sagacheck_saga (id) SELECT DISTINCT saga FROM sagacheck_journal;
			UPDATE sagacheck_owner SET version = 2`)
		return err
	})
}

// unreachable tells trouble with the connection or the server's life from an
// error that would only be repeated.
func unreachable(err error) bool {
	var answer *pgconn.PgError
	if !errors.As(err, &answer) {
		return true
	}
	class := answer.Code[:min(2, len(answer.Code))]
	return class == "08" || class == "53" || class == "57" // connection, resources, operator (shutdown, starting up)
}

// sharing explains what a session answers that others use too: it has statements that
// were prepared by somebody else, or lacks our own.
func sharing(err error) error {
	var answer *pgconn.PgError
	if errors.As(err, &answer) && (answer.Code == "42P05" || answer.Code == "26000") {
		return fmt.Errorf("its sessions are shared, as by a connection pooler in transaction mode: expected the server itself, or a pooler in session mode: %w", err)
	}
	return err
}

// refuses tells an error that is about the data from one of the store.
func refuses(err error) bool {
	var answer *pgconn.PgError
	return errors.As(err, &answer) && (answer.Code[:min(2, len(answer.Code))] == "22" || answer.Code[:min(2, len(answer.Code))] == "54")
}

// Append is one statement and so one transaction. It locks the owner's row, so
// that it comes before or after a takeover, and never beside it. That a saga ends is written
// as if it began: so its row is found by the index, whatever the planner knows of the table.
func (s *postgresStore) Append(ctx context.Context, es []Entry) error {
	b := batchOf(es)
	ctx, cancel := context.WithTimeout(ctx, timeoutFor(b.bytes))
	defer cancel()
	var owner int
	err := s.pool.QueryRow(ctx, `
		WITH owner AS (SELECT epoch FROM sagacheck_owner WHERE epoch = $1 FOR SHARE),
		added AS (
			INSERT INTO sagacheck_journal (saga, n, records)
			SELECT e.Saga, e.N, e.records FROM owner, unnest($2::text[], $3::int[], $4::text[]) AS e (saga, n, records)
			ON CONFLICT DO NOTHING),
		listed AS (
			INSERT INTO sagacheck_saga (id, ended) SELECT e.id, e.at FROM owner, unnest($5::text[], $6::timestamptz[]) AS e (id, at)
			ON CONFLICT (id) DO UPDATE SET ended = excluded.ended WHERE excluded.ended IS NOT NULL),
		broken AS (
			INSERT INTO sagacheck_breaker AS b (name, seq, state)
			SELECT e.name, e.seq, e.state FROM owner, unnest($7::text[], $8::bigint[], $9::text[]) AS e (name, seq, state)
			ON CONFLICT (name) DO UPDATE SET seq = excluded.seq, state = excluded.state WHERE excluded.seq > b.seq),
		healed AS (
			DELETE FROM sagacheck_breaker AS b USING owner, unnest($10::text[], $11::bigint[]) AS e (name, seq)
			WHERE b.name = e.name AND b.seq < e.seq)
		SELECT count(*) FROM owner`,
		s.epoch, b.sagas, b.ns, b.records, b.listed, b.ended, b.breakers, b.seqs, b.states, b.healed, b.healedAt).Scan(&owner)
	switch {
	case err == nil && owner == 0:
		s.lose()
		return ErrLost
	case refuses(err):
		return &RefusedError{err}
	}
	return sharing(err)
}

// batch is entries as the columns of a statement.
type batch struct {
	sagas, records []string
	ns             []int32
	listed         []string     // sagas that begin, or end
	ended          []*time.Time // of those: when; nil: they go on
	breakers       []string
	seqs           []int64
	states         []string
	healed         []string // breakers of which there is nothing to remember
	healedAt       []int64
	bytes          int
}

// batchOf names each row once: a statement may touch it once.
func batchOf(es []Entry) *batch {
	b := &batch{}
	places := map[string]int{} // among those listed
	last := map[string]Breaker{}
	for _, e := range es {
		b.sagas, b.ns, b.records = append(b.sagas, e.Saga), append(b.ns, int32(e.N)), append(b.records, e.Text)
		b.bytes += len(e.Text)
		if e.Begins || !e.Ended.IsZero() {
			at, listed := places[e.Saga]
			if !listed {
				at = len(b.listed)
				places[e.Saga] = at
				b.listed, b.ended = append(b.listed, e.Saga), append(b.ended, nil)
			}
			if !e.Ended.IsZero() {
				b.ended[at] = &e.Ended
			}
		}
		for _, one := range e.Breakers {
			if was, known := last[one.Name]; !known || was.Seq < one.Seq {
				last[one.Name] = one
			}
		}
	}
	for name, one := range last {
		if one.State == "" {
			b.healed, b.healedAt = append(b.healed, name), append(b.healedAt, one.Seq)
		} else {
			b.breakers, b.seqs, b.states = append(b.breakers, name), append(b.seqs, one.Seq), append(b.states, one.State)
		}
	}
	return b
}

func (s *postgresStore) Open(ctx context.Context) (ids []string, any bool, err error) {
	err = patiently(ctx, s.health, Reading, unreachable, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 10*statementTimeout)
		defer cancel()
		if ids, err = s.texts(ctx, `SELECT id FROM sagacheck_saga WHERE ended IS NULL ORDER BY id`); err != nil {
			return err
		}
		return s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM sagacheck_saga WHERE ended IS NOT NULL)`).Scan(&any)
	})
	return ids, any, err
}

func (s *postgresStore) Since(ctx context.Context, after time.Time, most int) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*statementTimeout)
	defer cancel()
	return s.texts(ctx, `SELECT id FROM sagacheck_saga WHERE ended IS NULL OR ended >= $1 LIMIT $2`, after.Truncate(time.Millisecond), most)
}

func (s *postgresStore) Latest(ctx context.Context, after time.Time, most int) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*statementTimeout)
	defer cancel()
	return s.texts(ctx, `
		SELECT id FROM (
			(SELECT id, ended FROM sagacheck_saga WHERE ended IS NULL ORDER BY id LIMIT $2)
			UNION ALL (SELECT id, ended FROM sagacheck_saga WHERE ended >= $1 ORDER BY ended DESC LIMIT $2)) AS latest
		ORDER BY ended DESC NULLS FIRST, id LIMIT $2`, after.Truncate(time.Millisecond), most)
}

func (s *postgresStore) Holds(ctx context.Context, ids []string) (held []string, err error) {
	err = patiently(ctx, nil, Reading, unreachable, func(ctx context.Context) (err error) {
		ctx, cancel := context.WithTimeout(ctx, statementTimeout)
		defer cancel()
		held, err = s.texts(ctx, `SELECT i.id FROM unnest($1::text[]) AS i (id) WHERE EXISTS (SELECT 1 FROM sagacheck_journal WHERE saga = i.id)`, ids)
		return err
	})
	return held, err
}

func (s *postgresStore) texts(ctx context.Context, query string, args ...any) ([]string, error) {
	rows, err := s.pool.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// Load reads page by page, bounded in rows and bytes, so that an outage in between
// costs one page, and no page takes too long.
func (s *postgresStore) Load(ctx context.Context, id string, yield func(Entry) error) error {
	last := 0
	for {
		var es []Entry
		// Whoever asks finds out when it is possible again, and so tells the health.
		err := patiently(ctx, nil, Reading, unreachable, func(ctx context.Context) (err error) {
			es, err = s.page(ctx, id, last)
			return err
		})
		if err != nil || len(es) == 0 {
			return err
		}
		for _, e := range es {
			if err := yield(e); err != nil {
				return err
			}
		}
		last = es[len(es)-1].N
	}
}

const (
	pageRows  = 2000
	pageBytes = 2 << 20
)

func (s *postgresStore) page(ctx context.Context, id string, after int) ([]Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, timeoutFor(2*pageBytes))
	defer cancel()
	rows, err := s.pool.Query(ctx, `
		SELECT n, records FROM (
			SELECT n, records, sum(octet_length(records)) OVER (ORDER BY n) - octet_length(records) AS before FROM (
				SELECT n, records FROM sagacheck_journal WHERE saga = $1 AND n > $2 ORDER BY n LIMIT $3) AS few) AS sized
		WHERE before <= $4 ORDER BY n`, id, after, pageRows, pageBytes)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Entry, error) {
		var n int
		var text string
		if err := row.Scan(&n, &text); err != nil {
			return Entry{}, err
		}
		return Entry{Saga: id, N: n, Text: text}, nil
	})
}

func (s *postgresStore) Breakers(ctx context.Context) (list []string, err error) {
	err = patiently(ctx, s.health, Reading, unreachable, func(ctx context.Context) (err error) {
		ctx, cancel := context.WithTimeout(ctx, statementTimeout)
		defer cancel()
		list, err = s.texts(ctx, `SELECT state FROM sagacheck_breaker`)
		return err
	})
	return list, err
}

func (s *postgresStore) Prune(ctx context.Context, before time.Time, keep Fold) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*statementTimeout)
	defer cancel()
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			WITH owner AS (SELECT epoch FROM sagacheck_owner WHERE epoch = $1 FOR SHARE)
			SELECT id FROM sagacheck_saga, owner WHERE ended < $2 ORDER BY ended LIMIT $3`, s.epoch, before, pruneSize)
		if err != nil {
			return err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err == nil && keep != nil && len(ids) > 0 {
			err = s.keep(ctx, tx, ids, keep)
		}
		if err == nil {
			_, err = tx.Exec(ctx, `
				WITH entries AS (DELETE FROM sagacheck_journal WHERE saga = ANY($1))
				DELETE FROM sagacheck_saga WHERE id = ANY($1)`, ids)
		}
		n = len(ids)
		return err
	})
	return n, err
}

func (s *postgresStore) SetAside(ctx context.Context, id string, n int) error {
	ctx, cancel := context.WithTimeout(ctx, 10*statementTimeout)
	defer cancel()
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var mine bool
		if err := tx.QueryRow(ctx, `SELECT epoch = $1 FROM sagacheck_owner FOR SHARE`, s.epoch).Scan(&mine); err != nil {
			return err
		}
		if !mine {
			return ErrSuperseded
		}
		for _, query := range []string{
			`INSERT INTO sagacheck_set_aside (at, saga, n, records) SELECT now(), saga, n, records FROM sagacheck_journal WHERE saga = $1 AND n >= $2`,
			`DELETE FROM sagacheck_journal WHERE saga = $1 AND n >= $2`,
			`DELETE FROM sagacheck_saga WHERE id = $1 AND $2::int = 1`,
			`UPDATE sagacheck_saga SET ended = NULL WHERE id = $1 AND $2::int > 1`,
		} {
			if _, err := tx.Exec(ctx, query, id, n); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *postgresStore) Close() error {
	s.release()
	s.pool.Close()
	return nil
}

// closeTimeout bounds what a store still says when it is closed.
const closeTimeout = 500 * time.Millisecond
