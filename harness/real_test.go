package harness_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/wire"
)

// payingAt is the shop's file with a real service behind pay.
func payingAt(addr string) string {
	return strings.Replace(shopFile, "  pay:\n", "  pay:\n    upstream: http://"+addr+"\n    pass: [GET /healthz]\n", 1)
}

// wordForWord answers each connection with the same bytes, and leaves it open unless it hangs
// up.
func wordForWord(t *testing.T, answer []byte, hangsUp bool) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf := make([]byte, 64<<10)
				if _, err := c.Read(buf); err != nil {
					return // a look whether somebody listens
				}
				_, _ = c.Write(answer)
				if !hangsUp {
					_, _ = io.Copy(io.Discard, c)
				}
			}()
		}
	}()
	return l.Addr().String()
}

// raw sends a request and gives all that comes back.
func raw(ctx context.Context, method, url string, body []byte) ([]byte, error) {
	host, path, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(c, "%s /%s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", method, path, host, len(body), body); err != nil {
		return nil, err
	}
	return io.ReadAll(c)
}

// TestRealAnswersPassByteForByte: what a real service answers reaches the workflow as it was
// sent, but for what says that the connection ends.
func TestRealAnswersPassByteForByte(t *testing.T) {
	t.Parallel()
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, _ = w.Write([]byte(`{"id":"p-7"}`))
	_ = w.Close()
	large := `{"id":"p-7","note":"` + strings.Repeat("x", 10<<20) + `"}`
	for name, c := range map[string]struct {
		head, body string
		hangsUp    bool
		interim    string
	}{
		"keep-alive": {head: "x-Odd-CASE:  a\r\nX-Two: 1\r\nX-Two: 2\r\nKeep-Alive: timeout=5\r\nContent-Length: 12\r\nconnection: keep-alive\r\n", body: `{"id":"p-7"}`},
		"chunked":    {head: "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n", body: "5;name=value\r\n{\"id\"\r\n7\r\n:\"p-7\"}\r\n0\r\nX-Sum: 1\r\n\r\n"},
		"gzip":       {head: fmt.Sprintf("Content-Encoding: gzip\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", z.Len()), body: z.String()},
		"large":      {head: fmt.Sprintf("Content-Length: %d\r\n", len(large)), body: large},
		"until-end":  {head: "Content-Type: application/json\r\n", body: `{"id":"p-7"}`, hangsUp: true},
		"interim":    {head: "Content-Length: 12\r\n", body: `{"id":"p-7"}`, interim: "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			const status = "HTTP/1.1 201 As It Likes\r\n"
			addr := wordForWord(t, []byte(c.interim+status+c.head+"\r\n"+c.body), c.hangsUp)
			var got atomic.Pointer[[]byte]
			s := &shop{send: func(ctx context.Context, method, url string, body []byte) (int, []byte, error) {
				if !strings.HasSuffix(url, "/payments") {
					return usual(ctx, method, url, body)
				}
				answer, err := raw(ctx, method, url, body)
				got.Store(&answer)
				return http.StatusCreated, nil, err
			}}
			h, flow := startShopOf(t, s, "127.0.0.1", payingAt(addr))
			ix := history.NewIndex(runShop(t, h, flow, 1, faults.Plan{}))
			var kept []string
			for _, line := range strings.SplitAfter(c.head, "\r\n") {
				if name, _, _ := strings.Cut(strings.ToLower(line), ":"); name != "connection" && name != "keep-alive" {
					kept = append(kept, line)
				}
			}
			want := status + strings.Join(kept, "") + "Connection: close\r\n\r\n" + c.body
			if answer := string(*got.Load()); answer != want {
				t.Errorf("%d bytes came, expected %d: %.300q", len(answer), len(want), answer)
			}
			o := ix.Sagas[0].Op("charge", saga.Action)
			if len(o.Effects) != 1 || o.Effects[0].Ref != "p-7" || o.Effects[0].Detail != "" {
				t.Errorf("it did %+v, expected p-7", o.Effects)
			}
		})
	}
}

// payments is a real service that takes money, in one of several ways.
type payments struct {
	mu    sync.Mutex
	seen  []string // customers, as often as they paid
	keyed bool     // the same customer again gets the same answer
	mute  bool     // it says no name
	stern bool     // the same customer again is a conflict
	code  int      // of all answers; 0: 201
}

