package display

import (
	"fmt"
	"math"
	"strings"
)

// Kind is how a Series is drawn.
type Kind string

// The kinds of series. Line and Scatter take X and Y, the others Values.
const (
	Line      Kind = "line"      // Y over X, joined in the order given
	Scatter   Kind = "scatter"   // Y over X, a mark each
	Histogram Kind = "histogram" // how often Values fall in each of Bins
	Box       Kind = "box"       // quartiles of Values, whiskers to 1.5 IQR, every point beside it
	Strip     Kind = "strip"     // every one of Values as a point over the series' name
	Bars      Kind = "bars"      // a bar for each of Values, over Chart.Categories
)

// Series is one set of data in a Chart.
type Series struct {
	Name string // in the legend; under a box or strip
	Kind Kind   // "" is Line
	// X and Y are data coordinates; a nil X counts 0, 1, 2, …
	X, Y []float64
	// Low and High, where given, draw an error bar at each Y or bar, from Low
	// to High in data coordinates: a minimum and a maximum, say.
	Low, High []float64
	Values    []float64
	Bins      int    // of a histogram; 0 chooses by the square root rule
	Color     string // "#0B62A4"; "" takes the next of the palette
	Dashed    bool   // of a line: for what is published beside what is measured
}

// Chart is a plot. As the last expression of a cell, or given to Plot or Show,
// it is an SVG on a light panel of its own, which reads in light and dark
// themes; its text/plain has the figures.
//
// Points that can't be placed (NaN, infinite or beyond 1e300, not positive on a
// logarithmic axis) are left out, and the chart says how many.
type Chart struct {
	Title          string
	Note           string // below the plot: machine, versions, date
	XLabel, YLabel string // with units: "time a switch (ns)"
	LogX, LogY     bool
	// Categories are the names along X for Bars, one for each value. Box and
	// Strip series name themselves.
	Categories []string
	Series     []Series
	// Marks are reference lines, published figures for example.
	Marks []Mark
	// YMin and YMax widen the Y axis to take them in, where they are not equal.
	YMin, YMax float64
	// Width and Height are in CSS pixels; 0 means 640 and 380.
	Width, Height int
}

// Mark is a labelled reference line across the chart at Y = At, or at X = At
// where Vertical.
type Mark struct {
	Label    string
	At       float64
	Vertical bool
}

// Bundle is the chart as SVG and as text. A chart that can't be drawn is text
// alone, and says why.
func (c Chart) Bundle() Bundle {
	svg, err := c.render()
	if err != nil {
		return textBundle("chart cannot be drawn: " + err.Error())
	}
	text := c.String()
	alt, _, _ := strings.Cut(text, "\n")
	return Bundle{Data: map[string]any{mimeHTML: pictureHTML(svg, alt), mimeText: text}}
}

// SVG is the chart as an SVG document, and where it can't be drawn, the
// reason as one.
func (c Chart) SVG() string {
	svg, err := c.render()
	if err != nil {
		return `<svg xmlns="http://www.w3.org/2000/svg" width="640" height="40"><rect width="640" height="40" fill="#FFFFFF"/>` +
			`<text x="8" y="25" font-family="sans-serif" font-size="14">` + escapeXML("chart cannot be drawn: "+err.Error()) + `</text></svg>`
	}
	return svg
}

