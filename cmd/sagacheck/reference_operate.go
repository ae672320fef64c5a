package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

// operateFlags say what is asked, of which sagas, by whom.
type operateFlags struct {
	server
	act                 saga.Act
	sagas, status       []string
	name, step          string
	olderThan           time.Duration
	author, reason, key string
	yes                 bool
}

func newOperate(p process) *cobra.Command {
	f := &operateFlags{}
	c := &cobra.Command{
		Use:   "operate ACTION",
		Short: "Roll back, retry, pause, resume, skip or end sagas by hand, after a look at what that means",
		Long: `Asks something of one saga or of many: rollback, retry, pause, resume, skip (a deferred
--step) or end. First it shows what each of them has come to, what a rollback would undo and
what is not known. Without --yes that is all. With it each is asked, under a key of its own: the
same command with the same --key goes on where it was cut off, and does nothing twice.`,
		Example: `  sagacheck reference operate rollback --server http://127.0.0.1:8080 --saga c17-1 --reason 'the customer called'
  sagacheck reference operate pause --server http://127.0.0.1:8080 --status compensating --older-than 1h --reason 'the bank is away' --yes`,
		Args: arguments(1, 1, "what is asked for: rollback, retry, pause, resume, skip or end"),
		RunE: func(c *cobra.Command, args []string) error {
			f.act = saga.Act(args[0])
			if err := f.check(); err != nil {
				return usage(err)
			}
			return f.run(c.Context(), p)
		},
	}
	f.flags(c, "it is asked")
	fl := c.Flags()
	fl.StringArrayVar(&f.sagas, "saga", nil, "`id` of a saga (may be repeated)")
	fl.StringSliceVar(&f.status, "status", nil, "all sagas of a `status`: running, compensating or stuck")
	fl.StringVar(&f.name, "name", "", "all sagas of a `name`")
	fl.DurationVar(&f.olderThan, "older-than", 0, "all sagas that were accepted so long ago, as 2h")
	fl.StringVar(&f.step, "step", "", "the step to skip")
	fl.StringVar(&f.author, "author", "", "who asks (default: the user of this machine)")
	fl.StringVar(&f.reason, "reason", "", "why; it is kept in the audit")
	fl.StringVar(&f.key, "key", "", "`text` that names this request (default: one that is drawn and shown)")
	fl.BoolVar(&f.yes, "yes", false, "ask, after showing")
	return c
}

func (f *operateFlags) check() error {
	query := len(f.status) > 0 || f.name != "" || f.olderThan > 0
	switch {
	case !slices.Contains(saga.Acts(), f.act):
		return fmt.Errorf("operate: %q: expected one of %v", f.act, saga.Acts())
	case f.url == "":
		return errors.New("operate: expected --server")
	case (len(f.sagas) > 0) == query:
		return errors.New("operate: expected either --saga, or --status, --name or --older-than")
	case (f.step != "") != (f.act == saga.ActSkip):
		return errors.New("--step: expected the step to skip, and none with another action")
	case f.yes && f.reason == "":
		return errors.New("--reason: must be given with --yes")
	}
	if f.author == "" {
		if u, err := user.Current(); err == nil {
			f.author = u.Username
		}
	}
	if f.key == "" {
		f.key = strings.ToLower(rand.Text()[:10])
	}
	return nil
}

// run shows, and asks if it is told to.
func (f *operateFlags) run(ctx context.Context, p process) error {
	ids, err := f.chosen(ctx)
	if err != nil {
		return err
	}
	refused := 0
	for i, id := range ids {
		b, err := f.get(ctx, "/sagas/"+url.PathEscape(id)+"/preview")
		var shown reference.Preview
		if err == nil {
			err = json.Unmarshal(b, &shown)
		}
		if err != nil {
			return trouble(err)
		}
		writePreview(p.stdout, shown)
		if !f.yes {
			continue
		}
		done, err := f.ask(ctx, id)
		if err != nil {
			refused++
			done = err.Error()
		}
		fmt.Fprintf(p.stdout, "%d/%d  %s  %s: %s\n", i+1, len(ids), id, f.act, done)
	}
	switch {
	case len(ids) == 0:
		p.say("no saga fits")
	case !f.yes:
		p.say(fmt.Sprintf("nothing was asked of %s: add --yes, and --reason", words.Plural(len(ids), "saga")))
	case refused > 0:
		return trouble(fmt.Errorf("%d of %d were refused; the same command with --key %s asks the others nothing twice", refused, len(ids), f.key))
	}
	return nil
}

// chosen are the ids of the sagas that are named, or fit.
func (f *operateFlags) chosen(ctx context.Context) ([]string, error) {
	if len(f.sagas) > 0 {
		return f.sagas, nil
	}
	q := url.Values{"status": f.status}
	if f.name != "" {
		q.Set("name", f.name)
	}
	if f.olderThan > 0 {
		q.Set("older_than", f.olderThan.String())
	}
	b, err := f.get(ctx, "/sagas?"+q.Encode())
	var list struct {
		Sagas []reference.Listed `json:"sagas"`
		Cut   bool               `json:"cut"`
	}
	if err == nil {
		err = json.Unmarshal(b, &list)
	}
	if err == nil && list.Cut {
		err = errors.New("too many sagas fit: ask for fewer")
	}
	var ids []string
	for _, l := range list.Sagas {
		ids = append(ids, l.ID)
	}
	return ids, trouble(err)
}

// ask asks one saga, and says what came of it.
func (f *operateFlags) ask(ctx context.Context, id string) (string, error) {
	body, err := json.Marshal(map[string]string{"author": f.author, "reason": f.reason})
	if f.step != "" {
		body, err = json.Marshal(map[string]string{"author": f.author, "reason": f.reason, "step": f.step})
	}
	if err != nil {
		return "", err
	}
	act := string(f.act)
	if f.act == saga.ActRollback {
		act = "compensate"
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(f.url, "/")+"/sagas/"+url.PathEscape(id)+"/"+act, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	token, err := tokenOf(f.token)
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", f.key+"/"+id)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return "", err
	case resp.StatusCode == http.StatusAccepted:
		return "done", nil
	case resp.StatusCode == http.StatusOK:
		return "it was so already", nil
	}
	var why struct{ Detail string }
	if json.Unmarshal(b, &why) != nil || why.Detail == "" {
		why.Detail = string(b)
	}
	return "", fmt.Errorf("refused (%d): %s", resp.StatusCode, why.Detail)
}

// writePreview shows what a saga has come to.
func writePreview(w io.Writer, s reference.Preview) {
	fmt.Fprintf(w, "%s  %q  %s", s.ID, s.Name, s.Status)
	if s.Paused != nil {
		fmt.Fprintf(w, ", paused by %s (%s)", s.Paused.Author, s.Paused.Reason)
	}
	fmt.Fprintf(w, "; rollback: %s\n", s.Rollback)
	for _, st := range s.Steps {
		line := fmt.Sprintf("  %-16s %-14s %-10s rollback: %s", st.Name, st.Kind, st.Outcome, st.Rollback)
		if st.Undo != nil && st.Undo.Effect != "" {
			line += " (" + st.Undo.Effect + ")"
		}
		fmt.Fprintln(w, line)
	}
}
