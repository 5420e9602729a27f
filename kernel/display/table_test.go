package display_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"spindle/kernel/display"
)

func TestGridText(t *testing.T) {
	tests := []struct {
		name string
		grid display.Grid
		want string
	}{
		{"numbers to the right", display.Grid{
			Headers: []string{"name", "ns"},
			Rows:    [][]any{{"goroutine", 61.25}, {"thread", 2400}},
		}, `
name          ns
---------  -----
goroutine  61.25
thread      2400`},
		{"mixed values", display.Grid{
			Caption: "all sorts", Note: "measured here",
			Headers: []string{"v", "w"},
			Rows:    [][]any{{nil, true}, {errors.New("exit status 2"), 1234567 * time.Nanosecond}, {"two\nlines"}},
		}, `
all sorts
v              w
-------------  -------
               true
exit status 2  1.235ms
two lines
measured here`},
		{"wide characters take two columns", display.Grid{Rows: [][]any{{"日本", "x"}, {"abcd", "y"}, {"é", "z"}}}, `
日本  x
abcd  y
é     z`},
		{"more cells than headers", display.Grid{Headers: []string{"a"}, Rows: [][]any{{1, 2}}}, `
a
-  -
1  2`},
		{"no rows", display.Grid{Headers: []string{"a"}}, `
a
-
(no rows)`},
		{"cut", display.Grid{Headers: []string{"n"}, Rows: [][]any{{1}, {2}, {3}}, MaxRows: 2}, `
n
-
1
2
… and 1 more rows`},
		{"floats", display.Grid{Rows: [][]any{
			{0.1 + 0.2}, {1234567.891}, {1e-9}, {math.Inf(1)}, {math.NaN()}, {2.50}, {float32(1.5)}, {-0.000123456789}, {1e20},
		}}, `
0.3
1234568
1e-09
+Inf
NaN
2.5
1.5
-0.000123457
1e+20`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := "\n" + test.grid.String(); got != test.want {
				t.Errorf("got:%s\nwant:%s", got, test.want)
			}
		})
	}
}

func TestGridHTML(t *testing.T) {
	g := display.Grid{
		Caption: "<c>", Headers: []string{"<h>"},
		Rows: [][]any{{"<script>alert(1)</script>"}, {12.5}, {2 * time.Second}, {display.Grid{Rows: [][]any{{"inner"}}}}},
	}
	page := g.HTML()
	for _, want := range []string{
		"&lt;c&gt;</caption>", "&lt;h&gt;</th>", "&lt;script&gt;alert(1)&lt;/script&gt;",
		`data-key="12.5"`, `data-key="2e+09"`, "<td style", ">inner</td>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("lacks %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, "<script") {
		t.Errorf("a cell's text became markup:\n%s", page)
	}
	// The reader's colours stay: fixed ones would vanish in one of the themes.
	if strings.Contains(page, "color:#") || strings.Contains(page, "background") {
		t.Errorf("sets colours of its own:\n%s", page)
	}
}

func TestRecords(t *testing.T) {
	type sample struct {
		Name   string
		Took   time.Duration
		secret int
	}
	tests := []struct {
		name string
		in   any
		want string
	}{
		{"structs", []sample{{"a", time.Second, 1}, {"b", time.Minute, 2}}, "Name  Took\n----  ----\na       1s\nb     1m0s"},
		{"pointers", []*sample{{"a", 1, 1}, nil}, "Name  Took  value\n----  ----  -----\na      1ns\n            nil"},
		{"no structs", []sample{}, "Name  Took\n----  ----\n(no rows)"},
		{"numbers", []int{1, 20}, "value\n-----\n    1\n   20"},
		{"maps", []map[string]any{{"b": 1, "a": 2}, {"c": "x"}}, "a  b  c\n-  -  -\n2  1\n      x"},
		{"map", map[int]string{10: "ten", 9: "nine"}, "key  value\n---  -----\n  9  nine\n 10  ten"},
		{"times", []time.Time{time.Unix(0, 0).UTC()}, "value\n-----------------------------\n1970-01-01 00:00:00 +0000 UTC"},
		{"nil", nil, "value\n-----\n(no rows)"},
		{"one value", 7, "value\n-----\n    7"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := display.Records(test.in).String(); got != test.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, test.want)
			}
		})
	}
}
