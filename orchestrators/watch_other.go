//go:build !linux

package orchestrators

import (
	"context"
	"net/url"
)

// listener is known on Linux only.
func listener(*url.URL) (pid int) { return 0 }

func exited(context.Context, int) bool { return false }
