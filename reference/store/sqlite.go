package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"modernc.org/sqlite" // also the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// sqliteStore keeps the journals in one SQLite file. It holds the file's lock, so
// that a second executor on the same file is refused.
type sqliteStore struct {
	db       *sql.DB
	prepared map[string]*sql.Stmt
	file     string
	as       map[string]os.FileInfo // the files by name, as they were opened
	once     sync.Once
	gone     chan struct{}
	stop     chan struct{}
	stopOnce sync.Once
	done     sync.WaitGroup
}

var _ Store = (*sqliteStore)(nil)

// sqliteVersion is the version of the layout, kept in user_version.
const sqliteVersion = 2

// openSQLite opens FILE, or FILE?synchronous=off: then a commit survives the end
// of the process, also by kill -9, but not that of the machine, and costs no
// flush to the disk.
func openSQLite(ctx context.Context, o Options) (*sqliteStore, error) {
	file, synchronous, err := sqliteDSN(o.DSN)
	if err != nil {
		return nil, err
	}
	s := &sqliteStore{file: file, prepared: map[string]*sql.Stmt{}, gone: make(chan struct{}), stop: make(chan struct{})}
	if s.db, err = sql.Open("sqlite", executorURL(file, synchronous)); err != nil {
		return nil, fmt.Errorf("store %q: %w", file, err)
	}
	s.db.SetMaxOpenConns(1) // the lock belongs to the connection
	err = patiently(ctx, o.Health, Opening, diskTrouble, func(ctx context.Context) error {
		if err := privateFile(file); err != nil {
			return err
		}
		return s.migrate(ctx)
	})
	if err == nil {
		s.as, err = filesOf(file)
	}
	for _, query := range []string{insertEntry, insertSaga, endSaga, storeBreaker, forgetBreaker, loadQuery, holdsQuery} {
		if err == nil {
			s.prepared[query], err = s.db.PrepareContext(ctx, query)
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store %q: %w", file, sayHeld(err)), s.db.Close())
	}
	warnOfRights(o.Logger, file, s.as[file].Mode().Perm())
	s.done.Go(s.watch)
	return s, nil
}

func sqliteDSN(dsn string) (file, synchronous string, err error) {
	name, mode, ok := strings.Cut(dsn, "?")
	if !ok {
		return dsn, "FULL", nil
	}
	if mode != "synchronous=off" && mode != "synchronous=full" {
		return "", "", fmt.Errorf("store %q: %q: expected synchronous=full or synchronous=off", dsn, mode)
	}
	return name, strings.TrimPrefix(mode, "synchronous="), nil
}

// executorURL says how an executor opens its file. The driver changes the log to WAL after all else: that writes to a new
// file, and would flush four times before it was said how far to.
func executorURL(file, synchronous string) string {
	return sqliteURL(file, "busy_timeout(2000)", "locking_mode(EXCLUSIVE)", "synchronous("+synchronous+")") + "&_journal_mode=WAL"
}

func sqliteURL(file string, pragmas ...string) string {
	q := url.Values{"_pragma": pragmas, "_txlock": {"immediate"}}
	return "file:" + (&url.URL{Path: file}).EscapedPath() + "?" + q.Encode()
}

const privateRights os.FileMode = 0o600

// privateFile makes the file if it is not there, for its owner alone: bodies may
// hold secrets. SQLite gives the files beside it the same rights.
func privateFile(file string) error {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, privateRights)
	if err != nil {
		return err
	}
	return f.Close()
}

// warnOfRights says that others may read or write a file that was there before. The
// rights stay: who gave them may have had a reason.
func warnOfRights(log *slog.Logger, file string, rights os.FileMode) {
	if log != nil && rights&0o077 != 0 {
		log.Warn("the store's file is not for its owner alone, and bodies may hold secrets",
			"file", file, "rights", fmt.Sprintf("%#o", rights), "expected", fmt.Sprintf("%#o", privateRights))
	}
}

func sqliteCode(err error) int {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return sqlite3.SQLITE_OK
	}
	return e.Code() & 0xff // the rest says what was being done
}

// diskTrouble tells a disk that is full, or does not do as it is told, from an error
// that would only be repeated.
func diskTrouble(err error) bool {
	code := sqliteCode(err)
	return code == sqlite3.SQLITE_IOERR || code == sqlite3.SQLITE_FULL
}

