package lab

import (
	"fmt"
	"strings"

	"spindle/lessons/refs"
)

// Published is a figure of somebody else's for something that the lab
// measures, with what is needed to judge it.
type Published struct {
	// Measure is the ID of the Samples that it stands beside.
	Measure string  `json:"measure"`
	Value   float64 `json:"value"`
	// Unit is one of ns, µs (us), ms, s, B, KB, KiB, MB, MiB, GB, GiB, or the
	// plain word that the Samples have.
	Unit string `json:"unit"`
	// Low and High are the range, where the source gives one; else both 0.
	Low    float64 `json:"low,omitempty"`
	High   float64 `json:"high,omitempty"`
	Source string  `json:"source"`
	URL    string  `json:"url,omitempty"`
	// Date is when the figure was published or measured: "2018", "2026-02-19".
	Date     string `json:"date"`
	Hardware string `json:"hardware,omitempty"`
	Note     string `json:"note,omitempty"`
}

// Figures are the published figures of package refs, in the lab's form.
func Figures() []Published {
	var all []Published
	for _, f := range refs.All() {
		p := Published{
			Measure: f.Quantity, Value: f.Value, Unit: f.Unit, Source: f.Source, URL: f.URL, Date: f.Date, Hardware: f.Hardware, Note: f.Says,
		}
		if f.High > f.Value {
			p.Value, p.Low, p.High = (f.Value+f.High)/2, f.Value, f.High
		}
		all = append(all, p)
	}
	return all
}

// String is the figure and where it is from.
func (p Published) String() string {
	s := fmt.Sprintf("%s (%s", p.figure(), p.Source)
	if p.Date != "" {
		s += ", " + p.Date
	}
	return s + ")"
}

// Base is the figure in the lab's own units, nanoseconds or bytes; other
// units stay as they are.
func (p Published) Base() float64 { return p.Value * unitScale(p.Unit) }

func (p Published) figure() string {
	unit := baseUnit(p.Unit)
	if p.Low != 0 || p.High != 0 {
		k := unitScale(p.Unit)
		return format(p.Low*k, unit) + " – " + format(p.High*k, unit)
	}
	return format(p.Base(), unit)
}

var unitScales = map[string]float64{
	"ns": 1, "µs": 1e3, "us": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9,
	"B": 1, "KB": 1e3, "kB": 1e3, "KiB": 1 << 10, "MB": 1e6, "MiB": 1 << 20, "GB": 1e9, "GiB": 1 << 30,
}

func unitScale(unit string) float64 {
	if k, ok := unitScales[unit]; ok {
		return k
	}
	return 1
}

func baseUnit(unit string) string {
	switch {
	case unit == "B" || strings.HasSuffix(unit, "B") && unitScales[unit] > 0:
		return "B"
	case unitScales[unit] > 0:
		return "ns"
	}
	return unit
}

// format writes v, in a base unit, with three figures and the unit that suits
// its size.
func format(v float64, unit string) string {
	switch unit {
	case "ns":
		switch a := abs(v); {
		case a >= 1e9:
			return fmt.Sprintf("%.3g s", v/1e9)
		case a >= 1e6:
			return figures(v/1e6) + " ms"
		case a >= 1e3:
			return figures(v/1e3) + " µs"
		}
		return figures(v) + " ns"
	case "B":
		switch a := abs(v); {
		case a >= 1<<30:
			return figures(v/(1<<30)) + " GiB"
		case a >= 1<<20:
			return figures(v/(1<<20)) + " MiB"
		case a >= 1<<10:
			return figures(v/(1<<10)) + " KiB"
		}
		return figures(v) + " B"
	case "":
		return figures(v)
	}
	return figures(v) + " " + unit
}

func figures(v float64) string {
	switch a := abs(v); {
	case v == float64(int64(v)) && a < 1e15:
		return group(int64(v))
	case a >= 100:
		return group(int64(v + 0.5))
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	case a >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	if a := abs(v); a >= 1e-5 && a < 1e-3 { // %g would begin to write exponents
		return strings.TrimRight(fmt.Sprintf("%.6f", v), "0")
	}
	return fmt.Sprintf("%.3g", v)
}

// group writes n with a comma every three digits.
func group(n int64) string {
	s := fmt.Sprint(n)
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if neg {
		s = "-" + s
	}
	return s
}

func abs(v float64) float64 {
	if v < 0 {
		return -v
	}
	return v
}
