package queue

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// How the server knows this user, and how this program knows the server.

// RefusedError says that the server does not let this user in.
type RefusedError struct {
	Server string
	Err    error  // in the words of the server
	Advice string // what is to be done
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("NATS server %s does not let this user in (%v): %s", e.Server, e.Err, e.Advice)
}

func (e *RefusedError) Unwrap() error { return e.Err }

// login are the options by which the two know each other. What is wrong with a file is said here: a server says
// only that it lets nobody in. Files are read anew when the server is back, as they may have been renewed.
func (o Options) login() (options []nats.Option, err error) {
	if o.CA != "" {
		text, err := os.ReadFile(o.CA)
		if err == nil && !x509.NewCertPool().AppendCertsFromPEM(text) {
			err = errors.New("it has none")
		}
		if err != nil {
			return nil, fmt.Errorf("authority %q: expected a file with certificates in PEM: %w", o.CA, err)
		}
		options = append(options, nats.RootCAs(o.CA))
	}
	if o.Creds != "" {
		if _, err := userOf(o.Creds); err != nil {
			return nil, err
		}
		options = append(options, nats.UserCredentials(o.Creds))
	}
	if o.NKey != "" {
		key, err := nats.NkeyOptionFromSeed(o.NKey)
		if err != nil {
			return nil, fmt.Errorf("nkey %q: expected a file with the seed of a user: %w", o.NKey, err)
		}
		options = append(options, key)
	}
	return options, nil
}

// userOf is who a file of credentials lets in.
func userOf(file string) (user *jwt.UserClaims, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("credentials %q: expected a file with the JWT and the seed of one user, as nsc generate creds writes it: %w", file, err)
		}
	}()
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	token, err := nkeys.ParseDecoratedJWT(text)
	if err == nil {
		user, err = jwt.DecodeUserClaims(strings.TrimSpace(token))
	}
	if err != nil {
		return nil, fmt.Errorf("its JWT: %w", err)
	}
	key, err := nkeys.ParseDecoratedUserNKey(text)
	if err != nil {
		return nil, fmt.Errorf("its seed: %w", err)
	}
	defer key.Wipe()
	if public, err := key.PublicKey(); err != nil || public != user.Subject {
		return nil, errors.Join(fmt.Errorf("its JWT is of user %s, and its seed of %s", user.Subject, public), err)
	}
	return user, nil
}

// refused tells whether an error says that the server lets this user not in. What it says of that while a connection is
// begun anew, nats.go gives as it was spelt, and not as an error that it knows.
func refused(err error) bool {
	if err == nil {
		return false
	}
	known := slices.ContainsFunc([]error{nats.ErrAuthorization, nats.ErrAuthExpired, nats.ErrAuthRevoked, nats.ErrAccountAuthExpired},
		func(answer error) bool { return errors.Is(err, answer) })
	return known || slices.ContainsFunc([]string{nats.AUTHORIZATION_ERR, nats.AUTHENTICATION_EXPIRED_ERR, nats.AUTHENTICATION_REVOKED_ERR, nats.ACCOUNT_AUTHENTICATION_EXPIRED_ERR},
		func(words string) bool { return strings.EqualFold(err.Error(), "nats: "+words) })
}

// explain is why there is no connection, with what is to be done where that is known.
func (o Options) explain(err error) error {
	var unknown x509.UnknownAuthorityError
	at := Bare(o.URL)
	switch {
	case refused(err):
		return &RefusedError{at, err, o.advice()}
	case errors.As(err, &unknown):
		return fmt.Errorf("NATS server %s: %w: give the certificate of who signed the server's (--tlsca)", at, err)
	case errors.Is(err, nats.ErrSecureConnWanted):
		return fmt.Errorf("NATS server %s: %w: it has no TLS: expected nats:// and no --tlsca, or another server", at, err)
	}
	return fmt.Errorf("NATS server %s: %w", at, err)
}

// advice is what to do when the server does not let this user in.
func (o Options) advice() string {
	switch {
	case o.NKey != "":
		return fmt.Sprintf("expected the nkey %q to be one that it knows", o.NKey)
	case o.Creds == "":
		return "expected --creds, --nkey, or in its URL a token or a user and password that it knows"
	}
	user, err := userOf(o.Creds)
	switch {
	case err != nil:
		return err.Error()
	case user.Expires != 0 && time.Now().Unix() >= user.Expires:
		return fmt.Sprintf("the credentials %q were good until %v: have them made anew", o.Creds, time.Unix(user.Expires, 0).UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("expected the credentials %q to be of a user of an account that it knows, and not revoked", o.Creds)
}
