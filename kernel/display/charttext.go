package display

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// String is the chart as text: its titles, and the figures of each series.
func (c Chart) String() string {
	var b strings.Builder
	title := c.Title
	if title == "" {
		title = "chart"
	}
	b.WriteString(title + "\n")
	if c.YLabel != "" || c.XLabel != "" {
		axis := func(label string, log bool) string {
			if log && label != "" {
				label += ", log"
			}
			return label
		}
		y, x := axis(c.YLabel, c.LogY), axis(c.XLabel, c.LogX)
		if x != "" {
			x = "over " + x
		}
		b.WriteString(strings.TrimSpace(y+" "+x) + "\n")
	}
	if c.bars() > 0 && c.bars() == len(c.Series) {
		b.WriteString(c.barText())
	} else {
		b.WriteString(c.seriesGrid().String() + "\n")
	}
	for _, m := range c.Marks {
		fmt.Fprintf(&b, "mark %s at %s\n", m.Label, shortFloat(m.At))
	}
	for _, l := range []string{c.leftOut(), c.Note} {
		if l != "" {
			b.WriteString(l + "\n")
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

func (c Chart) seriesGrid() Grid {
	g := Grid{Headers: []string{"series", "n", "min", "median", "max", "shape"}}
	for i, s := range c.Series {
		name := s.Name
		if name == "" {
			name = fmt.Sprintf("%s %d", s.kind(), i+1)
		}
		ps, _ := c.points(s, i)
		if len(ps) == 0 {
			g.Rows = append(g.Rows, []any{name, 0})
			continue
		}
		var vs []float64
		for _, p := range ps {
			if s.kind() == Histogram {
				vs = append(vs, p.x)
			} else {
				vs = append(vs, p.y)
			}
		}
		shape := vs
		if s.kind() == Histogram {
			shape = nil
			for _, bin := range binsOf(vs, s.Bins, c.LogX) {
				shape = append(shape, float64(bin.count))
			}
		}
		sorted := slices.Sorted(slices.Values(vs))
		g.Rows = append(g.Rows, []any{
			name, len(vs), sorted[0], quantile(sorted, 0.5), sorted[len(sorted)-1],
			sparkline(shape, c.LogY && s.kind() != Histogram),
		})
	}
	return g
}

// barText draws bars in text, their lengths on the chart's own scale.
func (c Chart) barText() string {
	low, high := math.Inf(1), math.Inf(-1)
	for i, s := range c.Series {
		ps, _ := c.points(s, i)
		for _, p := range ps {
			low, high = min(low, p.y), max(high, p.y)
		}
	}
	length := func(v float64) int {
		const cells = 30
		f := 0.0
		switch {
		case c.LogY && v > 0:
			f = (math.Log10(v) - math.Log10(low) + 0.5) / (math.Log10(high) - math.Log10(low) + 0.5)
		case !c.LogY && v > 0 && high > 0:
			f = v / high
		}
		return int(math.Ceil(f * cells))
	}
	g := Grid{}
	names := c.categories()
	for i, name := range names {
		for _, s := range c.Series {
			if i >= len(s.Values) {
				continue
			}
			row := []any{name}
			if len(c.Series) > 1 {
				row = append(row, s.Name)
			}
			g.Rows = append(g.Rows, append(row, s.Values[i], strings.Repeat("█", max(0, length(s.Values[i])))))
		}
	}
	g.MaxRows = 100
	return g.String() + "\n"
}

// sparkline draws up to 24 means of vs as blocks.
func sparkline(vs []float64, log bool) string {
	const cells = 24
	blocks := []rune("▁▂▃▄▅▆▇█")
	if len(vs) < 2 {
		return ""
	}
	var means []float64
	n := min(cells, len(vs))
	for i := range n {
		part := vs[i*len(vs)/n : (i+1)*len(vs)/n]
		sum := 0.0
		for _, v := range part {
			if log {
				v = math.Log(v)
			}
			sum += v / float64(len(part))
		}
		means = append(means, sum)
	}
	low, high := slices.Min(means), slices.Max(means)
	var b strings.Builder
	for _, m := range means {
		i := 0
		if high > low {
			// Halves first: high-low may overflow.
			i = int((m/2 - low/2) / (high/2 - low/2) * float64(len(blocks)-1))
		}
		b.WriteRune(blocks[min(len(blocks)-1, max(0, i))])
	}
	return b.String()
}

// quantile interpolates the q-quantile of sorted values (R's type 7).
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	f := at - float64(i)
	return sorted[i]*(1-f) + sorted[i+1]*f
}

// bin is one bar of a histogram: counts of values in [low, high), the last one
// closed.
type bin struct {
	low, high float64
	count     int
}

// binsOf counts finite values (positive ones where log) in n bins of equal
// width, on a logarithmic scale where log; n ≤ 0 takes the square root rule,
// between 5 and 60 bins.
func binsOf(vs []float64, n int, log bool) []bin {
	if len(vs) == 0 {
		return nil
	}
	if n <= 0 {
		n = min(60, max(5, int(math.Ceil(math.Sqrt(float64(len(vs)))))))
	}
	n = min(n, 2000)
	to, from := func(v float64) float64 { return v }, func(v float64) float64 { return v }
	if log {
		to, from = math.Log, math.Exp
	}
	low, high := to(slices.Min(vs)), to(slices.Max(vs))
	if low == high {
		half := 0.5
		if !log && low != 0 {
			half = math.Abs(low) / 20
		}
		low, high, n = low-half, high+half, 1
	}
	bins := make([]bin, n)
	edge := func(i int) float64 {
		f := float64(i) / float64(n)
		return low*(1-f) + high*f
	}
	for i := range bins {
		bins[i].low, bins[i].high = from(edge(i)), from(edge(i+1))
	}
	for _, v := range vs {
		i := int((to(v)/2 - low/2) / (high/2 - low/2) * float64(n))
		bins[min(n-1, max(0, i))].count++
	}
	return bins
}
