package store

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
)

// keep folds sagas that are about to be removed into what is kept.
func (s *postgresStore) keep(ctx context.Context, tx pgx.Tx, ids []string, keep Fold) error {
	rows, err := tx.Query(ctx, `SELECT saga, n, records FROM sagacheck_journal WHERE saga = ANY($1) ORDER BY saga, n`, ids)
	if err != nil {
		return err
	}
	es, err := pgx.CollectRows(rows, entryOf)
	if err != nil {
		return err
	}
	gone := slices.Collect(func(yield func([]Entry) bool) {
		for from, i := 0, 1; i <= len(es); i++ {
			if i == len(es) || es[i].Saga != es[from].Saga {
				if !yield(es[from:i]) {
					return
				}
				from = i
			}
		}
	})
	var before string
	if err := tx.QueryRow(ctx, `SELECT coalesce(max(text), '') FROM sagacheck_kept`).Scan(&before); err != nil {
		return err
	}
	after, err := keep(before, gone)
	if err == nil {
		_, err = tx.Exec(ctx, `INSERT INTO sagacheck_kept (text) VALUES ($1) ON CONFLICT (one) DO UPDATE SET text = excluded.text`, after)
	}
	return err
}

func (s *postgresStore) Kept(ctx context.Context) (text string, err error) {
	err = patiently(ctx, s.health, Reading, unreachable, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 5*statementTimeout)
		defer cancel()
		if _, err := s.pool.Exec(ctx, `CREATE TABLE IF NOT EXISTS sagacheck_kept (one BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (one), text TEXT NOT NULL)`); err != nil {
			return err
		}
		return s.pool.QueryRow(ctx, `SELECT coalesce(max(text), '') FROM sagacheck_kept`).Scan(&text)
	})
	return text, err
}

func (s *postgresStore) Each(ctx context.Context, yield func(Entry) error) error {
	last := Entry{}
	for {
		var es []Entry
		err := patiently(ctx, s.health, Reading, unreachable, func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, timeoutFor(2*pageBytes))
			defer cancel()
			rows, err := s.pool.Query(ctx, `
				SELECT saga, n, records FROM (
					SELECT saga, n, records, sum(octet_length(records)) OVER (ORDER BY saga, n) - octet_length(records) AS before FROM (
						SELECT saga, n, records FROM sagacheck_journal WHERE (saga, n) > ($1, $2) ORDER BY saga, n LIMIT $3) AS few) AS sized
				WHERE before <= $4 ORDER BY saga, n`, last.Saga, last.N, pageRows, pageBytes)
			if err == nil {
				es, err = pgx.CollectRows(rows, entryOf)
			}
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
		last = es[len(es)-1]
	}
}

// entryOf reads an entry with its saga.
func entryOf(row pgx.CollectableRow) (Entry, error) {
	var id, text string
	var n int
	if err := row.Scan(&id, &n, &text); err != nil {
		return Entry{}, err
	}
	return Entry{Saga: id, N: n, Text: text}, nil
}
