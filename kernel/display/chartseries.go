package display

import (
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The plotters of this file are ours rather than gonum's where gonum's assume
// a linear axis (bars and histograms start at 0) or draw outliers only.

// gridLines draws a line at each labelled tick of Y, behind the data.
type gridLines struct{}

func (gridLines) Plot(c draw.Canvas, p *plot.Plot) {
	_, y := p.Transforms(&c)
	style := draw.LineStyle{Color: gridColor, Width: 0.75}
	for _, t := range p.Y.Tick.Marker.Ticks(p.Y.Min, p.Y.Max) {
		if !t.IsMinor() && t.Value >= p.Y.Min && t.Value <= p.Y.Max {
			c.StrokeLine2(style, c.Min.X, y(t.Value), c.Max.X, y(t.Value))
		}
	}
}

var glyphShapes = []draw.GlyphDrawer{
	draw.CircleGlyph{},
	draw.BoxGlyph{},
	draw.PyramidGlyph{},
	draw.SquareGlyph{},
	draw.TriangleGlyph{},
	draw.CrossGlyph{},
	draw.PlusGlyph{},
	draw.RingGlyph{},
}

func glyph(index int, col color.Color) draw.GlyphStyle {
	return draw.GlyphStyle{Color: col, Radius: 2.4, Shape: glyphShapes[index%len(glyphShapes)]}
}

var dashes = [][]vg.Length{nil, {6, 3}, {2, 2}, {8, 3, 2, 3}, {4, 2}, {1, 2}, {10, 4}, {6, 2, 2, 2}}

func lineStyle(s Series, index int, col color.Color) draw.LineStyle {
	style := draw.LineStyle{Color: col, Width: 1.6}
	if !marked(s) {
		// Without marks only the dashes tell lines apart in grey.
		style.Dashes = dashes[index%len(dashes)]
	}
	if s.Dashed {
		style.Dashes = []vg.Length{4, 3}
	}
	return style
}

// marked says that a line shows its points, being few.
func marked(s Series) bool { return len(s.Y) <= 60 && !s.Dashed }

// xySeries draws Line and Scatter.
type xySeries struct {
	chart  Chart
	index  int
	points []point
}

func (s xySeries) DataRange() (xmin, xmax, ymin, ymax float64) {
	xmin, xmax, ymin, ymax = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, p := range s.points {
		xmin, xmax = min(xmin, p.x), max(xmax, p.x)
		ymin, ymax = min(ymin, p.y), max(ymax, p.y)
		if p.low <= p.high {
			ymin, ymax = min(ymin, p.low), max(ymax, p.high)
		}
	}
	return
}

func (s xySeries) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	series := s.chart.Series[s.index]
	col := s.chart.color(s.index)
	line := make([]vg.Point, len(s.points))
	for i, pt := range s.points {
		line[i] = vg.Point{X: x(pt.x), Y: y(pt.y)}
		if pt.low <= pt.high {
			errorBar(c, col, line[i].X, y(pt.low), y(pt.high))
		}
	}
	if series.kind() == Line {
		c.StrokeLines(lineStyle(series, s.index, col), line)
		if !marked(series) && len(line) > 1 {
			return
		}
	}
	mark := glyph(s.index, col)
	if len(line) > 400 {
		// Many points show their density.
		mark.Color = faded(col, 0x90)
		mark.Radius = 1.6
	}
	for _, pt := range line {
		c.DrawGlyph(mark, pt)
	}
}

func errorBar(c draw.Canvas, col color.Color, x, low, high vg.Length) {
	style := draw.LineStyle{Color: col, Width: 1}
	c.StrokeLine2(style, x, low, x, high)
	c.StrokeLine2(style, x-3, low, x+3, low)
	c.StrokeLine2(style, x-3, high, x+3, high)
}

func faded(c color.NRGBA, alpha uint8) color.NRGBA {
	c.A = alpha
	return c
}

// histogramSeries draws counts over bins.
type histogramSeries struct {
	color color.NRGBA
	bins  []bin
	logY  bool
}

func (s histogramSeries) DataRange() (xmin, xmax, ymin, ymax float64) {
	most := 0
	for _, b := range s.bins {
		most = max(most, b.count)
	}
	ymin = 0
	if s.logY {
		ymin = 0.5 // a count of 1 needs some height
	}
	return s.bins[0].low, s.bins[len(s.bins)-1].high, ymin, float64(most)
}

func (s histogramSeries) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for _, b := range s.bins {
		if b.count > 0 {
			bar(c, s.color, x(b.low), x(b.high), c.Min.Y, y(float64(b.count)))
		}
	}
}

func bar(c draw.Canvas, col color.NRGBA, left, right, bottom, top vg.Length) {
	r := vg.Rectangle{Min: vg.Point{X: left, Y: bottom}, Max: vg.Point{X: right, Y: top}}
	c.SetColor(faded(col, 0xB0))
	c.Fill(r.Path())
	c.SetLineStyle(draw.LineStyle{Color: col, Width: 0.75})
	c.Stroke(r.Path())
}

// boxSeries draws quartiles and every point beside them, or the points alone.
type boxSeries struct {
	color  color.NRGBA
	points []point
	index  int
	strip  bool
}