func (p *payments) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body struct{ Customer string }
	if r.Method == http.MethodGet {
		fmt.Fprint(w, "I am well")
		return
	}
	_ = json.NewDecoder(r.Body).Decode(&body)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stern && slices.Contains(p.seen, body.Customer) {
		w.WriteHeader(http.StatusConflict)
		return
	}
	n := slices.Index(p.seen, body.Customer)
	if !p.keyed || n < 0 {
		n = len(p.seen)
		p.seen = append(p.seen, body.Customer)
	}
	w.WriteHeader(max(p.code, http.StatusCreated))
	if !p.mute {
		fmt.Fprintf(w, `{"id":"p-%d"}`, n+1)
	}
}

// TestEffectsOfRealServices: what a real service did is what it says: other names are other
// effects, the same name is the same one, and without names nobody can tell.
func TestEffectsOfRealServices(t *testing.T) {
	for name, c := range map[string]struct {
		service *payments
		refs    []string // a name of ours is ""
	}{
		"naive":    {&payments{}, []string{"p-1", "p-2"}},
		"keyed":    {&payments{keyed: true}, []string{"p-1"}},
		"nameless": {&payments{mute: true}, []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(c.service)
			defer srv.Close()
			h, flow := startShopOf(t, &shop{send: usual}, "127.0.0.1", payingAt(srv.Listener.Addr().String()))
			lost := faults.Plan{Faults: []faults.Fault{{Kind: "reset", Saga: 1, At: mustPoint("charge#1@response")}}}
			hist := runShop(t, h, flow, 1, lost)
			endsWell(t, hist, 2)
			o := history.NewIndex(hist).Sagas[0].Op("charge", saga.Action)
			var refs []string
			for _, e := range o.Effects {
				if e.Detail == history.Unnamed {
					refs = append(refs, "")
					continue
				}
				refs = append(refs, e.Ref)
			}
			if !slices.Equal(refs, c.refs) {
				t.Errorf("effects %q, expected %q", refs, c.refs)
			}
			for _, e := range hist.Events {
				if e.Kind == history.LedgerRead && e.Participant == "pay" {
					t.Errorf("a ledger of the real service was read: %v", e.Balances)
				}
			}
			if len(c.refs) == 1 && o.Attempts[1].Answered[0].Detail != history.Replayed {
				t.Errorf("the second answer: %+v", o.Attempts[1].Answered[0])
			}
			if !hist.Real("charge") || hist.Real("reserve") {
				t.Errorf("real are %v", hist.Header.Real)
			}
		})
	}
}

// TestDoneBefore: a real service that takes the same again for a conflict has done it before, by
// what it said then.
func TestDoneBefore(t *testing.T) {
	srv := httptest.NewServer(&payments{stern: true})
	defer srv.Close()
	known := func(ctx context.Context, method, url string, body []byte) (int, []byte, error) {
		code, answer, err := usual(ctx, method, url, body)
		if code == http.StatusConflict { // it was done
			code = http.StatusCreated
		}
		return code, answer, err
	}
	h, flow := startShopOf(t, &shop{send: known}, "127.0.0.1", payingAt(srv.Listener.Addr().String()))
	lost := faults.Plan{Faults: []faults.Fault{{Kind: "reset", Saga: 1, At: mustPoint("charge#1@response")}}}
	o := history.NewIndex(runShop(t, h, flow, 1, lost)).Sagas[0].Op("charge", saga.Action)
	if len(o.Attempts) != 2 {
		t.Fatalf("%d attempts, expected 2", len(o.Attempts))
	}
	if a := o.Attempts[1].Answered[0]; a.Code != http.StatusConflict || a.Detail != history.DoneBefore {
		t.Errorf("the second answer: %+v", a)
	}
}

// TestRefusedInFrontOfRealServices: a refusal is given in the place of the service, which does
// not see the call; a copy that the network makes it does see.
func TestRefusedInFrontOfRealServices(t *testing.T) {
	service := &payments{}
	srv := httptest.NewServer(service)
	defer srv.Close()
	h, flow := startShopOf(t, &shop{send: usual}, "127.0.0.1", payingAt(srv.Listener.Addr().String()))
	refused := faults.Plan{Faults: []faults.Fault{{Kind: "reject", At: mustPoint("charge#1@receive")}}}
	hist := runShop(t, h, flow, 1, refused)
	endsWell(t, hist, 2)
	if n := len(service.seen); n != 1 {
		t.Errorf("the service saw %d payments, expected only the one that was not refused", n)
	}
	twice := faults.Plan{Faults: []faults.Fault{{Kind: "duplicate", At: mustPoint("charge#1@request")}}}
	if o := history.NewIndex(runShop(t, h, flow, 1, twice)).Sagas[0].Op("charge", saga.Action); len(o.Effects) != 2 || len(service.seen) != 3 {
		t.Errorf("%d effects, %d payments: expected that of the call and that of its copy", len(o.Effects), len(service.seen))
	}
}

