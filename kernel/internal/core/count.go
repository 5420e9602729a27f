package core

import (
	"bytes"
	"regexp"
	"runtime"
	"runtime/pprof"
	"strconv"
	"sync/atomic"
)

// mostCounted is the number of goroutines up to which NumGoroutine looks at
// each; beyond it, the number of those that aren't the cells' hardly matters.
const mostCounted = 2000

// others is how many goroutines were not the cells' when they were last counted.
var others atomic.Int64

// NumGoroutine is runtime.NumGoroutine of the cells: without the goroutines of
// the process around them. The cell that asks counts as main does.
func NumGoroutine() int {
	all := runtime.NumGoroutine()
	if all <= mostCounted {
		if cells := labelled(); cells > 0 {
			others.Store(int64(max(0, all-cells)))
			return cells
		}
	}
	return max(1, all-int(others.Load()))
}

// record is one group in the text form of a goroutine profile (debug=1): how
// many, the stack, and the labels where there are any.
var record = regexp.MustCompile(`(?m)^(\d+) @[^\n]*\n# labels: \{[^\n]*"` + LabelCell + `"`)

// labelled counts the goroutines that belong to a cell.
func labelled() int {
	var text bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&text, 1); err != nil {
		return 0
	}
	n := 0
	for _, m := range record.FindAllSubmatch(text.Bytes(), -1) {
		k, err := strconv.Atoi(string(m[1]))
		if err == nil {
			n += k
		}
	}
	return n
}