func (s boxSeries) DataRange() (xmin, xmax, ymin, ymax float64) {
	ymin, ymax = math.Inf(1), math.Inf(-1)
	for _, p := range s.points {
		ymin, ymax = min(ymin, p.y), max(ymax, p.y)
	}
	return float64(s.index) - 0.5, float64(s.index) + 0.5, ymin, ymax
}

func (s boxSeries) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	mid := float64(s.index)
	spread, centre := 0.28, mid
	if !s.strip {
		spread, centre = 0.12, mid+0.24
		s.box(c, x(mid-0.3), x(mid+0.06), y)
	}
	mark := draw.GlyphStyle{Color: faded(s.color, 0xA0), Radius: 2, Shape: draw.CircleGlyph{}}
	if len(s.points) > 200 {
		mark.Radius = 1.3
	}
	for i, pt := range s.points {
		// A fixed spread by the golden ratio: the same data give the same picture.
		_, f := math.Modf(float64(i) * math.Phi)
		c.DrawGlyph(mark, vg.Point{X: x(centre + spread*(2*f-1)), Y: y(pt.y)})
	}
}

func (s boxSeries) box(c draw.Canvas, left, right vg.Length, y func(float64) vg.Length) {
	vs := make([]float64, len(s.points))
	for i, p := range s.points {
		vs[i] = p.y
	}
	slices.Sort(vs)
	q1, q2, q3 := quantile(vs, 0.25), quantile(vs, 0.5), quantile(vs, 0.75)
	reach := 1.5 * (q3 - q1)
	low, high := q1, q3
	for _, v := range vs {
		if v >= q1-reach && v <= q3+reach {
			low, high = min(low, v), max(high, v)
		}
	}
	bar(c, faded(s.color, 0xFF), left, right, y(q1), y(q3))
	mid := (left + right) / 2
	whisker := draw.LineStyle{Color: s.color, Width: 1}
	c.StrokeLine2(whisker, mid, y(q3), mid, y(high))
	c.StrokeLine2(whisker, mid, y(q1), mid, y(low))
	c.StrokeLine2(whisker, mid-5, y(high), mid+5, y(high))
	c.StrokeLine2(whisker, mid-5, y(low), mid+5, y(low))
	c.StrokeLine2(draw.LineStyle{Color: inkColor, Width: 2}, left, y(q2), right, y(q2))
}

// barSeries draws bars over categories, beside those of the other series.
type barSeries struct {
	chart  Chart
	index  int
	points []point
}

func (s barSeries) DataRange() (xmin, xmax, ymin, ymax float64) {
	xmin, xmax, ymin, ymax = xySeries{points: s.points}.DataRange()
	if s.chart.LogY {
		ymin /= 2 // the least bar needs some height
	} else {
		ymin, ymax = min(0, ymin), max(0, ymax)
	}
	return xmin - 0.5, xmax + 0.5, ymin, ymax
}

func (s barSeries) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	n, place := 0, 0
	for i, other := range s.chart.Series {
		if other.kind() == Bars {
			if i == s.index {
				place = n
			}
			n++
		}
	}
	width := 0.76 / float64(n)
	base := c.Min.Y
	if !s.chart.LogY && p.Y.Min < 0 {
		base = y(0)
		c.StrokeLine2(draw.LineStyle{Color: quietColor, Width: 0.75}, c.Min.X, base, c.Max.X, base)
	}
	for _, pt := range s.points {
		left := pt.x - 0.38 + width*float64(place)
		bar(c, s.chart.color(s.index), x(left)+0.5, x(left+width)-0.5, base, y(pt.y))
		if pt.low <= pt.high {
			errorBar(c, inkColor, x(left+width/2), y(pt.low), y(pt.high))
		}
	}
}

// markLine draws a reference line with its label on it.
type markLine struct{ Mark }

func (m markLine) DataRange() (xmin, xmax, ymin, ymax float64) {
	xmin, xmax, ymin, ymax = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	if m.Vertical {
		xmin, xmax = m.At, m.At
	} else {
		ymin, ymax = m.At, m.At
	}
	return
}

func (m markLine) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	line := draw.LineStyle{Color: inkColor, Width: 1, Dashes: []vg.Length{3, 3}}
	label := textStyle(8.5, false, inkColor)
	if m.Vertical {
		if m.At < p.X.Min || m.At > p.X.Max {
			return
		}
		at := x(m.At)
		c.StrokeLine2(line, at, c.Min.Y, at, c.Max.Y)
		text := fit(label, m.Label, c.Max.X-c.Min.X)
		if at+3+label.Width(text) > c.Max.X {
			at -= label.Width(text) + 6
		}
		c.FillText(label, vg.Point{X: at + 3, Y: c.Max.Y - label.Height(text) - 1}, text)
		return
	}
	if m.At < p.Y.Min || m.At > p.Y.Max {
		return
	}
	at := y(m.At)
	c.StrokeLine2(line, c.Min.X, at, c.Max.X, at)
	text := fit(label, m.Label, c.Max.X-c.Min.X)
	up := at + 1
	if up+label.Height(text) > c.Max.Y {
		up = at - label.Height(text) - 1
	}
	c.FillText(label, vg.Point{X: c.Max.X - label.Width(text) - 2, Y: up}, text)
}
