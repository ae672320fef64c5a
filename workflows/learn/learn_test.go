package learn

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/workflows"
)

var update = flag.Bool("update", false, "write the drafts anew")

// kept is what was learnt of a workflow.
type kept struct {
	Setup  Setup
	Record Record
}

func recorded(t *testing.T, file string) (k kept) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &k); err != nil {
		t.Fatal(err)
	}
	return k
}

func TestFirstFileIsAWorkflow(t *testing.T) {
	if _, err := workflows.Parse("workflow.yaml", First); err != nil {
		t.Error(err)
	}
}

// What was seen of each workflow in testdata gives the draft beside it.
func TestDrafts(t *testing.T) {
	all, err := filepath.Glob("testdata/*.json")
	if err != nil || len(all) == 0 {
		t.Fatal("no records: ", err)
	}
	for _, file := range all {
		t.Run(filepath.Base(file), func(t *testing.T) {
			in := recorded(t, file)
			draft, missing := Write(in.Setup, in.Record)
			if _, err := workflows.Parse("workflow.yaml", draft); err != nil && len(missing) == 0 {
				t.Errorf("the draft is no workflow, and nothing is said to be missing: %v", err)
			}
			got := string(draft)
			for _, m := range missing {
				got += "# needed by hand: " + m + "\n"
			}
			golden := strings.TrimSuffix(file, ".json") + ".yaml"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if string(want) != got {
				t.Errorf("another draft than %s (go test -update writes it anew):\n%s", golden, got)
			}
		})
	}
}

// TestDraftAfterACrash: a workflow that did not go on after it was killed is not to be killed by
// runs, and where it stood is what it says while it runs, if it was never heard to say so.
func TestDraftAfterACrash(t *testing.T) {
	in := recorded(t, "testdata/shop.json")
	for _, r := range in.Record.Runs {
		for i := range r.Calls {
			r.Calls[i].Outcome = nil // it was too busy to say where it stood
		}
	}
	in.Record.Crash = &Crash{Stood: "BEGUN", Word: "BEGUN"}
	draft, _ := Write(in.Setup, in.Record)
	for _, want := range []string{
		`crashable: false # it was killed in the middle of a start, and did not go on (it still says "BEGUN")`,
		"BEGUN: running # when it had made its first call",
	} {
		if !strings.Contains(string(draft), want) {
			t.Errorf("%q is not in\n%s", want, draft)
		}
	}
}

// TestDraftOfKeys: a step whose attempts have keys of their own takes the promise from no other
// one, and it is said which one that is; the same of a key that two calls have.
func TestDraftOfKeys(t *testing.T) {
	for name, tt := range map[string]struct {
		key  func(c *Call, run int) string
		want []string
	}{
		"changed": {func(c *Call, run int) string { return fmt.Sprintf("%p", c) }, []string{
			"shipment: {permanent: [422]} # none of 2 refused calls was made again; no same_key: its attempts had keys of their own: a repeat may do it twice\n",
			"payment: {permanent: [422], same_key: true} #",
			"each call had a key of its own, and 1 repeats the same",
		}},
		"shared": {func(c *Call, run int) string { return "ship" }, []string{
			"shipment: {permanent: [422]} # none of 2 refused calls was made again; no same_key: another call had the same key: a service may take one for a repeat of the other\n",
			"payment: {permanent: [422], same_key: true} #",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			in := recorded(t, "testdata/numbers.json")
			for run, r := range in.Record.Runs {
				for i := range r.Calls {
					if c := &r.Calls[i]; c.Service == "shipping" {
						c.Header.Set(usualKey, tt.key(c, run))
					}
				}
			}
			draft, _ := Write(in.Setup, in.Record)
			containsAll(t, string(draft), tt.want)
		})
	}
}

// TestDraftOfAccepted: all answers by which a start was seen to be taken are accepted ones.
func TestDraftOfAccepted(t *testing.T) {
	in := recorded(t, "testdata/numbers.json")
	in.Record.Again = []int{202, 200}
	in.Record.Runs[4].Code = 409 // it answers when it is over
	in.Record.Runs[5].Code = 502 // nobody knows what that is
	draft, _ := Write(in.Setup, in.Record)
	containsAll(t, string(draft), []string{
		"accepted: answer.code in [200, 202, 409] # as seen; 200 to a start that was sent again; 409 of one that it took: the answer names it\n",
	})
	if _, err := workflows.Parse("workflow.yaml", draft); err != nil {
		t.Error(err)
	}
}

