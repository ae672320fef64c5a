package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/reference/api"
	"github.com/sagacheck/sagacheck/reference/catalogue"
	"github.com/sagacheck/sagacheck/reference/defects"
	"github.com/sagacheck/sagacheck/reference/policies"
	"github.com/sagacheck/sagacheck/reference/telemetry"
)

func newReference(p process) *cobra.Command {
	c := &cobra.Command{
		Use:   "reference",
		Short: "The reference executor as a server, with a dashboard",
		Args:  noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newServe(p), newPolicies(p), newAudit(p), newVersions(p), newOperate(p), newAlerts(p), newInspect(p), newRepair(p))
	return c
}

// serveFlags are what reference serve is told, as text.
type serveFlags struct {
	api.ServeOptions
	log         string
	otlp        string
	metrics     bool
	defects     []string
	definitions string // a file
}

func newServe(p process) *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve the contract until interrupted",
		Long: `Serves the contract until interrupted, then drains: calls under way get to end,
none begins. While another executor owns the store it stands by. What it promises
is in docs/reference.md. A browser is shown a dashboard at / (docs/dashboard.md).`,
		Example: `  sagacheck reference serve --addr 127.0.0.1:8080 --store saga.db
  sagacheck reference serve --store postgres://user@127.0.0.1:5432/sagas
  sagacheck reference serve --addr :8080 --token @token.txt --host sagas.example --allow-target '*.internal.example'`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.complete(p); err != nil {
				return usage(err)
			}
			if f.StoreDSN == "" {
				dir, err := os.MkdirTemp("", "sagacheck-reference-*")
				if err != nil {
					return trouble(err)
				}
				defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder; nothing depends on it
				f.StoreDSN = filepath.Join(dir, "saga.db")
			}
			p.spareMemory()
			f.Ready = func(addr string) { fmt.Fprintf(p.stdout, "serving the contract on http://%s\n", addr) }
			return f.serve(c.Context())
		},
	}
	c.Flags().StringVar(&f.Addr, "addr", "127.0.0.1:8080", "`host:port` to listen on; port 0: any; other than loopback only with --token")
	c.Flags().StringVar(&f.StoreDSN, "store", "", "SQLite `file` or postgres:// address (default: a temporary file)")
	c.Flags().StringVar(&f.PolicyFile, "policies", "", "`file` of policies: it is followed, and comes into force whenever it changes (docs/policies.md)")
	c.Flags().StringVar(&f.definitions, "definitions", "", "`file` of sagas that clients start by their name, with shares for new versions (docs/reference.md)")
	c.Flags().StringVar(&f.Token, "token", "", "`text` that requests have to bring as Authorization: Bearer, or @FILE that holds it")
	c.Flags().StringSliceVar(&f.Hosts, "host", nil, "`name` under which clients call it, besides localhost and addresses (may be repeated)")
	c.Flags().StringSliceVar(&f.Targets, "allow-target", nil, "where calls may go besides this machine: `host`, host:port, *.domain, 10.0.0.0/8, or * (may be repeated)")
	c.Flags().DurationVar(&f.Retain, "retain", 0, "how `long` ended sagas are kept, for example 720h (default: for ever)")
	c.Flags().DurationVar(&f.ReconcileEvery, "reconcile-every", time.Minute, "how `often` participants are asked what they hold, of steps with a read_back; 0: never")
	c.Flags().DurationVar(&f.ReconcileFor, "reconcile-for", time.Hour, "how `long` after their end sagas are asked about")
	c.Flags().BoolVar(&f.ReconcileRepair, "reconcile-repair", false, "undo once more what was undone, and is there again (docs/reference.md)")
	c.Flags().DurationVar(&f.Drain, "drain", api.DefaultDrain, "how `long` calls under way get to end after an interrupt")
	c.Flags().StringVar(&f.log, "log", "info", "`level` of the log, as JSON on standard error: debug, info, warn, error or off")
	c.Flags().StringVar(&f.otlp, "otlp", "", "base `URL` of an OpenTelemetry collector for traces, as http://127.0.0.1:4318 (default: none are made)")
	c.Flags().BoolVar(&f.metrics, "metrics", true, "answer GET /metrics; what they count is read from the store at the start")
	c.Flags().StringSliceVar(&f.defects, "defect", nil, "switch on a planted defect (may be repeated)")
	return c
}

// exportGrace bounds how long the last spans may take to leave.
const exportGrace = 3 * time.Second

// serve serves, and says what it does.
func (f *serveFlags) serve(ctx context.Context) error {
	if !f.metrics && f.otlp == "" {
		return trouble(api.Serve(ctx, f.ServeOptions))
	}
	lies := defects.Lies(f.defects...)
	if lies != nil && f.Logger != nil {
		f.Logger = slog.New(lies.Handler(f.Logger.Handler()))
	}
	t, err := telemetry.New(telemetry.Options{OTLP: f.otlp, Version: toolVersion(), Logger: f.Logger, Rules: lies})
	if err != nil {
		return usage(fmt.Errorf("--otlp: %w", err))
	}
	f.Observer = t
	if f.metrics {
		f.Metrics = t
	}
	err = api.Serve(ctx, f.ServeOptions)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), exportGrace)
	defer cancel()
	return trouble(errors.Join(err, t.Close(last)))
}

