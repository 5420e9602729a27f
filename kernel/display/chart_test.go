package display_test

import (
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"testing"

	"spindle/kernel/display"
)

// drawn is what an SVG document holds, by element.
type drawn struct {
	texts []string
	paths int
	title string
	desc  string
}

// readSVG parses s as XML and fails the test where it is not well formed.
func readSVG(t *testing.T, s string) drawn {
	t.Helper()
	var d drawn
	dec := xml.NewDecoder(strings.NewReader(s))
	open, roots, depth := "", 0, 0
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not well formed: %v\n%s", err, s)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if depth == 0 {
				roots++
				if tok.Name.Local != "svg" || tok.Name.Space != "http://www.w3.org/2000/svg" {
					t.Errorf("root is %v", tok.Name)
				}
			}
			depth++
			open = tok.Name.Local
			if open == "path" {
				d.paths++
			}
		case xml.EndElement:
			depth--
			open = ""
		case xml.CharData:
			switch open {
			case "text":
				d.texts = append(d.texts, string(tok))
			case "title":
				d.title = string(tok)
			case "desc":
				d.desc = string(tok)
			}
		}
	}
	if roots != 1 {
		t.Errorf("%d roots", roots)
	}
	for _, bad := range []string{"NaN", "Inf"} {
		if strings.Contains(s, "M"+bad) || strings.Contains(s, ","+bad) || strings.Contains(s, `"`+bad) {
			t.Errorf("%s among the coordinates", bad)
		}
	}
	return d
}

func (d drawn) says(s string) bool {
	for _, text := range d.texts {
		if text == s {
			return true
		}
	}
	return false
}

func chartOf(t *testing.T, c display.Chart) (drawn, string) {
	t.Helper()
	b := c.Bundle()
	page, _ := b.Data["text/html"].(string)
	_, rest, _ := strings.Cut(page, "data:image/svg+xml;base64,")
	data, _, _ := strings.Cut(rest, `"`)
	svg, err := base64.StdEncoding.DecodeString(data)
	if err != nil || len(svg) == 0 {
		t.Fatalf("no SVG: %v %v", err, text(b))
	}
	return readSVG(t, string(svg)), text(b)
}

func TestEveryKindDrawsItsSeriesAndLabels(t *testing.T) {
	values := []float64{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5}
	for _, log := range []bool{false, true} {
		for _, kind := range []display.Kind{"", display.Line, display.Scatter, display.Histogram, display.Box, display.Strip, display.Bars} {
			t.Run(fmt.Sprintf("%s log %v", kind, log), func(t *testing.T) {
				c := display.Chart{
					Title: "A <title>", XLabel: "the x (µs)", YLabel: "the y & z", LogX: log, LogY: log, Note: "a note",
					Series: []display.Series{
						{Name: "first", Kind: kind, Y: values, Values: values},
						{Name: "second", Kind: kind, Y: values[:7], Values: values[:7]},
					},
					Marks: []display.Mark{{Label: "published", At: 4}},
				}
				d, twin := chartOf(t, c)
				for _, want := range []string{"A <title>", "the x (µs)", "the y & z", "first", "second", "a note", "published"} {
					if !d.says(want) {
						t.Errorf("%q is not drawn; drawn are %q", want, d.texts)
					}
					if !strings.Contains(twin, want) {
						t.Errorf("text/plain lacks %q:\n%s", want, twin)
					}
				}
				if d.title != c.Title {
					t.Errorf("<title> is %q", d.title)
				}
				one := c
				one.Series = c.Series[:1]
				if alone, _ := chartOf(t, one); alone.paths >= d.paths {
					t.Errorf("two series draw %d paths, one draws %d", d.paths, alone.paths)
				}
			})
		}
	}
}

func TestChartLeavesOutWhatItCannotPlace(t *testing.T) {
	c := display.Chart{LogY: true, Series: []display.Series{{Name: "s", Y: []float64{1, 0, -3, math.NaN(), math.Inf(1), 100}}}}
	d, twin := chartOf(t, c)
	want := "4 not shown: not finite, or not above 0 on a logarithmic axis"
	if !d.says(want) || !strings.Contains(twin, want) {
		t.Errorf("it does not say %q:\n%q\n%s", want, d.texts, twin)
	}
	if !strings.Contains(twin, "s       2    1    50.5  100") {
		t.Errorf("figures are not of the two points shown:\n%s", twin)
	}
}

