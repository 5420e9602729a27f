package display

import (
	"bytes"
	"fmt"
	"html"
	"image/color"
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// drawing serialises charts: gonum's font faces, shared by all plots, are not
// safe for concurrent use.
var drawing sync.Mutex

// palette has at least 4.5:1 contrast on the white panel and stays apart for
// the common kinds of colour blindness, by lightness as well as by hue; marks
// and dashes differ too.
var palette = []color.NRGBA{
	{0x0B, 0x62, 0xA4, 0xFF}, // blue
	{0xC2, 0x41, 0x0C, 0xFF}, // vermilion
	{0x0F, 0x76, 0x5A, 0xFF}, // green
	{0x7E, 0x22, 0xA8, 0xFF}, // purple
	{0x8A, 0x5A, 0x00, 0xFF}, // ochre
	{0x1F, 0x29, 0x37, 0xFF}, // near black
	{0xB0, 0x18, 0x5F, 0xFF}, // crimson
	{0x0E, 0x74, 0x90, 0xFF}, // teal
}

var (
	panelColor = color.NRGBA{0xFF, 0xFF, 0xFF, 0xFF}
	inkColor   = color.NRGBA{0x1F, 0x23, 0x28, 0xFF}
	quietColor = color.NRGBA{0x57, 0x60, 0x6A, 0xFF}
	gridColor  = color.NRGBA{0xE3, 0xE6, 0xEA, 0xFF}
)

func parseColor(s string) (color.NRGBA, error) {
	v, err := strconv.ParseUint(strings.TrimPrefix(s, "#"), 16, 32)
	if err != nil || len(s) != 7 || s[0] != '#' {
		return color.NRGBA{}, fmt.Errorf("colour %q is not of the form #0B62A4", s)
	}
	return color.NRGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 0xFF}, nil
}

func (c Chart) color(index int) color.NRGBA {
	if s := c.Series[index].Color; s != "" {
		if col, err := parseColor(s); err == nil {
			return col
		}
	}
	return palette[index%len(palette)]
}

// textStyle is Liberation Sans, whose measures Arial and Helvetica share.
func textStyle(sizePt vg.Length, bold bool, ink color.Color) text.Style {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: sizePt}
	if bold {
		f.Weight = xfont.WeightBold
	}
	return text.Style{Color: ink, Font: f, Handler: plot.DefaultTextHandler, YAlign: draw.YBottom}
}

// render draws the chart as an SVG document.
func (c Chart) render() (svg string, err error) {
	if err := c.check(); err != nil {
		return "", err
	}
	drawing.Lock()
	defer drawing.Unlock()
	// gonum/plot panics on data that it can't scale; a learner's chart must not
	// take the cell down with someone else's stack trace.
	defer func() {
		if r := recover(); r != nil {
			svg, err = "", fmt.Errorf("%v", r)
		}
	}()

	widthPx, heightPx := c.Width, c.Height
	if widthPx == 0 {
		widthPx = 640
	}
	if heightPx == 0 {
		heightPx = 380
	}
	const ptPerPx = 0.75
	w, h := vg.Length(float64(widthPx)*ptPerPx), vg.Length(float64(heightPx)*ptPerPx)
	canvas := vgsvg.New(w, h)
	area := draw.New(canvas)
	area.SetColor(panelColor)
	area.Fill(area.Path())

	inner := draw.Crop(area, 9, -12, 8, -8)
	inner = c.drawTitle(inner)
	inner = c.drawLegend(inner)
	inner = c.drawNote(inner)
	inner = c.drawAxisLabels(inner)
	c.plot(inner.Max.X - inner.Min.X).Draw(inner)

	var buf bytes.Buffer
	if _, err := canvas.WriteTo(&buf); err != nil {
		return "", fmt.Errorf("writing SVG: %w", err)
	}
	return c.finish(buf.String(), widthPx, heightPx), nil
}

var (
	svgHead   = regexp.MustCompile(`(?s)^<\?xml.*?<svg [^>]*>`)
	svgFamily = `style="font-family:Liberation Sans;font-variant:none;`
)

