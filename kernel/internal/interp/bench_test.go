package interp

import "testing"

// The latency of a cell, type check included, warm.
func benchmarkCell(b *testing.B, src string) {
	i, err := New(Config{Output: func(int, bool, []byte) {}})
	if err != nil {
		b.Fatal(err)
	}
	for n := 0; b.Loop(); n++ {
		if o := i.Eval(Cell{Count: n + 1, Source: src}); o.Err != nil {
			b.Fatal(o.Err.Traceback)
		}
	}
}

func BenchmarkOnePlusOne(b *testing.B) { benchmarkCell(b, "1 + 1") }
func BenchmarkPrintln(b *testing.B)    { benchmarkCell(b, "fmt.Println(1)") }
