package check

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"spindle/kernel/display"
	"spindle/lessons/internal/journal"
	"spindle/lessons/refs"
)

// Guess keeps what the learner expects of a quantity, before it is measured.
// A value of 0 is no guess; nor is one below, for nothing that is measured here
// can be less than nothing.
func Guess(quantity string, value float64, unit string) {
	switch {
	case value == 0:
		display.Text("No guess yet: put a number in, even a wild one, and run the cell again. (Go divides whole numbers without a rest: 1/2 is 0. Write 0.5.)")
		return
	case !(value > 0): // NaN, too
		display.Text("Not kept: " + figures(value) + " " + unit + " is less than nothing. Put in a number above 0 and run the cell again.")
		return
	}
	if u, ok := spelled[unit]; ok {
		unit = u
	}
	keep(func(p *journal.Pages) {
		p.Guesses[quantity] = journal.Number{Value: value, Unit: unit, When: time.Now().UTC().Truncate(time.Second)}
	})
	display.Text("Your guess, kept: " + figures(value) + " " + unit)
}

// Beside keeps the measured values of a quantity and shows them beside the
// learner's guess and the published numbers for the same quantity.
func Beside(quantity, title string, values []float64, unit string) {
	if len(values) == 0 {
		display.Text("Nothing was measured of " + title + ".")
		return
	}
	sorted := slices.Sorted(slices.Values(values))
	m := journal.Number{
		Title: title, Value: median(sorted), Low: sorted[0], High: sorted[len(sorted)-1],
		Unit: unit, N: len(sorted), When: time.Now().UTC().Truncate(time.Second),
	}
	keep(func(p *journal.Pages) { p.Measured[quantity] = m })

	var rows []bar
	if g, ok := read().Guesses[quantity]; ok {
		typed := figures(g.Value) + " " + g.Unit
		if v, ok := convert(g.Value, g.Unit, unit); ok {
			rows = append(rows, bar{who: "your guess", low: v, at: v, high: v, value: typed, says: apart(v, m.Value)})
		} else {
			rows = append(rows, bar{who: "your guess", value: typed, says: "can't be compared: this is measured in " + kindOf(unit)})
		}
	}
	note := fmt.Sprintf("median; %s to %s, n = %d", number(m.Low, unit), number(m.High, unit), m.N)
	if m.N == 1 {
		note = "one reading"
	}
	rows = append(rows, bar{who: "measured here", low: m.Low, at: m.Value, high: m.High, says: note, own: true})
	for _, r := range refs.Of(quantity) {
		v, ok := r.In(unit)
		if !ok {
			continue
		}
		low, high := v, v
		if r.High > r.Value {
			low, _ = convert(r.Value, r.Unit, unit)
			high, _ = convert(r.High, r.Unit, unit)
		}
		rows = append(rows, bar{who: "published, " + r.Kind, low: low, at: v, high: high, says: r.Says + " (" + r.Cite() + ")", url: r.URL})
	}
	showBars(title, unit, rows)
}

// Kept returns a number that an earlier cell or lesson measured, and whether
// there is one.
func Kept(quantity string) (value float64, unit string, ok bool) {
	m, ok := read().Measured[quantity]
	return m.Value, m.Unit, ok
}

// guessRows are the guesses for which something was measured, by title.
func guessRows() [][]any {
	p := read()
	var rows [][]any
	for quantity, g := range p.Guesses {
		m, ok := p.Measured[quantity]
		if !ok {
			continue
		}
		v, ok := convert(g.Value, g.Unit, m.Unit)
		if !ok {
			continue
		}
		rows = append(rows, []any{m.Title, number(v, m.Unit), number(m.Value, m.Unit), apart(v, m.Value)})
	}
	slices.SortFunc(rows, func(a, b []any) int { return strings.Compare(a[0].(string), b[0].(string)) })
	return rows
}

// bar is a line of the figure that sets numbers side by side.
type bar struct {
	who           string
	low, at, high float64
	value         string // in words, "" for at or low to high
	says, url     string
	own           bool
}

