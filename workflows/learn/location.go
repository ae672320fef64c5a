package learn

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/sagacheck/sagacheck/wire"
)

// relocate keeps a client that follows the Location of an answer in front of the recorder.
func (r *Recorder) relocate(req *http.Request, answer *http.Response, behind *url.URL) error {
	location := answer.Header.Get("Location")
	if location == "" {
		return nil
	}
	to, err := wire.Relocate(req, answer.StatusCode, location, behind, r.place)
	if err != nil {
		return fmt.Errorf("%w: let --service name where the call is served in the end, or name what is there as a service of its own", err)
	}
	answer.Header.Set("Location", to)
	return nil
}

// place is where the workflow reaches a URL by the recorder's addresses, or by a host.
func (r *Recorder) place(to *url.URL) (through *url.URL, ok bool) {
	if r.forwarder != nil {
		if _, declared := r.forwarder.hosts.Service(to.Host); declared {
			return to, true
		}
	}
	for name, behind := range r.behind {
		front, err := url.Parse(r.addrs[name])
		switch {
		case err == nil && wire.SameServer(front, to):
			return to, true
		case err == nil && wire.SameServer(behind, to):
			there := *to
			there.Scheme, there.Host = front.Scheme, front.Host
			return &there, true
		}
	}
	return nil, false
}
