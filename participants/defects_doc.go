package participants

import (
	"bytes"
	"fmt"
	"io"
)

// DefectsReference writes the section of docs/defects.md about the participants.
func DefectsReference(w io.Writer) error {
	var b bytes.Buffer
	b.WriteString(`
## Defects of the participants

Where the anomaly is theirs and not the orchestrator's. ` + "`sagacheck run --defect NAME`" + ` switches
one on in all participants.

| switch | anomaly | what it does | modelled on |
|---|---|---|---|
`)
	for _, d := range AllDefects() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", d.Name, d.Anomaly, d.Description, d.Source)
	}
	_, err := w.Write(b.Bytes())
	return err
}
