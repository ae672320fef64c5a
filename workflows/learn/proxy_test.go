package learn

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// client goes through the proxy of a recorder, whose authority it trusts.
func client(t *testing.T, r *Recorder) *http.Client {
	t.Helper()
	addr, authority, ok := r.Proxy()
	if !ok {
		t.Fatal("there is no proxy")
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	tr := &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: addr}), TLSClientConfig: &tls.Config{RootCAs: pool}}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// Calls to a host are those of its service, however they come; their answers may be lost;
// addresses on this machine are passed on, and any other host is refused.
func TestProxy(t *testing.T) {
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.WriteString(w, req.URL.RequestURI())
	}))
	defer behind.Close()
	r, err := NewRecorder(map[string]string{"payments": behind.URL}, nil, map[string]string{"payments": "api.pay.example"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	c := client(t, r)
	get := func(url string) string {
		res, err := c.Get(url)
		if err != nil {
			return "error"
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		return fmt.Sprint(res.StatusCode, " ", string(b), err)
	}
	for _, base := range []string{"http://api.pay.example", "https://api.pay.example", "https://api.pay.example:8443", behind.URL} {
		r.Begin(nil, nil)
		if got := get(base + "/a?b=c"); got != "200 /a?b=c<nil>" {
			t.Errorf("%s: %s", base, got)
		}
		calls, err := r.End()
		if want := base != behind.URL; err != nil || want != (len(calls) == 1 && calls[0].Service == "payments" && calls[0].Path == "/a") {
			t.Errorf("%s: %+v, %v", base, calls, err)
		}
	}
	r.Begin(func(Call) Fate { return Lost }, nil)
	if got := get("https://api.pay.example/lost"); got != "error" {
		t.Errorf("a lost answer came: %s", got)
	}
	r.Begin(nil, nil)
	if got := get("http://elsewhere.example/"); !strings.HasPrefix(got, "403 ") {
		t.Errorf("a host that nobody declared: %s", got)
	}
	if _, err := r.End(); err == nil || !strings.Contains(err.Error(), `"elsewhere.example" was refused`) {
		t.Errorf("it was not told: %v", err)
	}
}

// What is in a tunnel may be plain, and who does not trust the authority is told of.
func TestTunnels(t *testing.T) {
	behind := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer behind.Close()
	r, err := NewRecorder(map[string]string{"payments": behind.URL}, nil, map[string]string{"payments": "api.pay.example"})
	if err != nil {
		t.Fatal(err)
	}
	addr, _, _ := r.Proxy()
	open := func() (net.Conn, *bufio.Reader) {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(conn)
		_, err1 := io.WriteString(conn, "CONNECT api.pay.example:80 HTTP/1.1\r\nHost: api.pay.example:80\r\n\r\n")
		res, err2 := http.ReadResponse(in, nil)
		if err := errors.Join(err1, err2); err != nil || res.StatusCode != http.StatusOK {
			t.Fatal(err, res)
		}
		return conn, in
	}
	r.Begin(nil, nil)
	plain, in := open()
	if _, err := io.WriteString(plain, "GET /x HTTP/1.1\r\nHost: api.pay.example\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if res, err := http.ReadResponse(in, nil); err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("plain: %+v, %v", res, err)
	}
	left, _ := open()
	_, _ = left.Write([]byte{0x16, 3, 1}) // the beginning of a handshake
	_ = left.(*net.TCPConn).CloseWrite()
	_, _ = io.ReadAll(left) // it ends when that is known
	_ = left.Close()
	if _, err := r.End(); err != nil {
		t.Errorf("a client that left in the middle of a handshake: %v", err)
	}
	distrusts, _ := open()
	if err := tls.Client(distrusts, &tls.Config{ServerName: "api.pay.example"}).Handshake(); err == nil {
		t.Error("an authority of ours is trusted by all")
	}
	_, _ = io.ReadAll(distrusts) // it ends when that is known
	if _, err := r.End(); err == nil || !strings.Contains(err.Error(), "does it trust the authority in ${ca.file}?") {
		t.Errorf("a client that does not trust the authority: %v", err)
	}
	spare, _ := open()
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	_, _ = io.ReadAll(spare) // it ends with the recorder, however
	for _, c := range []net.Conn{plain, distrusts, spare} {
		_ = c.Close() // they are over
	}
}
