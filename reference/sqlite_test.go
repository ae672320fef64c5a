package reference

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/saga"
)

// A file that is there with wider rights stays as it is, and the log says so once.
func TestRightsOfAnOldFile(t *testing.T) {
	for rights, warnings := range map[os.FileMode]int{0o600: 0, 0o640: 1, 0o666: 1} {
		file := filepath.Join(t.TempDir(), "saga.db")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, rights); err != nil { // whatever the umask is
			t.Fatal(err)
		}
		log := &testparticipant.Log{}
		e := OpenTest(t, Options{StoreDSN: file, Logger: slog.New(slog.NewJSONHandler(log, nil))})
		p := NewParticipant(t, nil)
		SubmitTest(t, e, p.Define("s", "a compensatable"))
		AwaitStatus(t, e, "s", saga.Completed)
		want := fmt.Sprintf(`"level":"WARN","msg":"the store's file is not for its owner alone, and bodies may hold secrets","file":%q,"rights":"%#o","expected":"0600"`, file, rights)
		if n := strings.Count(log.String(), want); n != warnings {
			t.Errorf("%#o: %d warnings in\n%s", rights, n, log)
		}
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != rights {
			t.Errorf("%#o: %v %v", rights, info, err)
		}
	}
}
