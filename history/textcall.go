package history

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sagacheck/sagacheck/saga"
)

func parseCallField(c *saga.Call, name, v string) (err error) {
	p := &c.Retry
	switch name {
	case "max":
		p.MaxAttempts, err = strconv.Atoi(v)
	case "wait":
		p.InitialIntervalMS, err = strconv.Atoi(v)
	case "mult":
		p.Multiplier, err = strconv.ParseFloat(v, 64)
	case "cap":
		p.MaxIntervalMS, err = strconv.Atoi(v)
	case "jitter":
		p.Jitter, err = strconv.ParseFloat(v, 64)
	case "timeout":
		p.AttemptTimeoutMS, err = strconv.Atoi(v)
	case "deadline":
		p.DeadlineMS, err = strconv.Atoi(v)
	case "rounds":
		p.Rounds, err = strconv.Atoi(v)
	case "round-delay":
		p.RoundDelayMS, err = strconv.Atoi(v)
	case "url":
		c.URL, err = value(v)
	case "breaker":
		c.Breaker, err = parseBreaker(v)
	case "budget":
		c.RetryBudget, err = parseRetryBudget(v)
	case "adaptive":
		p.Adaptive, err = parseAdaptive(v)
	default:
		err = errors.New("expected after, do, undo, part, parts, keeps, max, wait, mult, cap, jitter, timeout, deadline, rounds, round-delay, breaker, budget, adaptive or url, or undo. and one of the last thirteen")
	}
	return err
}

var breakerForm = regexp.MustCompile(`^([^:]+):(\d{1,9}):(\d{1,9}):(\d{1,9})$`)

// parseBreaker reads name:failures:open_ms:probes.
func parseBreaker(s string) (*saga.Breaker, error) {
	m := breakerForm.FindStringSubmatch(s)
	if m == nil {
		return nil, fmt.Errorf("%q: expected name:failures:open_ms:probes", s)
	}
	var n [3]int
	for i := range n {
		n[i], _ = strconv.Atoi(m[i+2]) // at most nine digits
	}
	return &saga.Breaker{Name: m[1], Failures: n[0], OpenMS: n[1], Probes: n[2]}, nil
}

// parseFields reads values with colons between them, the first one a name.
func parseFields(s, expected string, into ...any) (name string, err error) {
	parts := strings.Split(s, ":")
	if len(parts) != len(into)+1 || parts[0] == "" {
		return "", fmt.Errorf("%q: expected %s", s, expected)
	}
	for i, v := range into {
		switch v := v.(type) {
		case *int:
			*v, err = strconv.Atoi(parts[i+1])
		case *float64:
			*v, err = strconv.ParseFloat(parts[i+1], 64)
		}
		if err != nil {
			return "", fmt.Errorf("%q: expected %s", s, expected)
		}
	}
	return parts[0], nil
}

func parseRetryBudget(s string) (*saga.RetryBudget, error) {
	var b saga.RetryBudget
	var err error
	b.Name, err = parseFields(s, "name:share:min_per_second:burst", &b.Share, &b.MinPerSecond, &b.Burst)
	return &b, err
}

func parseAdaptive(s string) (a saga.Adaptive, err error) {
	a.Name, err = parseFields(s, "name:percentile:times:min_timeout_ms:min_wait_ms", &a.Percentile, &a.Times, &a.MinTimeoutMS, &a.MinWaitMS)
	return a, err
}

func parseSagaField(d *saga.Definition, field string) (err error) {
	name, v, _ := strings.Cut(field, "=")
	switch name {
	case "attempts":
		d.Budget.Attempts, err = strconv.Atoi(v)
	case "time":
		d.Budget.TimeMS, err = strconv.Atoi(v)
	case "rounds":
		d.Rounds, err = strconv.Atoi(v)
	case "round-delay":
		d.RoundDelayMS, err = strconv.Atoi(v)
	case "shows":
		name, steps, ok := strings.Cut(v, ":")
		if !ok {
			return errors.New("shows: expected a read-back and the steps that it tells of: find:charge,charge.undo")
		}
		if d.Shows == nil {
			d.Shows = map[string][]string{}
		}
		d.Shows[name] = strings.Split(steps, ",")
	default:
		err = fmt.Errorf("%q: expected attempts, time, rounds, round-delay or shows", name)
	}
	return err
}

// formatShows is which read-backs of a saga tell of which of its steps.
func formatShows(d saga.Definition) (text string) {
	for _, name := range slices.Sorted(maps.Keys(d.Shows)) {
		text += " shows=" + name + ":" + strings.Join(d.Shows[name], ",")
	}
	return text
}