// check returns what is wrong with the chart's data, in the caller's terms.
func (c Chart) check() error {
	if c.Width < 0 || c.Height < 0 || c.Width > 4000 || c.Height > 4000 {
		return fmt.Errorf("size %d×%d is not within 4000×4000 pixels", c.Width, c.Height)
	}
	if len(c.Series) == 0 {
		return fmt.Errorf("it has no series")
	}
	over := map[string]string{} // what lies along X → the first series that says so
	for i, s := range c.Series {
		name := s.Name
		if name == "" {
			name = fmt.Sprintf("series %d", i+1)
		}
		along := "numbers"
		switch s.kind() {
		case Line, Scatter:
			if s.X != nil && len(s.X) != len(s.Y) {
				return fmt.Errorf("%s has %d X and %d Y", name, len(s.X), len(s.Y))
			}
			if len(s.Y) == 0 && len(s.Values) > 0 {
				return fmt.Errorf("%s is a %s and wants X and Y, but has Values", name, s.kind())
			}
			if err := checkErrors(name, s, len(s.Y)); err != nil {
				return err
			}
			if len(c.Categories) > 0 {
				along = "" // drawn over categories 0, 1, 2, …, or over numbers
			}
		case Histogram:
		case Box, Strip:
			along = "names"
		case Bars:
			along = "categories"
			if len(c.Categories) > 0 && len(s.Values) > len(c.Categories) {
				return fmt.Errorf("%s has %d bars for %d categories", name, len(s.Values), len(c.Categories))
			}
			if err := checkErrors(name, s, len(s.Values)); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s has the unknown kind %q; the kinds are line, scatter, histogram, box, strip and bars", name, s.Kind)
		}
		if s.Color != "" {
			if _, err := parseColor(s.Color); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		if along != "" {
			over[along] = name
		}
	}
	if len(over) > 1 {
		var parts []string
		for _, along := range []string{"numbers", "names", "categories"} {
			if s, ok := over[along]; ok {
				parts = append(parts, s+" by "+along)
			}
		}
		return fmt.Errorf("its series differ in what lies along X: %s; draw two charts", strings.Join(parts, ", "))
	}
	return nil
}

func checkErrors(name string, s Series, n int) error {
	if len(s.Low) != len(s.High) {
		return fmt.Errorf("%s has %d Low and %d High", name, len(s.Low), len(s.High))
	}
	if len(s.Low) != 0 && len(s.Low) != n {
		return fmt.Errorf("%s has %d values and %d error bars", name, n, len(s.Low))
	}
	return nil
}

func (s Series) kind() Kind {
	if s.Kind == "" {
		return Line
	}
	return s.Kind
}

// nominal says that names lie along X, in series order.
func (c Chart) nominal() bool {
	for _, s := range c.Series {
		if k := s.kind(); k == Box || k == Strip {
			return true
		}
	}
	return false
}

// bars counts the series of kind Bars, which share each category's room.
func (c Chart) bars() (n int) {
	for _, s := range c.Series {
		if s.kind() == Bars {
			n++
		}
	}
	return n
}

// categories are the names along X, nil where numbers lie there.
func (c Chart) categories() []string {
	if c.nominal() {
		var names []string
		for i, s := range c.Series {
			if s.Name == "" {
				s.Name = fmt.Sprint(i + 1)
			}
			names = append(names, s.Name)
		}
		return names
	}
	if len(c.Categories) > 0 {
		return c.Categories
	}
	if c.bars() == 0 {
		return nil
	}
	longest := 0
	for _, s := range c.Series {
		longest = max(longest, len(s.Values))
	}
	var names []string
	for i := range longest {
		names = append(names, fmt.Sprint(i+1))
	}
	return names
}

// point is one datum in data coordinates. low > high where it has no error bar.
type point struct{ x, y, low, high float64 }

// largest is the greatest magnitude drawn: a range of twice it is still finite.
const largest = 1e300

func placeable(v float64, log bool) bool {
	return math.Abs(v) <= largest && (!log || v > 0)
}

// points are the data of s that can be placed, and how many can't.
func (c Chart) points(s Series, index int) (ps []point, left int) {
	logX := c.LogX && c.categories() == nil
	switch s.kind() {
	case Line, Scatter:
		for i, y := range s.Y {
			p := point{x: float64(i), y: y, low: 1, high: 0}
			if s.X != nil {
				p.x = s.X[i]
			}
			if !placeable(p.x, logX) || !placeable(y, c.LogY) {
				left++
				continue
			}
			if len(s.Low) > 0 && placeable(s.Low[i], c.LogY) && placeable(s.High[i], c.LogY) {
				p.low, p.high = s.Low[i], s.High[i]
			}
			ps = append(ps, p)
		}
	case Histogram:
		for _, v := range s.Values {
			if !placeable(v, logX) {
				left++
				continue
			}
			ps = append(ps, point{x: v, low: 1})
		}
	case Box, Strip, Bars:
		for i, v := range s.Values {
			p := point{x: float64(index), y: v, low: 1, high: 0}
			if s.kind() == Bars {
				p.x = float64(i)
			}
			if !placeable(v, c.LogY) {
				left++
				continue
			}
			if s.kind() == Bars && len(s.Low) > 0 && placeable(s.Low[i], c.LogY) && placeable(s.High[i], c.LogY) {
				p.low, p.high = s.Low[i], s.High[i]
			}
			ps = append(ps, p)
		}
	}
	return ps, left
}

// leftOut counts the data that can't be placed, and says so, or "".
func (c Chart) leftOut() string {
	n := 0
	for i, s := range c.Series {
		_, left := c.points(s, i)
		n += left
	}
	switch {
	case n == 0:
		return ""
	case c.LogX || c.LogY:
		return fmt.Sprintf("%d not shown: not finite, or not above 0 on a logarithmic axis", n)
	}
	return fmt.Sprintf("%d not shown: not finite", n)
}
