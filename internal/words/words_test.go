package words

import "testing"

func TestPlural(t *testing.T) {
	for want, of := range map[string]struct {
		n    int
		noun string
	}{
		"1 anomaly":           {1, "anomaly"},
		"0 cells":             {0, "cell"},
		"2 searches":          {2, "search"},
		"3 anomalies":         {3, "anomaly"},
		"4 passing histories": {4, "passing history"},
		"5 plans":             {5, "plan"},
		"2 properties":        {2, "property"},
		"3 days":              {3, "day"},
	} {
		if got := Plural(of.n, of.noun); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTimes(t *testing.T) {
	for n, want := range map[int]string{0: "0 times", 1: "once", 2: "2 times"} {
		if got := Times(n); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
