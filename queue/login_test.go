package queue

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/sagacheck/sagacheck/internal/testnats"
)

// enter connects, as someone of whom the server knows what o says.
func enter(t *testing.T, o Options) *Conn {
	t.Helper()
	o.Version, o.Catalogue = "v1", "c1"
	c, err := Connect(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// workTogether has one open a run, and the other one take and tell its cell.
func workTogether(t *testing.T, run, worker Options) {
	t.Helper()
	j := open(t, enter(t, run), 1)
	w := join(t, enter(t, worker), "a")
	got := take(t, w)
	if err := w.Give(t.Context(), "c-0", []byte("told")); err != nil {
		t.Fatal(err)
	}
	got.Done()
	if all := collect(t, j, 1); len(all) != 1 || string(all[0].Body) != "told" {
		t.Errorf("got %+v", all)
	}
}

// notLetIn expects an error with all those words.
func notLetIn(t *testing.T, o Options, words ...string) {
	t.Helper()
	c, err := Connect(t.Context(), o)
	if err == nil {
		c.Close()
		t.Error("was let in")
	} else if slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(err.Error(), w) }) {
		t.Errorf("%v: expected %q", err, words)
	}
}

// A server that believes an operator lets in who has credentials of one of its accounts, and nobody else. Who is not
// let in is told what to do.
func TestCredentialsLetIn(t *testing.T) {
	operator := testnats.NewOperator(t)
	account := operator.Account(testnats.JetStream)
	s := ofOthers(t, operator.Trusted(&server.Options{Port: server.RANDOM_PORT, StoreDir: t.TempDir()}))
	with := func(text []byte) Options {
		return Options{URL: s.ClientURL(), Creds: testnats.File(t, "user.creds", text)}
	}
	workTogether(t, with(account.Creds(nil)), with(account.Creds(nil)))

	const seed = "-----BEGIN USER NKEY SEED-----"
	mine, mySeed, ok := bytes.Cut(account.Creds(nil), []byte(seed))
	if !ok {
		t.Fatal("credentials have no seed")
	}
	other, _, _ := bytes.Cut(account.Creds(nil), []byte(seed))
	ended := time.Now().Add(-time.Hour)
	for name, c := range map[string]struct {
		text  []byte
		words string
	}{
		"of another operator": {testnats.NewOperator(t).Account(testnats.JetStream).Creds(nil), "to be of a user of an account that it knows"},
		"that have ended": {
			account.Creds(func(c *jwt.UserClaims) { c.Expires = ended.Unix() }),
			"were good until " + ended.UTC().Format(time.RFC3339) + ": have them made anew",
		},
		"without a seed": {mine, "as nsc generate creds writes it: its seed"},
		"without a JWT":  {append([]byte(seed), mySeed...), "as nsc generate creds writes it: its JWT"},
		"of two users":   {slices.Concat(other, []byte(seed), mySeed), "its JWT is of user U"},
		"of nobody":      {[]byte("password"), "its JWT"},
	} {
		t.Run(name, func(t *testing.T) {
			o := with(c.text)
			notLetIn(t, o, o.Creds, c.words)
		})
	}
	notLetIn(t, Options{URL: s.ClientURL(), Creds: "nosuch.creds"}, `"nosuch.creds"`, "as nsc generate creds writes it", "no such file")
	notLetIn(t, Options{URL: s.ClientURL()}, "expected --creds")

	_, err := enter(t, with(operator.Account(nil).Creds(nil))).Open(t.Context(), Run{Name: "r2", Settings: []byte("{}")})
	if err == nil || !strings.Contains(err.Error(), "it needs JetStream") || !strings.Contains(err.Error(), "not enabled for account") {
		t.Errorf("an account without JetStream: %v", err)
	}
}

// Credentials that end are read anew when the server has put their user out: renewed ones let in again, and others
// are the end of it.
func TestCredentialsThatEnd(t *testing.T) {
	operator := testnats.NewOperator(t)
	account := operator.Account(testnats.JetStream)
	s := ofOthers(t, operator.Trusted(&server.Options{Port: server.RANDOM_PORT, StoreDir: t.TempDir()}))
	soon := func(c *jwt.UserClaims) { c.Expires = time.Now().Unix() + 3 }
	back := make(chan struct{}, 9)
	renewed := Options{URL: s.ClientURL(), Creds: testnats.File(t, "renewed.creds", account.Creds(soon)), Say: func(line string) {
		if strings.Contains(line, "is back") {
			back <- struct{}{}
		}
	}}
	stays := enter(t, renewed)
	if err := os.WriteFile(renewed.Creds, account.Creds(nil), 0o600); err != nil {
		t.Fatal(err)
	}
	goes := enter(t, Options{URL: s.ClientURL(), Creds: testnats.File(t, "old.creds", account.Creds(soon))})
	select {
	case <-back:
	case <-time.After(time.Minute):
		t.Fatal("renewed credentials did not let in again")
	}
	open(t, stays, 1)
	endsWith[*RefusedError](t, "who has old ones", "were good until", goes.hopeless)
	if _, err := goes.Find(t.Context(), ""); !errors.As(err, new(*RefusedError)) {
		t.Errorf("whoever looks for a run is told %v", err)
	}
}

// Who is let in no more is told so, however the server spells it.
func TestRefusedAsItIsSpelt(t *testing.T) {
	for text, want := range map[string]bool{"nats: User Authentication Expired": true, "nats: Authorization Violation": true, "nats: no servers available": false} {
		if got := refused(errors.New(text)); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
	if refused(nil) {
		t.Error("nothing was said")
	}
}

// A server whose certificate was signed by an authority of its own is entered by who has the certificate of that
// authority. Who has not is told what to do.
func TestTLSOfAnAuthorityOfItsOwn(t *testing.T) {
	authority, operator := testnats.NewAuthority(t), testnats.NewOperator(t)
	account := operator.Account(testnats.JetStream)
	s := ofOthers(t, authority.Certified(operator.Trusted(&server.Options{Port: server.RANDOM_PORT, StoreDir: t.TempDir()})))
	o := Options{URL: s.ClientURL(), Creds: testnats.File(t, "user.creds", account.Creds(nil)), CA: authority.File}
	if !strings.HasPrefix(o.URL, "tls://") {
		t.Fatalf("%s: expected a server with TLS", o.URL)
	}
	t.Run("tls", func(t *testing.T) { workTogether(t, o, o) })
	t.Run("nats", func(t *testing.T) { // whose server asks for TLS
		o := o
		o.URL = strings.Replace(o.URL, "tls://", "nats://", 1)
		workTogether(t, o, o)
	})
	for name, c := range map[string]struct{ file, words string }{
		"none":       {"", "give the certificate of who signed the server's (--tlsca)"},
		"another":    {testnats.NewAuthority(t).File, "give the certificate of who signed the server's (--tlsca)"},
		"no file":    {"nosuch.pem", `"nosuch.pem": expected a file with certificates in PEM`},
		"other text": {o.Creds, "expected a file with certificates in PEM: it has none"},
	} {
		t.Run(name, func(t *testing.T) { notLetIn(t, Options{URL: o.URL, Creds: o.Creds, CA: c.file}, c.words) })
	}
	plain := ofOthers(t, &server.Options{Port: server.RANDOM_PORT, StoreDir: t.TempDir()})
	notLetIn(t, Options{URL: plain.ClientURL(), CA: authority.File}, "it has no TLS: expected nats:// and no --tlsca")
}