func TestChartRangesAtTheEdges(t *testing.T) {
	big := math.MaxFloat64
	for name, ys := range map[string][]float64{
		"none": {}, "one": {5}, "zero": {0, 0}, "same": {7, 7, 7}, "huge": {-big, big}, "largest": {big, big},
		"tiny": {5e-324, 1e-323}, "close": {1e15, 1e15 + 1}, "negative": {-5, -3}, "all left out": {math.NaN()},
	} {
		for _, log := range []bool{false, true} {
			for _, kind := range []display.Kind{display.Line, display.Histogram, display.Box, display.Bars} {
				t.Run(fmt.Sprintf("%s %s log %v", name, kind, log), func(t *testing.T) {
					chartOf(t, display.Chart{LogY: log, LogX: log, Series: []display.Series{{Name: "s", Kind: kind, Y: ys, Values: ys}}})
				})
			}
		}
	}
}

func TestChartSaysWhatIsWrongWithIt(t *testing.T) {
	tests := []struct {
		chart display.Chart
		want  string
	}{
		{display.Chart{}, "it has no series"},
		{display.Chart{Series: []display.Series{{Name: "a", X: []float64{1}, Y: []float64{1, 2}}}}, "a has 1 X and 2 Y"},
		{display.Chart{Series: []display.Series{{Values: []float64{1}}}}, "series 1 is a line and wants X and Y, but has Values"},
		{display.Chart{Series: []display.Series{{Kind: "pie"}}}, `unknown kind "pie"`},
		{display.Chart{Series: []display.Series{{Color: "red", Y: []float64{1}}}}, `colour "red"`},
		{display.Chart{Series: []display.Series{{Y: []float64{1}, Low: []float64{1}}}}, "series 1 has 1 Low and 0 High"},
		{display.Chart{Series: []display.Series{{Name: "b", Kind: display.Bars, Values: []float64{1, 2}}}, Categories: []string{"x"}}, "b has 2 bars for 1 categories"},
		{display.Chart{Series: []display.Series{{Name: "l", Y: []float64{1}}, {Name: "x", Kind: display.Box, Values: []float64{1}}}}, "l by numbers, x by names"},
		{display.Chart{Width: 1e6, Series: []display.Series{{Y: []float64{1}}}}, "not within 4000×4000"},
	}
	for _, test := range tests {
		b := test.chart.Bundle()
		if _, drawn := b.Data["text/html"]; drawn || !strings.Contains(text(b), test.want) {
			t.Errorf("got %q, want %q", text(b), test.want)
		}
		if d := readSVG(t, test.chart.SVG()); len(d.texts) != 1 || !strings.Contains(d.texts[0], test.want) {
			t.Errorf("SVG says %q, want %q", d.texts, test.want)
		}
	}
}

func TestChartTextIsAlwaysWellFormed(t *testing.T) {
	nasty := "a\x00b\xff<&>\"'\x1b ]]> \uFFFF"
	c := display.Chart{
		Title: nasty, XLabel: nasty, YLabel: nasty, Note: nasty, Marks: []display.Mark{{Label: nasty, At: 1}},
		Series: []display.Series{{Name: nasty, Y: []float64{1, 2}}, {Name: strings.Repeat("long ", 100), Y: []float64{2, 1}}},
	}
	chartOf(t, c)
	c = display.Chart{Categories: []string{nasty, "b"}, Series: []display.Series{{Kind: display.Bars, Values: []float64{1, 2}}}}
	chartOf(t, c)
}

func TestMarksThatCannotBePlacedAreNotDrawn(t *testing.T) {
	for _, at := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		d, _ := chartOf(t, display.Chart{
			LogX: true, LogY: true, Series: []display.Series{{X: []float64{1}, Y: []float64{1}}},
			Marks: []display.Mark{{Label: "m", At: at}, {Label: "n", At: at, Vertical: true}, {Label: "seen", At: 5}, {Label: "seen too", At: 5, Vertical: true}},
		})
		if d.says("m") || d.says("n") || !d.says("seen") || !d.says("seen too") {
			t.Errorf("marks at %v: drawn are %q", at, d.texts)
		}
	}
}

func TestChartsInManyGoroutines(t *testing.T) {
	c := display.Chart{Title: "same", Series: []display.Series{{Name: "s", Y: []float64{1, 2, 3}}}}
	want := c.SVG()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got := c.SVG(); got != want {
				t.Error("a chart drawn beside others differs from one drawn alone")
			}
		})
	}
	wg.Wait()
}

// Legibility rests on the panel: whatever the page's theme, ink lies on white.
func TestChartHasItsOwnLightPanel(t *testing.T) {
	svg := display.Chart{Series: []display.Series{{Y: []float64{1, 2}}}}.SVG()
	panel := strings.Index(svg, `fill:#FFFFFF`)
	if ink := strings.Index(svg, "<text"); panel < 0 || panel > ink {
		t.Errorf("panel at %d, first text at %d", panel, ink)
	}
}
