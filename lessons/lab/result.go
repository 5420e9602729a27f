package lab

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Result is what an experiment measured and saw, and where.
type Result struct {
	Name   string          `json:"name"`
	Title  string          `json:"title"`
	Params json.RawMessage `json:"params,omitempty"`
	Env    Env             `json:"env"`
	// Samples are the measurements, each with all its points.
	Samples []Samples `json:"samples,omitempty"`
	// Facts are what was seen and is no distribution: an address, a status.
	Facts []Fact `json:"facts,omitempty"`
	// Verdicts are computed from Samples and Facts, a claim each.
	Verdicts []Verdict `json:"verdicts,omitempty"`
	// Notes say what to know when reading the figures.
	Notes []string `json:"notes,omitempty"`
	// Skipped says why the experiment could not run on this machine.
	Skipped string `json:"skipped,omitempty"`
	// Published are figures of others to set beside Samples; see Beside.
	Published []Published `json:"published,omitempty"`
	// ElapsedNS is how long the experiment took, its process included.
	ElapsedNS int64 `json:"elapsed_ns"`
}

// Samples are the points of one measurement.
type Samples struct {
	// ID names the measurement for published figures: "creation/goroutine".
	ID string `json:"id"`
	// Of is what was measured ("create and start"); samples with the same Of
	// share a plot.
	Of string `json:"of"`
	// Name is what it was measured on ("goroutine").
	Name string `json:"name"`
	// Unit is "ns", "B", or a plain word ("threads", "switches").
	Unit string `json:"unit"`
	// X is the place on a sweep's axis, XLabel what that axis is. Without
	// XLabel there is no sweep.
	X      float64   `json:"x,omitempty"`
	XLabel string    `json:"x_label,omitempty"`
	Values []float64 `json:"values"`
	// Warmup is how many points were discarded before Values.
	Warmup int `json:"warmup,omitempty"`
}

// Fact is one thing seen.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Elapsed is how long the experiment took.
func (r *Result) Elapsed() time.Duration { return time.Duration(r.ElapsedNS) }

// Get returns the samples with this ID, or failing that with this Name; of a
// sweep, the first. Without any, the Samples are empty.
func (r *Result) Get(id string) Samples {
	for _, s := range r.Samples {
		if s.ID == id {
			return s
		}
	}
	for _, s := range r.Samples {
		if s.Name == id {
			return s
		}
	}
	return Samples{ID: id, Name: id}
}

// At returns the samples with this ID at the place x of a sweep.
func (r *Result) At(id string, x float64) Samples {
	for _, s := range r.Samples {
		if s.ID == id && s.X == x {
			return s
		}
	}
	return Samples{ID: id, Name: id, X: x}
}

// Sweep returns the samples with this ID in the order of X.
func (r *Result) Sweep(id string) []Samples {
	var out []Samples
	for _, s := range r.Samples {
		if s.ID == id {
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(a, b Samples) int {
		switch {
		case a.X < b.X:
			return -1
		case a.X > b.X:
			return 1
		}
		return 0
	})
	return out
}

// Median is the median of the samples with this ID or Name, in their unit.
// It is 0 where there are none.
func (r *Result) Median(id string) float64 { return r.Get(id).Summary().Median }

// best is the smallest of the samples with this ID, 0 where there are none.
// Verdicts on times compare these: other programs on the machine stretch a
// median, and hardly ever every one of ten samples.
func (r *Result) best(id string) float64 { return r.Get(id).Summary().Min }

// Fact returns the value of the fact with this name, or "".
func (r *Result) Fact(name string) string {
	for _, f := range r.Facts {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// Verdict returns what this experiment says of a claim ("P3").
func (r *Result) Verdict(claim string) Verdict {
	for _, v := range r.Verdicts {
		if v.Claim == claim {
			return v
		}
	}
	if r.Skipped != "" {
		return Verdict{Claim: claim, Verdict: Skip, Reason: r.Skipped}
	}
	return Verdict{Claim: claim, Verdict: Skip, Reason: "experiment " + r.Name + " does not test this claim"}
}

// Beside sets published figures beside the measured ones with the same ID and
// returns r. Figures for other measurements are left out. A result made in a
// cell has those of Figures beside it already.
func (r *Result) Beside(published ...Published) *Result {
	r.Published = nil
	for _, p := range published {
		if r.Get(p.Measure).ID == p.Measure && len(r.Get(p.Measure).Values) > 0 {
			r.Published = append(r.Published, p)
		}
	}
	return r
}

// JSON is the result as `go run ./lessons lab NAME -json` prints it.
func (r *Result) JSON() string {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil { // NaN or Inf in a sample: a fault of the experiment's
		return fmt.Sprintf("{%q: %q}", "error", err.Error())
	}
	return string(b)
}

// MIMEBundle adds, to the forms that front ends show, the one that the
// course's tools read.
func (r *Result) MIMEBundle() map[string]any {
	return map[string]any{"application/vnd.spindle.result+json": json.RawMessage(r.JSON())}
}

// ParseResult reads what JSON wrote.
func ParseResult(data []byte) (*Result, error) {
	var r Result
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("reading an experiment's result: %w", err)
	}
	if r.Name == "" {
		return nil, fmt.Errorf("reading an experiment's result: no name in it")
	}
	return &r, nil
}

// add appends samples of one measurement.
func (r *Result) add(id, of, name, unit string, values ...float64) *Samples {
	r.Samples = append(r.Samples, Samples{ID: id, Of: of, Name: name, Unit: unit, Values: values})
	return &r.Samples[len(r.Samples)-1]
}

// addAt appends samples at a place of a sweep.
func (r *Result) addAt(id, of, name, unit, xLabel string, x float64, values ...float64) {
	s := r.add(id, of, name, unit, values...)
	s.X, s.XLabel = x, xLabel
}

func (r *Result) fact(name, format string, args ...any) {
	r.Facts = append(r.Facts, Fact{Name: name, Value: fmt.Sprintf(format, args...)})
}

func (r *Result) note(format string, args ...any) {
	n := fmt.Sprintf(format, args...)
	if !slices.Contains(r.Notes, n) {
		r.Notes = append(r.Notes, n)
	}
}

// verdict appends a verdict on claim.
func (r *Result) verdict(claim string, holds Holding, format string, args ...any) {
	r.Verdicts = append(r.Verdicts, Verdict{Claim: claim, Verdict: holds, Reason: strings.TrimSpace(fmt.Sprintf(format, args...))})
}
