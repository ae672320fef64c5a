package wire

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

// onlyRouter knows one operation.
type onlyRouter struct {
	line *Line

	mu       sync.Mutex
	services []string
	troubles []error
}

func (r *onlyRouter) Route(service string, head *http.Request, _, _ []byte) Routed {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.services = append(r.services, service)
	return Routed{Line: r.line, Key: participants.Key(head.Header)}
}

func (r *onlyRouter) Trouble(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.troubles = append(r.troubles, err)
}

func (r *onlyRouter) said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprint(r.troubles)
}

const payHost = "api.pay.example"

func authority(t *testing.T) *Authority {
	t.Helper()
	a, err := NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *Authority) trusted() *tls.Config {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(a.PEM())
	return &tls.Config{RootCAs: pool}
}

// proxied is a cell of one operation behind a forward proxy.
func (r *rig) proxied(t *testing.T, a *Authority, p faults.Plan) (*Injector, *Endpoint, *onlyRouter, *history.Recorder) {
	t.Helper()
	in, ep, rec := r.cell(t, p, nil)
	world := participants.NewWorld(participants.Naive, nil, rec, in.Hook, nil)
	only := &onlyRouter{line: in.Line(pay, Upstream{Addr: r.srv.Addr()}, 0, world)}
	ep.Forward(&Proxy{Hosts: map[string]string{payHost: "payments", "10.1.2.3": "payments"}, Authority: a, Router: only})
	return in, ep, only, rec
}

// sealed is the client's side of a TLS connection.
type sealed struct {
	*tls.Conn
	tcp *net.TCPConn
}

func (s sealed) SetLinger(sec int) error { return s.tcp.SetLinger(sec) }

// through is the way to a host through a tunnel.
func through(proxy, host string, trusted *tls.Config) way {
	return way{host, func() (peerConn, error) {
		c, err := net.Dial("tcp", proxy)
		if err != nil {
			return nil, err
		}
		if _, err := fmt.Fprintf(c, "CONNECT %s:443 HTTP/1.1\r\nHost: %[1]s:443\r\n\r\n", host); err != nil {
			return nil, err
		}
		resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: http.MethodConnect})
		if err != nil {
			return nil, err
		}
		if resp.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("CONNECT: %s", resp.Status)
		}
		if trusted == nil {
			return c.(*net.TCPConn), nil
		}
		trusted = trusted.Clone()
		trusted.ServerName = host
		s := tls.Client(c, trusted)
		return sealed{s, c.(*net.TCPConn)}, s.Handshake()
	}}
}

// Whatever a client's habits, faults strike inside a tunnel as they do outside.
func TestHabitsOfClientsInTunnels(t *testing.T) {
	r := newRig(t)
	a := authority(t)
	for _, h := range habits() {
		for _, p := range strikes() {
			if h.pad > 0 && p.fault.Kind != "" || h.name == "byte by byte" && p.fault.Kind != "reset" {
				continue // TestHabitsOfClients has them
			}
			if h.name == "reset after the answer" {
				continue // a kernel that was in a conversation confirms late, and a reset confirms nothing
			}
			for how, trusted := range map[string]*tls.Config{"plain": nil, "TLS": a.trusted()} {
				name, plan := "no fault", faults.Plan{}
				if p.fault.Kind != "" {
					name, plan.Faults = p.fault.String(), []faults.Fault{p.fault}
				}
				t.Run(how+"/"+h.name+"/"+name, func(t *testing.T) {
					t.Parallel()
					in, ep, only, rec := r.proxied(t, a, plan)
					body := strings.Repeat(" ", h.pad) + string(saga.Effect{Postings: []saga.Posting{{Account: "bank/a", Amount: -1, Unit: "EUR"}, {Account: "bank/b", Amount: 1, Unit: "EUR"}}}.Body())
					code, err := h.call(through(ep.Addr(), payHost, trusted), payPath, body, p.timeout(rec))
					quiet(t, in)
					if err := in.Close(); err != nil {
						t.Errorf("trouble of ours: %v", err)
					}
					r.wire.Release([]*Endpoint{ep})
					p.check(t, rec.Close(), code, err)
					if said := only.said(); said != "[]" {
						t.Errorf("trouble: %s", said)
					}
				})
			}
		}
	}
}

// goClient is net/http's, as a process with ProxyEnv has it.
func goClient(t *testing.T, proxy string, a *Authority, keepAlive bool) *http.Client {
	t.Helper()
	u, err := url.Parse(ProxyEnv(proxy, "")["HTTPS_PROXY"])
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{Proxy: http.ProxyURL(u), TLSClientConfig: a.trusted(), DisableKeepAlives: !keepAlive}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 10 * time.Second}
}

