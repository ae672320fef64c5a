package orchestrators

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/sagacheck/sagacheck/history"
)

// attached is a server that somebody else started.
type attached struct {
	lookout
	info    history.Orchestrator
	client  *contract
	started string // when it started, if it says so
	silent  bool   // it claims no capabilities
}

var (
	_ System  = (*attached)(nil)
	_ Watched = (*attached)(nil)
	_ Silent  = (*attached)(nil)
)

// Silent is a system that need not say what it is capable of.
type Silent interface {
	// ClaimsNothing tells that it does not: it is believed to be capable of everything in the contract.
	ClaimsNothing() bool
}

// probeTimeout is how long a probe of a system may take.
const probeTimeout = 10 * time.Second

// Attach takes a running server that speaks the contract, by its URL. It can't be
// killed. Its health answer may name it: {"name","version","capabilities"};
// without that it is believed to be capable of everything in the contract. A
// server that is dead or speaks something else is an error that says what it
// answered.
func Attach(ctx context.Context, base string) (System, error) {
	return attach(ctx, base, probeTimeout)
}

// attach is Attach, with as much time for the server's answers.
func attach(ctx context.Context, base string, within time.Duration) (System, error) {
	if err := checkURL(base); err != nil {
		return nil, err
	}
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	probing, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	a := &attached{client: newContract(base, newSender())}
	if err := a.probe(probing, u.Host); err != nil {
		a.client.sender.close()
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			err = fmt.Errorf("no answer within %v: %w", within, err)
		}
		if errors.Is(err, syscall.ECONNREFUSED) {
			err = fmt.Errorf("%w: start it first; --wait-for URL waits for one that is just starting", err)
		}
		return nil, fmt.Errorf("orchestrator at %s: %w", base, err)
	}
	a.over(ctx, base, a.lookAfter)
	return a, nil
}

// probe reads the health answer and asks for a saga that nobody submitted, which
// tells a server of the contract from any other that answers 200 to everything.
func (a *attached) probe(ctx context.Context, host string) error {
	body, err := a.client.health(ctx)
	if err != nil {
		return err
	}
	a.info, a.silent = infoFromHealth(body, host)
	a.started = startOf(body)
	if err := checkCapabilities(a.info.Capabilities); err != nil {
		return fmt.Errorf("GET /healthz: %w", err)
	}
	const nobodys = "sagacheck-probe"
	_, code, err := a.client.Report(ctx, nobodys)
	if err != nil {
		return err
	}
	if code != http.StatusNotFound {
		return fmt.Errorf("GET /sagas/%s: answered %d for a saga that was never submitted: expected 404", nobodys, code)
	}
	return nil
}

// infoFromHealth is what a health answer says; silent: it claims no capabilities.
func infoFromHealth(body []byte, host string) (info history.Orchestrator, silent bool) {
	if json.Unmarshal(body, &info) != nil || info.Name == "" {
		info = history.Orchestrator{Name: host}
	}
	info.Name, info.Version = cmp.Or(oneLine(info.Name), host), oneLine(info.Version)
	if silent = info.Capabilities == nil; silent {
		info.Capabilities = AllCapabilities()
	}
	slices.Sort(info.Capabilities)
	info.Unable = []string{history.Kill, history.Pause, history.StoreOutage} // no process of it is ours
	return info, silent
}

// longestName bounds what a server calls itself, in characters.
const longestName = 100

// oneLine is what somebody says of himself as it can be shown anywhere: a terminal does what control
// characters say, and the last line of a run is its verdict.
func oneLine(said string) string {
	words := strings.Join(strings.FieldsFunc(said, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if r := []rune(words); len(r) > longestName {
		return string(r[:longestName-1]) + "…"
	}
	return words
}

// ClaimsNothing tells whether its health answer names no capabilities.
func (a *attached) ClaimsNothing() bool { return a.silent }

func (a *attached) Info() history.Orchestrator    { return a.info }
func (a *attached) Base() string                  { return a.client.base }
func (a *attached) Client(base string) Client     { return newContract(base, a.client.sender) }
func (a *attached) Kill(context.Context) error    { return ErrCannotKill }
func (a *attached) Restart(context.Context) error { return ErrCannotKill }
func (a *attached) Pause(context.Context) error   { return ErrCannotKill }
func (a *attached) Resume(context.Context) error  { return ErrCannotKill }

func (a *attached) Alive() error {
	ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
	defer cancel()
	return a.client.Ready(ctx)
}

func (a *attached) Stop(context.Context) error {
	a.end()
	a.client.sender.close()
	return nil
}
