package doctor

import (
	"context"
	"fmt"
	"os/exec"

	"github.com/sagacheck/sagacheck/orchestrators"
)

// docker asks whether containers can be started.
func docker(ctx context.Context) Finding {
	ctx, cancel := context.WithTimeout(ctx, slow)
	defer cancel()
	if err := orchestrators.Docker(ctx); err != nil {
		return finding("Docker", Absent, "only manifests with a container need it", "%v", err)
	}
	return fine("Docker", "its daemon answers")
}

// engines looks which orchestrators with a manifest could be run, beside the built-in one.
func engines(docker Finding) (found []Finding) {
	all, err := orchestrators.List()
	if err != nil {
		return []Finding{finding("orchestrators", Limited, "mend the manifest, or unset SAGACHECK_ENGINES", "%v", err)}
	}
	for _, m := range all {
		found = append(found, engine(m, docker, exec.LookPath))
	}
	return found
}

func engine(m *orchestrators.Manifest, docker Finding, look func(string) (string, error)) Finding {
	check := "orchestrator " + m.Name
	_, ok, err := m.Installed()
	switch {
	case err != nil:
		return finding(check, Absent, "sagacheck orchestrators install "+m.Name, "%v", err)
	case m.Container != nil && docker.State != Fine:
		return finding(check, Absent, "install and start Docker", "%s, runs in a container", m.Version)
	case ok && m.Install == nil:
		return fine(check, "%s, needs no installation", m.Version)
	case ok:
		return fine(check, "%s, installed", m.Version)
	}
	for _, p := range m.Install.Needs {
		if _, err := look(p); err != nil {
			return finding(check, Absent, fmt.Sprintf("put %s on the PATH, then: sagacheck orchestrators install %s", p, m.Name), "%s, not installed; its installation needs %s, which is not on the PATH", m.Version, p)
		}
	}
	return finding(check, Absent, "sagacheck orchestrators install "+m.Name, "%s, not installed (takes about %v minutes)", m.Version, m.Install.Minutes)
}
