package lab

import (
	"cmp"
	"fmt"
	"html"
	"slices"
	"strings"
	"unicode/utf8"
)

// Table is a result's figures in rows: what, the median with its confidence
// interval, minimum, maximum, number of points, and published figures.
type Table struct {
	Title   string
	Headers []string
	Rows    [][]string
	Note    string
	// left is how many columns hold words; the rest are figures.
	left int
}

// Table is the measurements as a table.
func (r *Result) Table() Table {
	t := Table{Title: r.Title, Headers: []string{"measured", "on", "median", "95 % interval", "min", "max", "n"}, Note: r.Env.String(), left: 2}
	if len(r.Published) > 0 {
		t.Headers = append(t.Headers, "published", "measured ÷ published")
	}
	for _, s := range inOrder(collapse(r.Samples)) {
		sum := s.Summary()
		unit := s.Unit // a word stands once in a row
		if unit != "ns" && unit != "B" {
			unit = ""
		}
		row := []string{s.Of, s.label(), format(sum.Median, s.Unit), "", format(sum.Min, unit), format(sum.Max, unit), group(int64(sum.N))}
		if sum.N > 1 {
			row[3] = format(sum.Low, unit) + " … " + format(sum.High, unit)
		} else {
			row[4], row[5] = "", ""
		}
		if len(r.Published) > 0 {
			var figs, ratios []string
			for _, p := range r.Published {
				if p.Measure != s.ID {
					continue
				}
				figs = append(figs, p.String())
				if p.Base() > 0 && baseUnit(p.Unit) == s.Unit {
					ratios = append(ratios, figures(sum.Median/p.Base())+" ×")
				}
			}
			row = append(row, strings.Join(figs, "; "), strings.Join(ratios, "; "))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// inOrder brings together what was measured, in the order in which it first
// came, then what it was measured on, then the places of a sweep.
func inOrder(samples []Samples) []Samples {
	of, name := map[string]int{}, map[string]int{}
	for i, s := range samples {
		if _, ok := of[s.Of]; !ok {
			of[s.Of] = i
		}
		if _, ok := name[s.Of+"\x00"+s.Name]; !ok {
			name[s.Of+"\x00"+s.Name] = i
		}
	}
	out := slices.Clone(samples)
	slices.SortStableFunc(out, func(a, b Samples) int {
		return cmp.Or(cmp.Compare(of[a.Of], of[b.Of]), cmp.Compare(name[a.Of+"\x00"+a.Name], name[b.Of+"\x00"+b.Name]), cmp.Compare(a.X, b.X))
	})
	return out
}

// longSweep is how many places of a sweep a table still shows one by one.
const longSweep = 12

// collapse makes one entry of a sweep of many places, with all its points.
func collapse(samples []Samples) []Samples {
	places := map[string]int{}
	for _, s := range samples {
		if s.XLabel != "" {
			places[s.ID]++
		}
	}
	var out []Samples
	at := map[string]int{}
	for _, s := range samples {
		if places[s.ID] <= longSweep {
			out = append(out, s)
			continue
		}
		i, ok := at[s.ID]
		if !ok {
			i = len(out)
			at[s.ID] = i
			c := s
			c.Name += fmt.Sprintf(", over %d places of %s", places[s.ID], s.XLabel)
			c.XLabel, c.X, c.Values = "", 0, nil
			out = append(out, c)
		}
		out[i].Values = append(out[i].Values, s.Values...)
	}
	return out
}

// String is the table as aligned text.
func (t Table) String() string {
	if len(t.Rows) == 0 {
		return ""
	}
	width := make([]int, len(t.Headers))
	rows := append([][]string{t.Headers}, t.Rows...)
	for _, row := range rows {
		for i, c := range row {
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, c := range row {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(c))
			if i < t.left || i > 6 {
				line.WriteString(c + pad + "  ")
			} else {
				line.WriteString(pad + c + "  ")
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

// Markdown is the table in GitHub's Markdown.
func (t Table) Markdown() string {
	if len(t.Rows) == 0 {
		return ""
	}
	var b strings.Builder
	line := func(cells []string) {
		for _, c := range cells {
			b.WriteString("| " + strings.ReplaceAll(c, "|", `\|`) + " ")
		}
		b.WriteString("|\n")
	}
	line(t.Headers)
	for i := range t.Headers {
		if i < t.left || i > 6 {
			b.WriteString("| --- ")
		} else {
			b.WriteString("| ---: ")
		}
	}
	b.WriteString("|\n")
	for _, row := range t.Rows {
		line(row)
	}
	return b.String()
}

// HTML is the table, with colours left to the page's theme.
func (t Table) HTML() string {
	if len(t.Rows) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(`<table style="border-collapse:collapse;font-size:.92em;margin:.6em 0">`)
	if t.Title != "" {
		fmt.Fprintf(&b, `<caption style="text-align:left;font-weight:600;padding:.2em 0">%s</caption>`, html.EscapeString(t.Title))
	}
	// What was measured is a line of its own above the rows that share it: a
	// column of it would take half the width and say the same over and over.
	line := func(tag string, cells []string, border string) {
		b.WriteString("<tr>")
		for i, c := range cells {
			if i == 0 {
				continue
			}
			align := "right;font-variant-numeric:tabular-nums;white-space:nowrap"
			switch {
			case i < t.left:
				align = "left;white-space:nowrap" // or what is published squeezes the names
			case i > 6:
				align = "left"
			}
			fmt.Fprintf(&b, `<%s style="text-align:%s;padding:.2em .7em;border-bottom:%s">%s</%s>`, tag, align, border, html.EscapeString(c), tag)
		}
		b.WriteString("</tr>")
	}
	b.WriteString("<thead>")
	line("th", t.Headers, "2px solid #8887")
	b.WriteString("</thead><tbody>")
	for i, row := range t.Rows {
		if i == 0 || t.Rows[i-1][0] != row[0] {
			fmt.Fprintf(&b, `<tr><th colspan="%d" style="text-align:left;font-weight:600;padding:.7em .7em .2em 0;border-bottom:1px solid #8884">%s</th></tr>`, len(t.Headers)-1, html.EscapeString(row[0]))
		}
		line("td", row, "1px solid #8884")
	}
	b.WriteString("</tbody></table>")
	if t.Note != "" {
		fmt.Fprintf(&b, `<div style="font-size:.8em;opacity:.75">%s</div>`, html.EscapeString(t.Note))
	}
	return b.String()
}

// factsHTML is what was seen, as a table of two columns.
func (r *Result) factsHTML() string {
	if len(r.Facts) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(`<table style="border-collapse:collapse;font-size:.92em;margin:.6em 0"><tbody>`)
	for _, f := range r.Facts {
		fmt.Fprintf(&b, `<tr><th style="text-align:left;font-weight:500;padding:.2em .9em .2em 0;border-bottom:1px solid #8884;vertical-align:top">%s</th><td style="text-align:left;padding:.2em 0;border-bottom:1px solid #8884;overflow-wrap:anywhere">%s</td></tr>`,
			html.EscapeString(f.Name), html.EscapeString(f.Value))
	}
	b.WriteString("</tbody></table>")
	return b.String()
}

// remarks are the notes, and what is known to have disturbed the run.
func (r *Result) remarks() []string {
	notes := append([]string(nil), r.Notes...)
	if n := r.Env.Noise(); n != "" {
		notes = append(notes, "Noisy machine: "+n+". Read ratios, not digits.")
	}
	var noisy []string
	for _, s := range r.Samples {
		if s.Noisy() && (s.Unit == "ns" || s.Unit == "B") { // counts and shares may well spread
			noisy = append(noisy, s.label())
		}
	}
	if len(noisy) > 0 {
		what := strings.Join(noisy[:min(3, len(noisy))], "; ")
		if len(noisy) > 3 {
			what += fmt.Sprintf("; and %d more", len(noisy)-3)
		}
		notes = append(notes, fmt.Sprintf("Noisy: the median's interval is wider than %.0f %% on a side for %s.", 100*noisyBeyond, what))
	}
	return notes
}

// foldBeyond is how many rows a page shows of what was measured besides the
// first thing; more are folded away. The plots have them all.
const foldBeyond = 8

// fold splits off the rows that a page folds away.
func (t Table) fold() (shown, folded Table) {
	of := func(row []string) bool { return row[0] != t.Rows[0][0] }
	at := slices.IndexFunc(t.Rows, of)
	if at < 0 || len(t.Rows)-at <= foldBeyond {
		return t, Table{}
	}
	shown, folded = t, t
	shown.Rows, folded.Rows = t.Rows[:at], t.Rows[at:]
	folded.Title, folded.Note = "", ""
	return shown, folded
}

// HTML is the result as a page shows it: table, plots, facts, notes. Its
// verdicts are values of their own, which a cell shows where it asked.
func (r *Result) HTML() string {
	var b strings.Builder
	b.WriteString(`<div class="spindle-result">`)
	if r.Skipped != "" {
		fmt.Fprintf(&b, `<p><strong>SKIP</strong> %s: %s</p>`, html.EscapeString(r.Title), html.EscapeString(r.Skipped))
	} else {
		shown, folded := r.Table().fold()
		if len(shown.Rows) == 0 {
			fmt.Fprintf(&b, `<div style="font-weight:600;padding:.2em 0">%s</div>`, html.EscapeString(r.Title))
		}
		b.WriteString(shown.HTML())
		if picture := r.picture(); picture != "" {
			b.WriteString(`<div>` + picture + `</div>`)
		}
		b.WriteString(r.factsHTML())
		if n := len(folded.Rows); n > 0 {
			fmt.Fprintf(&b, `<details style="font-size:.92em"><summary>%d more rows of figures</summary>%s</details>`, n, folded.HTML())
		}
	}
	for _, n := range r.remarks() {
		fmt.Fprintf(&b, `<div style="font-size:.88em;margin:.2em 0">%s</div>`, html.EscapeString(n))
	}
	if len(r.Samples) == 0 {
		fmt.Fprintf(&b, `<div style="font-size:.8em;opacity:.75">%s</div>`, html.EscapeString(r.Env.String()))
	}
	b.WriteString(`</div>`)
	return b.String()
}

// Markdown is the result without its plots.
func (r *Result) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**\n\n", r.Title)
	if r.Skipped != "" {
		fmt.Fprintf(&b, "SKIP: %s\n\n", r.Skipped)
	}
	for _, v := range r.Verdicts {
		b.WriteString("- " + v.Markdown() + "\n")
	}
	b.WriteString("\n" + r.Table().Markdown() + "\n")
	if len(r.Facts) > 0 {
		b.WriteString("| seen | |\n| --- | --- |\n")
		for _, f := range r.Facts {
			fmt.Fprintf(&b, "| %s | %s |\n", strings.ReplaceAll(f.Name, "|", `\|`), strings.ReplaceAll(f.Value, "|", `\|`))
		}
		b.WriteString("\n")
	}
	for _, n := range r.remarks() {
		b.WriteString(n + "\n\n")
	}
	b.WriteString(r.Env.String() + "\n")
	return b.String()
}
