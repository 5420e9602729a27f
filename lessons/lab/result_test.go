package lab

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"
)

func sampleResult() *Result {
	r := &Result{Name: "creation", Title: "What one <more> takes", Env: Env{Go: "go1.26.8", OS: "linux/amd64", Kernel: "Linux 6", CPU: "a CPU", CPUs: 2, GOMAXPROCS: 2, Date: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)}}
	r.add("creation/goroutine", "time to create one", "goroutine", "ns", 300, 310, 290, 305, 299, 301, 300, 4000)
	r.add("creation/thread", "time to create one", "thread", "ns", 30e3, 31e3, 29e3, 30.5e3, 29.9e3, 30.1e3, 30e3, 90e3)
	for _, x := range []float64{1, 10, 100} {
		r.addAt("many/thread", "memory of all", "thread", "B", "at a time", x, x*34*1024, x*35*1024)
	}
	r.fact("file", "a | b")
	r.verdict("H2", Holds, "%s against %s", format(r.Median("thread"), "ns"), format(r.Median("goroutine"), "ns"))
	return r
}

func wellFormed(t *testing.T, svg string) {
	t.Helper()
	if svg == "" {
		return
	}
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("the SVG is not well-formed: %v", err)
		}
	}
}

func TestSummary(t *testing.T) {
	s := sampleResult().Get("creation/goroutine").Summary()
	if s.N != 8 || s.Min != 290 || s.Max != 4000 || s.Median != 300.5 || s.Low > s.Median || s.High < s.Median {
		t.Errorf("%+v", s)
	}
	if got := (Samples{}).Summary(); got != (Summary{}) {
		t.Errorf("of nothing: %+v", got)
	}
	one := Samples{Values: []float64{7}}.Summary()
	if one.Min != 7 || one.Low != 7 || one.High != 7 || !one.MoreSamples {
		t.Errorf("of one: %+v", one)
	}
}

func TestNoisyIsSaid(t *testing.T) {
	steady := Samples{Values: []float64{100, 101, 99, 100, 102, 98, 100, 101, 99, 100}}
	wild := Samples{Values: []float64{100, 10, 300, 50, 500, 20, 90, 400, 30, 250}}
	if steady.Noisy() || !wild.Noisy() {
		t.Errorf("steady %t, wild %t", steady.Noisy(), wild.Noisy())
	}
	r := &Result{Samples: []Samples{{Name: "wild", Unit: "ns", Values: wild.Values}}, Env: Env{CPUs: 2, Load1: 3, OthersCPU: 0.6, StealPct: 7}}
	said := strings.Join(r.remarks(), "\n")
	for _, want := range []string{"other processes kept 0.6 of 2 CPUs busy", "took 7%", "the median's interval"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not in\n%s", want, said)
		}
	}
}

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		v    float64
		unit string
		want string
	}{
		{300.4, "ns", "300 ns"},
		{2410, "ns", "2.41 µs"},
		{3.08e6, "ns", "3.08 ms"},
		{1.5e9, "ns", "1.5 s"},
		{2048, "B", "2 KiB"},
		{8 << 20, "B", "8 MiB"},
		{2.61 * 1024 * 1024 * 1024, "B", "2.61 GiB"},
		{0, "B", "0 B"},
		{39712, "", "39,712"},
		{1234567, "threads", "1,234,567 threads"},
		{-30 << 10, "B", "-30 KiB"},
		{0.495, "", "0.495"},
	} {
		if got := format(c.v, c.unit); got != c.want {
			t.Errorf("format(%v, %q) = %q, want %q", c.v, c.unit, got, c.want)
		}
	}
}

