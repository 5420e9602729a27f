package check

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"spindle/kernel/display"
	"spindle/lessons/internal/journal"
	"spindle/lessons/lab"
)

// page is a Sink that keeps what is shown.
type page struct {
	sync.Mutex
	shown []display.Bundle
}

func (p *page) Show(b display.Bundle) {
	p.Lock()
	defer p.Unlock()
	p.shown = append(p.shown, b)
}

func (p *page) ClearOutput(bool) {}

func (p *page) take() []display.Bundle {
	p.Lock()
	defer p.Unlock()
	s := p.shown
	p.shown = nil
	return s
}

var shown page

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "journal")
	if err != nil {
		panic(err)
	}
	os.Setenv(journal.Env, filepath.Join(dir, "journal.json"))
	os.Setenv("SPINDLE_RESULTS", filepath.Join(dir, "results"))
	display.Connect(&shown)
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func TestVerdictFollowsTheEvidence(t *testing.T) {
	for _, c := range []struct {
		evidence []bool
		want     string
	}{
		{[]bool{true, true}, holds},
		{[]bool{true, false}, inPart},
		{[]bool{false, false}, fails},
		{[]bool{true}, holds},
		{[]bool{false}, fails},
	} {
		shown.take()
		k := For("P3")
		for _, ok := range c.evidence {
			k.Test("a <statement>", ok, "seen & noted")
		}
		k.Verdict()
		got := shown.take()
		if len(got) != 1 {
			t.Fatalf("%v: %d outputs", c.evidence, len(got))
		}
		data, _ := got[0].Data[mimeVerdict].(map[string]any)
		if data["claim"] != "P3" || data["verdict"] != c.want || data["reason"] == "" {
			t.Errorf("%v: %v; want %q", c.evidence, data, c.want)
		}
		page, _ := got[0].Data["text/html"].(string)
		if !strings.Contains(page, "a &lt;statement&gt;") || !strings.Contains(page, "seen &amp; noted") {
			t.Errorf("the evidence isn't escaped in %s", page)
		}
		if v := read().Claims["P3"].Verdict; v != c.want {
			t.Errorf("%v: the journal says %q", c.evidence, v)
		}
	}
}

// Of several verdicts on a claim the least favourable counts, and a claim that
// doesn't hold is explained.
func TestVerdictsOfAllRuns(t *testing.T) {
	keep(func(p *journal.Pages) {
		p.Claims["T4"] = journal.Verdict{Verdict: holds, Reason: "it was fast"}
		p.Claims["T6"] = journal.Verdict{Verdict: fails, Reason: "slower <here>"}
	})
	r := &lab.Result{Name: "ipc", Verdicts: []lab.Verdict{{Claim: "T4", Verdict: lab.InPart, Reason: "not to a sleeper"}, {Claim: "T6", Verdict: lab.Holds, Reason: "x"}}}
	if err := r.Save(); err != nil {
		t.Fatal(err)
	}
	found := findings()
	if f := found["T4"]; f.verdict != inPart || f.reason != "not to a sleeper" {
		t.Errorf("T4: %v", f)
	}
	if f := found["T6"]; f.verdict != fails {
		t.Errorf("T6: %v", f)
	}
	shown.take()
	Verdicts()
	page, _ := shown.take()[0].Data["text/html"].(string)
	if !strings.Contains(page, "slower &lt;here&gt;") || !strings.Contains(page, "not to a sleeper") {
		t.Errorf("the reasons are missing in %s", page)
	}
}

// The page has what was measured, and says of the rest that it is missing.
func TestPage(t *testing.T) {
	r := &lab.Result{Name: "creation", Samples: []lab.Samples{{ID: "creation/thread", Unit: "ns", Values: []float64{33_000, 30_000, 36_000}}}}
	if err := r.Save(); err != nil {
		t.Fatal(err)
	}
	Guess("creation/thread", 1, "ms")
	Beside("creation/thread", "Create a thread", []float64{33_000}, "ns")
	shown.take()
	Page()
	out := shown.take()
	text, _ := out[0].Data["text/plain"].(string)
	page, _ := out[0].Data["text/html"].(string)
	for _, want := range []string{"33 µs", "–", "Create a thread", "30.3× too high", "not yet"} {
		if !strings.Contains(text, want) || !strings.Contains(page, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

func TestUnknownClaimPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic on a claim that the article doesn't have")
		}
	}()
	For("X9")
}

