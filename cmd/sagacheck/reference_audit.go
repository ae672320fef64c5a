package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

func newAudit(p process) *cobra.Command {
	var s server
	var store, since string
	var q reference.AuditQuery
	c := &cobra.Command{
		Use:   "audit",
		Short: "Show what was decided, when, by which policies, and why",
		Long: `Shows what the executor decided: each attempt with the version of the policies that
decided it and why it was made, what came of it, what flags held back, and each change of
policies and flags with who asked for it. Of a store that no executor is at work on, or of a
running executor.`,
		Example: `  sagacheck reference audit --server http://127.0.0.1:8080 --saga c17-1
  sagacheck reference audit --store saga.db --since 2h`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if (store == "") == (s.url == "") {
				return usage(errors.New("audit: expected --store or --server"))
			}
			var err error
			if q.Since, err = moment(since); err != nil {
				return usage(err)
			}
			var a reference.Audit
			if store != "" {
				a, err = reference.ReadAudit(c.Context(), store, q)
			} else {
				a, err = auditOf(c, &s, q)
			}
			if err != nil {
				return ofStore(err)
			}
			writeAudit(p.stdout, a)
			return nil
		},
	}
	s.flags(c, "it is asked")
	c.Flags().StringVar(&store, "store", "", "SQLite `file` or postgres:// address")
	c.Flags().StringVar(&q.Saga, "saga", "", "`id` of a saga (default: all, and what governs them)")
	c.Flags().StringVar(&since, "since", "", "a `time` (RFC 3339), or how long ago, as 2h")
	return c
}

// moment is a time that is given as such, or by how long ago it was.
func moment(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil {
		return time.Now().Add(-ago), nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return at, fmt.Errorf("--since: %q: expected a time (RFC 3339), or how long ago, as 2h", text)
	}
	return at, nil
}

func auditOf(c *cobra.Command, s *server, q reference.AuditQuery) (a reference.Audit, err error) {
	asked := url.Values{}
	if q.Saga != "" {
		asked.Set("saga", q.Saga)
	}
	if !q.Since.IsZero() {
		asked.Set("since", q.Since.Format(time.RFC3339Nano))
	}
	b, err := s.get(c.Context(), "/audit?"+asked.Encode())
	if err == nil {
		err = json.Unmarshal(b, &a)
	}
	return a, err
}

func writeAudit(w io.Writer, a reference.Audit) {
	for _, en := range a.Entries {
		words := []string{en.At.Format("2006-01-02T15:04:05.000Z07:00"), en.What}
		add := func(word string, there bool) {
			if there {
				words = append(words, word)
			}
		}
		add(en.Saga, en.Saga != "")
		add(fmt.Sprintf("%s#%d", saga.StepRef{Step: en.Step, Direction: en.Direction}, en.Attempt), en.Step != "")
		add("version "+fmt.Sprint(en.Version), en.Version > 0)
		add("template "+en.Template, en.Template != "")
		add("flag "+string(en.Flag), en.Flag != "")
		add("("+en.Why+")", en.Why != "")
		add("by "+en.Author, en.Author != "")
		add("from "+en.Source, en.Source != "")
		add(fmt.Sprintf("%q", en.Reason), en.Reason != "")
		fmt.Fprintln(w, strings.Join(words, "  "))
	}
	if a.Cut {
		fmt.Fprintln(w, "there are more: ask again with --since and the last time")
	}
}