// IsDamage tells an error of what is stored from one of the store.
func IsDamage(err error) bool {
	code := sqliteCode(err)
	return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_MISMATCH
}

func sayHeld(err error) error {
	if code := sqliteCode(err); code == sqlite3.SQLITE_BUSY || code == sqlite3.SQLITE_LOCKED {
		return errors.New("another executor holds it: one file is for one executor at a time, and who asks while it runs asks its server")
	}
	return err
}

func (s *sqliteStore) migrate(ctx context.Context) error {
	return s.within(ctx, func(tx *sql.Tx) error {
		var v int
		if err := tx.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&v); err != nil {
			return err
		}
		if v > sqliteVersion {
			return fmt.Errorf("version %d: this executor reads up to version %d", v, sqliteVersion)
		}
		if v == sqliteVersion {
			return nil
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf(`
			CREATE TABLE IF NOT EXISTS journal (
				saga TEXT NOT NULL, n INTEGER NOT NULL, records TEXT NOT NULL,
				PRIMARY KEY (saga, n)) WITHOUT ROWID;
			CREATE TABLE saga (id TEXT PRIMARY KEY, ended INTEGER) WITHOUT ROWID;
			CREATE INDEX saga_open ON saga (id) WHERE ended IS NULL;
			CREATE INDEX saga_ended ON saga (ended) WHERE ended IS NOT NULL;
			CREATE TABLE breaker (name TEXT PRIMARY KEY, seq INTEGER NOT NULL, state TEXT NOT NULL) WITHOUT ROWID;
			CREATE TABLE set_aside (at INTEGER NOT NULL, saga TEXT NOT NULL, n INTEGER NOT NULL, records TEXT NOT NULL);
			INSERT INTO saga (id) SELECT DISTINCT saga FROM journal;
			PRAGMA user_version = %d`, sqliteVersion))
		return err
	})
}

// within runs f in one transaction.
func (s *sqliteStore) within(ctx context.Context, f func(*sql.Tx) error) error {
	return within(ctx, s.db, f)
}

func within(ctx context.Context, db interface {
	BeginTx(context.Context, *sql.TxOptions) (*sql.Tx, error)
}, f func(*sql.Tx) error,
) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func (s *sqliteStore) Append(ctx context.Context, es []Entry) error {
	s.look()
	if err := s.Owned(); err != nil {
		return ErrLost
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // it goes back to the pool
	// To watch for the end of a context costs a goroutine a statement, and nothing
	// here waits for anybody.
	ctx = context.WithoutCancel(ctx)
	err = within(ctx, conn, func(tx *sql.Tx) error {
		for _, e := range es {
			if err := s.appendOne(ctx, tx, e); err != nil {
				return err
			}
		}
		return nil
	})
	if code := sqliteCode(err); code == sqlite3.SQLITE_TOOBIG || code == sqlite3.SQLITE_MISMATCH {
		return &RefusedError{err}
	}
	return err
}

// The statements that write an entry, and what it says besides: that its saga begins
// or ends, and what became of a breaker.
const (
	insertEntry  = `INSERT INTO journal (saga, n, records) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`
	insertSaga   = `INSERT INTO saga (id) VALUES (?) ON CONFLICT DO NOTHING`
	endSaga      = `UPDATE saga SET ended = ? WHERE id = ?`
	storeBreaker = `INSERT INTO breaker (name, seq, state) VALUES (?, ?, ?)
		ON CONFLICT DO UPDATE SET seq = excluded.seq, state = excluded.state WHERE excluded.seq > seq`
	forgetBreaker = `DELETE FROM breaker WHERE name = ? AND seq < ?` // there is nothing to remember
)

func (s *sqliteStore) appendOne(ctx context.Context, tx *sql.Tx, e Entry) error {
	err := s.exec(ctx, tx, insertEntry, e.Saga, e.N, e.Text)
	if err == nil && e.Begins {
		err = s.exec(ctx, tx, insertSaga, e.Saga)
	}
	if err == nil && !e.Ended.IsZero() {
		err = s.exec(ctx, tx, endSaga, e.Ended.UnixMilli(), e.Saga)
	}
	for _, b := range e.Breakers {
		switch {
		case err != nil:
		case b.State == "":
			err = s.exec(ctx, tx, forgetBreaker, b.Name, b.Seq)
		default:
			err = s.exec(ctx, tx, storeBreaker, b.Name, b.Seq, b.State)
		}
	}
	return err
}

// exec runs a statement that is prepared once.
func (s *sqliteStore) exec(ctx context.Context, tx *sql.Tx, query string, args ...any) error {
	_, err := tx.StmtContext(ctx, s.prepared[query]).ExecContext(ctx, args...)
	return err
}

func (s *sqliteStore) Open(ctx context.Context) (ids []string, any bool, err error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id FROM saga WHERE ended IS NULL ORDER BY id`)
	if err != nil {
		return nil, false, err
	}
	if ids, err = texts(rows); err != nil {
		return nil, false, err
	}
	err = s.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM saga WHERE ended IS NOT NULL)`).Scan(&any)
	return ids, any, err
}

