package oracle

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	yaegi "github.com/traefik/yaegi/interp"
	"github.com/traefik/yaegi/stdlib"
	"github.com/traefik/yaegi/stdlib/unsafe"
)

// plainEnv makes the test binary a child that runs the program on its
// standard input with yaegi alone: what the corpus is to catch.
const plainEnv = "SPINDLE_ORACLE_PLAIN"

var plain = flag.Bool("plain", false, "measure how much of the corpus plain yaegi runs rightly")

func plainMain() {
	if os.Getenv(plainEnv) == "" {
		return
	}
	var src bytes.Buffer
	_, _ = src.ReadFrom(os.Stdin)
	i := yaegi.New(yaegi.Options{})
	for _, s := range []yaegi.Exports{stdlib.Symbols, unsafe.Symbols} {
		if err := i.Use(s); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(92)
		}
	}
	if _, err := i.Eval(src.String()); err != nil {
		fmt.Fprintln(os.Stderr, "panic:", err)
		os.Exit(2)
	}
	os.Exit(0)
}

// TestPlainYaegi shows that the corpus finds yaegi's errors: it must be wrong
// in a good part of it.
func TestPlainYaegi(t *testing.T) {
	if !*plain {
		t.Skip("takes a minute and says nothing of this project's code; -plain runs it")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	programs := corpus(t)
	var mu sync.Mutex
	right, total := map[string]int{}, map[string]int{}
	all := 0
	inParallel(programs, func(p Program) {
		c := exec.Command(self)
		c.Env = append(os.Environ(), plainEnv+"=1")
		c.Stdin = strings.NewReader(p.Source)
		got, err := Run(context.Background(), c, 10*time.Second)
		mu.Lock()
		defer mu.Unlock()
		group, _, _ := strings.Cut(p.Name, "/")
		total[group]++
		ok := err == nil && got.Exit == p.Want.Exit && Diff(Outcome{Stdout: p.Want.Stdout}, Outcome{Stdout: got.Stdout}, p.Unordered) == ""
		if p.Want.Compile != nil {
			ok = err == nil && got.Exit == 2 && got.Stdout == "" // any error will do
		}
		if ok {
			right[group]++
			all++
		}
	})
	for g, n := range total {
		t.Logf("%-12s %3d of %3d", g, right[g], n)
	}
	t.Logf("plain yaegi runs %d of %d programs rightly (%.0f%%)", all, len(programs), 100*float64(all)/float64(len(programs)))
	if all*100 > len(programs)*80 {
		t.Error("the corpus is too kind: plain yaegi passes more than 80% of it")
	}
}
