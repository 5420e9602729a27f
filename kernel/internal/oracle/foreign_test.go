package oracle

import (
	"context"
	"flag"
	"sync"
	"testing"
)

var foreign = flag.Bool("foreign", false, "compare on the programs of the Go distribution, yaegi and x/tools")

// TestForeign compares on programs that nobody here wrote. Many of them probe
// corners that no learner meets; what is asked is that no difference is silent
// in more than a few, and the log lists each.
func TestForeign(t *testing.T) {
	if !*foreign {
		t.Skip("builds and runs some 1,500 programs, which takes ten minutes; -foreign runs it")
	}
	ctx := context.Background()
	all, err := Foreign(ctx)
	if err != nil {
		t.Fatal(err)
	}
	all = chosen(t, all, func(p Program) string { return p.Name })
	wants, err := Judge(ctx, t.TempDir(), all)
	if err != nil {
		t.Log(err) // some run for ever, or end by a signal; they are left out
	}
	if wants == nil {
		t.FailNow()
	}
	var mu sync.Mutex
	agree, refusals, silent, left := 0, 0, 0, 0
	index := map[string]int{}
	for i, p := range all {
		index[p.Name] = i
	}
	inParallel(all, func(p Program) {
		want := wants[index[p.Name]]
		if want.Exit < 0 || deadlocks(Program{Want: want}) {
			mu.Lock()
			left++
			mu.Unlock()
			return
		}
		got, refused, err := Interpret(ctx, task{Cells: cells(p, Whole)})
		mu.Lock()
		defer mu.Unlock()
		switch d := Diff(want, got, false); {
		case refused != "":
			refusals++
			t.Logf("REFUSED %s: %s", p.Name, refused)
		case d != "" || err != nil:
			silent++
			t.Logf("DIFFERS %s: %v\n%s", p.Name, err, d)
		default:
			agree++
		}
	})
	t.Logf("%d agree, %d refused, %d differ, %d left out", agree, refusals, silent, left)
}
