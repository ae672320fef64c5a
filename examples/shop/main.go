// Command shop is an order service: it reserves the items of an order, charges the
// card and sends the parcel, each at a service of its own, and undoes what it did
// if one of them says no.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

func main() {
	bug := flag.String("bug", os.Getenv("SHOP_BUG"), "plant the mistake of this `name`; list: print them")
	flag.Parse()
	if *bug == "list" {
		for _, name := range bugNames() {
			fmt.Println(name)
		}
		return
	}
	if err := run(*bug); err != nil {
		log.Fatal("shop: ", err)
	}
}

func run(bug string) error {
	r, err := rulesWith(bug)
	if err != nil {
		return err
	}
	timeout, err1 := milliseconds("HTTP_TIMEOUT_MS", 2000)
	pause, err2 := milliseconds("RETRY_MS", 200)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	shop, err := open(config{
		database: cmp.Or(os.Getenv("DATABASE"), "shop.db"),
		services: map[string]string{
			inventory: cmp.Or(os.Getenv("INVENTORY_URL"), "http://inventory:8080"),
			payments:  cmp.Or(os.Getenv("PAYMENTS_URL"), "http://payments:8080"),
			shipping:  cmp.Or(os.Getenv("SHIPPING_URL"), "http://shipping:8080"),
		},
		timeout: timeout, pause: pause, rules: r,
	})
	if err != nil {
		return err
	}
	defer shop.close()
	if err := shop.resume(); err != nil {
		return err
	}
	return serve(net.JoinHostPort("127.0.0.1", cmp.Or(os.Getenv("PORT"), "8080")), shop.handler())
}

// serve answers until the process is asked to end.
func serve(addr string, h http.Handler) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	srv := &http.Server{Addr: addr, Handler: h, ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- srv.ListenAndServe() }()
	log.Printf("shop on http://%s", addr)
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	limit, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return srv.Shutdown(limit)
}

func milliseconds(name string, or int) (time.Duration, error) {
	n, err := strconv.Atoi(cmp.Or(os.Getenv(name), strconv.Itoa(or)))
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%s=%q: expected a number of milliseconds", name, os.Getenv(name))
	}
	return time.Duration(n) * time.Millisecond, nil
}
