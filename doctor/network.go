package doctor

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/sagacheck/sagacheck/wire"
)

// manyAddresses is how many addresses are opened at once: a step has two, and so many
// sagas run at once on a machine of few cores that a run comes near it.
const manyAddresses = 1000

// addresses opens addresses of this machine, and calls one of them.
func addresses() Finding {
	const check = "addresses"
	var open []net.Listener
	defer func() {
		for _, l := range open {
			_ = l.Close() // nothing was written
		}
	}()
	for range manyAddresses {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil && len(open) == 0 {
			return finding(check, Broken, "allow programs to listen on 127.0.0.1: each step is called at an address there", "none can be opened: %v", err)
		}
		if err != nil {
			return finding(check, Limited, fmt.Sprintf("ulimit -n %d before the run, or run with --parallel %d", enoughDescriptors, max(len(open)/20, 1)), "%d can be open at once on 127.0.0.1, of %d that were tried: %v", len(open), manyAddresses, err)
		}
		open = append(open, l)
	}
	if err := answers(open[0]); err != nil {
		return finding(check, Broken, "let programs of this machine reach each other on 127.0.0.1 (a firewall, a sandbox)", "a call does not come through: %v", err)
	}
	return fine(check, "%d open at once on 127.0.0.1, and a call comes through", len(open))
}

// answers sends a byte to a listener, and reads it there.
func answers(l net.Listener) error {
	c, err := net.DialTimeout("tcp4", l.Addr().String(), slow)
	if err != nil {
		return err
	}
	_, err = c.Write([]byte("?"))
	if err = errors.Join(err, c.Close()); err != nil {
		return err
	}
	s, err := l.Accept()
	if err != nil {
		return err
	}
	_, err = io.ReadFull(s, make([]byte, 1))
	return errors.Join(err, s.Close())
}

// evidence asks whether the kernel tells of connections that it refused.
func evidence() Finding {
	const check = "refused connections"
	if err := wire.SeesRefusals(); err != nil {
		return finding(check, Limited, "on Linux, allow netlink sockets (sock_diag); elsewhere it can't be had: faults that refuse connections prove less (docs/limits.md)", "the kernel does not tell of them: %v", err)
	}
	return fine(check, "the kernel tells of them")
}

// proxies looks for a proxy that calls of the system under test would go through.
func proxies(getenv func(string) string) Finding {
	const check = "HTTP proxy"
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"} {
		if getenv(name) == "" {
			continue
		}
		for _, except := range []string{"NO_PROXY", "no_proxy"} {
			for host := range strings.SplitSeq(getenv(except), ",") {
				if host = strings.TrimSpace(host); host == "*" || host == "127.0.0.1" || host == "127.0.0.0/8" {
					return fine(check, "%s is set, and %s leaves out 127.0.0.1", name, except)
				}
			}
		}
		return finding(check, Limited, "export NO_PROXY=127.0.0.1,localhost before the run", "%s is set: a system under test that heeds it sends its calls there, and not to the services that are tested", name)
	}
	return fine(check, "none is set")
}
