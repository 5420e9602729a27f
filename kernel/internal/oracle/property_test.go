package oracle

import (
	"context"
	"flag"
	"math/rand/v2"
	"sync"
	"testing"
)

var (
	generated = flag.Int("generated", 4, "how many programs to generate, of ten functions each")
	seed      = flag.Uint64("seed", 0, "seed of the first generated program; 0 picks one")
)

// TestGenerated compares generated programs; a failure names the seed, which
// -seed N -generated 1 repeats.
func TestGenerated(t *testing.T) {
	first := *seed
	if first == 0 {
		first = rand.Uint64N(1 << 32)
	}
	var programs []Program
	for i := range *generated {
		programs = append(programs, Generate(first+uint64(i), 10))
	}
	wants, err := Judge(context.Background(), t.TempDir(), programs)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	inParallel(programs, func(p Program) {
		i := indexOf(programs, p.Name)
		if wants[i].Compile != nil {
			t.Errorf("%s does not compile: %q\n%s", p.Name, wants[i].Compile, p.Source)
			return
		}
		got, refused, err := Interpret(context.Background(), task{Cells: cells(p, Session)})
		mu.Lock()
		defer mu.Unlock()
		if d := Diff(wants[i], got, false); d != "" || err != nil || refused != "" {
			t.Errorf("%s: %v %s\n%s", p.Name, err, refused, sideBySide(wants[i].Stdout, got.Stdout))
			if *generated == 1 {
				t.Log(p.Source)
			}
		}
	})
}

func indexOf(programs []Program, name string) int {
	for i, p := range programs {
		if p.Name == name {
			return i
		}
	}
	return -1
}
