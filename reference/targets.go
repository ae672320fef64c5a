package reference

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"syscall"

	"github.com/sagacheck/sagacheck/reference/definitions"
	"github.com/sagacheck/sagacheck/saga"
)

// targets are where calls may go: whoever may submit a saga could else make this
// process call whatever it can reach. Names are checked when a saga is submitted,
// and the address that a name leads to when it is called.
type targets struct {
	any   bool
	names []string // host, host:port, or .domain for all hosts under it
	nets  []netip.Prefix
}

var errTarget = errors.New("the address is not among the targets that calls may go to")

func newTargets(list []string) (targets, error) {
	t := targets{}
	for _, s := range list {
		s = strings.ToLower(strings.TrimSpace(s))
		switch p, err := netip.ParsePrefix(s); {
		case s == "*":
			t.any = true
		case err == nil:
			t.nets = append(t.nets, p.Masked())
		case strings.HasPrefix(s, "*.") && len(s) > 2:
			t.names = append(t.names, s[1:])
		case s == "" || strings.ContainsAny(s, "/*@ "):
			return t, fmt.Errorf("target %q: expected host, host:port, *.domain, an IP network as 10.0.0.0/8, or *", s)
		default:
			t.names = append(t.names, s)
		}
	}
	return t, nil
}

// CheckTargets finds mistakes in a list of targets (see Options), and tells what refuses a URL that is none of them.
func CheckTargets(list []string) (refuses func(url string) error, err error) {
	t, err := newTargets(list)
	return t.url, err
}

// allow checks where the calls of a definition go.
func (t targets) allow(d saga.Definition) error {
	check := func(c saga.Call) *definitions.InvalidError {
		if err := t.url(c.URL); err != nil {
			return &definitions.InvalidError{Field: "url", Reason: err.Error()}
		}
		return nil
	}
	if err := definitions.EachCall(d, check); err != nil {
		return err
	}
	return definitions.EachReadBack(d, check)
}

// url refuses one to which no call may go.
func (t targets) url(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return errTarget
	}
	if !t.host(u) {
		return fmt.Errorf("host %q: %w (see --allow-target)", u.Host, errTarget)
	}
	return nil
}

// host tells whether a URL's host may be called, by its name or as an address.
func (t targets) host(u *url.URL) bool {
	name := strings.ToLower(u.Hostname())
	if t.any || name == "localhost" || t.named(name, u.Port()) {
		return true
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && t.address(ip)
}

func (t targets) named(name, port string) bool {
	for _, n := range t.names {
		if n == name || n == net.JoinHostPort(name, port) || n == name+":"+port || n[0] == '.' && strings.HasSuffix(name, n) {
			return true
		}
	}
	return false
}

func (t targets) address(ip netip.Addr) bool {
	ip = ip.Unmap()
	if ip.IsLoopback() {
		return true
	}
	for _, n := range t.nets {
		if n.Contains(ip) {
			return true
		}
	}
	return false
}

// control refuses to dial what is no target. Names that were allowed by themselves
// may lead anywhere; localhost only to this machine. Nil: it may be dialled.
func (t targets) control(name string) func(network, address string, _ syscall.RawConn) error {
	if a, err := netip.ParseAddrPort(name); err == nil && t.address(a.Addr()) {
		return nil
	}
	host, port, _ := net.SplitHostPort(name)
	host = strings.ToLower(host)
	if t.any || t.named(host, port) {
		return nil
	}
	return func(_, address string, _ syscall.RawConn) error {
		a, err := netip.ParseAddrPort(address)
		if err != nil || !t.address(a.Addr()) {
			return errTarget
		}
		return nil
	}
}
