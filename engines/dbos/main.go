// Command worker runs sagas on DBOS and speaks Sagacheck's contract.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net/http"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
	_ "github.com/dbos-inc/dbos-transact-golang/dbos/driver/sqlite"

	"github.com/sagacheck/sagacheck/engines/facade"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "where the contract is served")
	store := flag.String("store", "sqlite:dbos.db", "the system database")
	flag.Parse()
	if err := run(*addr, *store); err != nil {
		log.Fatal(err)
	}
}

func run(addr, store string) error {
	ctx, err := dbos.NewContext(context.Background(), dbos.Config{AppName: "sagas", DatabaseURL: store})
	if err != nil {
		return err
	}
	dbos.RegisterWorkflow(ctx, Saga)
	if err := dbos.Launch(ctx); err != nil {
		return err
	}
	return http.ListenAndServe(addr, facade.Handler(engine{ctx}))
}

// engine is a facade.Engine: the saga's id is the workflow's id.
type engine struct{ dbos dbos.Context }

// Start runs the workflow; one that is there already is not run a second time.
func (e engine) Start(_ context.Context, d facade.Definition) error {
	_, err := dbos.RunWorkflow(e.dbos, Saga, d, dbos.WithWorkflowID(d.ID))
	return err
}

func (e engine) Report(_ context.Context, id string) (facade.Report, error) {
	if _, err := dbos.RetrieveWorkflow[facade.Report](e.dbos, id); err != nil {
		if errors.Is(err, dbos.ErrNonExistentWorkflow) {
			return facade.Report{}, facade.ErrUnknown
		}
		return facade.Report{}, err
	}
	r, err := dbos.GetEvent[facade.Report](e.dbos, id, reportEvent, 0)
	if err == nil && r.ID != "" {
		return r, nil
	}
	if err == nil || errors.Is(err, dbos.ErrTimeout) { // it has not begun
		return facade.Report{ID: id, Status: facade.Running}, nil
	}
	return r, err
}

// Operate pauses a workflow by cancelling it, and lets it go on by resuming it. Of two operators at
// once both may be told that they did it: DBOS does not say whether it changed anything.
func (e engine) Operate(_ context.Context, id, act string) (bool, error) {
	h, err := dbos.RetrieveWorkflow[facade.Report](e.dbos, id)
	if errors.Is(err, dbos.ErrNonExistentWorkflow) {
		return false, facade.ErrUnknown
	}
	if err != nil {
		return false, err
	}
	was, err := h.GetStatus()
	if err != nil {
		return false, err
	}
	paused := was.Status == dbos.WorkflowStatusCancelled
	switch {
	case was.Status == dbos.WorkflowStatusSuccess || was.Status == dbos.WorkflowStatusError:
		return false, facade.ErrTooLate
	case act == facade.Pause && !paused:
		err = dbos.CancelWorkflow(e.dbos, id)
	case act == facade.Resume && paused:
		_, err = dbos.ResumeWorkflow[facade.Report](e.dbos, id)
	case act == facade.Pause || act == facade.Resume:
		return false, nil
	default:
		return false, facade.ErrTooLate
	}
	return err == nil, err
}
