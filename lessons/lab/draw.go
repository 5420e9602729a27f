package lab

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"image/color"
	"math"
	"regexp"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The house style: transparent ground, axes and words in the page's own text
// colour, series in colours legible on white and on near black.
var (
	// ink stands for the page's text colour until the SVG is written.
	ink     = color.RGBA{R: 1, G: 2, B: 3, A: 255}
	faint   = color.RGBA{R: 3, G: 2, B: 1, A: 255}
	palette = []color.RGBA{
		{0x3b, 0x82, 0xc4, 255},
		{0xd9, 0x6c, 0x2c, 255},
		{0x2e, 0x9e, 0x5b, 255},
		{0xb0, 0x5c, 0xc6, 255},
		{0xc8, 0x95, 0x1c, 255},
		{0xd1, 0x49, 0x5b, 255},
		{0x3a, 0xa6, 0xa6, 255},
		{0x8a, 0x8f, 0x98, 255},
	}
)

// Plot is a result's plots as one image.
type Plot struct{ html, text string }

// Plot draws one plot for each thing measured, below each other.
func (r *Result) Plot() Plot { return Plot{html: r.picture(), text: r.Table().String()} }

// HTML is the image for a page.
func (p Plot) HTML() string { return p.html }

// String has the figures, for where no image can be shown.
func (p Plot) String() string { return p.text }

// picture is the plots as an image in HTML, "" with nothing to draw. Front
// ends show an image where they take SVG out of a page (GitHub) or want a
// notebook to be trusted first (JupyterLab).
func (r *Result) picture() string {
	svg := r.svg()
	if svg == "" {
		return ""
	}
	return `<img src="data:image/svg+xml;base64,` + base64.StdEncoding.EncodeToString([]byte(svg)) +
		`" alt="` + html.EscapeString(r.Title) + `" style="max-width:100%">`
}

// svg draws one plot for each thing measured, below each other. An image can't
// have the page's text colour: it takes one that is legible on light and on
// dark.
func (r *Result) svg() string {
	svg := r.draw()
	return strings.Replace(svg, "<svg ", `<svg color="#7a7f87" `, 1)
}

// panel is the samples that share a plot.
type panel struct {
	of      string
	samples []Samples
}

// panels groups by what was measured, and unit, and sweep.
func (r *Result) panels() []panel {
	var out []panel
	for _, s := range r.Samples {
		i := slices.IndexFunc(out, func(p panel) bool {
			return p.of == s.Of && p.samples[0].Unit == s.Unit && p.samples[0].XLabel == s.XLabel
		})
		if i < 0 {
			out = append(out, panel{of: s.Of})
			i = len(out) - 1
		}
		out[i].samples = append(out[i].samples, s)
	}
	return out
}

// draw returns the SVG with currentColor for ink, or "" with nothing to draw.
func (r *Result) draw() string {
	var plots []*plot.Plot
	var heights []vg.Length
	for _, p := range r.panels() {
		pl, h := r.drawPanel(p)
		if pl != nil {
			plots, heights = append(plots, pl), append(heights, h)
		}
	}
	if len(plots) == 0 {
		return ""
	}
	const width = 540 // points: 720 CSS pixels
	var total vg.Length
	for _, h := range heights {
		total += h
	}
	c := vgsvg.New(width, total)
	dc := draw.New(c)
	top := total
	for i, p := range plots {
		p.Draw(draw.Crop(dc, 4, -10, top-heights[i]+4, top-total-4))
		top -= heights[i]
	}
	var buf bytes.Buffer
	if _, err := c.WriteTo(&buf); err != nil { // a bytes.Buffer takes everything
		return ""
	}
	return restyle(buf.String(), r.Title)
}

var (
	prologue   = regexp.MustCompile(`(?s)^.*?<svg [^>]*>`)
	fontFamily = regexp.MustCompile(`font-family:[^;"]*`)
)