// TestDraftOfIdempotentMethods: what is put again is done once, by what HTTP says of the method.
func TestDraftOfIdempotentMethods(t *testing.T) {
	in := recorded(t, "testdata/numbers.json")
	for _, r := range in.Record.Runs {
		for i := range r.Calls {
			if c := &r.Calls[i]; c.Service == "shipping" && c.Method == http.MethodPost {
				c.Method = http.MethodPut
				c.Header.Del(usualKey)
			}
		}
	}
	count := func(want int) {
		t.Helper()
		draft, _ := Write(in.Setup, in.Record)
		if n := strings.Count(string(draft), "repeat: same-answer"); n != want {
			t.Errorf("%d operations are repeated with the same answer, expected %d\n%s", n, want, draft)
		}
		if _, err := workflows.Parse("workflow.yaml", draft); err != nil {
			t.Error(err)
		}
	}
	count(1)
	n := 0
	for _, r := range in.Record.Runs {
		for i := range r.Calls {
			if c := &r.Calls[i]; c.Method == http.MethodPut { // each attempt puts another one
				n++
				c.Path += fmt.Sprint("/", 1000+n)
			}
		}
	}
	count(0)
}

// TestAnUndoSaysWhoseItIs: where it does, what it names may turn out to be another's.
func TestAnUndoSaysWhoseItIs(t *testing.T) {
	in := recorded(t, "testdata/forms.json")
	for _, r := range in.Record.Runs {
		for i := range r.Calls {
			if c := &r.Calls[i]; c.Path == "/refunds" {
				c.Body = json.RawMessage(fmt.Sprintf(`{"charge":%q,"trip":%q}`, Field(c.Body, "answer.body.charge"), Field(r.Answer, "answer.body.id")))
			}
		}
	}
	draft, _ := Write(in.Setup, in.Record)
	containsAll(t, string(draft), []string{"        which: request.body.charge == action.answer.body.id # an answer of POST /charges said it\n        saga: request.body.trip # the workflow's own id\n"})
	if _, err := workflows.Parse("workflow.yaml", draft); err != nil {
		t.Error(err)
	}
}

// TestFormsAreKeptAsFields: what a form says is found as if it were JSON.
func TestFormsAreKeptAsFields(t *testing.T) {
	const body = "amount=4200&reference=T-1"
	for kind, want := range map[string]string{
		"application/x-www-form-urlencoded; charset=utf-8": `{"amount":"4200","reference":"T-1"}`,
		"text/plain": `"amount=4200\u0026reference=T-1"`,
	} {
		if got := string(requestBody(kind, []byte(body))); got != want {
			t.Errorf("%s: kept as %s, want %s", kind, got, want)
		}
	}
}

