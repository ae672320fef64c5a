package main

import (
	"fmt"
	"os"
)

// refunds are the calls that undo an order: one for each item. REFUNDS_BUG is
//
//	no-key        a refund has no key: after a lost answer an item is refunded twice
//	forget-last   the last item is forgotten
//	whole         after the first item the whole sum is refunded
//	too-much      each item is refunded with 100 more
//	too-little    each item is refunded with 1 less
//	other         what is refunded is the latest payment, whosever it is
//	halves        (right) two halves in place of items
//	fee           (right where the file says so) 50 of the first item stay
func (s *shop) refunds(o *Order) (calls []call) {
	payment, charged := o.Done["charge"]
	if !charged {
		return nil
	}
	if s.bug == "other" {
		s.mu.Lock()
		payment = s.latest
		s.mu.Unlock()
	}
	refund := func(item string, amount int64) {
		calls = append(calls, call{
			name: "refund-" + item, url: fmt.Sprintf("%s/payments/%s/refunds", os.Getenv("PAYMENTS_URL"), payment),
			body: map[string]any{"order": o.ID, "item": item, "amount": amount}, keyOff: s.bug == "no-key",
		})
	}
	if s.bug == "halves" {
		refund("half", o.amount()/2)
		refund("rest", o.amount()-o.amount()/2)
		return calls
	}
	for i, it := range o.Items {
		switch {
		case s.bug == "forget-last" && i == len(o.Items)-1, s.bug == "whole" && i > 1:
			continue
		case s.bug == "whole" && i == 1:
			refund("all", o.amount())
			continue
		case s.bug == "too-much":
			it.Price += 100
		case s.bug == "too-little":
			it.Price--
		case s.bug == "fee" && i == 0:
			it.Price -= 50
		}
		refund(it.SKU, it.Price)
	}
	return calls
}
