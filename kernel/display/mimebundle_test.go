package display_test

import (
	"testing"

	"spindle/kernel/display"
)

type verdict struct{ claim string }

func (v verdict) String() string { return v.claim + " holds" }
func (v verdict) MIMEBundle() map[string]any {
	return map[string]any{"application/vnd.spindle.verdict+json": map[string]any{"claim": v.claim}}
}

func TestMIMEBundleAddsToTheOtherForms(t *testing.T) {
	b, ok := display.Of(verdict{"P1"})
	if !ok {
		t.Fatal("nothing to show")
	}
	if b.Data["text/plain"] != "P1 holds" {
		t.Errorf("text is %q", b.Data["text/plain"])
	}
	m, _ := b.Data["application/vnd.spindle.verdict+json"].(map[string]any)
	if m["claim"] != "P1" {
		t.Errorf("the added form is %v", m)
	}
}
