package campaign

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/reference/api"
	definitions "github.com/sagacheck/sagacheck/reference/catalogue"
	"github.com/sagacheck/sagacheck/reference/defects"
	"github.com/sagacheck/sagacheck/reference/telemetry"
)

// TestMain lets the test program be the reference executor as well: for cells that
// kill it, it is started as sagacheck would be.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "reference" && os.Args[2] == "serve" {
		if err := serveReference(os.Args[3:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		if err := beWorker(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) > 1 && os.Args[1] == "nats-server" {
		beNATS(os.Args[2], os.Args[3])
	}
	runSideBySide()
	code := m.Run()
	if err := os.RemoveAll(builds.dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// runSideBySide has twice as many tests run at once as there are cores, unless -parallel says how
// many: those of workflows wait most of their time, until nothing is called any more.
func runSideBySide() {
	flag.Parse()
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "test.parallel" })
	if !said {
		if err := flag.Set("test.parallel", fmt.Sprint(2*runtime.GOMAXPROCS(0))); err != nil {
			panic(err) // it is a flag of every test program
		}
	}
}

func serveReference(args []string) error {
	var o api.ServeOptions
	var names []string
	f := flag.NewFlagSet("reference serve", flag.ContinueOnError)
	f.StringVar(&o.Addr, "addr", "", "")
	f.StringVar(&o.StoreDSN, "store", "", "")
	f.String("log", "", "")
	f.DurationVar(&o.ReconcileEvery, "reconcile-every", 0, "")
	f.DurationVar(&o.ReconcileFor, "reconcile-for", 0, "")
	f.BoolVar(&o.ReconcileRepair, "reconcile-repair", false, "")
	file := f.String("definitions", "", "")
	otlp := f.String("otlp", "", "")
	f.Func("defect", "", func(name string) error {
		names = append(names, name)
		return nil
	})
	if err := f.Parse(args); err != nil {
		return err
	}
	var err error
	if o.Rules, err = defects.Rules(names...); err != nil {
		return err
	}
	if *file != "" {
		if o.Catalogue, err = definitions.Load(*file); err != nil {
			return err
		}
	}
	told, err := telemetry.New(telemetry.Options{OTLP: *otlp})
	if err != nil {
		return err
	}
	o.Observer, o.Metrics = told, told
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err = api.Serve(ctx, o)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	return errors.Join(err, told.Close(last))
}
