package orchestrators

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

// poll asks again and again, a little less often each time, until ask succeeds,
// dead has an error, or the time is over.
func poll(ctx context.Context, limit time.Duration, ask func(context.Context) error, dead func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	wait := 10 * time.Millisecond
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		if err := dead(); err != nil {
			return err
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return fmt.Errorf("not ready after %v: %w", limit, err)
		}
		wait = min(wait*3/2, 250*time.Millisecond)
	}
}

// check asks once whether the check is met.
func (r Ready) check(ctx context.Context, v vars, w *wire) error {
	switch {
	case r.URL != "":
		return r.checkURL(ctx, v.fill(r.URL), w)
	case r.TCP != "":
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", v.fill(r.TCP))
		if err != nil {
			return err
		}
		return c.Close()
	}
	return nil
}

func (r Ready) checkURL(ctx context.Context, url string, w *wire) error {
	want := r.Code
	if want == 0 {
		want = http.StatusOK
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	code, body, err := w.do(ctx, http.MethodGet, url, nil, nil)
	if err == nil && code != want {
		err = answered(http.MethodGet, url, code, body, fmt.Sprintf("expected %d", want))
	}
	return err
}
