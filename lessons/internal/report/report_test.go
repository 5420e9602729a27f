package report

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"spindle/lessons/lab"
	"spindle/lessons/refs"
)

// save writes a result of the experiment with one measurement, in ns or B.
func save(t *testing.T, dir, name, measure, unit string, day int, values ...float64) {
	t.Helper()
	r := lab.Result{
		Name: name, Title: "Title of " + name, Env: lab.Env{Date: time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC)},
		Samples: []lab.Samples{{ID: measure, Of: "it", Name: "thing", Unit: unit, Values: values}},
	}
	if err := os.WriteFile(filepath.Join(dir, name+".json"), []byte(r.JSON()), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReport(t *testing.T) {
	old, recent := t.TempDir(), t.TempDir()
	save(t, old, "memory", "memory/goroutine-stack", "B", 1, 1, 1, 1)
	save(t, recent, "memory", "memory/goroutine-stack", "B", 2, 4096, 4096, 4096)
	save(t, old, "pipe", "nobody/published", "ns", 1, 5)
	if err := os.WriteFile(filepath.Join(old, "broken.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	results, err := Load(recent, old, filepath.Join(old, "none"))
	if err == nil || !strings.Contains(err.Error(), "broken.json") {
		t.Errorf("the broken file is told as %v", err)
	}
	if len(results) != 2 || results["memory"].Samples[0].Values[0] != 4096 {
		t.Fatalf("the newest results are not these: %v", results)
	}
	r := Make(results)
	if len(r.Results)+len(r.Missing) != len(lab.Experiments()) {
		t.Errorf("%d results and %d missing of %d experiments", len(r.Results), len(r.Missing), len(lab.Experiments()))
	}

	published := refs.Of("memory/goroutine-stack")
	rows := r.Rows()
	if len(rows) != len(published) {
		t.Fatalf("%d rows for %d published figures", len(rows), len(published))
	}
	for i, row := range rows {
		value, ok := published[i].In("B")
		if !ok {
			t.Fatalf("%s isn't in bytes", published[i].ID)
		}
		if row.Published != value || row.Ratio != 4096/value || row.Measured.Median != 4096 {
			t.Errorf("row %+v, want %v published", row, value)
		}
	}

	b, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var back struct {
		Compared []Row
		Missing  []string
	}
	if err := json.Unmarshal(b, &back); err != nil || len(back.Compared) != len(rows) || len(back.Missing) == 0 {
		t.Errorf("JSON: %v, %d rows, missing %v", err, len(back.Compared), back.Missing)
	}
	if text := r.Text(); !strings.Contains(text, "Title of memory") || strings.Contains(text, "Title of pipe") || !strings.Contains(text, "not measured on this machine yet") {
		t.Errorf("text:\n%s", text)
	}
	if _, err := r.Notebook().Encode(); err != nil {
		t.Errorf("the report as a notebook: %v", err)
	}
}

// Every published figure that names a measure of the lab's can be set beside it.
func TestPublishedHaveUnitsOfTheLab(t *testing.T) {
	for i, p := range Published() {
		if p.Measure == "" || p.Source == "" || p.Base() != p.Base() {
			t.Errorf("figure %d: %+v", i, p)
		}
	}
}
