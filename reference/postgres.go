package reference

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// postgresStore keeps the journals in a PostgreSQL database, in the schema that
// the DSN's search_path names, which is made if it is not there. Each executor
// that opens the store takes it over: what an earlier one sends after that, or
// had still on its way, changes nothing.
type postgresStore struct {
	pool  *pgxpool.Pool
	epoch int64
	taken chan struct{} // closed when an append finds that the store was taken over
}

var _ store = (*postgresStore)(nil)

const postgresVersion = 1

var errSuperseded = errors.New("another executor has taken over the store")

func openPostgres(ctx context.Context, dsn string) (*postgresStore, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
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
	s := &postgresStore{pool: pool, taken: make(chan struct{})}
	claim := func(ctx context.Context) error { return s.claim(ctx, cfg.ConnConfig.RuntimeParams["search_path"]) }
	if err := patiently(ctx, unreachable, claim); err != nil {
		pool.Close()
		return nil, fmt.Errorf("store %s: %w", cfg.ConnConfig.Host, err)
	}
	return s, nil
}

// statementTimeout ends a statement whose connection has fallen silent.
const statementTimeout = 2 * time.Second

// claim makes the tables and takes the store over.
func (s *postgresStore) claim(ctx context.Context, schema string) error {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	if schema != "" {
		if _, err := s.pool.Exec(ctx, `CREATE SCHEMA IF NOT EXISTS `+pgx.Identifier{schema}.Sanitize()); err != nil {
			return err
		}
	}
	_, err := s.pool.Exec(ctx, `
		CREATE TABLE IF NOT EXISTS sagacheck_owner (
			one BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (one), version INT NOT NULL, epoch BIGINT NOT NULL);
		CREATE TABLE IF NOT EXISTS sagacheck_journal (
			saga TEXT COLLATE "C" NOT NULL, n INT NOT NULL, records TEXT NOT NULL, PRIMARY KEY (saga, n))`)
	if err != nil {
		return err
	}
	var version int
	err = s.pool.QueryRow(ctx, `
		INSERT INTO sagacheck_owner AS o (version, epoch) VALUES ($1, 1)
		ON CONFLICT (one) DO UPDATE SET epoch = o.epoch + 1 RETURNING version, epoch`, postgresVersion).Scan(&version, &s.epoch)
	if err == nil && version != postgresVersion {
		err = fmt.Errorf("version %d: this executor reads version %d", version, postgresVersion)
	}
	return err
}

// unreachable tells trouble with the connection or the server's life from an
// error that would only be repeated.
func unreachable(err error) bool {
	var answer *pgconn.PgError
	var damaged *damagedError
	if errors.As(err, &damaged) {
		return false
	}
	if !errors.As(err, &answer) {
		return true
	}
	class := answer.Code[:min(2, len(answer.Code))]
	return class == "08" || class == "53" || class == "57" // connection, resources, operator (shutdown, starting up)
}

// append adds entries while the store is ours. When it was taken over, no second
// try can help: it returns only with ctx then, and superseded tells.
func (s *postgresStore) append(ctx context.Context, es []entry) error {
	err := s.insert(ctx, es)
	if errors.Is(err, errSuperseded) {
		close(s.taken) // the one writer does not come back before ctx ends
		<-ctx.Done()
	}
	return err
}

// superseded is closed when it is known that another executor has taken over.
func (s *postgresStore) superseded() <-chan struct{} { return s.taken }

// insert is one statement and so one transaction. It locks the owner's row, so
// that it comes before or after a takeover, and never beside it.
func (s *postgresStore) insert(ctx context.Context, es []entry) error {
	sagas, ns, records := make([]string, len(es)), make([]int32, len(es)), make([]string, len(es))
	for i, e := range es {
		text, err := e.encode()
		if err != nil {
			return err
		}
		sagas[i], ns[i], records[i] = e.saga, int32(e.n), text
	}
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	var owner int
	err := s.pool.QueryRow(ctx, `
		WITH owner AS (SELECT epoch FROM sagacheck_owner WHERE epoch = $1 FOR SHARE),
		added AS (
			INSERT INTO sagacheck_journal (saga, n, records)
			SELECT e.saga, e.n, e.records FROM owner, unnest($2::text[], $3::int[], $4::text[]) AS e (saga, n, records)
			ON CONFLICT DO NOTHING)
		SELECT count(*) FROM owner`, s.epoch, sagas, ns, records).Scan(&owner)
	if err == nil && owner == 0 {
		err = errSuperseded
	}
	return err
}

// load reads page by page, so that an outage in between costs one page.
func (s *postgresStore) load(ctx context.Context, id string, yield func(entry) error) error {
	const page = 2000
	var last entry
	for {
		var es []entry
		err := patiently(ctx, unreachable, func(ctx context.Context) (err error) {
			es, err = s.page(ctx, id, last, page)
			return err
		})
		if err != nil {
			return err
		}
		for _, e := range es {
			if err := yield(e); err != nil {
				return err
			}
		}
		if len(es) < page {
			return nil
		}
		last = es[len(es)-1]
	}
}

func (s *postgresStore) page(ctx context.Context, id string, after entry, size int) ([]entry, error) {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	where := []string{"(saga, n) > ($1, $2)"}
	args := []any{after.saga, after.n}
	if id != "" {
		where = append(where, "saga = $3")
		args = append(args, id)
	}
	rows, err := s.pool.Query(ctx, fmt.Sprintf(`SELECT saga, n, records FROM sagacheck_journal
		WHERE %s ORDER BY saga, n LIMIT %d`, strings.Join(where, " AND "), size), args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (entry, error) {
		var e entry
		var text string
		if err := row.Scan(&e.saga, &e.n, &text); err != nil {
			return e, err
		}
		return decodeEntry(e.saga, e.n, text)
	})
}

func (s *postgresStore) close() error {
	s.pool.Close()
	return nil
}
