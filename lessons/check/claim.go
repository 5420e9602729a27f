package check

import (
	"fmt"
	"html"
	"strings"
	"time"

	"spindle/kernel/display"
	"spindle/lessons/internal/article"
	"spindle/lessons/internal/journal"
)

// Verdicts on a claim; docs/lesson-format.md.
const (
	holds    = "holds"
	inPart   = "holds in part"
	fails    = "fails here"
	reasoned = "reasoned" // no experiment on this machine can tell
	skipped  = "skip"     // this machine can't run the experiment
)

// mimeVerdict is how a verdict reaches the lesson runner; docs/lesson-format.md.
const mimeVerdict = "application/vnd.spindle.verdict+json"

// Case gathers the evidence of one run for and against a claim.
type Case struct {
	claim    article.Claim
	evidence []evidence
}

type evidence struct {
	holds bool
	what  string // what was tested, as a statement that is true or not
	saw   string // what was seen
}

// For opens the case of a claim. It panics on an unknown id.
func For(id string) *Case {
	for _, c := range article.Claims() {
		if c.ID == id {
			return &Case{claim: c}
		}
	}
	panic(fmt.Sprintf("the article has no claim %q", id))
}

// Test adds a statement that the claim implies, whether this run's data bears
// it out, and what was seen.
func (c *Case) Test(statement string, holds bool, saw string) *Case {
	c.evidence = append(c.evidence, evidence{holds, statement, saw})
	return c
}

// Verdict shows and keeps the outcome: the claim holds where every statement
// does, holds in part where some do, and fails here where none does.
func (c *Case) Verdict() {
	holding := 0
	for _, e := range c.evidence {
		if e.holds {
			holding++
		}
	}
	verdict, reason := inPart, ""
	switch {
	case len(c.evidence) == 0:
		panic("a verdict on " + c.claim.ID + " without a test")
	case holding == len(c.evidence):
		verdict = holds
		var saw []string
		for _, e := range c.evidence {
			saw = append(saw, e.what+": "+e.saw)
		}
		reason = strings.Join(saw, "; ")
	case holding == 0:
		verdict = fails
		reason = "not so: " + c.notSo()
	default:
		reason = fmt.Sprintf("%d of %d statements hold; not so: %s", holding, len(c.evidence), c.notSo())
	}
	c.show(verdict, reason)
}

func (c *Case) notSo() string {
	var parts []string
	for _, e := range c.evidence {
		if !e.holds {
			parts = append(parts, e.what+" ("+e.saw+")")
		}
	}
	return strings.Join(parts, "; ")
}

// Reasoned says that the claim can only be argued, and how.
func (c *Case) Reasoned(reason string) { c.show(reasoned, reason) }

// Skip says why this machine can't run the experiment.
func (c *Case) Skip(reason string) { c.show(skipped, reason) }

func (c *Case) show(verdict, reason string) {
	keep(func(p *journal.Pages) {
		p.Claims[c.claim.ID] = journal.Verdict{Verdict: verdict, Reason: reason, When: time.Now().UTC().Truncate(time.Second)}
	})
	var text, body strings.Builder
	fmt.Fprintf(&text, "%s %s. %s\n", c.claim.ID, verdict, c.claim.Text)
	fmt.Fprintf(&body, `<p style="margin:0"><b>%s</b> “%s”<br><b style="color:%s">%s</b></p>`,
		c.claim.ID, html.EscapeString(c.claim.Text), colour(verdict), html.EscapeString(verdict))
	if len(c.evidence) > 0 {
		body.WriteString(`<ul style="margin:.3em 0 0;padding-left:1.2em;list-style:none">`)
		for _, e := range c.evidence {
			mark := "✗"
			if e.holds {
				mark = "✓"
			}
			fmt.Fprintf(&text, "  %s %s: %s\n", mark, e.what, e.saw)
			fmt.Fprintf(&body, `<li>%s %s: <i>%s</i></li>`, mark, html.EscapeString(e.what), html.EscapeString(e.saw))
		}
		body.WriteString(`</ul>`)
	} else {
		fmt.Fprintf(&text, "  %s\n", reason)
		fmt.Fprintf(&body, `<p style="margin:.3em 0 0">%s</p>`, html.EscapeString(reason))
	}
	display.Show(display.Bundle{Data: map[string]any{
		"text/plain": strings.TrimSuffix(text.String(), "\n"),
		"text/html":  card(colour(verdict), body.String()),
		mimeVerdict:  map[string]any{"claim": c.claim.ID, "verdict": verdict, "reason": reason},
	}})
}

// colour is legible on white and on near-black.
func colour(verdict string) string {
	switch verdict {
	case holds:
		return "#2f9e5f"
	case inPart:
		return "#c28000"
	case fails:
		return "#d6485c"
	}
	return "#7a869a"
}

// card is the lessons' frame for a judgement: a coloured edge, the front end's
// own text and background.
func card(edge, body string) string {
	return `<div style="border-left:4px solid ` + edge + `;padding:.4em .8em;margin:.4em 0;line-height:1.45">` + body + `</div>`
}
