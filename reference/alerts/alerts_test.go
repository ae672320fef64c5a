package alerts_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/sagacheck/sagacheck/reference/alerts"
)

// The rules say what the conventions of monitoring mixins ask of them.
func TestLabelsAndAnnotations(t *testing.T) {
	severities := map[string]bool{}
	for _, r := range shipped(t) {
		severities[r.Labels["severity"]] = true
		if !slices.Contains([]string{"info", "warning", "critical"}, r.Labels["severity"]) {
			t.Errorf("%s: severity %q", r.Alert, r.Labels["severity"])
		}
		for _, name := range []string{"summary", "description"} {
			if !strings.HasSuffix(r.Annotations[name], ".") {
				t.Errorf("%s: %s: %q: expected a sentence", r.Alert, name, r.Annotations[name])
			}
		}
		if strings.Contains(r.Annotations["summary"], "{{") {
			t.Errorf("%s: summary: expected the same text for each of them", r.Alert)
		}
		if want := alerts.Runbooks + "/" + r.Alert + ".md"; r.Annotations["runbook_url"] != want {
			t.Errorf("%s: runbook_url %q, want %q", r.Alert, r.Annotations["runbook_url"], want)
		}
	}
	if !severities["info"] || !severities["critical"] {
		t.Errorf("severities %v: expected a hiccup and a fault", severities)
	}
}

// The pages may stand elsewhere.
func TestRunbooksElsewhere(t *testing.T) {
	got := alerts.Rules("https://wiki.example/sagas/")
	if strings.Contains(got, alerts.Runbooks) || !strings.Contains(got, "runbook_url: https://wiki.example/sagas/SagaStuck.md\n") {
		t.Error(got)
	}
}

// Each alert has its page, which says what to do, and each page its alert.
func TestRunbooks(t *testing.T) {
	pages, err := filepath.Glob("../../docs/runbooks/*.md")
	if err != nil {
		t.Fatal(err)
	}
	var names, documented []string
	for _, r := range shipped(t) {
		names = append(names, r.Alert)
	}
	for _, page := range pages {
		name := strings.TrimSuffix(filepath.Base(page), ".md")
		documented = append(documented, name)
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(text), "# "+name+"\n") {
			t.Errorf("%s: expected the heading %q", page, "# "+name)
		}
		for _, part := range []string{"Means", "Triage", "Who steps in", "Expected outcome"} {
			if _, after, ok := strings.Cut(string(text), "\n## "+part+"\n\n"); !ok || strings.HasPrefix(after, "#") || after == "" {
				t.Errorf("%s: expected a part %q", page, part)
			}
		}
	}
	slices.Sort(names)
	if slices.Sort(documented); !slices.Equal(names, documented) {
		t.Errorf("alerts %v, pages %v", names, documented)
	}
}

// promtool finds nothing wrong with the rules, and they do what their cases say.
func TestRules(t *testing.T) {
	for _, args := range [][]string{{"check", "rules", "rules.yaml"}, {"test", "rules", "testdata/rules.test.yaml"}} {
		if out, err := promtool(t, args...); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}

// cases is the part of a file of promtool's that says what is expected.
type cases struct {
	Tests []struct {
		Name          string
		AlertRuleTest []struct {
			EvalTime  string           `yaml:"eval_time"`
			AlertName string           `yaml:"alertname"`
			ExpAlerts []map[string]any `yaml:"exp_alerts"`
		} `yaml:"alert_rule_test"`
	}
}

// Each alert has a case in which it is silent, then fires, then is over.
func TestCasesGoBothWays(t *testing.T) {
	text, err := os.ReadFile("testdata/rules.test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var c cases
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	for _, r := range shipped(t) {
		whole := false
		for _, test := range c.Tests {
			var states []bool
			for _, a := range test.AlertRuleTest {
				if a.AlertName == r.Alert {
					states = append(states, len(a.ExpAlerts) > 0)
				}
			}
			whole = whole || slices.Equal(states, []bool{false, true, false})
		}
		if !whole {
			t.Errorf("%s: no case in which it is silent, fires, and is over", r.Alert)
		}
	}
}

// What promtool says of an alert that fired where it had to be silent, and the other way round.
var (
	firedWrongly = regexp.MustCompile(`alertname: (\w+), time: (\S+), \n +exp:\[\], \n +got:\[\n`)
	missed       = regexp.MustCompile(`alertname: (\w+), time: \S+, \n +exp:\[\n(?s:[^]]+)\], \n +got:\[\]`)
)

// Rules that never fire, always do, or do not wait are found by the cases.
func TestCasesFindBrokenRules(t *testing.T) {
	for name, broken := range map[string]struct {
		breaks func(rule map[string]any)
		found  *regexp.Regexp
	}{
		"never":   {func(r map[string]any) { r["expr"] = "vector(0) > 1" }, missed},
		"always":  {func(r map[string]any) { r["expr"] = "vector(1)" }, firedWrongly},
		"at once": {func(r map[string]any) { delete(r, "for") }, firedWrongly},
	} {
		t.Run(name, func(t *testing.T) {
			out := runCases(t, broken.breaks)
			var found []string
			for _, m := range broken.found.FindAllStringSubmatch(out, -1) {
				found = append(found, m[1])
			}
			for _, r := range shipped(t) {
				if name == "at once" && r.For == "" {
					continue
				}
				if !slices.Contains(found, r.Alert) {
					t.Errorf("%s: no case finds it", r.Alert)
				}
			}
		})
	}
}

// runCases is what promtool says of the cases with other rules.
func runCases(t *testing.T, breaks func(rule map[string]any)) string {
	t.Helper()
	text, err := os.ReadFile("testdata/rules.test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	test := strings.Replace(string(text), "../rules.yaml", changed(t, breaks), 1)
	out, err := promtool(t, "test", "rules", write(t, t.TempDir(), "rules.test.yaml", test))
	if err == nil {
		t.Fatal("all cases pass")
	}
	return out
}
