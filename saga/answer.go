package saga

// Answer is what an HTTP answer, or its absence, tells an orchestrator.
type Answer string

// The meanings of an answer.
const (
	Done      Answer = "done"      // 2xx
	Permanent Answer = "permanent" // refused for good, nothing was done
	Transient Answer = "transient" // the outcome is unknown; try again
)

// Classify gives the meaning of an HTTP status; 0 stands for a broken or silent
// connection. 408, 409, 425, 429 and 5xx are transient, any other 4xx is
// permanent (docs/contract.md).
func Classify(code int) Answer {
	switch {
	case code >= 200 && code < 300:
		return Done
	case code == 408, code == 409, code == 425, code == 429:
		return Transient
	case code >= 400 && code < 500:
		return Permanent
	}
	return Transient
}
