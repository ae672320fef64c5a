package learn_test

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/workflows/learn"
)

// A service that is not there is named, with its address and what to do.
func TestServiceThatIsNotThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := learn.NewRecorder(map[string]string{"payments": "http://" + gone}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	r.Begin(nil, nil)
	res, err := http.Post(r.Addr("payments")+"/payments", "application/json", strings.NewReader("{}"))
	if err == nil {
		res.Body.Close()
	}
	_, err = r.End()
	if err == nil || !strings.Contains(err.Error(), "service payments, POST /payments: ") || !strings.Contains(err.Error(), gone) || !strings.HasSuffix(err.Error(), "nothing listens there: start the service, or a stub of it") {
		t.Errorf("the call to a service that is not there: %v", err)
	}
}
