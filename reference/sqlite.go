package reference

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"modernc.org/sqlite" // also the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// sqliteStore keeps the journals in one SQLite file. It holds the file's lock, so
// that a second executor on the same file is refused.
type sqliteStore struct{ db *sql.DB }

var _ store = (*sqliteStore)(nil)

// sqliteVersion is the version of the layout, kept in user_version.
const sqliteVersion = 1

// openSQLite opens FILE, or FILE?synchronous=off: then a commit survives the end
// of the process, also by kill -9, but not that of the machine, and costs no
// flush to the disk.
func openSQLite(ctx context.Context, dsn string) (*sqliteStore, error) {
	file, synchronous := dsn, "FULL"
	if name, mode, ok := strings.Cut(dsn, "?"); ok {
		if mode != "synchronous=off" && mode != "synchronous=full" {
			return nil, fmt.Errorf("store %q: %q: expected synchronous=full or synchronous=off", dsn, mode)
		}
		file, synchronous = name, strings.TrimPrefix(mode, "synchronous=")
	}
	q := url.Values{"_pragma": {"busy_timeout(2000)", "locking_mode(EXCLUSIVE)", "journal_mode(WAL)", "synchronous(" + synchronous + ")"}, "_txlock": {"immediate"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, fmt.Errorf("store %q: %w", file, err)
	}
	db.SetMaxOpenConns(1) // the lock belongs to the connection
	s := &sqliteStore{db: db}
	if err := patiently(ctx, diskTrouble, s.migrate); err != nil {
		return nil, errors.Join(fmt.Errorf("store %q: %w", file, err), db.Close())
	}
	return s, nil
}

// diskTrouble tells a disk that is full, or does not do as it is told, from an error
// that would only be repeated.
func diskTrouble(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	primary := e.Code() & 0xff // the rest says what was being done
	return primary == sqlite3.SQLITE_IOERR || primary == sqlite3.SQLITE_FULL
}

func (s *sqliteStore) migrate(ctx context.Context) error {
	return s.within(ctx, func(tx *sql.Tx) error {
		var v int
		if err := tx.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&v); err != nil {
			return err
		}
		if v != 0 && v != sqliteVersion {
			return fmt.Errorf("version %d: this executor reads version %d", v, sqliteVersion)
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf(`
			CREATE TABLE IF NOT EXISTS journal (
				saga TEXT NOT NULL, n INTEGER NOT NULL, records TEXT NOT NULL,
				PRIMARY KEY (saga, n)) WITHOUT ROWID;
			PRAGMA user_version = %d`, sqliteVersion))
		return err
	})
}

// within runs f in one transaction.
func (s *sqliteStore) within(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func (s *sqliteStore) append(ctx context.Context, es []entry) error {
	return s.within(ctx, func(tx *sql.Tx) error {
		insert, err := tx.PrepareContext(ctx, `INSERT INTO journal (saga, n, records) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`)
		if err != nil {
			return err
		}
		defer insert.Close()
		for _, e := range es {
			text, err := e.encode()
			if err != nil {
				return err
			}
			if _, err := insert.ExecContext(ctx, e.saga, e.n, text); err != nil {
				return err
			}
		}
		return nil
	})
}

// loadQuery reads one saga, or all with "". These are two statements: one that
// asks whether its parameter is empty would read the whole table for one saga.
func loadQuery(id string) (query string, args []any) {
	if id == "" {
		return `SELECT saga, n, records FROM journal ORDER BY saga, n`, nil
	}
	return `SELECT saga, n, records FROM journal WHERE saga = ? ORDER BY n`, []any{id}
}

func (s *sqliteStore) load(ctx context.Context, id string, yield func(entry) error) error {
	query, args := loadQuery(id)
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var e entry
		var text string
		if err := rows.Scan(&e.saga, &e.n, &text); err != nil {
			return err
		}
		if e, err = decodeEntry(e.saga, e.n, text); err != nil {
			return err
		}
		if err := yield(e); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (s *sqliteStore) close() error { return s.db.Close() }
