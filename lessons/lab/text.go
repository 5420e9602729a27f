package lab

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// String is the result as aligned text: verdicts, samples, facts, notes.
func (r *Result) String() string {
	var b strings.Builder
	fmt.Fprintln(&b, r.Title)
	if r.Skipped != "" {
		fmt.Fprintln(&b, "SKIP:", r.Skipped)
	}
	t := r.Table()
	b.WriteString(t.String())
	if len(r.Facts) > 0 {
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		for _, f := range r.Facts {
			fmt.Fprintf(w, "%s\t%s\n", f.Name, f.Value)
		}
		w.Flush()
	}
	for _, v := range r.Verdicts {
		fmt.Fprintln(&b, v)
	}
	for _, n := range r.remarks() {
		fmt.Fprintln(&b, n)
	}
	fmt.Fprintln(&b, r.Env)
	return b.String()
}