func TestPublishedBesideMeasured(t *testing.T) {
	r := sampleResult().Beside(
		Published{Measure: "creation/thread", Value: 15, Unit: "µs", Source: "a paper", Date: "2018"},
		Published{Measure: "creation/thread", Low: 10, High: 20, Value: 15, Unit: "µs", Source: "a blog"},
		Published{Measure: "switch/nothing", Value: 1, Unit: "ns", Source: "elsewhere"},
	)
	if len(r.Published) != 2 {
		t.Fatalf("%d published figures set beside", len(r.Published))
	}
	text := r.Table().String()
	for _, want := range []string{"15 µs (a paper, 2018)", "10 µs – 20 µs (a blog)", "2.00 ×"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if Published := (Published{Value: 2, Unit: "KiB"}); Published.Base() != 2048 {
		t.Errorf("2 KiB is %v bytes", Published.Base())
	}
	wellFormed(t, r.svg())
}

// Every point is drawn, outliers and all, and the same data draw the same image.
func TestSVG(t *testing.T) {
	r := sampleResult()
	svg := r.svg()
	wellFormed(t, svg)
	if svg != sampleResult().svg() {
		t.Error("the same data drew another image")
	}
	if n := strings.Count(svg, "<path"); n < 16+6 {
		t.Errorf("%d paths for 22 points", n)
	}
	for _, bad := range []string{"NaN", "Inf", "#010203", "#030201"} {
		if strings.Contains(svg, bad) {
			t.Errorf("%s in the SVG", bad)
		}
	}
	if !strings.Contains(svg, "currentColor") || !strings.Contains(svg, `aria-label="What one &lt;more&gt; takes"`) {
		t.Error("no theme colour, or no title for those who can't see it")
	}
	if (&Result{Title: "empty"}).svg() != "" {
		t.Error("something drawn of nothing")
	}
}

func TestForms(t *testing.T) {
	r := sampleResult()
	html := r.HTML()
	for _, want := range []string{"time to create one", "<table", `<img src="data:image/svg+xml;base64,`, "go1.26.8", "a | b"} {
		if !strings.Contains(html, want) {
			t.Errorf("%q is not in the HTML", want)
		}
	}
	if strings.Contains(html, "<more>") {
		t.Error("the title is not escaped")
	}
	md := r.Markdown()
	if !strings.Contains(md, `a \| b`) || !strings.Contains(md, "| time to create one | goroutine |") {
		t.Errorf("Markdown:\n%s", md)
	}
	for line := range strings.Lines(r.Table().Markdown()) {
		if n := strings.Count(line, "|"); n != 8 {
			t.Errorf("%d bars in %q", n, line)
		}
	}
	if !json.Valid(r.MIMEBundle()["application/vnd.spindle.result+json"].(json.RawMessage)) {
		t.Error("the result form is no JSON")
	}
	b, err := json.Marshal(r.Verdict("H2").MIMEBundle()["application/vnd.spindle.verdict+json"])
	if err != nil || !strings.Contains(string(b), `"verdict":"holds"`) {
		t.Errorf("verdict %s, %v", b, err)
	}
}

func TestLongSweepIsOneRow(t *testing.T) {
	r := &Result{}
	for i := range 40 {
		r.addAt("t", "over time", "threads", "threads", "milliseconds", float64(i), float64(i))
	}
	if rows := r.Table().Rows; len(rows) != 1 || rows[0][6] != "40" {
		t.Errorf("%d rows: %v", len(rows), rows)
	}
}

func TestAccessors(t *testing.T) {
	r := sampleResult()
	if r.Median("goroutine") != r.Median("creation/goroutine") || r.Median("none") != 0 {
		t.Error("Median")
	}
	if got := r.At("many/thread", 10).Values; len(got) != 2 {
		t.Errorf("At: %v", got)
	}
	if s := r.Sweep("many/thread"); len(s) != 3 || s[0].X != 1 || s[2].X != 100 {
		t.Errorf("Sweep: %v", s)
	}
	if v := r.Verdict("Z9"); v.Verdict != Skip {
		t.Errorf("a claim that is not there: %s", v)
	}
	if _, err := ParseResult([]byte(`{"title":"x"}`)); err == nil {
		t.Error("a result without a name was read")
	}
}

func TestWorst(t *testing.T) {
	a := &Result{Verdicts: []Verdict{{"P7", Holds, "a"}}}
	b := &Result{Verdicts: []Verdict{{"P7", InPart, "b"}, {"L1", Fails, "x"}}}
	s := &Result{Verdicts: []Verdict{{"P7", Skip, "s"}}}
	for _, c := range []struct {
		rs   []*Result
		want string
	}{{[]*Result{a, b}, "b"}, {[]*Result{s, a}, "a"}, {[]*Result{a, s, nil}, "a"}, {[]*Result{s}, "s"}} {
		if got := Worst("P7", c.rs...); got.Reason != c.want {
			t.Errorf("%v, want %s", got, c.want)
		}
	}
	if Worst("P7").Verdict != Skip {
		t.Error("a verdict of nothing")
	}
}

func TestTicksAreFewAndInside(t *testing.T) {
	for _, unit := range []string{"ns", "B", ""} {
		for _, c := range [][2]float64{{0, 1}, {0, 1e9}, {0, 3}, {-5e3, 2e4}, {0, 0.3}} {
			ts := ticks{false, unit}.Ticks(c[0], c[1])
			if len(ts) < 2 || len(ts) > 12 {
				t.Errorf("%d ticks for %v in %q", len(ts), c, unit)
			}
		}
		for _, c := range [][2]float64{{1, 1e6}, {30, 900}, {1 << 10, 1 << 31}} {
			ts := ticks{true, unit}.Ticks(c[0], c[1])
			labels := 0
			for _, k := range ts {
				if k.Value < c[0]*0.999 || k.Value > c[1]*1.001 || math.IsNaN(k.Value) {
					t.Errorf("tick %v outside %v", k, c)
				}
				if k.Label != "" {
					labels++
				}
			}
			if labels < 1 || labels > 12 {
				t.Errorf("%d labels for %v in %q", labels, c, unit)
			}
		}
	}
}

// A page shows what was measured first in full and folds a long rest away.
func TestLongTablesFold(t *testing.T) {
	r := &Result{Name: "x", Title: "X"}
	r.add("a", "first thing", "a", "ns", 1)
	for i := range foldBeyond {
		r.add(fmt.Sprint("b", i), "second thing", fmt.Sprint("b", i), "ns", 1)
	}
	if h := r.HTML(); strings.Contains(h, "<details") || !strings.Contains(h, "second thing") {
		t.Errorf("a short rest is folded away: %s", h)
	}
	r.add("c", "third thing", "c", "ns", 1)
	shown, folded, ok := strings.Cut(r.HTML(), "<details")
	if !ok || strings.Contains(shown, "<td style=\"text-align:left;white-space:nowrap;padding:.2em .7em;border-bottom:1px solid #8884\">b0") || !strings.Contains(folded, "third thing") || !strings.Contains(folded, "9 more rows") {
		t.Errorf("shown: %s\nfolded: %s", shown, folded)
	}
}

func TestFigures(t *testing.T) {
	for v, want := range map[float64]string{5e-5: "0.00005", 1.5e-4: "0.00015", 0.25: "0.25", 1e-9: "1e-09", 12345: "12,345", 0: "0"} {
		if got := figures(v); got != want {
			t.Errorf("figures(%v) = %s, want %s", v, got, want)
		}
	}
}

func TestTickLabel(t *testing.T) {
	for _, c := range []struct {
		v    float64
		unit string
		want string
	}{{1.5, "", "1.5"}, {2.0000001, "", "2"}, {100, "", "100"}, {1500, "ns", "1.5 µs"}, {0.05, "", "0.05"}, {1e-7, "", "1e-07"}, {1 << 20, "B", "1 MiB"}} {
		if got := tickLabel(c.v, c.unit); got != c.want {
			t.Errorf("tickLabel(%v, %q) = %q, want %q", c.v, c.unit, got, c.want)
		}
	}
}

func TestHeadTail(t *testing.T) {
	var h headTail
	for i := range 1000 {
		if i == 0 {
			_, _ = io.WriteString(&h, "the cause\n")
		}
		_, _ = io.WriteString(&h, strings.Repeat("x", 99)+"\n")
	}
	_, _ = io.WriteString(&h, "the end\n")
	s := h.String()
	if !strings.HasPrefix(s, "the cause") || !strings.HasSuffix(s, "the end\n") || len(s) > 3*headTailBytes || !strings.Contains(s, "bytes left out") {
		t.Errorf("%d bytes: %.40q … %q", len(s), s, s[len(s)-20:])
	}
}