func (s *sqliteStore) Since(ctx context.Context, after time.Time, most int) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id FROM (SELECT id FROM saga WHERE ended IS NULL UNION ALL SELECT id FROM saga WHERE ended >= ?) LIMIT ?`,
		after.UnixMilli(), most)
	if err != nil {
		return nil, err
	}
	return texts(rows)
}

// latestQuery reads no more of the sagas than it lists.
const latestQuery = `
	SELECT id FROM (
		SELECT id, ended FROM (SELECT id, ended FROM saga WHERE ended IS NULL ORDER BY id LIMIT ?2)
		UNION ALL SELECT id, ended FROM (SELECT id, ended FROM saga WHERE ended >= ?1 ORDER BY ended DESC LIMIT ?2))
	ORDER BY ended IS NOT NULL, ended DESC, id LIMIT ?2`

func (s *sqliteStore) Latest(ctx context.Context, after time.Time, most int) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, latestQuery, after.UnixMilli(), most)
	if err != nil {
		return nil, err
	}
	return texts(rows)
}

func texts(rows *sql.Rows) (list []string, err error) {
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		list = append(list, text)
	}
	return list, rows.Err()
}

const holdsQuery = `SELECT value FROM json_each(?) WHERE EXISTS (SELECT 1 FROM journal WHERE saga = value)`

func (s *sqliteStore) Holds(ctx context.Context, ids []string) ([]string, error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	rows, err := s.prepared[holdsQuery].QueryContext(ctx, string(list))
	if err != nil {
		return nil, err
	}
	return texts(rows)
}

const loadQuery = `SELECT n, records FROM journal WHERE saga = ? ORDER BY n`

func (s *sqliteStore) Load(ctx context.Context, id string, yield func(Entry) error) error {
	rows, err := s.prepared[loadQuery].QueryContext(ctx, id)
	if err != nil {
		return err
	}
	return yieldRows(rows, id, yield)
}

func (s *sqliteStore) Breakers(ctx context.Context) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT state FROM breaker`)
	if err != nil {
		return nil, err
	}
	return texts(rows)
}

// pruneSize is how many sagas one transaction removes.
const pruneSize = 200

func (s *sqliteStore) Prune(ctx context.Context, before time.Time, keep Fold) (n int, err error) {
	err = s.within(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT id FROM saga WHERE ended < ? ORDER BY ended LIMIT ?`, before.UnixMilli(), pruneSize)
		if err != nil {
			return err
		}
		ids, err := texts(rows)
		if err == nil && keep != nil && len(ids) > 0 {
			err = s.keep(ctx, tx, ids, keep)
		}
		for _, id := range ids {
			if err == nil {
				_, err = tx.ExecContext(ctx, `DELETE FROM journal WHERE saga = ?`, id)
			}
			if err == nil {
				_, err = tx.ExecContext(ctx, `DELETE FROM saga WHERE id = ?`, id)
			}
		}
		n = len(ids)
		return err
	})
	return n, err
}

func (s *sqliteStore) SetAside(ctx context.Context, id string, n int) error {
	return s.within(ctx, func(tx *sql.Tx) error {
		for _, query := range []string{
			`INSERT INTO set_aside (at, saga, n, records) SELECT unixepoch(), saga, n, records FROM journal WHERE saga = ?1 AND n >= ?2`,
			`DELETE FROM journal WHERE saga = ?1 AND n >= ?2`,
			`DELETE FROM saga WHERE id = ?1 AND ?2 = 1`,
			`UPDATE saga SET ended = NULL WHERE id = ?1 AND ?2 > 1`,
		} {
			if _, err := tx.ExecContext(ctx, query, id, n); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *sqliteStore) Close() error {
	s.stopOnce.Do(func() { close(s.stop) })
	s.done.Wait()
	return s.db.Close()
}
