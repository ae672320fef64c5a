package testnats

import (
	"github.com/nats-io/nats-server/v2/server"

	"github.com/sagacheck/sagacheck/wire"
)

// Authority signs the certificates of servers, and no system knows it.
type Authority struct {
	File string // its own certificate, in PEM

	t     TB
	signs *wire.Authority
}

// NewAuthority makes one.
func NewAuthority(t TB) *Authority {
	t.Helper()
	signs, err := wire.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	return &Authority{File: File(t, "ca.pem", signs.PEM()), t: t, signs: signs}
}

// Certified makes the options those of a server at 127.0.0.1 that speaks TLS only, with a certificate of the authority.
func (a *Authority) Certified(options *server.Options) *server.Options {
	a.t.Helper()
	config, err := a.signs.Server("127.0.0.1")
	if err != nil {
		a.t.Fatal(err)
	}
	options.TLS, options.TLSTimeout, options.TLSConfig = true, 10, config // seconds
	return options
}
