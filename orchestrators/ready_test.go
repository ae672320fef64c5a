package orchestrators

import (
	"net"
	"testing"
)

func TestListening(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if !listening(addr) {
		t.Errorf("%s: nothing listens, it is said", addr)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if listening(addr) {
		t.Errorf("%s: something listens, it is said", addr)
	}
	if !listening("127.0.0.1:http") {
		t.Error("an address that can't be told must count as listening")
	}
}