func TestProxyForGo(t *testing.T) {
	a := authority(t)
	for _, keepAlive := range []bool{false, true} {
		for _, base := range []string{"http://" + payHost, "https://" + payHost, "https://" + payHost + ":8443", "https://10.1.2.3"} {
			t.Run(fmt.Sprintf("keep-alive %v/%s", keepAlive, base), func(t *testing.T) {
				r := newRig(t)
				in, ep, only, rec := r.proxied(t, a, faults.Plan{})
				client := goClient(t, ep.Addr(), a, keepAlive)
				for range 3 {
					resp, err := client.Post(base+payPath, "application/json", strings.NewReader("{}"))
					if err != nil {
						t.Fatal(err)
					}
					_, err = io.Copy(io.Discard, resp.Body)
					if err = errors.Join(err, resp.Body.Close()); err != nil || resp.StatusCode != http.StatusOK {
						t.Fatalf("%s, %v", resp.Status, err)
					}
				}
				quiet(t, in)
				if err := in.Close(); err != nil || only.said() != "[]" || !slices.Equal(only.services, []string{"payments", "payments", "payments"}) {
					t.Errorf("%v; trouble %s; services %q", err, only.said(), only.services)
				}
				sure := 0
				for _, e := range rec.Close().Events {
					if e.Kind == history.CallEnded && e.Code == http.StatusOK && e.Certain {
						sure++
					}
				}
				if sure != 3 {
					t.Errorf("%d of 3 answers are known to have been taken", sure)
				}
			})
		}
	}
}

func TestProxyRefusesWhatIsNotDeclared(t *testing.T) {
	r := newRig(t)
	a := authority(t)
	_, ep, only, _ := r.proxied(t, a, faults.Plan{})
	client := goClient(t, ep.Addr(), a, false)
	if resp, err := client.Get("http://telemetry.example/x"); err != nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("%v, %v, expected 403", resp, err)
	}
	if _, err := client.Get("https://telemetry.example/y"); err == nil || !strings.Contains(err.Error(), "Forbidden") {
		t.Errorf("%v, expected a refused CONNECT", err)
	}
	for _, part := range []string{`"telemetry.example" (GET http://telemetry.example/x)`, `"telemetry.example:443" (CONNECT telemetry.example:443)`, payHost} {
		if !strings.Contains(only.said(), part) {
			t.Errorf("%s: does not name %s", only.said(), part)
		}
	}
}

// A client that does not know the authority makes no calls: that must be said.
func TestProxySaysWhoDoesNotTrustIt(t *testing.T) {
	r := newRig(t)
	_, ep, only, _ := r.proxied(t, authority(t), faults.Plan{})
	if _, err := goClient(t, ep.Addr(), authority(t), false).Get("https://" + payHost + "/"); err == nil {
		t.Fatal("a stranger's certificate was taken")
	}
	for end := time.Now().Add(10 * time.Second); !strings.Contains(only.said(), "${ca.file}"); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: expected a word of it", only.said())
		}
	}
}

// What stays on the machine passes, since some clients know no exception for it.
func TestProxyPassesLoopbackOn(t *testing.T) {
	r := newRig(t)
	a := authority(t)
	_, ep, only, _ := r.proxied(t, a, faults.Plan{})
	sibling := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}), ReadHeaderTimeout: time.Minute}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go sibling.Serve(ln) //nolint:errcheck // ends with Close
	t.Cleanup(func() { _ = sibling.Close() })
	for _, keepAlive := range []bool{false, true} {
		resp, err := goClient(t, ep.Addr(), a, keepAlive).Post("http://"+ln.Addr().String()+"/x", "text/plain", strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "hello" {
			t.Errorf("got %q, %v", b, err)
		}
		_ = resp.Body.Close()
	}
	if only.said() != "[]" {
		t.Errorf("trouble: %s", only.said())
	}
}

// TestProxyForCurl goes by nothing but the variables.
func TestProxyForCurl(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Log("there is no curl")
		return
	}
	r := newRig(t)
	a := authority(t)
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, a.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, scheme := range []string{"http", "https"} {
		in, ep, only, _ := r.proxied(t, a, faults.Plan{})
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		cmd := exec.CommandContext(ctx, curl, "-sS", "-o", os.DevNull, "-w", "%{http_code}", "-d", "{}", scheme+"://"+payHost+payPath)
		cmd.Env = os.Environ()
		for k, v := range ProxyEnv(ep.Addr(), file) {
			cmd.Env = append(cmd.Env, k+"="+v)
		}
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != "200" {
			t.Errorf("%s: %s, %v", scheme, out, err)
		}
		quiet(t, in)
		if err := in.Close(); err != nil || only.said() != "[]" {
			t.Errorf("%v, %s", err, only.said())
		}
	}
}

func TestAnswersThatEndWithTheirConnection(t *testing.T) {
	for raw, want := range map[string]bool{
		"HTTP/1.0 200 OK\r\n\r\nhello":                                                 true,
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello":                            false,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n": false,
	} {
		m := newMessage(strings.NewReader(raw))
		if _, err := m.response(nil); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, m); err != nil {
			t.Fatal(err)
		}
		if m.unbounded() != want {
			t.Errorf("%q: %v, expected %v", raw, m.unbounded(), want)
		}
	}
}
