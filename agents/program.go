package agents

import (
	"context"

	"github.com/sagacheck/sagacheck/campaign"
)

// Program is the program that the tools belong to.
type Program struct {
	Version string
	// Do carries a command line out, as if it had been typed, until it has ended. Nothing of it
	// may be written to where the protocol is spoken.
	Do func(ctx context.Context, args []string, l Listener) Ended
	// Bare is a text without the passwords of URLs in it.
	Bare func(text string) string
}

// Listener hears of a command while it goes on. It is called from several goroutines at once.
type Listener struct {
	Say      func(line string)
	Progress func(what string, total int) campaign.Progress
}

// Ended is what a command came to.
type Ended struct {
	Command string // as it may be shown
	Exit    int
	Err     error  // what it said of its failure; nil: nothing
	Output  string // what it printed
	// Done is what a campaign found; nil: there was none.
	Done *campaign.Finished
}