// complete checks the flags, and reads what they only name.
func (f *serveFlags) complete(p process) error {
	for _, name := range f.defects {
		if !slices.ContainsFunc(defects.All(), func(d defects.Defect) bool { return d.Name == name }) {
			return fmt.Errorf("--defect: the reference executor has no defect %q: see sagacheck list defects", name)
		}
	}
	var err error
	if f.Rules, err = defects.Rules(f.defects...); err != nil {
		return err
	}
	if f.Retain < 0 || f.Retain > 0 && f.Retain < time.Second {
		return fmt.Errorf("--retain: %v: expected 1s or more, or 0 for ever", f.Retain)
	}
	if f.Drain < 0 {
		return fmt.Errorf("--drain: %v: expected 0 or more", f.Drain)
	}
	if f.ReconcileEvery < 0 {
		return fmt.Errorf("--reconcile-every: %v: expected more than 0, or 0 for never", f.ReconcileEvery)
	}
	if f.ReconcileFor < 0 {
		return fmt.Errorf("--reconcile-for: %v: expected 0 or more", f.ReconcileFor)
	}
	if f.ReconcileRepair && f.ReconcileEvery == 0 {
		return errors.New("--reconcile-repair: expected --reconcile-every of more than 0: what nobody asks about is not repaired")
	}
	if f.Token, err = tokenOf(f.Token); err != nil {
		return err
	}
	if f.definitions != "" {
		if f.Catalogue, err = catalogue.Load(f.definitions); err != nil {
			return err
		}
	}
	if f.PolicyFile != "" {
		if _, _, err := policies.Load(f.PolicyFile); err != nil {
			return err
		}
	}
	if f.log == "off" {
		return f.check()
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.log)); err != nil {
		return fmt.Errorf("--log: %q: expected debug, info, warn, error or off", f.log)
	}
	f.Logger = slog.New(slog.NewJSONHandler(p.stderr, &slog.HandlerOptions{Level: level}))
	return f.check()
}

// tokenOf is a token that is given as text, or as @FILE.
func tokenOf(given string) (string, error) {
	text := given
	if file, ok := strings.CutPrefix(given, "@"); ok {
		b, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("--token: %w", err)
		}
		text = string(b)
	}
	token := strings.TrimSpace(text)
	if token == "" && given != "" {
		return "", fmt.Errorf("--token: %q is empty", given)
	}
	return token, nil
}

func (f *serveFlags) check() error {
	if err := f.ServeOptions.Check(); err != nil {
		return fmt.Errorf("reference serve: %w", err)
	}
	return nil
}

func newInspect(p process) *cobra.Command {
	var store string
	c := &cobra.Command{
		Use:   "inspect [ID]",
		Short: "Show sagas in a store: those that have not ended, or one",
		Long: `Shows the sagas of a store that have not ended, or one with its steps, also those
that can't be read and why. It changes nothing. A SQLite file must not be in use.`,
		Args: arguments(0, 1, "at most the id of a saga"),
		RunE: func(c *cobra.Command, args []string) error {
			if store == "" {
				return usage(errors.New("--store: expected a SQLite file or a postgres:// address"))
			}
			list, err := reference.Inspect(c.Context(), store, strings.Join(args, ""))
			if err != nil {
				return ofStore(err)
			}
			for _, in := range list {
				fmt.Fprintln(p.stdout, in.Summary())
				if in.Damage != nil {
					fmt.Fprintf(p.stdout, "  can't be read: %v\n", in.Damage)
				}
				for _, s := range in.Steps {
					if len(args) > 0 {
						fmt.Fprintf(p.stdout, "  %-20s %s, %d attempts\n", s.Name, s.Status, s.Attempts)
					}
				}
			}
			return nil
		},
	}
	c.Flags().StringVar(&store, "store", "", "SQLite `file` or postgres:// address")
	return c
}

func newRepair(p process) *cobra.Command {
	var store, how string
	c := &cobra.Command{
		Use:   "repair ID",
		Short: "Repair a saga that can't be read",
		Long: `Repairs a saga in quarantine, in a store that no executor is at work on. What is
taken away stays in the store's table of things set aside.

keep-readable goes on from the last entry that can be read; every action without an
outcome counts as one whose outcome is unknown. set-aside takes the saga away: whatever
it has done is for you to undo.`,
		Args: arguments(1, 1, "the id of a saga"),
		RunE: func(c *cobra.Command, args []string) error {
			if store == "" {
				return usage(errors.New("--store: expected a SQLite file or a postgres:// address"))
			}
			if r := reference.Repair(how); r != reference.KeepReadable && r != reference.SetAside {
				return usage(fmt.Errorf("--how: %q: expected %s or %s", how, reference.KeepReadable, reference.SetAside))
			}
			if err := reference.RepairSaga(c.Context(), store, args[0], reference.Repair(how)); err != nil {
				return ofStore(err)
			}
			fmt.Fprintf(p.stdout, "%s: done\n", args[0])
			return nil
		},
	}
	c.Flags().StringVar(&store, "store", "", "SQLite `file` or postgres:// address")
	c.Flags().StringVar(&how, "how", "", "`way`: keep-readable or set-aside")
	return c
}
