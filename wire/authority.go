package wire

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"
)

// Authority is a certificate authority of one run: who trusts it takes our forward
// proxy for any host. Its keys are in memory only, and are thrown away with it.
type Authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	leaf *ecdsa.PrivateKey // one for all hosts: they are all us

	mu    sync.Mutex
	hosts map[string]*tls.Certificate
}

// How long certificates hold, and how far a clock may be off.
const (
	authorityHolds = 7 * 24 * time.Hour
	clocksDiffer   = 24 * time.Hour
)

// NewAuthority makes an authority with keys of its own.
func NewAuthority() (*Authority, error) {
	key, err1 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	leaf, err2 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	serial, err3 := serialNumber()
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			return nil, fmt.Errorf("make a certificate authority: %w", err)
		}
	}
	now := time.Now()
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Sagacheck, for one run", Organization: []string{"Sagacheck"}},
		NotBefore: now.Add(-clocksDiffer), NotAfter: now.Add(authorityHolds),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate authority: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make a certificate authority: %w", err)
	}
	return &Authority{cert: cert, key: key, leaf: leaf, hosts: map[string]*tls.Certificate{}}, nil
}

func serialNumber() (*big.Int, error) {
	return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
}

// PEM is the certificate of the authority, as clients want it in a file.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// certificate is that of a host, without port.
func (a *Authority) certificate(host string) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.hosts[host]; c != nil {
		return c, nil
	}
	serial, err := serialNumber()
	if err != nil {
		return nil, fmt.Errorf("make a certificate for %q: %w", host, err)
	}
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Sagacheck"},
		NotBefore: a.cert.NotBefore, NotAfter: a.cert.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{host}, // of an IP address, too: Node looks for it there
	}
	if ip := net.ParseIP(host); ip != nil {
		t.IPAddresses = []net.IP{ip}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, &a.leaf.PublicKey, a.key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate for %q: %w", host, err)
	}
	c := &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: a.leaf}
	a.hosts[host] = c
	return c, nil
}

// Server is how we speak TLS in the place of a host. Tickets would be bytes that no
// client asked for; HTTP/2 is not offered, since a call is a connection.
func (a *Authority) Server(host string) (*tls.Config, error) {
	c, err := a.certificate(host)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		Certificates: []tls.Certificate{*c}, NextProtos: []string{"http/1.1"},
		MinVersion: tls.VersionTLS12, SessionTicketsDisabled: true,
	}, nil
}