// TestRealServiceWithTLS: a real service may speak TLS; the authority that vouches for it is the
// one that the file names.
func TestRealServiceWithTLS(t *testing.T) {
	service := &payments{}
	srv := httptest.NewTLSServer(service)
	defer srv.Close()
	addr := srv.Listener.Addr().String()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	secure := strings.Replace(payingAt(addr), "upstream: http://"+addr, "upstream: https://"+addr+"\n    ca: "+ca, 1)
	h, flow := startShopOf(t, &shop{send: usual}, "127.0.0.1", secure)
	lost := faults.Plan{Faults: []faults.Fault{{Kind: "reset", Saga: 1, At: mustPoint("charge#1@response")}}}
	endsWell(t, runShop(t, h, flow, 1, lost), 2)
	if n := len(service.seen); n != 2 {
		t.Errorf("the service saw %d payments, expected the one whose answer was lost, and its repetition", n)
	}
	stranger := wire.Real{Service: "pay", Upstream: wire.Upstream{Addr: addr, TLS: true}}
	if err := stranger.Reach(t.Context()); err == nil || !strings.Contains(err.Error(), "services.pay.upstream: https://"+addr+" can't be reached") || !strings.Contains(err.Error(), "unknown authority") {
		t.Errorf("a certificate from nobody known: %v", err)
	}
}

// TestCallsThatDoNotMatterPass: they go through to the real service.
func TestCallsThatDoNotMatterPass(t *testing.T) {
	srv := httptest.NewServer(&payments{})
	defer srv.Close()
	s := &shop{send: usual}
	startShopOf(t, s, "127.0.0.1", payingAt(srv.Listener.Addr().String()))
	code, body, err := usual(t.Context(), http.MethodGet, s.url["pay"]+"/healthz", nil)
	if err != nil || code != http.StatusOK || string(body) != "I am well" {
		t.Errorf("%d %q, %v: expected what the service says", code, body, err)
	}
}

// TestTroubleWithRealServices: what goes wrong with one, and is no fault of the plan, is never
// the workflow's.
func TestTroubleWithRealServices(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		want   string
	}{
		"hangs up":       {"", "it hung up"},
		"in the middle":  {"HTTP/1.1 201 Created\r\nContent-Length: 30\r\n\r\n{", "it hung up"},
		"speaks no HTTP": {"220 smtp.example ESMTP\r\n", "it is no HTTP"},
	} {
		t.Run(name, func(t *testing.T) {
			addr := wordForWord(t, []byte(c.answer), true)
			h, flow := startShopOf(t, &shop{send: usual}, "127.0.0.1", payingAt(addr))
			r := h.RunCell(t.Context(), harness.Cell{
				ID: nextID(), Scenario: flow.Name, Source: harness.Outline{Flow: flow}, Sagas: 1, Profile: participants.Naive,
			})
			if r.Err == nil || !strings.Contains(r.Err.Error(), "services.pay.upstream: http://"+addr+" gave no whole answer to POST /payments") || !strings.Contains(r.Err.Error(), c.want) {
				t.Errorf("%v, expected %q", r.Err, c.want)
			}
		})
	}
	gone := httptest.NewServer(&payments{})
	h, flow := startShopOf(t, &shop{send: usual}, "127.0.0.1", payingAt(gone.Listener.Addr().String()))
	gone.Close()
	r := h.RunCell(t.Context(), harness.Cell{ID: nextID(), Scenario: flow.Name, Source: harness.Outline{Flow: flow}, Sagas: 1, Profile: participants.Naive})
	if r.Err == nil || !strings.Contains(r.Err.Error(), "nothing listens there: start the service") || errors.Is(r.Err, context.Canceled) {
		t.Errorf("gone: %v", r.Err)
	}
}