func containsAll(t *testing.T, text string, all []string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

// A list that an answer repeats may be of any length, and is repeated as a whole.
func TestAnswerRepeatsAList(t *testing.T) {
	for name, tt := range map[string]struct {
		answers []string // to ids of a and b, and of c
		want    string
	}{
		"once":             {[]string{`{"gone":["a","b"]}`}, `{"gone":"${request.body.ids}"}`},
		"however long":     {[]string{`{"gone":["a","b"]}`, `{"gone":["c"]}`}, `{"gone":"${request.body.ids}"}`},
		"in another order": {[]string{`{"gone":["b","a"]}`}, `{"gone":["b","a"]}`},
		"an empty one":     {[]string{`{"gone":[]}`}, `{"gone":[]}`},
	} {
		t.Run(name, func(t *testing.T) {
			o := &operation{method: "POST"}
			for i, answer := range tt.answers {
				c := &seen{Call: Call{
					Body: json.RawMessage([]string{`{"none":[],"ids":["a","b"]}`, `{"none":[],"ids":["c"]}`}[i]),
					Code: 200, Answer: json.RawMessage(answer),
				}}
				c.answered = leaves("answer.body", "", value(c.Answer))
				o.calls = append(o.calls, c)
			}
			_, body, _, _ := (&Shapes{}).answerOf(o, nil)
			if got, err := json.Marshal(body); err != nil || string(got) != tt.want {
				t.Errorf("%s, %v; expected %s", got, err, tt.want)
			}
		})
	}
}

// What an answer calls by two names has two in the file, too: a workflow that undoes by the wrong
// one names something that is not there. What always is one text is one name.
func TestNamesOfAnAnswer(t *testing.T) {
	for name, tt := range map[string]struct {
		answers []string // to calls of several runs
		want    string
	}{
		"two ids":           {[]string{`{"id":"pay_1","invoiceId":"in_91"}`, `{"id":"pay_2","invoiceId":"in_92"}`}, `{"id":"${new.id}","invoiceId":"invoice-id-${new.id}"}`},
		"said twice":        {[]string{`{"id":"pay_1","data":{"payment_id":"pay_1"}}`, `{"id":"pay_2","data":{"payment_id":"pay_2"}}`}, `{"data":{"payment_id":"${new.id}"},"id":"${new.id}"}`},
		"alike only once":   {[]string{`{"id":"1","orderRef":"1"}`, `{"id":"2","orderRef":"7"}`}, `{"id":"${new.id}","orderRef":"order-ref-${new.id}"}`},
		"of a list":         {[]string{`{"lines":[{"id":"i-3-0"},{"id":"i-3-1"},{"id":"i-3-2"}]}`, `{"lines":[{"id":"i-4-0"},{"id":"i-4-1"},{"id":"i-4-2"}]}`}, `{"lines":[{"id":"${new.id}"},{"id":"id-${new.id}"},{"id":"id-2-${new.id}"}]}`},
		"a list of names":   {[]string{`{"ids":["i-3-0","i-3-1"]}`, `{"ids":["i-4-0","i-4-1"]}`, `{"ids":["i-5-0","i-5-1"]}`}, `{"ids":["${new.id}","ids-${new.id}"]}`},
		"the id comes late": {[]string{`{"capture":"cap00001","id":"pay_1"}`, `{"capture":"cap00002","id":"pay_2"}`}, `{"capture":"capture-${new.id}","id":"${new.id}"}`},
		"no name":           {[]string{`{"balance":4200,"id":"pay_1"}`, `{"balance":4300,"id":"pay_2"}`}, `{"balance":4200,"id":"${new.id}"}`},
	} {
		t.Run(name, func(t *testing.T) {
			o := &operation{method: "POST"}
			for i, answer := range tt.answers {
				c := &seen{run: i, Call: Call{Path: fmt.Sprint("/payments/", i), Code: 200, Answer: json.RawMessage(answer)}}
				c.answered = leaves("answer.body", "", value(c.Answer))
				o.calls = append(o.calls, c)
			}
			_, body, _, _ := (&Shapes{}).answerOf(o, nil)
			if got, err := json.Marshal(body); err != nil || string(got) != tt.want {
				t.Errorf("%s, %v; expected %s", got, err, tt.want)
			}
		})
	}
}

// TestNamesThatAreNumbers: a second one is told to be another number.
func TestNamesThatAreNumbers(t *testing.T) {
	in := recorded(t, "testdata/numbers.json")
	for _, r := range in.Record.Runs {
		for i := range r.Calls {
			if c := &r.Calls[i]; c.Method == http.MethodPost && c.Path == "/payments" && c.Code == 201 {
				c.Answer = json.RawMessage(strings.TrimSuffix(string(c.Answer), "}") + fmt.Sprintf(`,"accountingNumber":%s1}`, Field(c.Answer, "answer.body.paymentId")))
			}
		}
	}
	draft, _ := Write(in.Setup, in.Record)
	containsAll(t, string(draft), []string{
		`paymentId: "${new.id}"`, `'${int(split(new.id, "-")[1])}' is one`,
		`accountingNumber: "accounting-number-${new.id}"`, `'${1000000 + int(split(new.id, "-")[1])}' is one`,
	})
	if _, err := workflows.Parse("workflow.yaml", draft); err != nil {
		t.Error(err)
	}
}

// batchOf is the batch of testdata, each item of which has so much in a field of another name.
func batchOf(t *testing.T, field string) kept {
	t.Helper()
	in := recorded(t, "testdata/batch.json")
	for _, r := range in.Record.Runs {
		for i := range r.Calls {
			c := &r.Calls[i]
			c.Body = json.RawMessage(strings.ReplaceAll(string(c.Body), `"qty"`, fmt.Sprintf("%q", field)))
		}
	}
	return in
}

// TestItemsOfWhichNothingIsKnown: what each undo of one item gives back has to be written by hand
// where no amount tells it. Without that all would be given back by the first.
func TestItemsOfWhichNothingIsKnown(t *testing.T) {
	in := batchOf(t, "size")
	draft, missing := Write(in.Setup, in.Record)
	containsAll(t, string(draft), []string{"each: request.path.reservationId #", "# effect: TODO: each call undoes a part: the changes of that part\n"})
	containsAll(t, strings.Join(missing, "\n"), []string{"DELETE /reservations/{reservationId} undoes POST /batch-reservations in parts"})
	if _, err := workflows.Parse("workflow.yaml", draft); err == nil || !strings.Contains(err.Error(), "expected changes of its own") {
		t.Errorf("the draft is run without that: %v", err)
	}
}

// TestPricesOfItems: each item of a list is taken for its own price, and not all for the last one's.
func TestPricesOfItems(t *testing.T) {
	in := batchOf(t, "price")
	draft, _ := Write(in.Setup, in.Record)
	containsAll(t, string(draft), []string{
		`from: "sku:${request.body.lines[0].sku}", to: inventory, amount: "${request.body.lines[0].price}"`,
		`from: "sku:${request.body.lines[1].sku}", to: inventory, amount: "${request.body.lines[1].price}"`,
	})
}
