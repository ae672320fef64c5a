// Command worker runs sagas on Temporal and speaks Sagacheck's contract.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	taskqueue "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"

	"github.com/sagacheck/sagacheck/engines/facade"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "where the contract is served")
	server := flag.String("server", "127.0.0.1:7233", "the Temporal server")
	flag.Parse()
	if err := run(*addr, *server); err != nil {
		log.Fatal(err)
	}
}

func run(addr, server string) error {
	metrics, err := counted()
	if err != nil {
		return err
	}
	tracing, err := traced(context.Background())
	if err != nil {
		return err
	}
	identity := fmt.Sprintf("%d since %d", os.Getpid(), time.Now().UnixNano())
	c, err := client.Dial(client.Options{Identity: identity, HostPort: server, MetricsHandler: metrics, Interceptors: tracing})
	if err != nil {
		return err
	}
	defer c.Close()
	w := worker.New(c, taskQueue, worker.Options{StickyScheduleToStartTimeout: time.Second})
	w.RegisterWorkflow(Saga)
	w.RegisterActivityWithOptions(CallService, activity.RegisterOptions{Name: act})
	w.RegisterActivityWithOptions(CallService, activity.RegisterOptions{Name: undo})
	if err := w.Start(); err != nil {
		return err
	}
	defer w.Stop()
	if err := polled(context.Background(), c, identity); err != nil {
		return err
	}
	http.Handle("/", facade.Handler(engine{c}))
	http.Handle("GET /metrics", promhttp.Handler())
	return http.ListenAndServe(addr, nil)
}

// longestStart is how long the server may take until it gives tasks.
const longestStart = 2 * time.Minute

// polled waits until the server knows that this worker asks for tasks: before that nothing goes on, and on a busy
// machine it may take a minute.
func polled(ctx context.Context, c client.Client, identity string) error {
	ctx, cancel := context.WithTimeout(ctx, longestStart)
	defer cancel()
	for _, kind := range []enums.TaskQueueType{enums.TASK_QUEUE_TYPE_WORKFLOW, enums.TASK_QUEUE_TYPE_ACTIVITY} {
		for {
			queue, err := c.DescribeTaskQueue(ctx, taskQueue, kind)
			if slices.ContainsFunc(queue.GetPollers(), func(p *taskqueue.PollerInfo) bool { return p.GetIdentity() == identity }) {
				break
			}
			if ctx.Err() != nil {
				return fmt.Errorf("the server gives no tasks after %v: %w", longestStart, errors.Join(ctx.Err(), err))
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	return nil
}

// engine is a facade.Engine: the saga's id is the workflow's id.
type engine struct{ c client.Client }

func (e engine) Start(ctx context.Context, d facade.Definition) error {
	_, err := e.c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                    d.ID,
		TaskQueue:             taskQueue,
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
	}, Saga, d)
	var there *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &there) {
		return nil
	}
	return err
}

func (e engine) Report(ctx context.Context, id string) (facade.Report, error) {
	var r facade.Report
	v, err := e.c.QueryWorkflow(ctx, id, "", reportQuery)
	var none *serviceerror.NotFound
	if errors.As(err, &none) {
		return r, facade.ErrUnknown
	}
	if err != nil {
		return r, err
	}
	return r, v.Get(&r)
}

// Operate asks for the rollback, by an update: the workflow itself says whether it comes in time.
func (e engine) Operate(ctx context.Context, id, act string) (changed bool, err error) {
	if act != facade.Rollback {
		return false, facade.ErrTooLate
	}
	h, err := e.c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: id, UpdateName: rollbackUpdate, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = h.Get(ctx, &changed)
	}
	var none *serviceerror.NotFound
	var late *temporal.ApplicationError
	switch {
	case errors.As(err, &late):
		return false, facade.ErrTooLate
	case !errors.As(err, &none):
		return changed, err
	}
	r, err := e.Report(ctx, id) // there is none, or it has ended
	if err == nil && r.Status != facade.Compensated {
		err = facade.ErrTooLate
	}
	return false, err
}
