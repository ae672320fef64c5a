package learn

// types are those of the values that were seen at one place of a message.
type types int

const (
	none  types = 0
	texts types = 1 << iota
	numbers
)

// requested and answered are the two messages of a call.
func requested(c *seen) []leaf { return c.request }
func answered(c *seen) []leaf  { return c.answered }

// typeOf is what was seen at a path in messages of some calls. What stands in a path, a query
// or a header is a text, whatever it looks like.
func typeOf(calls []*seen, in func(*seen) []leaf, path string) types {
	all := none
	for _, c := range calls {
		switch l, ok := find(in(c), path); {
		case !ok:
		case l.number:
			all |= numbers
		default:
			all |= texts
		}
	}
	return all
}

// sameType tells whether values of two places may be compared as they are.
func sameType(a, b types) bool { return a == b && (a == texts || a == numbers) }

// equal compares two values, as texts where they are not of one type: 2 is not "2".
func equal(a, b string, sameType bool) string {
	if sameType {
		return a + " == " + b
	}
	return "string(" + a + ") == string(" + b + ")"
}
