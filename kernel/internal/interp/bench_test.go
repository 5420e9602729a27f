package interp

import (
	yaegi "github.com/traefik/yaegi/interp"
	"github.com/traefik/yaegi/stdlib"
	"testing"
	"time"
)

func BenchmarkOnePlusOne(b *testing.B) {
	i, err := New(Config{})
	if err != nil {
		b.Fatal(err)
	}
	for n := 0; b.Loop(); n++ {
		if o := i.Eval(Cell{Count: n + 1, Source: "1 + 1"}); o.Err != nil {
			b.Fatal(o.Err)
		}
	}
}
func BenchmarkPrint(b *testing.B) {
	i, err := New(Config{Output: func(int, bool, []byte) {}})
	if err != nil {
		b.Fatal(err)
	}
	for n := 0; b.Loop(); n++ {
		if o := i.Eval(Cell{Count: n + 1, Source: "fmt.Println(1)"}); o.Err != nil {
			b.Fatal(o.Err)
		}
	}
}

const rows = `
func fib(n int) int { if n < 2 { return n }; return fib(n-1) + fib(n-2) }
func loop() int { s := 0; for i := 0; i < 1000000; i++ { s += i }; return s }
func ch() int { c := make(chan int); go func() { for i := 0; i < 100000; i++ { c <- i } }(); s := 0; for i := 0; i < 100000; i++ { s += <-c }; return s }
func gos() { var wg sync.WaitGroup; for i := 0; i < 10000; i++ { wg.Add(1); go func() { wg.Done() }() }; wg.Wait() }
`

// TestRows prints what lowering costs against plain yaegi.
func TestRows(t *testing.T) {
	i, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	if o := i.Eval(Cell{Count: 1, Source: rows}); o.Err != nil {
		t.Fatal(o.Err.Traceback)
	}
	y := yaegi.New(yaegi.Options{})
	y.Use(stdlib.Symbols)
	if _, err := y.Eval("package main\nimport \"sync\"\n" + rows); err != nil {
		t.Fatal(err)
	}
	for _, c := range []string{"fib(18)", "loop()", "ch()", "gos()"} {
		var best [2]time.Duration
		for k := range 5 {
			t0 := time.Now()
			if o := i.Eval(Cell{Count: k + 2, Source: c, Silent: true}); o.Err != nil {
				t.Fatal(o.Err.Traceback)
			}
			d := time.Since(t0)
			if best[0] == 0 || d < best[0] {
				best[0] = d
			}
			t0 = time.Now()
			y.Eval(c)
			if d := time.Since(t0); best[1] == 0 || d < best[1] {
				best[1] = d
			}
		}
		t.Logf("%-8s lowered %v, plain %v: %.2f", c, best[0], best[1], float64(best[0])/float64(best[1]))
	}
}
