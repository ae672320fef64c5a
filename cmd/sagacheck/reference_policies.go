package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/reference/policies"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/scenarios"
)

func newPolicies(p process) *cobra.Command {
	c := &cobra.Command{
		Use:   "policies",
		Short: "Compare files of policies, and see what follows from one",
		Args:  noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newPoliciesDiff(p), newPoliciesExplain(p), newPoliciesTry(p))
	return c
}

// server is a running executor, as flags name it.
type server struct{ url, token string }

func (s *server) flags(c *cobra.Command, what string) {
	c.Flags().StringVar(&s.url, "server", "", "`URL` of a running executor: "+what)
	c.Flags().StringVar(&s.token, "token", "", "`text` that its requests have to bring, or @FILE that holds it")
}

// get asks a running executor.
func (s *server) get(ctx context.Context, path string) ([]byte, error) {
	token, err := tokenOf(s.token)
	if err != nil {
		return nil, usage(err)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(s.url, "/")+path, nil)
	if err != nil {
		return nil, usage(fmt.Errorf("--server: %q: expected http://host:port", s.url))
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, trouble(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s: %s", req.URL, resp.Status, strings.TrimSpace(string(b)))
	}
	return b, trouble(err)
}

func newPoliciesDiff(p process) *cobra.Command {
	var s server
	c := &cobra.Command{
		Use:   "diff OLD NEW | diff NEW --server URL",
		Short: "Show what a file of policies says differently from another, or from the one in force",
		Example: `  sagacheck reference policies diff policies.yaml next.yaml
  sagacheck reference policies diff next.yaml --server http://127.0.0.1:8080`,
		Args: arguments(1, 2, "two files of policies, or one and --server"),
		RunE: func(c *cobra.Command, args []string) error {
			if (len(args) == 1) != (s.url != "") {
				return usage(errors.New("policies diff: expected two files, or one and --server"))
			}
			now, _, err := policies.Load(args[len(args)-1])
			if err != nil {
				return usage(err)
			}
			var old *policies.File
			if s.url == "" {
				old, _, err = policies.Load(args[0])
				err = usage(err)
			} else {
				var text []byte
				if text, err = s.get(c.Context(), "/policies"); err == nil {
					old, err = policies.Parse(s.url, text)
					err = trouble(err)
				}
			}
			if err != nil {
				return err
			}
			all := policies.Diff(old, now)
			for _, d := range all {
				fmt.Fprintln(p.stdout, d)
			}
			if len(all) == 0 {
				fmt.Fprintln(p.stdout, "no difference")
			}
			return nil
		},
	}
	s.flags(c, "the file is compared with what is in force there")
	return c
}

func newPoliciesExplain(p process) *cobra.Command {
	in := policies.Surroundings{}
	var scenario string
	c := &cobra.Command{
		Use:   "explain FILE",
		Short: "Say how long calls, steps and sagas take by a file of policies, against its SLAs",
		Long: `Says how long a call takes by each template: at the shortest, as is to be expected,
and at the longest; with --scenario also a step and the whole saga, forward and when it is
undone from its last step. A template that can't keep its SLA is named, and the exit code is 3.

Expected times assume what --latency and --failures say. A Retry-After lengthens waits up to
the deadline; without one the longest time counts none. A breaker adds the time for which it
is open.`,
		Example: `  sagacheck reference policies explain policies.yaml
  sagacheck reference policies explain policies.yaml --scenario order --latency 40ms --failures 0.02`,
		Args: arguments(1, 1, "a file of policies"),
		RunE: func(_ *cobra.Command, args []string) error {
			if in.Failures < 0 || in.Failures >= 1 {
				return usage(fmt.Errorf("--failures: %v: expected 0 to below 1", in.Failures))
			}
			f, _, err := policies.Load(args[0])
			if err != nil {
				return usage(err)
			}
			if scenario != "" {
				if err := explainScenario(p.stdout, in, f, scenario); err != nil {
					return usage(err)
				}
			}
			return usage(explainTemplates(p.stdout, in, f))
		},
	}
	c.Flags().StringVar(&scenario, "scenario", "", "`name` or file of a scenario whose sagas are explained; participants are called by their names")
	c.Flags().DurationVar(&in.Latency, "latency", 20*time.Millisecond, "`how long` a participant takes for an answer")
	c.Flags().Float64Var(&in.Failures, "failures", 0.01, "`share` of the attempts that bring no answer before their time-out")
	return c
}

// explainTemplates says what follows from each template; the error is about those that
// can't keep their SLA.
func explainTemplates(w io.Writer, in policies.Surroundings, f *policies.File) error {
	var unkept []string
	for _, name := range slices.Sorted(maps.Keys(f.Templates)) {
		t := f.Templates[name]
		fmt.Fprintf(w, "template %s\n  a call: %s\n", name, in.OfCall(t.Call(saga.Call{})))
		if b := t.RetryBudget; b != nil {
			fmt.Fprintf(w, "  retries of all calls under %s: %d at once, then %g a second and %g of the first attempts\n", b.Name, b.Burst, b.MinPerSecond, b.Share)
		}
		if t.SLA == nil {
			continue
		}
		why := in.Unkept(t)
		if len(why) == 0 {
			fmt.Fprintf(w, "  keeps its SLA: target %d ms, worst %d ms\n", t.SLA.TargetMS, t.SLA.WorstMS)
			continue
		}
		for _, reason := range why {
			fmt.Fprintf(w, "  can't keep its SLA: %s\n", reason)
		}
		unkept = append(unkept, name)
	}
	if len(unkept) > 0 {
		return fmt.Errorf("templates that can't keep their SLA: %s", strings.Join(unkept, ", "))
	}
	return nil
}

// explainScenario says what follows for the sagas of a scenario.
func explainScenario(w io.Writer, in policies.Surroundings, f *policies.File, name string) error {
	s, err := oneScenario(name)
	if err != nil {
		return err
	}
	defs, _ := s.Build([]string{"saga"}, func(_ int, ref saga.StepRef) string { return "http://" + s.Participant(ref.Step) + "/" })
	e := in.OfSaga(f, defs[0])
	fmt.Fprintf(w, "saga %s\n  forward: %s\n  undone from its last step: %s\n", s.Name, e.Forward, e.Back)
	if e.Attempts > 0 {
		fmt.Fprintf(w, "  attempts of its actions together: %d at the most\n", e.Attempts)
	} else {
		fmt.Fprintln(w, "  attempts of its actions together: any number")
	}
	by := func(template string) string {
		if template == "" {
			return "its own policy"
		}
		return "template " + template
	}
	for i, st := range e.Steps {
		fmt.Fprintf(w, "  step %s, %s: %s\n", st.Step, by(st.Template), st.Action)
		if defs[0].Steps[i].Compensation != nil {
			fmt.Fprintf(w, "    undone, %s: %s\n", by(st.Undo), st.Compensation)
		}
	}
	return nil
}

func oneScenario(name string) (*scenarios.Scenario, error) {
	if strings.ContainsAny(name, "/\\") || strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml") {
		return scenarios.Load(name)
	}
	all, err := scenarios.Match(name)
	if err != nil {
		return nil, err
	}
	if len(all) != 1 {
		return nil, fmt.Errorf("--scenario: %q: expected one scenario", name)
	}
	return all[0], nil
}
