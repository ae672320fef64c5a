package main

import (
	"cmp"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/campaign"
)

func newWorker(p process) *cobra.Command {
	var o campaign.WorkOptions
	c := &cobra.Command{
		Use:   "worker",
		Short: "Run cells of a run on another machine",
		Long: `Takes cells of runs that have --workers, --server or --listen, over NATS JetStream, runs
them here, and tells what became of them; who runs the run judges them. It works until
it is ended, for whichever run there is. What it does not come to the end of is given to
another worker.

It has to be the same program, and to find the same scenarios and orchestrator, as who
runs the run: otherwise it says what differs, and ends (exit 2).`,
		Example: `  sagacheck worker --server nats://nats:4222 --creds worker.creds
  SAGACHECK_SERVER=nats://token@nats:4222 sagacheck worker     its token is in no list of processes`,
		Args: flagsOnly,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := serverOfEnvironment(p, &o.Server); err != nil {
				return err
			}
			p.spareMemory()
			return campaign.Work(c.Context(), p.host(), o)
		},
	}
	f := c.Flags()
	serverFlags(c, &o.Server, &o.Creds, &o.NKey, &o.CA, "`URL` of the NATS server (default: that of "+campaign.ServerEnv+", or of "+campaign.NATSEnv+")")
	f.StringVar(&o.Run, "run", "", "work for the run of this `name` only, and end with it")
	f.IntVar(&o.Parallel, "parallel", 0, "sagas at once (default: as run has it)")
	f.IntVar(&o.Processes, "processes", 0, "cells at once with an orchestrator process of their own (default: as run has it)")
	return c
}

// serverOfEnvironment is that server, unless a flag says which. The orchestrator of this worker inherits
// the environment, and not what may let it into the server.
func serverOfEnvironment(p process, server *string) error {
	for _, name := range []string{campaign.ServerEnv, campaign.NATSEnv} {
		if *server != "" && name == campaign.NATSEnv { // is for others
			break
		}
		*server = cmp.Or(*server, p.getenv(name))
		if err := p.hide(name); err != nil {
			return err
		}
	}
	return nil
}

// serverFlags are those that say where a NATS server is.
func serverFlags(c *cobra.Command, server, creds, nkey, ca *string, help string) {
	f := c.Flags()
	f.StringVar(server, "server", "", help)
	f.StringVar(creds, "creds", "", "`file` with credentials for the NATS server")
	f.StringVar(nkey, "nkey", "", "`file` with the seed of an nkey for the NATS server")
	f.StringVar(ca, "tlsca", "", "`file` with the certificates of who signs that of the NATS server (default: whom this system trusts)")
}

// workersFlags are those of commands whose cells workers may run.
func workersFlags(c *cobra.Command, w *campaign.Workers) {
	f := c.Flags()
	f.IntVar(&w.Local, "workers", 0, "have so many processes of this machine run the cells; 0: this one runs them, unless --server or --listen is given")
	serverFlags(c, &w.Server, &w.Creds, &w.NKey, &w.CA, "have workers of any machine run the cells, over the NATS server of this `URL` (docs/many-machines.md)")
	f.StringVar(&w.Listen, "listen", "", "the same over a NATS server in this process, at `HOST:PORT`; the command for workers is printed")
}
