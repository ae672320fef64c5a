package pages

import (
	"net"
	"net/netip"
	"strings"
)

// Here is the name by which a request came, and whether it can only have been meant for this
// machine: an address, localhost, or none at all. Any other name may be somebody else's, as in DNS
// rebinding.
func Here(hostport string) (name string, here bool) {
	name = hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		name = h
	}
	name = strings.ToLower(strings.Trim(name, "[]"))
	_, err := netip.ParseAddr(name)
	return name, err == nil || name == "localhost" || name == ""
}

// Loopback tells whether only this machine can reach an address to listen on.
func Loopback(hostport string) (bool, error) {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		return false, err
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback(), nil
}
