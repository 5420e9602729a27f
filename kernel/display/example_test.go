package display_test

import (
	"fmt"
	"time"

	"spindle/kernel/display"
)

// Outside a notebook the text form is printed.
func ExampleTable() {
	display.Table([]string{"kind", "n", "took"}, [][]any{
		{"goroutine", 1000, 310 * time.Nanosecond},
		{"thread", 100, 25 * time.Microsecond},
	})
	// Output:
	// kind          n   took
	// ---------  ----  -----
	// goroutine  1000  310ns
	// thread      100   25µs
}

func ExamplePlot() {
	display.Plot(display.Chart{
		Title: "What one costs", YLabel: "KiB", LogY: true,
		Categories: []string{"goroutine", "thread"},
		Series:     []display.Series{{Name: "resident", Kind: display.Bars, Values: []float64{2.7, 16}}},
	})
	// Output:
	// What one costs
	// KiB, log
	// goroutine  2.7  ████████████
	// thread      16  ██████████████████████████████
}

func ExampleRecords() {
	type sample struct {
		Name string
		Took time.Duration
	}
	fmt.Println(display.Records([]sample{{"first", time.Millisecond}, {"second", 2 * time.Millisecond}}))
	// Output:
	// Name    Took
	// ------  ----
	// first    1ms
	// second   2ms
}

// A type with a method HTML, SVG, Markdown, Latex, PNG or JPEG shows itself.
func ExampleShow() {
	display.Show(bold("important"), 42)
	// Output:
	// important
	// 42
}

type bold string

func (b bold) HTML() string { return "<b>" + string(b) + "</b>" }
