// Command worker runs sagas on Restate and speaks Sagacheck's contract.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"time"

	restate "github.com/restatedev/sdk-go"
	"github.com/restatedev/sdk-go/server"

	"github.com/sagacheck/sagacheck/engines/facade"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "where the contract is served")
	service := flag.String("service", "127.0.0.1:9080", "where Restate calls the workflow")
	ingress := flag.String("ingress", "http://127.0.0.1:8081", "Restate's ingress")
	admin := flag.String("admin", "http://127.0.0.1:9070", "Restate's admin API")
	flag.Parse()
	if err := run(*addr, *service, *ingress, *admin); err != nil {
		log.Fatal(err)
	}
}

func run(addr, service, ingress, admin string) error {
	ended := make(chan error, 1)
	go func() {
		saga := restate.Reflect(Saga{}, restate.WithInvocationRetryPolicy(
			restate.WithInitialRetryInterval(100*time.Millisecond), restate.WithMaxRetryInterval(time.Second)))
		ended <- server.NewRestate().Bind(saga).Start(context.Background(), service)
	}()
	if err := register(admin, service, ended); err != nil {
		return err
	}
	go func() { ended <- http.ListenAndServe(addr, facade.Handler(engine{ingress})) }()
	return <-ended
}

// register makes the workflow known to Restate, as "restate deployments register"
// does; it tries until the service listens.
func register(admin, service string, ended <-chan error) error {
	body, err := json.Marshal(map[string]string{"uri": "http://" + service})
	if err != nil {
		return err
	}
	for range 100 {
		select {
		case err := <-ended:
			return err
		case <-time.After(50 * time.Millisecond):
		}
		var code int
		if code, _, err = ask(context.Background(), http.MethodPost, admin+"/deployments", body); err == nil && code < 300 {
			return nil
		}
		err = fmt.Errorf("register: %d %w", code, err)
	}
	return err
}

func ask(ctx context.Context, method, url string, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, b, err
}

// engine is a facade.Engine on Restate's ingress.
type engine struct{ ingress string }

func (e engine) Start(ctx context.Context, d facade.Definition) error {
	body, err := json.Marshal(d)
	if err != nil {
		return err
	}
	code, b, err := ask(ctx, http.MethodPost, e.ingress+"/Saga/"+url.PathEscape(d.ID)+"/Run/send", body)
	if err == nil && code >= 300 { // 200: it was sent before
		err = fmt.Errorf("restate answered %d: %s", code, b)
	}
	return err
}

func (e engine) Report(ctx context.Context, id string) (facade.Report, error) {
	key := url.PathEscape(id)
	code, b, err := ask(ctx, http.MethodPost, e.ingress+"/Saga/"+key+"/Report", nil)
	if err != nil {
		return facade.Report{}, err
	}
	var r *facade.Report
	if code != http.StatusOK {
		return facade.Report{}, fmt.Errorf("restate answered %d: %s", code, b)
	}
	if err := json.Unmarshal(b, &r); err != nil || r != nil {
		return deref(r), err
	}
	// Nothing shown: it has not begun, or nobody submitted it.
	code, b, err = ask(ctx, http.MethodGet, e.ingress+"/restate/workflow/Saga/"+key+"/output", nil)
	switch {
	case err != nil:
		return facade.Report{}, err
	case code == http.StatusNotFound:
		return facade.Report{}, facade.ErrUnknown
	case code == notReady || code == http.StatusOK:
		return facade.Report{ID: id, Status: facade.Running}, nil
	}
	return facade.Report{}, fmt.Errorf("restate answered %d: %s", code, b)
}

// notReady is Restate's status for a workflow that has no output yet.
const notReady = 470

func deref(r *facade.Report) facade.Report {
	if r == nil {
		return facade.Report{}
	}
	return *r
}
