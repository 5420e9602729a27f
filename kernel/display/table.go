package display

import (
	"fmt"
	"html"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/width"
)

// Grid is a table. As the last expression of a cell, or given to Show, it is
// an HTML table that sorts by a click on a header where the front end runs
// scripts and reads the same where it doesn't; its text/plain is aligned.
type Grid struct {
	Caption string
	Headers []string
	// Rows holds any values. Numbers and durations are set to the right and
	// sort by size; floats show six significant digits, durations four. A value
	// with a method HTML() string is set as that HTML. nil is an empty cell.
	Rows [][]any
	Note string // below the table: units, machine, date
	// MaxRows bounds what is shown; the rest is counted. 0 means 500.
	MaxRows int
}

// tableCell is one value made ready for both forms.
type tableCell struct {
	text    string
	html    string  // escaped
	number  bool    // sorts by key and is set to the right
	key     float64 // where number
	present bool
}

// Bundle is the table as HTML and as text.
func (g Grid) Bundle() Bundle {
	return Bundle{Data: map[string]any{mimeHTML: g.HTML(), mimeText: g.String()}}
}

// cells lays out the rows shown, all as wide as the widest, and tells how many
// were left out.
func (g Grid) cells() (rows [][]tableCell, columns, left int) {
	limit := g.MaxRows
	if limit <= 0 {
		limit = 500
	}
	shown := g.Rows
	if len(shown) > limit {
		left = len(shown) - limit
		shown = shown[:limit]
	}
	columns = len(g.Headers)
	for _, r := range shown {
		columns = max(columns, len(r))
	}
	for _, r := range shown {
		row := make([]tableCell, columns)
		for i, v := range r {
			row[i] = cellOf(v)
		}
		rows = append(rows, row)
	}
	return rows, columns, left
}

// rightSet tells which columns hold numbers only.
func rightSet(rows [][]tableCell, columns int) []bool {
	right := make([]bool, columns)
	for c := range right {
		numbers := 0
		for _, r := range rows {
			if r[c].number {
				numbers++
			} else if r[c].present {
				numbers = math.MinInt32
			}
		}
		right[c] = numbers > 0
	}
	return right
}

// narrow tells whether a column is so narrow that its lines need not be
// broken, as a front end would in a table that is wider than the page.
func narrow(rows [][]tableCell, c int) bool {
	const most = 36
	for _, r := range rows {
		if textWidth(oneLine(r[c].text)) > most {
			return false
		}
	}
	return true
}

func (g Grid) header(i int) string {
	if i < len(g.Headers) {
		return g.Headers[i]
	}
	return ""
}

// sortScript sorts the table whose header was clicked: ascending first, then
// turned round; numbers by size, empty cells last. It is inline, for front
// ends move outputs about and run no script elements twice.
const sortScript = `(function(e){var h=e.target.closest('th');if(!h)return;` +
	`var t=h.closest('table'),b=t.tBodies[0],i=h.cellIndex,d=h.getAttribute('aria-sort')=='ascending'?-1:1;` +
	`var k=function(r){var c=r.cells[i];if(c.hasAttribute('data-key'))return parseFloat(c.getAttribute('data-key'));return c.textContent};` +
	`Array.from(b.rows).sort(function(x,y){var p=k(x),q=k(y);if(p===''||q==='')return p===q?0:p===''?1:-1;` +
	`if(typeof p=='number'&&typeof q=='number')return d*(p-q);return d*String(p).localeCompare(String(q),undefined,{numeric:true})})` +
	`.forEach(function(r){b.appendChild(r)});` +
	`Array.from(h.parentNode.cells).forEach(function(c){c.removeAttribute('aria-sort');var s=c.querySelector('span');if(s)s.remove()});` +
	`h.setAttribute('aria-sort',d>0?'ascending':'descending');` +
	`var s=document.createElement('span');s.textContent=d>0?' ▲':' ▼';s.setAttribute('aria-hidden','true');h.appendChild(s)})(event)`

// HTML is the table as HTML. Colours are the page's own, thinned, so that it
// reads in light and dark themes; all styling is inline.
func (g Grid) HTML() string {
	rows, columns, left := g.cells()
	right := rightSet(rows, columns)
	side := func(c int) string {
		if right[c] {
			return "text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap"
		}
		if narrow(rows, c) {
			return "text-align:left;white-space:nowrap"
		}
		return "text-align:left"
	}
	var b strings.Builder
	b.WriteString(`<div style="overflow-x:auto"><table style="border-collapse:collapse;margin:.4em 0">`)
	if g.Caption != "" {
		b.WriteString(`<caption style="caption-side:top;text-align:left;font-weight:bold;padding:.2em 0;color:inherit">` +
			html.EscapeString(g.Caption) + `</caption>`)
	}
	if len(g.Headers) > 0 {
		b.WriteString(`<thead onclick="` + html.EscapeString(sortScript) +
			`" onkeydown="if(event.key==&#39;Enter&#39;)event.target.click()"><tr>`)
		for c := range columns {
			b.WriteString(`<th scope="col" tabindex="0" title="sort by this column" style="` + side(c) +
				`;padding:.3em .8em;border-bottom:2px solid rgba(128,128,128,.6);cursor:pointer;white-space:nowrap">` +
				html.EscapeString(g.header(c)) + `</th>`)
		}
		b.WriteString(`</tr></thead>`)
	}
	b.WriteString("<tbody>")
	for _, r := range rows {
		b.WriteString("\n<tr>")
		for c, v := range r {
			b.WriteString(`<td style="` + side(c) + `;padding:.25em .8em;border-bottom:1px solid rgba(128,128,128,.25)"`)
			if v.number {
				b.WriteString(` data-key="` + strconv.FormatFloat(v.key, 'g', -1, 64) + `"`)
			}
			b.WriteString(">" + v.html + "</td>")
		}
		b.WriteString("</tr>")
	}
	b.WriteString("</tbody></table>")
	for _, line := range g.under(left) {
		b.WriteString(`<div style="opacity:.7;font-size:90%">` + html.EscapeString(line) + `</div>`)
	}
	b.WriteString("</div>")
	return b.String()
}

