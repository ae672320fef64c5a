package lint

// Rule is what durable workflows keep to.
type Rule struct {
	Name string
	Says string // what is found fault with
	Why  string
	// Decide is what the author of a workflow's file has to decide about it; empty: nothing, it is
	// no rule of such files.
	Decide string
}

// The rules, in the order in which they are documented.
var (
	noDeadline    = Rule{"no-deadline", "the action of a compensatable step that is attempted without end: neither max_attempts nor deadline_ms", "The saga neither goes on nor turns back while the service is away; what was reserved stays reserved.", ""}
	herd          = Rule{"no-jitter", "repeated attempts whose waits have no jitter", "All sagas that failed at one moment come back at one moment, and the service fails again.", ""}
	noBackOff     = Rule{"no-back-off", "repeated attempts without end whose waits do not grow", "A service that is down for an hour is called all the time, and is kept down.", ""}
	undoGivesUp   = Rule{"undo-gives-up", "a compensation that ends after max_attempts or deadline_ms", "A saga that can't be undone is stuck between done and undone, and a person has to find out what is where. An undo that is repeated until it succeeds needs none.", ""}
	undoRefused   = Rule{"undo-refused", "an undo of which a refusal is promised to be the last word", "What was done stays done. An undo has to be accepted in the end; what is gone already is answered with success.", "is it called again after such a refusal, or is that a success? Then take the codes out. Else a person is needed, and the workflow is to be mended."}
	undoNoInverse = Rule{"undo-no-inverse", "an undo that does not give back exactly what its action took", "The ledgers do not balance afterwards.", ""}
	nothingUndoes = Rule{"nothing-undoes", "a compensatable step without a compensation, although a later step may fail", "Its effect stays when the saga is undone.", "which operation takes it back (undo)? If none does and it may stay, leave it; if there is no way back from it, kind: pivot."}
	pivotGivesUp  = Rule{"pivot-gives-up", "a pivot without a compensation, or a step that must succeed after it, whose attempts end", "When the last attempt brings no answer nobody knows on which side of the point of no return the saga is.", ""}
	noKey         = Rule{"no-key", "an effect at a service that knows a repeated call by nothing: neither by a key (protection) nor by what is there already (repeat)", "An answer that is lost makes the effect happen twice.", "does the service know a repeat by a key (protection: keyed), or by what is there (repeat)?"}
	startTwice    = Rule{"start-once", "a start that no client may repeat (promises.start)", "A client whose answer was lost can neither repeat it nor leave it.", "may a client send the start again when it got no answer? Then promises: {start: idempotent}. Else it is sent once."}
	multiply      = Rule{"retries-multiply", "an action that is called more than 30 times by all layers of retries together (max_attempts × rounds × rounds of the saga, what a workflow promises) and no budget or deadline that ends them before", "In an outage each saga brings the service as many calls as the layers multiply to. What 30 did not do a 31st will not: the saga should turn, or a person look.", "how often is it really called at the most, and what ends it?"}
	unkeptSLA     = Rule{"sla-not-kept", "a template that can't keep its sla", "What is promised does not follow from what is configured.", ""}
)

// Rules are all rules.
func Rules() []Rule {
	return []Rule{
		noDeadline, herd, noBackOff, multiply, pivotGivesUp,
		nothingUndoes, undoNoInverse, undoGivesUp, undoRefused, noKey, startTwice, unkeptSLA,
	}
}
