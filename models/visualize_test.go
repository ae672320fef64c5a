package models_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/testbrowser"
	"github.com/sagacheck/sagacheck/models"
)

// What a service says is left in a register is text in a picture, wherever one points.
func TestPictureRunsNoScriptOfOthers(t *testing.T) {
	const hostile = `</script><script>window.ran = true</script><img src=x onerror="window.ran = true">`
	ix := index(t, onePayment+"2ms call-committed s1 charge#1\n3ms call-committed s1 charge.undo#1 effect=shop/order:shipped>new\n9ms ledger-read shop shop/order=new")
	for i := range ix.History.Events {
		if e := &ix.History.Events[i]; e.Kind == history.CallCommitted {
			e.Effect.Writes[0].To += hostile
		}
	}
	var b strings.Builder
	if err := models.Visualize(ix.History, ix, "lost-update", &b); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "picture.html"), []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	browser := testbrowser.Open(t, "file://"+dir)
	browser.Go("/picture.html")
	if !browser.Holds(`(window.told = [...document.querySelectorAll("#canvas svg *")].map((e) => {
		e.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
		e.dispatchEvent(new MouseEvent("mousemove", { bubbles: true }));
		return document.querySelector(".tooltip").textContent;
	})).some((text) => text.includes("onerror"))`) {
		t.Error("no state is told")
	}
	if !browser.Holds(`!document.querySelector("img") && document.querySelectorAll("script").length === 1 && !window.ran`) {
		t.Error("what a service said is markup")
	}
	browser.Clean()
}
