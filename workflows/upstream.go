package workflows

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/saga"
)

// upstream checks the address of a real service.
func (c *compiler) upstream(at string, s *Service) {
	if s.CA != "" && !strings.HasPrefix(s.Upstream, "https://") {
		c.bad(strings.TrimSuffix(at, "upstream")+"ca", "is for an upstream that speaks TLS: https://127.0.0.1:9443")
	}
	if s.Upstream == "" {
		return
	}
	const expected = "expected the address of a service on this machine: http://127.0.0.1:9001"
	u, err := url.Parse(s.Upstream)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		c.bad(at, "%q: "+expected, s.Upstream)
	case u.Port() == "":
		c.bad(at, "%q: it has no port: "+expected, s.Upstream)
	case u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		c.bad(at, "%q: calls are passed on as they come, with their own path: "+expected, s.Upstream)
	case !strings.EqualFold(u.Hostname(), "localhost") && !net.ParseIP(u.Hostname()).IsLoopback():
		c.bad(at, "%q: %s is not this machine, and nothing that Sagacheck does to a service may reach another: "+expected, s.Upstream, u.Hostname())
	default:
		s.real, s.secure = u.Host, u.Scheme == "https"
		c.authority(strings.TrimSuffix(at, "upstream")+"ca", s)
	}
}

// authority reads the certificates that a real service's own may come from.
func (c *compiler) authority(at string, s *Service) {
	if s.CA == "" || !s.secure {
		return
	}
	file := s.CA
	if !filepath.IsAbs(file) {
		file = filepath.Join(c.w.dir, file)
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		c.bad(at, "%q: can't be read: %v", s.CA, errors.Unwrap(err))
		return
	}
	s.roots, err = x509.SystemCertPool()
	if err != nil {
		s.roots = x509.NewCertPool()
	}
	if !s.roots.AppendCertsFromPEM(pem) {
		c.bad(at, "%q: expected certificates in PEM: -----BEGIN CERTIFICATE-----", s.CA)
	}
	c.digest.Write(pem)
}

// Secure tells whether the real service behind a service speaks TLS, and the authorities that
// its certificate may come from; nil: those of the system.
func (w *Workflow) Secure(service string) (secure bool, roots *x509.CertPool) {
	s := w.Services[service]
	return s.secure, s.roots
}

// Real is host:port of the real service behind a service; empty: Sagacheck takes its place.
func (w *Workflow) Real(service string) string {
	if s := w.Services[service]; s != nil {
		return s.real
	}
	return ""
}

// Reals are the steps, and the operations that read, behind which stands a real service,
// each with that service.
func (w *Workflow) Reals() map[string]string {
	all := map[string]string{}
	add := func(step, service string) {
		if w.Real(service) != "" {
			all[step] = service
		}
	}
	for _, p := range w.Plan() {
		add(p.Name, p.Do.Service)
	}
	for _, name := range w.Reads() {
		add(name, w.ServiceOf(name))
	}
	return all
}

// Heard is an answer that a real service has given.
func Heard(code int, h http.Header, body []byte) Reply {
	r := Reply{Code: code, Header: h, Body: decompressed(h, body)}
	r.value = bodyValue(h.Get("Content-Type"), r.Body)
	return r
}

// errPartly is an answer that may tell of a success in part, which no effect can follow.
var errPartly = errors.New("must be given: the answer was 207, which may mean that only a part was done, and that part can't be judged: " +
	"done: an expression that is true where all of it was done, and a service that does all or nothing")

// Done tells whether a real service has done what the call asked for, as its answer says it.
func (c *Call) Done(s SagaVars, r Reply) (bool, error) {
	if saga.Classify(r.Code) != saga.Done {
		return false, nil
	}
	switch {
	case c.Op.doneOf != nil:
	case r.Code == http.StatusMultiStatus && c.Op.Reads == "":
		return false, c.wrong("done", errPartly)
	default:
		return true, nil
	}
	yes, err := truth(c.Op.doneOf, map[string]any{
		"answer": map[string]any{"code": r.Code, "body": r.value}, "saga": map[string]any{"id": s.ID},
	})
	if err != nil {
		return false, c.wrong("done", fmt.Errorf("%w; the answer was %d %.200q", err, r.Code, r.Body))
	}
	return yes, nil
}

// newID stands for new.id where the template of an answer is asked where that is.
const newID = "\x00new.id\x00"

// Named is the service's own name for what it did, as a real answer says it: it stands
// where the answer of the file has new.id. Empty: the file or the answer has none.
func (c *Call) Named(s SagaVars, a *Action, r Reply) string {
	said, err := c.Answer(s, newID, a, nil)
	if err != nil { // a template that only fits our own answers
		return ""
	}
	for name := range said.Header {
		if id := between(said.Header.Get(name), r.Header.Get(name)); id != "" {
			return id
		}
	}
	return inPlace(said.value, r.value)
}

// inPlace finds the value that stands in the place of newID.
func inPlace(template, v any) string {
	switch t := template.(type) {
	case string:
		switch v.(type) {
		case string, float64, json.Number:
			return between(t, text(v))
		}
	case map[string]any:
		fields, _ := v.(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(t)) {
			if id := inPlace(t[name], fields[name]); id != "" {
				return id
			}
		}
	case []any:
		items, _ := v.([]any)
		for i := range min(len(t), len(items)) {
			if id := inPlace(t[i], items[i]); id != "" {
				return id
			}
		}
	}
	return ""
}

// between is the part of a text that stands where a template has newID.
func between(template, said string) string {
	before, after, ok := strings.Cut(template, newID)
	if !ok || len(said) < len(before)+len(after) || !strings.HasPrefix(said, before) || !strings.HasSuffix(said, after) {
		return ""
	}
	return said[len(before) : len(said)-len(after)]
}

// Tells tells whether an answer has a name in it.
func (r Reply) Tells(name string) bool { return slices.Contains(r.Said(), name) }
