package policies

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/sagacheck/sagacheck/internal/yamlfile"
	"github.com/sagacheck/sagacheck/saga"
)

// Flag is a switch that a person throws, for a reason and for a time.
type Flag struct {
	// Name is no-new-sagas, hold-compensations, hold-participant, no-retries or drain.
	Name FlagName `json:"name" yaml:"name"`
	// Participants are those that hold-participant is about: host or host:port.
	Participants []string `json:"participants,omitempty" yaml:"participants,omitempty"`
	// Reason says why, for those who come later.
	Reason string `json:"reason" yaml:"reason"`
	// Author is who threw it.
	Author string `json:"author" yaml:"author"`
	// Expires is when it is off again by itself (RFC 3339).
	Expires time.Time `json:"expires" yaml:"expires"`
}

// FlagName is the name of a flag. There is one flag of each name.
type FlagName string

// The flags.
const (
	NoNewSagas        FlagName = "no-new-sagas"       // sagas that are submitted are refused
	HoldCompensations FlagName = "hold-compensations" // no attempt of a compensation begins
	HoldParticipant   FlagName = "hold-participant"   // no call to some participants begins
	NoRetries         FlagName = "no-retries"         // only first attempts begin
	Drain             FlagName = "drain"              // no attempt begins, and no saga
)

// FlagNames lists them.
func FlagNames() []FlagName {
	return []FlagName{NoNewSagas, HoldCompensations, HoldParticipant, NoRetries, Drain}
}

// On tells whether a flag is on at a time.
func (f Flag) On(now time.Time) bool { return now.Before(f.Expires) }

// Refuses tells whether it keeps new sagas out while it is on.
func (f Flag) Refuses() bool { return f.Name == NoNewSagas || f.Name == Drain }

// Holds tells whether it holds attempt n of an operation back while it is on.
func (f Flag) Holds(dir saga.Direction, url string, n int) bool {
	switch f.Name {
	case HoldCompensations:
		return dir == saga.Compensation
	case HoldParticipant:
		hostport, host := participants(url)
		return slices.Contains(f.Participants, hostport) || slices.Contains(f.Participants, host)
	case NoRetries:
		return n > 1
	case Drain:
		return true
	}
	return false
}

// mostSaid is how long a reason or an author may be, in bytes.
const mostSaid = 1000

// Validate checks a flag alone. The error joins a yamlfile.Problem for each mistake.
func (f Flag) Validate() error {
	var ps yamlfile.Problems
	f.problems("", &ps)
	return ps.Err()
}

// problems adds what is wrong with a flag; at is what it stands under, with its dot.
func (f Flag) problems(at string, ps *yamlfile.Problems) {
	if !slices.Contains(FlagNames(), f.Name) {
		ps.Add(at+"name", "%q: expected one of %v", f.Name, FlagNames())
	}
	if (len(f.Participants) > 0) != (f.Name == HoldParticipant) {
		ps.Add(at+"participants", "%q: expected some with %s, and none with another flag", f.Participants, HoldParticipant)
	}
	for i, p := range f.Participants {
		checkParticipant(fmt.Sprintf("%sparticipants[%d]", at, i), p, ps)
	}
	checkSaid(at, f.Author, f.Reason, ps)
	if f.Expires.IsZero() {
		ps.Add(at+"expires", "is missing: expected a time (RFC 3339)")
	}
}

// CheckSaid checks who throws a flag or takes it back, and why. The error is as that of Validate.
func CheckSaid(author, reason string) error {
	var ps yamlfile.Problems
	checkSaid("", author, reason, &ps)
	return ps.Err()
}

func checkSaid(at, author, reason string, ps *yamlfile.Problems) {
	for _, said := range []struct{ field, text string }{{"reason", reason}, {"author", author}} {
		if strings.TrimSpace(said.text) == "" || len(said.text) > mostSaid {
			ps.Add(at+said.field, "%.40q: expected 1 to %d bytes", said.text, mostSaid)
		}
	}
}

func checkParticipant(at, p string, ps *yamlfile.Problems) {
	if p != strings.ToLower(p) || !isHost(p) {
		ps.Add(at, "%q: expected host or host:port in lower case", p)
	}
}

// isHost tells a host as an address has it, a name or an IP, with its port or without.
func isHost(p string) bool {
	host := strings.TrimSuffix(strings.TrimPrefix(p, "["), "]")
	if name, port, err := net.SplitHostPort(p); err == nil {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return false
		}
		host = name
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	other := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-._", r)
	}
	return host != "" && !strings.HasPrefix(p, "[") && !strings.ContainsFunc(host, other)
}
