// Package testnats makes what NATS servers of others are entered with: credentials of users, and certificates of an authority of
// its own. It is for tests only, and does not import testing, so that no program of ours comes to.
package testnats

import (
	"os"
	"path/filepath"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
)

// TB is what is needed of a *testing.T.
type TB interface {
	Helper()
	TempDir() string
	Fatal(args ...any)
}

// Operator is who a server in decentralised mode believes: it makes accounts, which make users.
type Operator struct {
	t        TB
	key      nkeys.KeyPair
	claims   *jwt.OperatorClaims
	accounts server.MemAccResolver
}

// Account is one of an operator.
type Account struct {
	t   TB
	key nkeys.KeyPair
}

// NewOperator makes one with a system account, which a server with JetStream needs.
func NewOperator(t TB) *Operator {
	t.Helper()
	o := &Operator{t: t, key: pair(t, nkeys.CreateOperator)}
	o.claims = jwt.NewOperatorClaims(public(t, o.key))
	o.claims.SystemAccount = public(t, o.Account(nil).key)
	if _, err := o.claims.Encode(o.key); err != nil { // signs it
		t.Fatal(err)
	}
	return o
}

// Trusted makes the options those of a server that believes the operator.
func (o *Operator) Trusted(options *server.Options) *server.Options {
	options.TrustedOperators = []*jwt.OperatorClaims{o.claims}
	options.SystemAccount = o.claims.SystemAccount
	options.AccountResolver = &o.accounts
	return options
}

// JetStream lets an account use it without limits: by itself it may not.
func JetStream(c *jwt.AccountClaims) {
	c.Limits.JetStreamLimits = jwt.JetStreamLimits{
		MemoryStorage: jwt.NoLimit, DiskStorage: jwt.NoLimit, Streams: jwt.NoLimit, Consumer: jwt.NoLimit,
	}
}

// Account makes an account that servers of the operator know. change, if any, is made to its claims.
func (o *Operator) Account(change func(*jwt.AccountClaims)) *Account {
	o.t.Helper()
	a := &Account{o.t, pair(o.t, nkeys.CreateAccount)}
	claims := jwt.NewAccountClaims(public(o.t, a.key))
	if change != nil {
		change(claims)
	}
	token, err := claims.Encode(o.key)
	if err == nil {
		err = o.accounts.Store(claims.Subject, token)
	}
	if err != nil {
		o.t.Fatal(err)
	}
	return a
}

// Creds makes a user of the account, and is the text of the file of its credentials. change, if any, is made to
// its claims.
func (a *Account) Creds(change func(*jwt.UserClaims)) []byte {
	a.t.Helper()
	key := pair(a.t, nkeys.CreateUser)
	claims := jwt.NewUserClaims(public(a.t, key))
	if change != nil {
		change(claims)
	}
	token, err := claims.Encode(a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	seed, err := key.Seed()
	if err != nil {
		a.t.Fatal(err)
	}
	text, err := jwt.FormatUserConfig(token, seed)
	if err != nil {
		a.t.Fatal(err)
	}
	return text
}

// File is a file with that text.
func File(t TB, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func pair(t TB, create func() (nkeys.KeyPair, error)) nkeys.KeyPair {
	t.Helper()
	key, err := create()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func public(t TB, key nkeys.KeyPair) string {
	t.Helper()
	text, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return text
}
