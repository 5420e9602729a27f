// Package refs holds the numbers that others published, each with its unit,
// source, date and hardware, for a lesson to put beside what it measures. The
// numbers are data, in refs.json; here is only how to find them.
package refs

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html"
	"strconv"
	"strings"
	"sync"
)

// Kinds of published number.
const (
	Measured  = "measured"  // somebody ran it
	Specified = "specified" // a manual or source code fixes it
	Claimed   = "claimed"   // somebody says so, without a measurement beside it
)

// Ref is one published number. Unit is what Value and High are in: "ns", "µs",
// "ms", "KiB", or the name of what is counted.
type Ref struct {
	ID       string  `json:"id"`
	Quantity string  `json:"quantity"`       // what it is of, as in "switch/thread-pipe-same"; experiments compare by it
	Value    float64 `json:"value"`          // the number, or the low end of a range
	High     float64 `json:"high,omitempty"` // the high end of a range; 0 where there is none
	Unit     string  `json:"unit"`
	Kind     string  `json:"kind"` // Measured, Specified or Claimed
	Says     string  `json:"says"` // what the source says, in a line
	Source   string  `json:"source"`
	URL      string  `json:"url,omitempty"`
	Date     string  `json:"date,omitempty"`     // of publication, as precisely as it is known
	Hardware string  `json:"hardware,omitempty"` // "" where the source does not say
	Software string  `json:"software,omitempty"`
}

//go:embed refs.json
var data []byte

var load = sync.OnceValue(func() []Ref {
	var all []Ref
	if err := json.Unmarshal(data, &all); err != nil {
		panic("refs.json: " + err.Error()) // embedded: a test holds it
	}
	return all
})

// All returns every published number, in the order of refs.json.
func All() []Ref { return append([]Ref(nil), load()...) }

// Get returns the number with that id. It panics on an unknown one, which is
// a mistake in the caller's text.
func Get(id string) Ref {
	for _, r := range load() {
		if r.ID == id {
			return r
		}
	}
	panic(fmt.Sprintf("no published number has the id %q", id))
}

// Of returns what is published of one quantity, such as "switch/thread-pipe-same".
func Of(quantity string) []Ref {
	var found []Ref
	for _, r := range load() {
		if r.Quantity == quantity {
			found = append(found, r)
		}
	}
	return found
}

// per says how many of a unit's base (ns for time, bytes for memory) it holds.
var per = map[string]float64{
	"ns": 1, "µs": 1e3, "ms": 1e6, "s": 1e9,
	"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
}

// In returns the number, or the middle of its range, in another unit of the
// same dimension, and whether it can be said in it.
func (r Ref) In(unit string) (float64, bool) {
	v := r.Value
	if r.High > r.Value {
		v = (r.Value + r.High) / 2
	}
	if unit == r.Unit {
		return v, true
	}
	from, to := per[r.Unit], per[unit]
	if from == 0 || to == 0 || isTime(r.Unit) != isTime(unit) {
		return 0, false
	}
	return v * from / to, true
}

func isTime(unit string) bool { return strings.HasSuffix(unit, "s") && per[unit] != 0 }

// Number is the value with its range and unit, as in "1.2–1.5 µs".
func (r Ref) Number() string {
	s := strconv.FormatFloat(r.Value, 'g', -1, 64)
	if r.Value >= 1e5 {
		s = strconv.FormatFloat(r.Value, 'f', 0, 64)
	}
	if r.High > r.Value {
		s += "–" + strconv.FormatFloat(r.High, 'g', -1, 64)
	}
	return s + " " + r.Unit
}

// Cite is the source, with its date and hardware where they are known.
func (r Ref) Cite() string {
	cite := r.Source
	for _, more := range []string{r.Date, r.Hardware, r.Software} {
		if more != "" {
			cite += ", " + more
		}
	}
	return cite
}

// String is the whole reference in a line.
func (r Ref) String() string {
	return fmt.Sprintf("%s %s: %s (%s)", r.Number(), r.Kind, r.Says, r.Cite())
}

// HTML is the reference as a paragraph, its source a link.
func (r Ref) HTML() string {
	source := html.EscapeString(r.Cite())
	if r.URL != "" {
		source = `<a href="` + html.EscapeString(r.URL) + `">` + source + `</a>`
	}
	return `<p><b>` + html.EscapeString(r.Number()) + `</b> <i>` + html.EscapeString(r.Kind) + `</i>: ` +
		html.EscapeString(r.Says) + `<br><small>` + source + `</small></p>`
}

// List is published numbers that draw themselves as a table.
type List []Ref

// Table gathers what is published of some quantities, for a cell to show.
func Table(quantities ...string) List {
	var l List
	for _, q := range quantities {
		l = append(l, Of(q)...)
	}
	return l
}

// String is the list as text, a line each.
func (l List) String() string {
	lines := make([]string, len(l))
	for i, r := range l {
		lines[i] = r.String()
	}
	return strings.Join(lines, "\n")
}

// HTML is the list as a table with its sources as links.
func (l List) HTML() string {
	var b strings.Builder
	b.WriteString(`<table><thead><tr><th style="text-align:right">published</th><th style="text-align:left">kind</th><th style="text-align:left">what</th><th style="text-align:left">source</th></tr></thead><tbody>`)
	for _, r := range l {
		source := html.EscapeString(r.Cite())
		if r.URL != "" {
			source = `<a href="` + html.EscapeString(r.URL) + `">` + source + `</a>`
		}
		fmt.Fprintf(&b, `<tr><td style="white-space:nowrap;text-align:right">%s</td><td style="text-align:left">%s</td><td style="text-align:left">%s</td><td style="text-align:left"><small>%s</small></td></tr>`,
			html.EscapeString(r.Number()), html.EscapeString(r.Kind), html.EscapeString(r.Says), source)
	}
	b.WriteString(`</tbody></table>`)
	return b.String()
}
