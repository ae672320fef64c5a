package sagatest

import "time"

// Stand says how long a plan may run.
func Stand(d time.Duration) { standing = d }
