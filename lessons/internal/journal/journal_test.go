package journal

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestChangeIsThereAfterReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "journal.json")
	b, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := b.Read(); err != nil || len(p.Measured) != 0 {
		t.Fatalf("a journal not yet written: %v, %v", p, err)
	}
	for i, key := range []string{"switch.thread", "switch.goroutine"} {
		if err := b.Change(func(p *Pages) { p.Measured[key] = Number{Value: float64(i + 1), Unit: "µs"} }); err != nil {
			t.Fatal(err)
		}
	}
	again, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	p, err := again.Read()
	if err != nil || p.Measured["switch.thread"].Value != 1 || p.Measured["switch.goroutine"].Value != 2 {
		t.Errorf("read %+v, %v", p.Measured, err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".journal-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("temporary files left: %v, %v", left, err)
	}
}

// A broken journal is reported and kept, never overwritten.
func TestBrokenJournalIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.json")
	if err := os.WriteFile(path, []byte(`{"guesses": `), 0o644); err != nil {
		t.Fatal(err)
	}
	b, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	err = b.Change(func(p *Pages) { p.Passed["04-1"] = true })
	if err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("changing a broken journal: %v", err)
	}
	if text, _ := os.ReadFile(path); string(text) != `{"guesses": ` {
		t.Errorf("the broken journal is now %q", text)
	}
}

func TestWhereTheJournalIs(t *testing.T) {
	t.Setenv(Env, "")
	t.Setenv("XDG_DATA_HOME", "/data")
	if b, err := Open(""); err != nil || b.Path() != "/data/spindle/journal.json" {
		t.Errorf("%v, %v", b, err)
	}
	t.Setenv("XDG_DATA_HOME", "")
	t.Setenv("HOME", "/home/x")
	if b, err := Open(""); err != nil || b.Path() != "/home/x/.local/share/spindle/journal.json" {
		t.Errorf("%v, %v", b, err)
	}
	t.Setenv(Env, "/j.json")
	if b, err := Open(""); err != nil || b.Path() != "/j.json" {
		t.Errorf("%v, %v", b, err)
	}
}