// A guess is kept, and set beside the measurement in the measurement's unit,
// with what is published of the same quantity.
func TestGuessBesideMeasurement(t *testing.T) {
	shown.take()
	Guess("switch/goroutine", 5, "µs")
	Beside("switch/goroutine", "a goroutine switch", []float64{120, 100, 110}, "ns")
	out := shown.take()
	text, _ := out[len(out)-1].Data["text/plain"].(string)
	for _, want := range []string{"5 µs", "45.5× too high", "110 ns", "100 ns to 120 ns, n = 3"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if v, unit, ok := Kept("switch/goroutine"); !ok || v != 110 || unit != "ns" {
		t.Errorf("kept %v %s, %v", v, unit, ok)
	}
	if _, _, ok := Kept("never measured"); ok {
		t.Error("a number was kept that nobody measured")
	}
}

// What people type instead of a guess in the right unit is understood, or
// they are told.
func TestGuessesAsTheyAreTyped(t *testing.T) {
	for _, c := range []struct {
		value        float64
		unit         string
		kept, beside string
	}{
		{3, "us", "Your guess, kept: 3 µs", "27.3× too high"},
		{3, "μs", "Your guess, kept: 3 µs", "27.3× too high"}, // the Greek letter
		{5, "fortnights", "Your guess, kept: 5 fortnights", "can't be compared: this is measured in ns, µs, ms or s"},
		{2, "MB", "Your guess, kept: 2 MB", "can't be compared"},
		{250_000, "s", "Your guess, kept: 250,000 s", "× too high"},
		{-4, "ns", "Not kept: -4 ns is less than nothing", ""},
		{0, "ns", "No guess yet", ""},
	} {
		shown.take()
		Guess("as typed", c.value, c.unit)
		Beside("as typed", "something", []float64{110}, "ns")
		out := shown.take()
		kept, _ := out[0].Data["text/plain"].(string)
		beside, _ := out[len(out)-1].Data["text/plain"].(string)
		if !strings.Contains(kept, c.kept) || !strings.Contains(beside, c.beside) {
			t.Errorf("%v %s: %q, then\n%s", c.value, c.unit, kept, beside)
		}
	}
}

func TestNumber(t *testing.T) {
	for _, c := range []struct {
		v    float64
		unit string
		want string
	}{
		{1_300_000, "ns", "1.3 ms"},
		{0.17, "µs", "170 ns"},
		{8192, "KiB", "8 MiB"},
		{2700, "B", "2.64 KiB"},
		{61, "schedules", "61 schedules"},
		{0, "ns", "0 ns"},
		{123456, "threads", "123,456 threads"},
	} {
		if got := number(c.v, c.unit); got != c.want {
			t.Errorf("%v %s is %q; want %q", c.v, c.unit, got, c.want)
		}
	}
}

func TestAnswerShowsWhatTheRunnerReads(t *testing.T) {
	shown.take()
	Exercise("00-1").Answer(func(n int) int { return n })
	Exercise("00-1").Answer(func(n int) int { return n + n })
	out := shown.take()
	if len(out) != 2 {
		t.Fatalf("%d outputs", len(out))
	}
	no, _ := out[0].Data[mimeCheck].(map[string]any)
	yes, _ := out[1].Data[mimeCheck].(map[string]any)
	if no["pass"] != false || no["hint"] == "" || no["hints"] != 2 || yes["pass"] != true || yes["exercise"] != "00-1" {
		t.Errorf("wrong: %v\nright: %v", no, yes)
	}
	if !read().Passed["00-1"] {
		t.Error("the passed exercise isn't in the journal")
	}
}
