package orchestrators

import (
	"strings"
	"testing"
)

func TestCheckName(t *testing.T) {
	for name, want := range map[string]string{
		"":                        "expected a name, the path of a manifest, or a URL: http://host:port",
		"  ":                      "expected a name",
		"127.0.0.1:8080":          "did you mean http://127.0.0.1:8080",
		"localhost:8080/base":     "did you mean http://localhost:8080/base",
		"[::1]:80":                "did you mean http://[::1]:80",
		":8080":                   "did you mean http://127.0.0.1:8080",
		"ftp://x":                 `scheme "ftp": expected http://host:port`,
		"http://":                 "has no host",
		"http://:8080":            "has no host",
		"http://a b":              "expected http://host:port",
		"http://x:80?y":           "without ? and #",
		"reference":               "",
		"./mine/":                 "",
		"mine/orchestrator.yaml":  "",
		"http://127.0.0.1:8080":   "",
		"https://me:pw@x.example": "",
	} {
		err := CheckName(name)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
}
