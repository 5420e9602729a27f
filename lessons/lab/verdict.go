package lab

import (
	"encoding/json"
	"fmt"
	"html"
)

// Holding is how far a claim stands up to what was measured.
type Holding string

// What a verdict may say.
const (
	Holds    Holding = "holds"
	InPart   Holding = "holds in part"
	Fails    Holding = "fails here"
	Reasoned Holding = "reasoned" // no experiment on this machine can tell
	Skip     Holding = "skip"     // this machine can't run the experiment
)

// Verdict is what one experiment says of one claim of the article. It is
// computed from the run's data by inequalities with wide margins, and Reason
// is made of that data.
type Verdict struct {
	Claim   string  `json:"claim"` // "P3"
	Verdict Holding `json:"verdict"`
	Reason  string  `json:"reason"`
}

// String is the verdict in one line.
func (v Verdict) String() string { return fmt.Sprintf("%s %s: %s", v.Claim, v.Verdict, v.Reason) }

// Markdown is the verdict in one line of Markdown.
func (v Verdict) Markdown() string {
	return fmt.Sprintf("**%s %s**: %s", v.Claim, v.Verdict, v.Reason)
}

// HTML is the verdict as a line with a coloured badge.
func (v Verdict) HTML() string {
	return fmt.Sprintf(`<div style="margin:.35em 0;line-height:1.5"><span style="display:inline-block;padding:.05em .6em;margin-right:.6em;border-radius:1em;border:1px solid %[1]s;color:%[1]s;font-weight:600;white-space:nowrap">%[2]s %[3]s</span>%[4]s</div>`,
		v.color(), html.EscapeString(v.Claim), html.EscapeString(string(v.Verdict)), html.EscapeString(v.Reason))
}

// MIMEBundle is the form that the course's runner reads.
func (v Verdict) MIMEBundle() map[string]any {
	b, err := json.Marshal(v)
	if err != nil { // three strings always marshal
		return nil
	}
	return map[string]any{"application/vnd.spindle.verdict+json": json.RawMessage(b)}
}

// color is legible on white and on near black.
func (v Verdict) color() string {
	switch v.Verdict {
	case Holds:
		return "#2e9e5b"
	case InPart:
		return "#b7791f"
	case Fails:
		return "#d1495b"
	}
	return "#7a7f87"
}

// Judge makes a verdict for a claim from a condition that a cell has computed:
// holds where it is true, fails here where it isn't.
func Judge(claim string, holds bool, reason string) Verdict {
	v := Verdict{Claim: claim, Verdict: Fails, Reason: reason}
	if holds {
		v.Verdict = Holds
	}
	return v
}

// Worst is the verdict on a claim that several experiments tested: the least
// favourable of theirs that could run, with its reason. Without any it is
// Skip.
func Worst(claim string, results ...*Result) Verdict {
	rank := map[Holding]int{Skip: 0, Reasoned: 1, Holds: 2, InPart: 3, Fails: 4}
	worst := Verdict{Claim: claim, Verdict: Skip, Reason: "no experiment on this claim has run"}
	for _, r := range results {
		if r == nil {
			continue
		}
		for _, v := range r.Verdicts {
			if v.Claim == claim && (rank[v.Verdict] > rank[worst.Verdict] || worst.Verdict == Skip) {
				worst = v
			}
		}
	}
	return worst
}

// grade picks a verdict from two conditions.
func grade(whole, part bool) Holding {
	switch {
	case whole:
		return Holds
	case part:
		return InPart
	}
	return Fails
}
