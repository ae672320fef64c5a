package campaign

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/wire"
	"github.com/sagacheck/sagacheck/workflows/learn"
)

// hosts checks the hosts by which the workflow calls its services.
func (o *LearnOptions) hosts() error {
	if len(o.Hosts) > 0 && len(o.Command) == 0 {
		return errors.New("--host: expected a command: a workflow that runs already can't be told of the proxy")
	}
	seen := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(o.Hosts)) {
		host := o.Hosts[name]
		switch {
		case o.Services[name] == "":
			return fmt.Errorf("--host: %q: expected one of the services: %s", name, strings.Join(slices.Sorted(maps.Keys(o.Services)), ", "))
		case host == "" || strings.ContainsAny(host, "/@ ") || host != strings.ToLower(host):
			return fmt.Errorf("--host: %s=%q: expected a host's name, in lower case and without scheme and path: api.pay.example", name, host)
		case seen[host] != "":
			return fmt.Errorf("--host: %q is that of %s and of %s", host, seen[host], name)
		}
		seen[host] = name
	}
	return nil
}

// told is the environment that makes a workflow use the forward proxy, if there is one;
// clean removes its file when the workflow has ended.
func told(r *learn.Recorder, vars map[string]string) (env map[string]string, clean func() error, err error) {
	addr, authority, ok := r.Proxy()
	if !ok {
		return nil, func() error { return nil }, nil
	}
	dir, err := os.MkdirTemp("", "sagacheck-authority-*")
	if err != nil {
		return nil, nil, err
	}
	clean = func() error { return os.RemoveAll(dir) }
	file := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(file, authority, 0o600); err != nil {
		return nil, nil, errors.Join(err, clean())
	}
	vars["proxy"], vars["ca.file"] = "http://"+addr, file
	return wire.ProxyEnv(addr, file), clean, nil
}
