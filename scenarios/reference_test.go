package scenarios

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestReferencePageIsFresh(t *testing.T) {
	var b bytes.Buffer
	if err := Reference(&b); err != nil {
		t.Fatal(err)
	}
	fresh(t, "../docs/scenarios.md", b.Bytes())
}

func TestList(t *testing.T) {
	var b bytes.Buffer
	if err := List(&b, All()); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(b.String()) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	for _, want := range []string{"order 1 reserve → charge → ship! → notify?", "booking 1 [flight hotel car] → payment"} {
		if !slices.Contains(lines, want) {
			t.Errorf("expected the line %q in\n%s", want, b.String())
		}
	}
}

func TestTrackRecordIsFresh(t *testing.T) {
	var b bytes.Buffer
	if err := TrackRecord(&b); err != nil {
		t.Fatal(err)
	}
	fresh(t, "../docs/track-record.md", b.Bytes())
}

func TestKnowledgePageIsFresh(t *testing.T) {
	var b bytes.Buffer
	if err := Knowledge(&b); err != nil {
		t.Fatal(err)
	}
	fresh(t, "../docs/knowledge-base.md", b.Bytes())
}
