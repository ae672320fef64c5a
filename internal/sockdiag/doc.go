// Package sockdiag asks the kernel about TCP sockets of this machine, by netlink (sock_diag(7)).
// Nobody needs a privilege for it, and it costs far less than the tables in /proc/net, where the
// kernel looks through all connections for each page that is read.
package sockdiag
