package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

func newVersions(p process) *cobra.Command {
	var s server
	var store, since string
	var asJSON bool
	var q reference.VersionsQuery
	c := &cobra.Command{
		Use:   "versions",
		Short: "Compare what sagas of each version have come to",
		Long: `Compares the sagas of one name by the version of their definition: how many, how they have
ended, how long that took (half of them at the most, and 95 of 100), how many calls were made, how many of
those again, and how much was undone. Of a store that no executor is at work on, or of a running executor.`,
		Example: `  sagacheck reference versions --server http://127.0.0.1:8080 --name order
  sagacheck reference versions --store saga.db --since 2h --json`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if (store == "") == (s.url == "") {
				return usage(errors.New("versions: expected --store or --server"))
			}
			var err error
			if q.Since, err = moment(since); err != nil {
				return usage(err)
			}
			var v reference.Versions
			if store != "" {
				v, err = reference.ReadVersions(c.Context(), store, q)
			} else {
				v, err = versionsOf(c, &s, q)
			}
			if err != nil {
				return ofStore(err)
			}
			if asJSON {
				e := json.NewEncoder(p.stdout)
				e.SetIndent("", "  ")
				return trouble(e.Encode(v))
			}
			return trouble(writeVersions(p.stdout, v))
		},
	}
	s.flags(c, "it is asked")
	c.Flags().StringVar(&store, "store", "", "SQLite `file` or postgres:// address")
	c.Flags().StringVar(&q.Name, "name", "", "`name` of the sagas (default: all)")
	c.Flags().StringVar(&since, "since", "", "none that ended before a `time` (RFC 3339), or how long ago, as 2h")
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return c
}

func versionsOf(c *cobra.Command, s *server, q reference.VersionsQuery) (v reference.Versions, err error) {
	asked := url.Values{"name": {q.Name}}
	if !q.Since.IsZero() {
		asked.Set("since", q.Since.Format(time.RFC3339Nano))
	}
	b, err := s.get(c.Context(), "/versions?"+asked.Encode())
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	return v, err
}

func writeVersions(w io.Writer, v reference.Versions) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "name\tversion\tsagas\tcompleted\tcompensated\tended by hand\topen\tpaused\tstuck\thalf took\t95 of 100 took\tcalls\tagain\tundone")
	for _, one := range v.Versions {
		took := func(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%v\t%v\t%d\t%d\t%d\n", one.Name, cmp.Or(one.Version, "-"), one.Sagas,
			one.Ends[saga.Completed], one.Ends[saga.Compensated], one.Ends[saga.EndedByHand], one.Open, one.Paused, one.Stuck,
			took(one.MedianMS), took(one.P95MS), one.Calls, one.Retries, one.Compensations)
	}
	if v.Cut {
		fmt.Fprintln(t, "there are more sagas than were read, which are those that are open and the last that ended: ask with --since or --name")
	}
	return t.Flush()
}