// showBars draws the rows on one logarithmic axis, with the table below as
// the same in words.
func showBars(title, unit string, rows []bar) {
	var text strings.Builder
	fmt.Fprintf(&text, "%s\n", title)
	var table strings.Builder
	fmt.Fprintf(&table, `<table><caption style="text-align:left;font-weight:600">%s</caption><thead><tr><th></th><th></th><th style="text-align:left">%s</th><th></th></tr></thead><tbody>`,
		html.EscapeString(title), "log scale")
	low, high := math.Inf(1), 0.0
	for _, r := range rows {
		if r.low > 0 {
			low = min(low, r.low)
		}
		high = max(high, r.high)
	}
	for _, r := range rows {
		value := r.value
		switch {
		case value != "":
		case !r.own && r.high > r.low:
			value = number(r.low, unit) + " – " + number(r.high, unit)
		default:
			value = number(r.at, unit)
		}
		fmt.Fprintf(&text, "  %-20s %14s  %s\n", r.who, value, r.says)
		says := html.EscapeString(r.says)
		if r.url != "" {
			says = `<a href="` + html.EscapeString(r.url) + `">` + says + `</a>`
		}
		weight := "400"
		if r.own {
			weight = "700"
		}
		fmt.Fprintf(&table, `<tr><td style="text-align:left;font-weight:%s">%s</td><td style="text-align:right;white-space:nowrap;font-weight:%s">%s</td><td style="min-width:220px">%s</td><td style="text-align:left"><small>%s</small></td></tr>`,
			weight, html.EscapeString(r.who), weight, html.EscapeString(value), strip(r, low, high), says)
	}
	table.WriteString(`</tbody></table>`)
	display.Show(display.Bundle{Data: map[string]any{
		"text/plain": strings.TrimSuffix(text.String(), "\n"),
		"text/html":  table.String(),
	}})
}

// strip is one row of the figure: a range and a point on a logarithmic axis,
// in plain HTML boxes, which need no script and no SVG.
func strip(r bar, low, high float64) string {
	if r.at <= 0 || low <= 0 || math.IsInf(low, 1) {
		return ""
	}
	from, span := math.Log10(low)-0.15, math.Log10(high)-math.Log10(low)+0.3
	place := func(v float64) float64 { return 100 * (math.Log10(max(v, low)) - from) / span }
	colour := "#7a869a"
	if r.own {
		colour = "#2f7fd6"
	}
	if r.who == "your guess" {
		colour = "#c28000"
	}
	a, b, at := place(r.low), place(r.high), place(r.at)
	return fmt.Sprintf(`<div style="position:relative;height:14px;border-bottom:1px solid rgba(128,138,153,.35)">`+
		`<div style="position:absolute;left:%.1f%%;width:%.1f%%;top:5px;height:4px;background:%s;opacity:.5"></div>`+
		`<div style="position:absolute;left:calc(%.1f%% - 4px);top:3px;width:8px;height:8px;border-radius:4px;background:%s"></div></div>`,
		a, max(b-a, 0.3), colour, at, colour)
}

func median(sorted []float64) float64 {
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}

// apart says how far a guess is from a measurement.
func apart(guess, measured float64) string {
	if guess <= 0 || measured <= 0 {
		return ""
	}
	ratio := guess / measured
	switch {
	case ratio > 0.8 && ratio < 1.25:
		return "close"
	case ratio >= 1.25:
		return figures(ratio) + "× too high"
	}
	return figures(1/ratio) + "× too low"
}

// Base units, to which a number's unit is a factor: nanoseconds and bytes.
var factors = map[string]float64{
	"ns": 1, "µs": 1e3, "ms": 1e6, "s": 1e9,
	"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
	"kB": 1e3, "MB": 1e6, "GB": 1e9,
}

// spelled are other ways in which learners write units: not every keyboard has
// the micro sign, and some have the Greek letter.
var spelled = map[string]string{
	"us": "µs", "μs": "µs", "sec": "s", "seconds": "s", "bytes": "B", "byte": "B", "KB": "kB",
}

// kindOf says in which units what is measured in unit can be guessed.
func kindOf(unit string) string {
	switch {
	case factors[unit] == 0:
		return unit
	case isBytes(unit):
		return "B, KiB, MiB or GiB"
	}
	return "ns, µs, ms or s"
}

func convert(v float64, from, to string) (float64, bool) {
	if from == to {
		return v, true
	}
	f, t := factors[from], factors[to]
	if f == 0 || t == 0 || isBytes(from) != isBytes(to) {
		return 0, false
	}
	return v * f / t, true
}

func isBytes(unit string) bool { return strings.HasSuffix(unit, "B") }

// number is v in the unit of its dimension that reads best.
func number(v float64, unit string) string {
	f := factors[unit]
	if f == 0 || v == 0 {
		return figures(v) + " " + unit
	}
	scale := []string{"ns", "µs", "ms", "s"}
	if isBytes(unit) {
		scale = []string{"B", "KiB", "MiB", "GiB"}
	}
	base := v * f
	best := scale[0]
	for _, u := range scale {
		if math.Abs(base) >= factors[u] {
			best = u
		}
	}
	return figures(base/factors[best]) + " " + best
}

// figures is v with three significant digits, without an exponent, and with a
// comma every three digits from 10,000 on.
func figures(v float64) string {
	if math.Abs(v) < 100 {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	s := strconv.FormatFloat(v, 'f', 0, 64)
	if math.Abs(v) >= 9999.5 && math.Abs(v) < 1e15 {
		s = grouped.Sprintf("%d", int64(math.Round(v)))
	}
	return s
}

var grouped = message.NewPrinter(language.English)
