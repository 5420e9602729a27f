// Package report sets what the lab measured on this machine beside what others
// published, as text, as JSON and as a notebook to make a page of.
package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"spindle/lessons/internal/notebook"
	"spindle/lessons/lab"
)

// Report is the newest result of each experiment, with the figures of others
// for the same quantities set beside it.
type Report struct {
	Results []*lab.Result // in the order of the article
	// Missing lists experiments that have not run on this machine.
	Missing []string
}

// Load reads results from folders of NAME.json files as the lab saves them; of
// several of one experiment the newest counts. Folders need not be there. The
// error joins one for each file that isn't a result; the rest stands.
func Load(dirs ...string) (map[string]*lab.Result, error) {
	newest := map[string]*lab.Result{}
	var bad []error
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.json"))
		if err != nil {
			return nil, fmt.Errorf("list results: %w", err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if errors.Is(err, fs.ErrNotExist) {
				continue // replaced meanwhile
			}
			if err != nil {
				bad = append(bad, fmt.Errorf("read result: %w", err))
				continue
			}
			r, err := lab.ParseResult(b)
			if err != nil {
				bad = append(bad, fmt.Errorf("%s: %w", f, err))
				continue
			}
			if old := newest[r.Name]; old == nil || r.Env.Date.After(old.Env.Date) {
				newest[r.Name] = r
			}
		}
	}
	return newest, errors.Join(bad...)
}

// Make orders the results and sets the published figures beside them.
func Make(results map[string]*lab.Result) *Report {
	r := &Report{}
	published := Published()
	for _, e := range lab.Experiments() {
		result, ok := results[e.Name]
		if !ok {
			r.Missing = append(r.Missing, e.Name)
			continue
		}
		r.Results = append(r.Results, result.Beside(published...))
	}
	return r
}

// Published lists the published figures in the lab's form.
func Published() []lab.Published { return lab.Figures() }

// Row is one measurement beside one published figure, for programs. Measured
// and Published are in the same base unit, ns or B, or a counted thing.
type Row struct {
	Experiment string      `json:"experiment"`
	Measure    string      `json:"measure"`
	Of         string      `json:"of"`
	Name       string      `json:"name"`
	Unit       string      `json:"unit"`
	Measured   lab.Summary `json:"measured"`
	Published  float64     `json:"published"`
	Ratio      float64     `json:"ratio"` // measured median ÷ published
	Source     string      `json:"source"`
	URL        string      `json:"url,omitempty"`
	Date       string      `json:"date,omitempty"`
	Hardware   string      `json:"hardware,omitempty"`
	Says       string      `json:"says,omitempty"`
}

// Rows lists every measurement for which a figure was published.
func (r *Report) Rows() []Row {
	rows := []Row{}
	for _, result := range r.Results {
		for _, p := range result.Published {
			s := result.Get(p.Measure)
			sum := s.Summary()
			row := Row{
				Experiment: result.Name, Measure: p.Measure, Of: s.Of, Name: s.Name, Unit: s.Unit, Measured: sum, Published: p.Base(),
				Source: p.Source, URL: p.URL, Date: p.Date, Hardware: p.Hardware, Says: p.Note,
			}
			if p.Base() > 0 {
				row.Ratio = sum.Median / p.Base()
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// JSON is the report for programs: the comparisons, and the results whole.
func (r *Report) JSON() ([]byte, error) {
	b, err := json.MarshalIndent(struct {
		Compared []Row         `json:"compared"`
		Results  []*lab.Result `json:"results"`
		Missing  []string      `json:"missing,omitempty"`
	}{r.Rows(), r.Results, r.Missing}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("report as JSON: %w", err)
	}
	return append(b, '\n'), nil
}

// Text is the report for a terminal: a line for each published figure.
func (r *Report) Text() string {
	var b strings.Builder
	for _, result := range r.Results {
		if len(result.Published) == 0 {
			continue
		}
		fmt.Fprintln(&b, result.Title)
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		for _, p := range result.Published {
			one := *result
			one.Samples, one.Published = []lab.Samples{result.Get(p.Measure)}, []lab.Published{p}
			row := one.Table().Rows[0]
			of, on, median, published, ratio := row[0], row[1], row[2], row[7], row[8]
			fmt.Fprintf(w, "  %s, %s\t%s\t%s\t%s\n", of, on, median, ratio, published)
		}
		w.Flush()
		fmt.Fprintln(&b)
	}
	if len(r.Missing) > 0 {
		fmt.Fprintf(&b, "not measured on this machine yet: %s\n", strings.Join(r.Missing, ", "))
	}
	return b.String()
}

// compared is the table of those measurements that have a published figure.
func compared(r *lab.Result) lab.Table {
	only := *r
	only.Samples = nil
	for _, s := range r.Samples {
		for _, p := range r.Published {
			if p.Measure == s.ID {
				only.Samples = append(only.Samples, s)
				break
			}
		}
	}
	t := only.Table()
	t.Title, t.Note = "", ""
	return t
}

// Notebook is the report as a notebook without code, to make a page of.
func (r *Report) Notebook() *notebook.Notebook {
	n := &notebook.Notebook{}
	cell := func(id, source string, outputs ...*notebook.Output) {
		n.Cells = append(n.Cells, &notebook.Cell{Type: notebook.Markdown, ID: id, Source: source})
		if len(outputs) > 0 {
			n.Cells = append(n.Cells, &notebook.Cell{Type: notebook.Code, ID: id + "-plot", Source: "lab.Saved(\"" + id + "\")", Outputs: outputs})
		}
	}
	intro := "# This machine beside what was published\n\nWhat the course's experiments measured here, and what others say of the same quantities. A published figure was taken on other hardware, often years ago: the ratio says how far it carries, not who is right."
	if len(r.Results) > 0 {
		intro += "\n\n" + r.Results[len(r.Results)-1].Env.String()
	}
	if len(r.Missing) > 0 {
		intro += "\n\nNot measured on this machine yet: " + strings.Join(r.Missing, ", ") + "."
	}
	cell("report", intro)
	for _, result := range r.Results {
		text := "## " + result.Title + "\n\n"
		if result.Skipped != "" {
			cell(result.Name, text+"Skipped: "+result.Skipped)
			continue
		}
		if len(result.Published) > 0 {
			text += compared(result).Markdown()
		} else {
			text += "No figures of others are known for this one.\n\n" + result.Table().Markdown()
		}
		var outputs []*notebook.Output
		if picture := result.Plot().HTML(); picture != "" {
			outputs = append(outputs, &notebook.Output{Type: notebook.DisplayData, Data: map[string]any{"text/html": picture, "text/plain": result.Title}})
		}
		cell(result.Name, text, outputs...)
	}
	return n
}
