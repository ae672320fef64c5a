package workflows

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/internal/templates"
)

// mostAnswered bounds what a server or a command says to a question: a part of it would
// be judged as if it were all.
const mostAnswered = 1 << 20

func readAll(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, mostAnswered+1))
	if err == nil && len(b) > mostAnswered {
		err = fmt.Errorf("it said more than %d bytes", mostAnswered)
	}
	return b, err
}

// httpAsk asks a server of this machine.
type httpAsk struct{ url *templates.Text }

func (c *compiler) httpQuestion(at, request string) question {
	target, ok := strings.CutPrefix(request, "GET ")
	if !ok {
		c.bad(at+".http", "%q: expected GET /path at system.base, or GET http://127.0.0.1:…", request)
		return nil
	}
	if strings.HasPrefix(target, "/") {
		target = c.w.System.Base + target
	}
	c.placed(at+".http", target)
	return httpAsk{c.text(at+".http", escapePlaces(target), factVars)}
}

func (httpAsk) vars() []string { return []string{"answer"} }

func (q httpAsk) ask(ctx context.Context, s setting) (map[string]any, error) {
	env := s.env()
	env["id"] = escaped(s.Saga.Own) // as in outcome.request
	target, err := q.url.Render(env)
	if err != nil {
		return nil, err
	}
	target = s.fill(unescapePlaces(target))
	u, err := url.Parse(target)
	if err != nil || !slices.Contains([]string{"127.0.0.1", "localhost", "::1"}, u.Hostname()) {
		return nil, fmt.Errorf("%q: expected a server of this machine", target)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	resp, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := readAll(resp.Body)
	if err != nil {
		return nil, err
	}
	return map[string]any{"answer": map[string]any(AnswerOf(resp.StatusCode, resp.Header, b))}, nil
}
