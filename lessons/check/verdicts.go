package check

import (
	"fmt"
	"html"
	"strings"

	"spindle/kernel/display"
	"spindle/lessons/internal/article"
	"spindle/lessons/lab"
)

// finding is what all of a learner's runs so far say of a claim.
type finding struct{ verdict, reason string }

// findings joins the verdicts of the lab's kept results with those that cells
// computed. Of several on one claim the least favourable counts.
func findings() map[string]finding {
	rank := map[string]int{"": 0, skipped: 1, reasoned: 2, holds: 3, inPart: 4, fails: 5}
	found := map[string]finding{}
	add := func(claim, verdict, reason string) {
		if rank[verdict] > rank[found[claim].verdict] {
			found[claim] = finding{verdict, reason}
		}
	}
	for id, v := range read().Claims {
		add(id, v.Verdict, v.Reason)
	}
	for _, e := range lab.Experiments() {
		r := lab.Saved(e.Name)
		if r == nil {
			continue
		}
		for _, v := range r.Verdicts {
			add(v.Claim, string(v.Verdict), v.Reason)
		}
	}
	return found
}

// Verdicts shows what the learner's own runs so far say of every claim, a
// line for each section of the article, and below it in words those that
// don't hold, or not entirely.
func Verdicts() {
	text, page := verdicts(findings())
	display.Show(display.Bundle{Data: map[string]any{"text/plain": text, "text/html": page}})
}

func verdicts(found map[string]finding) (text, page string) {
	count := map[string]int{}
	var words, table, notes strings.Builder
	table.WriteString(`<table><thead><tr><th style="text-align:left">section</th><th style="text-align:left">claims</th></tr></thead><tbody>`)
	section := ""
	for _, c := range article.Claims() {
		f := found[c.ID]
		verdict := f.verdict
		if verdict == "" {
			verdict = "not yet"
		}
		count[verdict]++
		if c.Section != section {
			if section != "" {
				table.WriteString("</td></tr>")
			}
			section = c.Section
			fmt.Fprintf(&words, "%s\n", section)
			fmt.Fprintf(&table, `<tr><td style="text-align:left;white-space:nowrap">%s</td><td style="text-align:left">`, html.EscapeString(section))
		}
		fmt.Fprintf(&words, "  %-3s %s\n", c.ID, verdict)
		fmt.Fprintf(&table, `<span style="white-space:nowrap;margin-right:.9em" title="%s"><b>%s</b> <span style="color:%s">%s</span></span> `,
			html.EscapeString(c.Text), c.ID, colour(f.verdict), html.EscapeString(verdict))
		if f.verdict == inPart || f.verdict == fails {
			fmt.Fprintf(&notes, `<p style="margin:.3em 0;line-height:1.3"><b>%s</b> “%s” <span style="color:%s">%s</span>: <small>%s</small></p>`,
				c.ID, html.EscapeString(c.Text), colour(f.verdict), f.verdict, html.EscapeString(f.reason))
		}
	}
	table.WriteString("</td></tr></tbody></table>")
	var tally []string
	for _, verdict := range []string{holds, inPart, fails, reasoned, skipped, "not yet"} {
		if count[verdict] > 0 {
			tally = append(tally, fmt.Sprintf("%s: %d", verdict, count[verdict]))
		}
	}
	sum := strings.Join(tally, ", ")
	return sum + "\n" + strings.TrimSuffix(words.String(), "\n"), "<p>" + sum + "</p>" + table.String() + notes.String()
}
