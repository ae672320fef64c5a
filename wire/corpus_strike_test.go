package wire

import (
	"errors"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// strike is a fault of the wire, and what must come of it, whatever the habit.
type strike struct {
	fault    faults.Fault
	answered bool
	done     int              // how often
	fails    func(error) bool // of the client; nil: it does not
	up, down int64            // bytes; 0: all, or none
	partial  bool             // the status of the answer came
}

// wasReset tells a connection that was reset.
func wasReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func strikes() []strike {
	at := func(kind, phase string, f faults.Fault) faults.Fault {
		p, err := saga.ParseFailurePoint("pay#1@" + phase)
		if err != nil {
			panic(err)
		}
		f.Kind, f.At = kind, p
		return f
	}
	silent := func(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
	ended := func(err error) bool {
		return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || wasReset(err)
	}
	noStatus := func(err error) bool { return strings.Contains(err.Error(), "malformed") || ended(err) }
	return []strike{
		{answered: true, done: 1},
		{fault: at("delay", "request", faults.Fault{DelayMS: 30}), answered: true, done: 1},
		{fault: at("delay", "response", faults.Fault{DelayMS: 30}), answered: true, done: 1},
		{fault: at("slow", "request", faults.Fault{KBps: 20000}), answered: true, done: 1},
		{fault: at("slow", "response", faults.Fault{KBps: 20000}), answered: true, done: 1},
		{fault: at("duplicate", "request", faults.Fault{}), answered: true, done: 2},
		{fault: at("duplicate", "request", faults.Fault{DelayMS: 40}), answered: true, done: 2},
		{fault: at("lose", "request", faults.Fault{}), fails: silent},
		{fault: at("lose", "response", faults.Fault{}), fails: silent, done: 1},
		{fault: at("reset", "request", faults.Fault{}), fails: wasReset},
		{fault: at("reset", "response", faults.Fault{}), fails: wasReset, done: 1},
		{fault: at("truncate", "request", faults.Fault{Bytes: 60}), fails: ended, up: 60},
		{fault: at("truncate", "response", faults.Fault{Bytes: 60}), fails: ended, done: 1, down: 60, partial: true},
		{fault: at("truncate", "response", faults.Fault{Bytes: 12}), fails: ended, done: 1, down: 12, partial: true},
		{fault: at("truncate", "response", faults.Fault{Bytes: 11}), fails: noStatus, done: 1, down: 11},
		{fault: at("break-body", "response", faults.Fault{}), fails: ended, done: 1, partial: true},
		{fault: at("stall-body", "response", faults.Fault{}), fails: silent, done: 1, partial: true},
	}
}