func (g Grid) under(left int) (lines []string) {
	switch {
	case left > 0:
		lines = append(lines, fmt.Sprintf("… and %d more rows", left))
	case len(g.Rows) == 0:
		lines = append(lines, "(no rows)")
	}
	if g.Note != "" {
		lines = append(lines, g.Note)
	}
	return lines
}

// String is the table as aligned text.
func (g Grid) String() string {
	rows, columns, left := g.cells()
	right := rightSet(rows, columns)
	widths := make([]int, columns)
	for c := range columns {
		widths[c] = textWidth(oneLine(g.header(c)))
		for _, r := range rows {
			widths[c] = max(widths[c], textWidth(r[c].text))
		}
	}
	var b strings.Builder
	line := func(text func(c int) string) {
		var l strings.Builder
		for c := range columns {
			if c > 0 {
				l.WriteString("  ")
			}
			s := text(c)
			gap := strings.Repeat(" ", widths[c]-textWidth(s))
			if right[c] {
				l.WriteString(gap + s)
			} else {
				l.WriteString(s + gap)
			}
		}
		b.WriteString(strings.TrimRight(l.String(), " ") + "\n")
	}
	if g.Caption != "" {
		b.WriteString(g.Caption + "\n")
	}
	if len(g.Headers) > 0 {
		line(func(c int) string { return oneLine(g.header(c)) })
		line(func(c int) string { return strings.Repeat("-", widths[c]) })
	}
	for _, r := range rows {
		line(func(c int) string { return r[c].text })
	}
	for _, l := range g.under(left) {
		b.WriteString(l + "\n")
	}
	return strings.TrimRight(b.String(), "\n")
}

func cellOf(v any) tableCell {
	c := tableCell{present: true}
	switch v := v.(type) {
	case nil:
		return tableCell{}
	case string:
		c.text, c.present = v, v != ""
	case time.Duration:
		c.text, c.number, c.key = shortDuration(v), true, float64(v)
	case interface{ HTML() string }:
		if isNil(v) {
			return tableCell{}
		}
		c.html = v.HTML()
		c.text = oneLine(htmlText(c.html))
		return c
	case fmt.Stringer, error, fmt.Formatter:
		if isNil(v) {
			c.text = "nil"
			break
		}
		c.text = fmt.Sprint(v)
	default:
		rv := reflect.ValueOf(v)
		switch {
		case rv.CanInt():
			c.text, c.number, c.key = strconv.FormatInt(rv.Int(), 10), true, float64(rv.Int())
		case rv.CanUint():
			c.text, c.number, c.key = strconv.FormatUint(rv.Uint(), 10), true, float64(rv.Uint())
		case rv.CanFloat():
			f := rv.Float()
			c.text, c.number, c.key = shortFloat(f), !math.IsNaN(f), f
		case isNil(v):
			c.text = "nil"
		default:
			c.text = plain(v)
		}
	}
	c.html = strings.ReplaceAll(html.EscapeString(c.text), "\n", "<br>")
	c.text = oneLine(c.text)
	return c
}

func oneLine(s string) string {
	return strings.Join(strings.Fields(s), " ")
}

// shortFloat prints f with six significant digits, without an exponent where
// a person would write none.
func shortFloat(f float64) string {
	a := math.Abs(f)
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0) || a == 0:
		return strconv.FormatFloat(f, 'g', -1, 64)
	case a >= 1e15 || a < 1e-4:
		return strconv.FormatFloat(f, 'g', 6, 64)
	}
	decimals := max(0, 5-int(math.Floor(math.Log10(a))))
	s := strconv.FormatFloat(f, 'f', decimals, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// shortDuration prints d with four significant digits, or whole nanoseconds.
func shortDuration(d time.Duration) string {
	if d == math.MinInt64 {
		return d.String()
	}
	unit := time.Duration(1)
	for a := max(d, -d); a >= 10000; a /= 10 {
		unit *= 10
	}
	return d.Round(unit).String()
}

// textWidth is the number of terminal columns that s takes.
func textWidth(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case width.LookupRune(r).Kind() == width.EastAsianWide || width.LookupRune(r).Kind() == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}
