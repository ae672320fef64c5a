package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/campaign"
)

func newLearn(p process) *cobra.Command {
	o := campaign.DefaultLearn()
	c := &cobra.Command{
		Use:        "learn --service NAME=URL --start REQUEST --outcome REQUEST [-- COMMAND ARG...]",
		SuggestFor: []string{"record", "watch"},
		Short:      "Watch a workflow of your own, and write the first draft of its file",
		Long: `Starts the workflow in front of its services (real ones, or stubs of them) and
watches what it calls: a few starts without faults, then starts in which each call
is refused once, or its answer lost and the next attempt refused. From that it
writes a file for run --workflow: operations, which ids belong together, what
undoes what, the words of the outcome. Each guess is there with what it rests on;
TODO marks what nobody could see.

The services do what they are asked to do: use stubs, or a test system.

With a command the workflow is started, and told the addresses of its services by
--env: NAME=service gives it the address of a service, NAME=text a text, in which
${service.NAME}, ${port.NAME} and ${dir} stand for what they are in a workflow's
file, as they do in the command's arguments. A port of --start that is written in
capitals is a free one, which the command gets in the variable of that name, and is
${port.http} for a command that takes it as an argument: -- ./shop --port '${port.http}'.
A word of the command that names a file of this folder stands for that file (the
command runs in a folder of its own): -- python3 orders.py.

Where the workflow has absolute URLs in it, --host NAME=HOST says whose they are: the
command is told, by the usual variables, of a forward proxy and of a certificate
authority made for this run (also ${proxy} and ${ca.file}). A call to any other host is
refused.

Without a command the workflow runs already, and its addresses are those of
--listen.`,
		Example: `  sagacheck learn --out shop.workflow.yaml \
    --service payments=http://127.0.0.1:9001 --service inventory=http://127.0.0.1:9002 \
    --env PAYMENTS_URL=payments --env INVENTORY_URL=inventory \
    --start 'POST http://127.0.0.1:PORT/orders {"customer":"ada","amount":4200}' \
    --outcome 'GET http://127.0.0.1:PORT/orders/${id}' -- ./shop`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := needs(c, map[string]string{"service": "NAME=URL", "start": "'METHOD URL BODY'", "outcome": "'METHOD URL'"}); err != nil {
				return err
			}
			o.Command = args
			done, err := campaign.Learn(c.Context(), p.host(), o)
			if err != nil {
				return err
			}
			fmt.Fprintf(p.stdout, "%s: written\n", done.File)
			for _, m := range done.Missing {
				fmt.Fprintf(p.stdout, "needed by hand: %s\n", m)
			}
			if len(done.Missing) == 0 {
				fmt.Fprintf(p.stdout, "next: read its comments, then sagacheck run --workflow %s\n", done.File)
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&o.Out, "out", o.Out, "`file` to write; one that is there is not overwritten")
	f.BoolVar(&o.Force, "force", false, "overwrite the file")
	f.StringVar(&o.Name, "name", "", "name of the workflow (default: that of the file)")
	f.StringToStringVar(&o.Services, "service", nil, "a service that the workflow calls: `NAME=URL` (may be repeated)")
	f.StringToStringVar(&o.Listen, "listen", nil, "where a running workflow looks for a service: `NAME=HOST:PORT` (may be repeated)")
	f.StringToStringVar(&o.Hosts, "host", nil, "the host by which the workflow calls a service: `NAME=HOST`; the command gets a forward proxy in its environment (may be repeated)")
	f.StringToStringVar(&o.Env, "env", nil, "a variable of the command's environment: `NAME=VALUE`, where the name of a service stands for its address (may be repeated)")
	f.StringVar(&o.Ready, "ready", "", "`path` that answers when the command is ready (default: its port is open)")
	f.StringVar(&o.Start, "start", "", "the `request` that starts a saga: METHOD URL BODY")
	f.StringVar(&o.Outcome, "outcome", "", "the `request` that tells where it stands: METHOD URL, with ${id} for the id in the answer to the start")
	f.IntVar(&o.Starts, "starts", o.Starts, "how many starts without faults")
	f.DurationVar(&o.Quiet, "quiet", o.Quiet, "how long all must be silent at the end of a start")
	f.DurationVar(&o.Limit, "limit", o.Limit, "how long a start may take at the most; over a minute, it is also how long the command may take to be ready")
	return c
}
