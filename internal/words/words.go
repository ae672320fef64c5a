// Package words puts counts into English, for messages and reports.
package words

import (
	"fmt"
	"strings"
)

// Plural is a count of things: "1 cell", "2 cells", "3 searches", "4 anomalies" for
// nouns that end as those of a report do.
func Plural(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "ch"):
		return fmt.Sprintf("%d %ses", n, noun)
	case strings.HasSuffix(noun, "y") && !strings.ContainsRune("aeo", rune(noun[len(noun)-2])): // not days, keys or envoys
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(noun, "y"))
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Times is how often: "once", "2 times".
func Times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
