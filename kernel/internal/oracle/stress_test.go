package oracle

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// stressCell is the program that the interpreter must never get wrong: 20
// rounds of 1,000 goroutines, written in the ways a learner writes them.
const stressCell = `
var (
	mu    sync.Mutex
	total int
)

type adder struct{ by int }

func (a adder) add(wg *sync.WaitGroup) {
	defer wg.Done()
	mu.Lock()
	defer mu.Unlock()
	total += a.by
}

wrong := 0
for round := 0; round < 20; round++ {
	var wg sync.WaitGroup
	count, sum := 0, 0
	seen := make([]bool, 1000)
	total = 0
	for i := 0; i < 1000; i++ {
		switch i % 4 {
		case 0:
			wg.Add(1)
			go func() {
				defer wg.Done()
				mu.Lock()
				count++
				sum += i
				seen[i] = true
				mu.Unlock()
			}()
		case 1:
			wg.Add(1)
			go func(n int) {
				mu.Lock()
				defer mu.Unlock()
				defer wg.Done()
				count++
				sum += n
				seen[n] = true
			}(i)
		case 2:
			wg.Go(func() {
				mark := func(n int) { seen[n] = true; sum += n }
				mu.Lock()
				count++
				mark(i)
				mu.Unlock()
			})
		case 3:
			wg.Add(2)
			a := adder{i}
			go a.add(&wg)
			go func() {
				defer wg.Done()
				mu.Lock()
				defer mu.Unlock()
				count, sum, seen[i] = count+1, sum+i, true
			}()
		}
	}
	wg.Wait()
	if count != 1000 || sum != 999*1000/2 {
		wrong++
	}
	for _, ok := range seen {
		if !ok {
			wrong++
		}
	}
	want := 0
	for i := 3; i < 1000; i += 4 {
		want += i
	}
	if total != want {
		wrong++
	}
}
fmt.Println("wrong:", wrong)
`

// TestStress runs the stress cell in ten processes.
func TestStress(t *testing.T) {
	for run := range 10 {
		o, refused, err := Interpret(context.Background(), task{Cells: []string{stressCell}})
		if o.Stdout != "wrong: 0\n" || err != nil || refused != "" || o.Exit != 0 {
			t.Errorf("run %d: %v %s: %+v", run, err, refused, o)
		}
	}
}

// TestStressRace does it in a child that is built with the race detector: it
// must report nothing, for the program deserves no report.
func TestStressRace(t *testing.T) {
	if !*judge {
		t.Skip("building with -race takes minutes; -judge runs it")
	}
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skip("no C compiler, which the race detector's cgo needs: ", err)
	}
	bin := filepath.Join(t.TempDir(), "race.test")
	build := exec.Command("go", "test", "-c", "-race", "-o", bin, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		if strings.Contains(string(out), "-race is only supported") || strings.Contains(string(out), "-race requires cgo") {
			t.Skipf("no race detector on this machine: %s", out)
		}
		t.Fatalf("building with -race: %v\n%s", err, out)
	}
	cell := strings.ReplaceAll(stressCell, "round < 20", "round < 3")
	in, err := json.Marshal(task{Cells: []string{cell}})
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(bin)
	c.Env = append(os.Environ(), childEnv+"=1")
	c.Stdin = bytes.NewReader(in)
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	c.ExtraFiles = []*os.File{null}
	o, err := Run(context.Background(), c, 4*interpretTimeout)
	if err != nil || o.Stdout != "wrong: 0\n" || strings.Contains(o.Stderr, "DATA RACE") {
		t.Errorf("under the race detector: %v: %s%s\n%.4000s", err, o.Stdout, o.Panic, o.Stderr)
	}
}