// finish makes gonum's document stand alone: fonts with fallbacks, for it is
// shown on machines without Liberation; a title and a description for those
// who hear it; a size in pixels that shrinks with its column.
func (c Chart) finish(doc string, widthPx, heightPx int) string {
	head := svgHead.FindString(doc)
	doc = strings.ReplaceAll(doc[len(head):], svgFamily,
		`style="font-family:'Liberation Sans',Arial,Helvetica,sans-serif;`)
	title := c.Title
	if title == "" {
		title = "chart"
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="%d" height="%d" viewBox="0 0 %g %g" role="img">`,
		widthPx, heightPx, float64(widthPx)*0.75, float64(heightPx)*0.75) +
		"\n<title>" + escapeXML(title) + "</title>\n<desc>" + escapeXML(c.String()) + "</desc>\n" + strings.TrimLeft(doc, "\n")
}

// escapeXML escapes s for XML text; characters that XML forbids are replaced.
func escapeXML(s string) string { return html.EscapeString(xmlSafe(s)) }

func xmlSafe(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r >= 0x20 && r != 0xFFFE && r != 0xFFFF {
			return r
		}
		return '\uFFFD'
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// fit cuts s so that it takes no more than room in style.
func fit(style text.Style, s string, room vg.Length) string {
	s = xmlSafe(strings.Join(strings.Fields(s), " "))
	if style.Width(s) <= room {
		return s
	}
	rs := []rune(s)
	for len(rs) > 1 && style.Width(string(rs)+"…") > room {
		rs = rs[:len(rs)-1]
	}
	return string(rs) + "…"
}

// wrap breaks s at blanks into lines that fit room.
func wrap(style text.Style, s string, room vg.Length) (lines []string) {
	line := ""
	for _, word := range strings.Fields(xmlSafe(s)) {
		if line != "" && style.Width(line+" "+word) > room {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		lines = append(lines, fit(style, line, room))
	}
	return lines
}

func (c Chart) drawTitle(area draw.Canvas) draw.Canvas {
	style := textStyle(11.5, true, inkColor)
	for _, line := range wrap(style, c.Title, area.Max.X-area.Min.X) {
		height := style.Height(line)
		area.FillText(style, vg.Point{X: area.Min.X, Y: area.Max.Y - height}, line)
		area.Max.Y -= height + 2
	}
	if c.Title != "" {
		area.Max.Y -= 4
	}
	return area
}

// drawLegend sets the legend in rows above the plot, where it hides no data.
func (c Chart) drawLegend(area draw.Canvas) draw.Canvas {
	if c.nominal() || (len(c.Series) < 2 && (len(c.Series) == 0 || c.Series[0].Name == "")) {
		return area
	}
	style := textStyle(9, false, inkColor)
	const thumb, gap, rowHeight = 18, 14, 14
	x, any := area.Min.X, false
	for i, s := range c.Series {
		if s.Name == "" {
			continue
		}
		name := fit(style, s.Name, area.Max.X-area.Min.X-thumb-4)
		w := thumb + 4 + style.Width(name)
		if any && x+w > area.Max.X {
			x = area.Min.X
			area.Max.Y -= rowHeight
		}
		mid := area.Max.Y - rowHeight/2
		c.thumbnail(area, i, vg.Rectangle{Min: vg.Point{X: x, Y: mid - 4}, Max: vg.Point{X: x + thumb, Y: mid + 4}})
		area.FillText(style, vg.Point{X: x + thumb + 4, Y: mid - style.Height(name)/2 + 1}, name)
		x += w + gap
		any = true
	}
	if any {
		area.Max.Y -= rowHeight + 5
	}
	return area
}

func (c Chart) thumbnail(area draw.Canvas, index int, r vg.Rectangle) {
	col := c.color(index)
	mid := (r.Min.Y + r.Max.Y) / 2
	centre := vg.Point{X: (r.Min.X + r.Max.X) / 2, Y: mid}
	switch s := c.Series[index]; s.kind() {
	case Line:
		area.StrokeLine2(lineStyle(s, index, col), r.Min.X, mid, r.Max.X, mid)
		if marked(s) {
			area.DrawGlyph(glyph(index, col), centre)
		}
	case Scatter:
		area.DrawGlyph(glyph(index, col), centre)
	default:
		area.SetColor(col)
		area.Fill(vg.Rectangle{Min: vg.Point{X: centre.X - 5, Y: r.Min.Y}, Max: vg.Point{X: centre.X + 5, Y: r.Max.Y}}.Path())
	}
}

func (c Chart) drawNote(area draw.Canvas) draw.Canvas {
	style := textStyle(8, false, quietColor)
	var lines []string
	for _, n := range []string{c.leftOut(), c.Note} {
		lines = append(lines, wrap(style, n, area.Max.X-area.Min.X)...)
	}
	for i := len(lines) - 1; i >= 0; i-- {
		area.FillText(style, area.Min, lines[i])
		area.Min.Y += style.Height(lines[i]) + 2
	}
	if len(lines) > 0 {
		area.Min.Y += 5
	}
	return area
}

// drawAxisLabels names the axes beside the plot. gonum would do it, but puts
// the label's box of a logarithmic axis in the wrong place, and the plot then
// makes room for it there.
func (c Chart) drawAxisLabels(area draw.Canvas) draw.Canvas {
	style := textStyle(9.5, false, inkColor)
	style.XAlign = draw.XCenter
	height := style.Height("M")
	if c.XLabel != "" {
		name := fit(style, c.XLabel, area.Max.X-area.Min.X)
		area.FillText(style, vg.Point{X: area.Center().X, Y: area.Min.Y}, name)
		area.Min.Y += height + 4
	}
	if c.YLabel != "" {
		name := fit(style, c.YLabel, area.Max.Y-area.Min.Y)
		upright := style
		upright.Rotation = math.Pi / 2
		area.FillText(upright, vg.Point{X: area.Min.X + height, Y: area.Center().Y}, name)
		area.Min.X += height + 6
	}
	return area
}

// plot is the chart without its title, legend, note and axis labels.
func (c Chart) plot(width vg.Length) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Color, a.LineStyle.Width = quietColor, 0.75
		a.Tick.LineStyle.Color, a.Tick.LineStyle.Width = quietColor, 0.75
		a.Tick.Length = 4
		a.Padding = 0
		ticks := textStyle(9, false, quietColor)
		ticks.XAlign, ticks.YAlign = a.Tick.Label.XAlign, a.Tick.Label.YAlign
		a.Tick.Label = ticks
	}

	p.Add(gridLines{})
	for i, s := range c.Series {
		ps, _ := c.points(s, i)
		if len(ps) == 0 {
			continue
		}
		switch s.kind() {
		case Line, Scatter:
			p.Add(xySeries{chart: c, index: i, points: ps})
		case Histogram:
			var vs []float64
			for _, pt := range ps {
				vs = append(vs, pt.x)
			}
			p.Add(histogramSeries{color: c.color(i), bins: binsOf(vs, s.Bins, c.LogX), logY: c.LogY})
		case Box, Strip:
			p.Add(boxSeries{color: c.color(i), points: ps, index: i, strip: s.kind() == Strip})
		case Bars:
			p.Add(barSeries{chart: c, index: i, points: ps})
		}
	}
	for _, m := range c.Marks {
		if placeable(m.At, m.Vertical && c.LogX && c.categories() == nil || !m.Vertical && c.LogY) {
			p.Add(markLine{Mark: m})
		}
	}
	c.axes(p, width)
	return p
}

// axes sets ranges, scales and ticks from what the series have asked for.
func (c Chart) axes(p *plot.Plot, width vg.Length) {
	if c.YMin != c.YMax {
		for _, v := range []float64{c.YMin, c.YMax} {
			if placeable(v, c.LogY) {
				p.Y.Min, p.Y.Max = min(p.Y.Min, v), max(p.Y.Max, v)
			}
		}
	}
	names := c.categories()
	logX := c.LogX && names == nil
	settle(&p.X, logX, 0.03)
	settle(&p.Y, c.LogY, 0.05)
	if names != nil {
		p.X.Min, p.X.Max = -0.5, float64(len(names))-0.5
		p.X.Tick.Marker = nameTicks(p.X.Tick.Label, names, width*0.9)
		p.X.Tick.LineStyle.Width = 0
	} else {
		p.X.Tick.Marker = axisTicks(logX, 8)
	}
	p.Y.Tick.Marker = axisTicks(c.LogY, 6)
	if logX {
		p.X.Scale = plot.LogScale{}
	}
	if c.LogY {
		p.Y.Scale = plot.LogScale{}
	}
}

// settle makes a range of what the data span: never empty, with some air, and
// an end that stands at zero stays there.
func settle(a *plot.Axis, log bool, air float64) {
	if math.IsInf(a.Min, 0) || math.IsInf(a.Max, 0) {
		a.Min, a.Max = 0, 1
		if log {
			a.Min, a.Max = 1, 10
		}
		return
	}
	if log {
		low, high := math.Log10(a.Min), math.Log10(a.Max)
		if high-low < 0.3 {
			low, high = low-0.2, high+0.2
		}
		room := (high - low) * air
		a.Min, a.Max = math.Pow(10, max(-307, low-room)), math.Pow(10, min(308, high+room))
		return
	}
	span := a.Max - a.Min
	if span == 0 {
		span = math.Abs(a.Max)
		if span == 0 {
			span = 1
		}
	}
	if math.IsInf(span, 0) || span < math.Abs(a.Max)*1e-12 {
		return
	}
	if a.Min != 0 {
		a.Min -= span * air
	}
	if a.Max != 0 {
		a.Max += span * air
	}
}
