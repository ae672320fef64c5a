package reports

import (
	"io"

	"github.com/sagacheck/sagacheck/results"
)

// quality is an entry of GitLab's code quality report, which is a list of them.
type quality struct {
	Description string       `json:"description"`
	Check       string       `json:"check_name"`
	Fingerprint string       `json:"fingerprint"`
	Severity    string       `json:"severity"` // info, minor, major, critical or blocker
	Location    qualityPlace `json:"location"`
}

type qualityPlace struct {
	Path  string       `json:"path"`
	Lines qualityLines `json:"lines"`
}

type qualityLines struct {
	Begin int `json:"begin"`
}

// qualitySeverity is GitLab's word for a level.
var qualitySeverity = map[string]string{"error": "critical", "warning": "major", "note": "info"}

// CodeQuality writes gl-code-quality-report.json, GitLab's format: what SARIF has, without the stories.
func CodeQuality(w io.Writer, r *results.Run) error {
	all := []quality{}
	for _, p := range problems(r) {
		file, line := p.place(r)
		all = append(all, quality{
			Description: p.title() + ": " + p.Text, Check: p.Rule, Fingerprint: p.Key.ID(), Severity: qualitySeverity[p.level()],
			Location: qualityPlace{file, qualityLines{line}},
		})
	}
	return writeJSON(w, all)
}
