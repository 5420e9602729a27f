package display

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

func axisTicks(log bool, about int) plot.Ticker {
	return plot.TickerFunc(func(low, high float64) []plot.Tick {
		if log {
			return logTicks(low, high, about)
		}
		return linearTicks(low, high, about)
	})
}

// linearTicks are about n multiples of 1, 2 or 5 times a power of ten.
func linearTicks(low, high float64, n int) []plot.Tick {
	raw := (high/2 - low/2) / float64(n) * 2
	if raw <= 0 || math.IsInf(raw, 0) || math.IsNaN(raw) {
		return []plot.Tick{{Value: low, Label: tickLabel(low, 0)}, {Value: high, Label: tickLabel(high, 0)}}
	}
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	step := 10 * power
	for _, f := range []float64{1, 2, 5} {
		if raw <= f*power {
			step = f * power
			break
		}
	}
	var ticks []plot.Tick
	first := math.Ceil(low / step)
	for i := 0; i <= 4*n; i++ {
		v := (first + float64(i)) * step
		if v > high+step*1e-9 {
			break
		}
		ticks = append(ticks, plot.Tick{Value: v, Label: tickLabel(v, step)})
	}
	return ticks
}

// logTicks labels every decade (every second, third, … where there are many)
// and, where there are few, 2 and 5 as well; the rest are minor.
func logTicks(low, high float64, n int) []plot.Tick {
	first, last := int(math.Floor(math.Log10(low))), int(math.Ceil(math.Log10(high)))
	decades := math.Log10(high) - math.Log10(low)
	every := max(1, int(math.Ceil(decades/float64(n))))
	var ticks []plot.Tick
	for d := first; d <= last; d++ {
		for m := 1; m <= 9; m++ {
			v, err := strconv.ParseFloat(strconv.Itoa(m)+"e"+strconv.Itoa(d), 64)
			if err != nil || v < low*(1-1e-9) || v > high*(1+1e-9) {
				continue
			}
			t := plot.Tick{Value: v}
			major := m == 1 && d%every == 0
			if decades < 2.2 && (m == 2 || m == 5) || decades < 0.8 {
				major = true
			}
			if major {
				t.Label = tickLabel(v, v)
			} else if every > 2 && m > 1 {
				continue
			}
			ticks = append(ticks, t)
		}
	}
	return ticks
}

// tickLabel prints v, short: 0.5, 20, 10k, 2M, 1e-6. step is the distance to
// the next label, which says how many digits matter.
func tickLabel(v, step float64) string {
	if v == 0 || math.Abs(v) < math.Abs(step)*1e-9 {
		return "0"
	}
	a := math.Abs(v)
	digits := 6
	if step > 0 {
		digits = min(15, max(1, int(math.Floor(math.Log10(a)))-int(math.Floor(math.Log10(step)))+1))
	}
	for _, s := range []struct {
		size float64
		unit string
	}{{1e9, "G"}, {1e6, "M"}, {1e4, "k"}} {
		if a >= s.size && a < 1e12 && digits <= 6 {
			size := s.size
			if s.unit == "k" {
				size = 1e3
			}
			return strconv.FormatFloat(round(v/size, digits), 'f', -1, 64) + s.unit
		}
	}
	if a >= 1e12 || a < 1e-3 {
		return strconv.FormatFloat(round(v, digits), 'e', -1, 64)
	}
	return strconv.FormatFloat(round(v, digits), 'f', -1, 64)
}

// round keeps so many significant digits of v.
func round(v float64, digits int) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', digits, 64), 64)
	if err != nil {
		return v
	}
	return r
}

// nameTicks are the names of categories, cut to the room that each has; where
// there are too many, every second, third, … is named.
func nameTicks(style text.Style, names []string, room vg.Length) plot.Ticker {
	each := room / vg.Length(max(1, len(names)))
	every := 1
	if each < 16 {
		every = int(math.Ceil(float64(16 / each)))
	}
	var ticks []plot.Tick
	for i, name := range names {
		if i%every == 0 {
			ticks = append(ticks, plot.Tick{Value: float64(i), Label: fit(style, name, each*vg.Length(every)-3)})
		}
	}
	return plot.ConstantTicks(ticks)
}
