package engine

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"

	"golang.org/x/perf/benchfmt"

	"spindle/kernel/display"
	"spindle/kernel/internal/program"
	"spindle/kernel/internal/session"
)

// bench runs benchmarks and shows their results as a table, beside the lines
// that `go test -bench` prints.
func (e *Engine) bench(ctx context.Context, cell session.Cell, s *sink, job program.Job, args []string) session.Result {
	has := func(name string) bool {
		return slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "-test."+name) })
	}
	if !has("run") {
		args = append(args, "-test.run=^$")
	}
	if !has("bench=") && !slices.Contains(args, "-test.bench") {
		args = append(args, "-test.bench=.")
	}
	if !has("benchmem") {
		args = append(args, "-test.benchmem")
	}
	t := &tee{Output: s.out}
	r := e.build(ctx, cell, &sink{cell: s.cell, out: t}, job, args)
	if table, ok := benchTable(t.stdout.Bytes()); ok {
		s.out.Display(table)
	}
	return r
}

// tee keeps what goes to stdout.
type tee struct {
	session.Output
	mu     sync.Mutex
	stdout bytes.Buffer
}

func (t *tee) Stream(name, text string) {
	if name == "stdout" {
		t.mu.Lock()
		t.stdout.WriteString(text)
		t.mu.Unlock()
	}
	t.Output.Stream(name, text)
}

// benchTable reads benchmark lines, one row each, one column for each unit.
func benchTable(text []byte) (display.Bundle, bool) {
	r := benchfmt.NewReader(bytes.NewReader(text), "")
	headers := []string{"benchmark", "runs"}
	column := map[string]int{}
	var rows [][]any
	for r.Scan() {
		b, ok := r.Result().(*benchfmt.Result)
		if !ok {
			continue
		}
		row := make([]any, len(headers))
		row[0], row[1] = string(b.Name), b.Iters
		for _, v := range b.Values {
			value, unit := v.Value, v.Unit
			if v.OrigUnit != "" { // benchfmt tidies ns/op into sec/op
				value, unit = v.OrigValue, v.OrigUnit
			}
			i, ok := column[unit]
			if !ok {
				i = len(headers)
				column[unit] = i
				headers = append(headers, unit)
			}
			for len(row) <= i {
				row = append(row, nil)
			}
			row[i] = value
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return display.Bundle{}, false
	}
	for i, row := range rows {
		for len(row) < len(headers) {
			row = append(row, nil)
		}
		for j, v := range row {
			if v == nil {
				row[j] = ""
			}
		}
		rows[i] = row
	}
	b, ok := display.Of(display.Grid{Headers: headers, Rows: rows})
	return b, ok
}