// restyle makes the SVG scale with its column, gives it the page's colours
// and fonts, and a title for those who can't see it.
func restyle(svg, title string) string {
	var w, h float64
	head := prologue.FindString(svg)
	if m := regexp.MustCompile(`viewBox="0 0 ([\d.]+) ([\d.]+)"`).FindStringSubmatch(head); m != nil {
		fmt.Sscan(m[1], &w)
		fmt.Sscan(m[2], &h)
	}
	body := svg[len(head):]
	body = strings.ReplaceAll(body, "#010203", "currentColor")
	body = strings.ReplaceAll(body, "#030201", "#8a8f9844")
	// Its labels stand where they would in Liberation Sans, whose widths are Arial's.
	body = fontFamily.ReplaceAllString(body, "font-family:'Liberation Sans',Arial,Helvetica,sans-serif")
	esc := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(title)
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="%s" viewBox="0 0 %g %g" width="%g" style="max-width:100%%;height:auto">`, esc, w, h, w*4/3) + body
}

// drawPanel draws a sweep as lines through the medians, anything else as a
// row of points for each name; every point is there.
func (r *Result) drawPanel(pn panel) (*plot.Plot, vg.Length) {
	unit := pn.samples[0].Unit
	var all []float64
	for _, s := range pn.samples {
		all = append(all, s.Values...)
	}
	if len(all) == 0 || len(all) == len(pn.samples) && pn.samples[0].XLabel == "" && (len(all) < 2 || unit != "ns" && unit != "B") {
		return nil, 0 // nothing, or single numbers: the table has them
	}
	var published []Published
	for _, p := range r.Published {
		if slices.ContainsFunc(pn.samples, func(s Samples) bool { return s.ID == p.Measure }) && baseUnit(p.Unit) == unit {
			published = append(published, p)
			all = append(all, p.Base())
		}
	}
	p := plot.New()
	p.BackgroundColor = color.Transparent
	p.TextHandler = text.Plain{Fonts: font.DefaultCache}
	p.Title.Text = pn.of
	style(&p.Title.TextStyle, 11)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.LineStyle = draw.LineStyle{Color: ink, Width: vg.Points(.6)}
		a.Tick.LineStyle = a.LineStyle
		style(&a.Tick.Label, 8.5)
		style(&a.Label.TextStyle, 9)
	}
	p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = text.XCenter, text.YTop
	p.Y.Tick.Label.XAlign, p.Y.Tick.Label.YAlign = text.XRight, text.YCenter
	p.Legend.TextStyle = p.X.Tick.Label
	p.Legend.TextStyle.XAlign, p.Legend.TextStyle.YAlign = text.XLeft, text.YBottom // with another, the lines of a legend overlap
	p.Legend.Padding = vg.Points(2)
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.XOffs = vg.Points(6)
	lo, hi := slices.Min(all), slices.Max(all)
	logScale := lo > 0 && hi/lo > 20
	if pn.samples[0].XLabel != "" {
		drawSweep(p, pn)
		span(&p.Y, lo, hi, logScale, unit)
		return p, 240
	}
	rows := drawRows(p, pn, published, unit)
	span(&p.X, lo, hi, logScale, unit)
	return p, vg.Length(58 + 24*rows)
}

func style(t *text.Style, size float64) {
	t.Color = ink
	t.Font.Typeface, t.Font.Variant, t.Font.Size = "Liberation", "Sans", vg.Points(size)
	t.Handler = text.Plain{Fonts: font.DefaultCache}
}

// span sets an axis of values: from 0 where it is linear.
func span(a *plot.Axis, lo, hi float64, logScale bool, unit string) {
	if logScale {
		a.Scale = plot.LogScale{}
		a.Min, a.Max = lo/1.4, hi*1.4
	} else {
		a.Min, a.Max = min(0, lo), hi*1.06
		if a.Max <= a.Min {
			a.Max = a.Min + 1
		}
	}
	if unit != "ns" && unit != "B" {
		unit = "" // a word at each tick says no more than the title
	}
	a.Tick.Marker = ticks{logScale, unit}
}

// drawRows draws each sample's points in a row of its own, with its median
// and the interval; published figures are diamonds in the same row.
func drawRows(p *plot.Plot, pn panel, published []Published, unit string) int {
	p.Add(grid{vertical: true})
	n := len(pn.samples)
	var names []plot.Tick
	for i, s := range pn.samples {
		y := float64(n - 1 - i)
		c := palette[i%len(palette)]
		pts := make(plotter.XYs, len(s.Values))
		for j, v := range s.Values {
			// A fixed spread: the same data must draw the same image.
			pts[j] = plotter.XY{X: v, Y: y + 0.24*(math.Mod(float64(j)*0.618034, 1)-0.5)}
		}
		sc, err := plotter.NewScatter(pts)
		if err != nil { // NaN or Inf, which JSON would not have let through
			continue
		}
		sc.GlyphStyle = draw.GlyphStyle{Color: fade(c), Radius: vg.Points(2.1), Shape: draw.CircleGlyph{}}
		p.Add(sc, summaryMark{s.Summary(), y, c})
		names = append(names, plot.Tick{Value: y, Label: s.label() + "  " + format(s.Summary().Median, unit)})
	}
	for i, pub := range published {
		row := slices.IndexFunc(pn.samples, func(s Samples) bool { return s.ID == pub.Measure })
		sc, err := plotter.NewScatter(plotter.XYs{{X: pub.Base(), Y: float64(n-1-row) + 0.3}})
		if err != nil {
			continue
		}
		sc.GlyphStyle = draw.GlyphStyle{Color: ink, Radius: vg.Points(3), Shape: draw.PyramidGlyph{}}
		p.Add(sc)
		if i == 0 {
			p.Legend.Add("published", sc)
			p.Legend.Left, p.Legend.Top = false, true
		}
	}
	p.Y.Tick.Marker = plot.ConstantTicks(names)
	p.Y.Min, p.Y.Max = -0.6, float64(n)-0.4
	p.Y.LineStyle.Width = 0
	p.Y.Tick.LineStyle.Width = 0
	return n
}

// drawSweep draws a line for each name through the medians, and all points.
func drawSweep(p *plot.Plot, pn panel) {
	p.Add(grid{})
	p.X.Label.Text = pn.samples[0].XLabel
	var order []string
	lines := map[string][]Samples{}
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, s := range pn.samples {
		if lines[s.Name] == nil {
			order = append(order, s.Name)
		}
		lines[s.Name] = append(lines[s.Name], s)
		lo, hi = min(lo, s.X), max(hi, s.X)
	}
	for i, name := range order {
		c := palette[i%len(palette)]
		var mid, pts plotter.XYs
		for _, s := range lines[name] {
			mid = append(mid, plotter.XY{X: s.X, Y: s.Summary().Median})
			for _, v := range s.Values {
				pts = append(pts, plotter.XY{X: s.X, Y: v})
			}
		}
		slices.SortFunc(mid, func(a, b plotter.XY) int { return int(math.Copysign(1, a.X-b.X)) })
		line, err := plotter.NewLine(mid)
		if err != nil {
			continue
		}
		line.LineStyle = draw.LineStyle{Color: c, Width: vg.Points(1.6)}
		sc, err := plotter.NewScatter(pts)
		if err != nil {
			continue
		}
		sc.GlyphStyle = draw.GlyphStyle{Color: fade(c), Radius: vg.Points(1.9), Shape: draw.CircleGlyph{}}
		p.Add(line, sc)
		p.Legend.Add(name, line)
	}
	xUnit := ""
	if strings.HasSuffix(pn.samples[0].XLabel, "(bytes)") {
		xUnit = "B"
	}
	logX := lo > 0 && hi/lo > 20
	if logX {
		p.X.Scale = plot.LogScale{}
		p.X.Min, p.X.Max = lo/1.2, hi*1.2
	} else {
		p.X.Min, p.X.Max = lo-(hi-lo)*0.03, hi+(hi-lo)*0.03
		if hi == lo {
			p.X.Max = hi + 1
		}
	}
	p.X.Tick.Marker = ticks{logX, xUnit}
	if at := places(pn.samples); len(at) <= 8 {
		p.X.Tick.Marker = spaced(at, p.X.Min, p.X.Max, logX, xUnit)
	}
}

// places are the values of X in a sweep, in order.
func places(samples []Samples) []float64 {
	var xs []float64
	for _, s := range samples {
		xs = append(xs, s.X)
	}
	slices.Sort(xs)
	return slices.Compact(xs)
}

// spaced labels the places themselves, where the one before leaves room.
func spaced(at []float64, lo, hi float64, logX bool, unit string) plot.ConstantTicks {
	pos := func(x float64) float64 {
		if logX {
			return math.Log(x/lo) / math.Log(hi/lo)
		}
		return (x - lo) / (hi - lo)
	}
	var out []plot.Tick
	last := math.Inf(-1)
	for _, x := range at {
		t := plot.Tick{Value: x}
		if pos(x)-last > 0.08 {
			t.Label = tickLabel(x, unit)
			last = pos(x)
		}
		out = append(out, t)
	}
	return out
}

func fade(c color.RGBA) color.Color { return color.NRGBA{R: c.R, G: c.G, B: c.B, A: 150} }

// summaryMark draws a bar at the median and a line over its interval.
type summaryMark struct {
	sum Summary
	y   float64
	c   color.Color
}

// Plot implements plot.Plotter.
func (m summaryMark) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	at := y(m.y)
	c.StrokeLine2(draw.LineStyle{Color: m.c, Width: vg.Points(1.2)}, x(m.sum.Low), at, x(m.sum.High), at)
	c.StrokeLine2(draw.LineStyle{Color: ink, Width: vg.Points(1.8)}, x(m.sum.Median), at-7, x(m.sum.Median), at+7)
}

// grid draws faint lines at the labelled ticks.
type grid struct{ vertical bool }

// Plot implements plot.Plotter.
func (g grid) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	s := draw.LineStyle{Color: faint, Width: vg.Points(.5)}
	if g.vertical {
		for _, t := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
			if t.Label != "" {
				c.StrokeLine2(s, x(t.Value), c.Min.Y, x(t.Value), c.Max.Y)
			}
		}
		return
	}
	for _, t := range p.Y.Tick.Marker.Ticks(p.Y.Min, p.Y.Max) {
		if t.Label != "" {
			c.StrokeLine2(s, c.Min.X, y(t.Value), c.Max.X, y(t.Value))
		}
	}
}

// ticks labels values with their unit.
type ticks struct {
	log  bool
	unit string
}

// tickLabel is a value without the zeros that a table wants for its columns.
func tickLabel(v float64, unit string) string {
	s := format(v, unit)
	number, rest, _ := strings.Cut(s, " ")
	if strings.Contains(number, ".") && !strings.Contains(number, "e") {
		number = strings.TrimRight(strings.TrimRight(number, "0"), ".")
	}
	return strings.TrimSpace(number + " " + rest)
}

// Ticks implements plot.Ticker.
func (t ticks) Ticks(lo, hi float64) []plot.Tick {
	base := 10.0
	var out []plot.Tick
	if t.log {
		step := base
		if t.unit == "B" {
			for step = 2; math.Log(hi/lo)/math.Log(step) > 7; {
				step *= 2
			}
		}
		for v := math.Pow(step, math.Floor(math.Log(lo)/math.Log(step))); v <= hi; v *= step {
			if v >= lo {
				out = append(out, plot.Tick{Value: v, Label: tickLabel(v, t.unit)})
			}
			if t.unit != "B" {
				for _, k := range []float64{2, 5} {
					if w := v * k; w >= lo && w <= hi {
						label := ""
						if hi/lo < 1e3 {
							label = tickLabel(w, t.unit)
						}
						out = append(out, plot.Tick{Value: w, Label: label})
					}
				}
			}
		}
		return out
	}
	span := hi - lo
	if span <= 0 {
		return []plot.Tick{{Value: lo, Label: tickLabel(lo, t.unit)}}
	}
	step := math.Pow(base, math.Floor(math.Log10(span/4)))
	if t.unit == "B" {
		step = math.Pow(2, math.Floor(math.Log2(span/4)))
	}
	for span/step > 6 {
		step *= 2
		if t.unit != "B" && span/step > 6 {
			step *= 2.5
		}
	}
	for i := math.Ceil(lo / step); i*step <= hi; i++ {
		v := i * step
		out = append(out, plot.Tick{Value: v, Label: tickLabel(v, t.unit)})
	}
	return out
}
