package reports

import (
	"regexp"
	"strings"
)

// plainWord is what every shell takes as it is.
var plainWord = regexp.MustCompile(`^[a-zA-Z0-9_./:@%+,][a-zA-Z0-9_./:@%+,=-]*$`)

// QuotePath makes a path a word of a shell's command line.
func QuotePath(s string) string {
	if strings.HasPrefix(s, "-") {
		s = "./" + s // it is no flag
	}
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
