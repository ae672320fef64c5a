package orchestrators

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
)

// CheckName says what is wrong with what somebody calls an orchestrator by, and
// what it probably should be: a name, the path of a manifest, or a URL of http or
// https. Whether anything is there is not looked at.
func CheckName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return errors.New(`orchestrator "": expected a name, the path of a manifest, or a URL: http://host:port`)
	case strings.Contains(name, "://"):
		return checkURL(name)
	case hostAndPort(name):
		return fmt.Errorf("orchestrator %q: expected a name, the path of a manifest, or a URL: did you mean http://%s", name, likelyHost(name))
	}
	return nil
}

func checkURL(base string) error {
	u, err := url.Parse(base)
	switch {
	case err != nil:
		return fmt.Errorf("orchestrator URL %q: %w: expected http://host:port", base, err)
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("orchestrator URL %q: scheme %q: expected http://host:port or https://host:port", base, u.Scheme)
	case u.Hostname() == "":
		return fmt.Errorf("orchestrator URL %q: has no host: expected http://host:port", base)
	case u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("orchestrator URL %q: expected a base without ? and #", base)
	}
	return nil
}

var portForm = regexp.MustCompile(`^[0-9]{1,5}$`)

// hostAndPort tells whether a text looks like host:port, with a path perhaps.
func hostAndPort(s string) bool {
	authority, _, _ := strings.Cut(s, "/")
	_, port, err := net.SplitHostPort(authority)
	return err == nil && portForm.MatchString(port)
}

func likelyHost(s string) string {
	if strings.HasPrefix(s, ":") {
		return "127.0.0.1" + s
	}
	return s
}
