package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"spindle/kernel/client"
	"spindle/kernel/internal/process"
)

var (
	soakTime = flag.Duration("soak", 10*time.Second, "how long TestSoak runs; an hour to be sure")
	soakSeed = flag.Uint64("soak-seed", 1, "what TestSoak's choices begin with")
)

// startKernel starts the kernel as a process of its own.
func startKernel(t testing.TB) *client.Kernel {
	t.Helper()
	path, err := buildKernel()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	k, err := client.Start(ctx, client.Options{
		Argv: []string{path}, Env: append(os.Environ(), "XDG_DATA_HOME="+t.TempDir()),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

// deed is one thing that a learner does. Every cell stands for itself: another
// client's cell may have lost all state just before.
type deed struct {
	name string
	code string
	want string // what an undisturbed run shows
	// interrupt is sent after this time; 0 is never.
	interrupt time.Duration
}

var deeds = []deed{
	{name: "value", code: "6 * 7", want: "42"},
	{name: "lines", code: "import \"fmt\"\nfor i := 0; i < 300; i++ { fmt.Println(\"line\", i) }", want: "line 299\n"},
	{name: "goroutines", code: "import (\"fmt\"; \"sync\")\nvar wg sync.WaitGroup\nfor i := 0; i < 20; i++ { wg.Add(1); go func() { defer wg.Done(); fmt.Println(\"g\") }() }\nwg.Wait()", want: "g\n"},
	{name: "late output", code: "import (\"fmt\"; \"time\")\ngo func() { time.Sleep(50 * time.Millisecond); fmt.Println(\"late\") }()"},
	{name: "display", code: "import \"spindle/display\"\ndisplay.HTML(\"<b>bold</b>\")", want: "bold"},
	{name: "compile error", code: "nowhere + 1"},
	{name: "panic", code: "var soaked []int\nsoaked[5] = 1"},
	{name: "panic in a goroutine", code: "import \"time\"\ngo func() { var m map[string]int; m[\"a\"] = 1 }()\ntime.Sleep(time.Second)"},
	{name: "exit", code: "import \"os\"\nos.Exit(3)"},
	{name: "endless loop", code: "for {\n}", interrupt: 50 * time.Millisecond},
	{name: "endless wait", code: "select {}", interrupt: 50 * time.Millisecond},
	{name: "reset", code: "%reset"},
}

// TestSoak lets four front ends do all kinds of things to one kernel: no reply
// is lost, no idle is missing, and the kernel process grows in nothing.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP -short")
	}
	k := startKernel(t)
	run, cancel := context.WithTimeout(context.Background(), *soakTime)
	defer cancel()
	var done, disturbed atomic.Int64
	var clients sync.WaitGroup
	for n := range uint64(4) {
		c, err := client.Connect(context.Background(), k.ConnectionFile())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		random := rand.New(rand.NewPCG(*soakSeed, n))
		clients.Go(func() {
			for i := 0; run.Err() == nil; i++ {
				d := deeds[random.IntN(len(deeds))]
				status, err := do(c, d)
				if err != nil {
					t.Errorf("client %d, deed %d (%s): %v", n, i, d.name, err)
					return
				}
				done.Add(1)
				if status == "aborted" {
					disturbed.Add(1)
				}
			}
		})
	}
	samples := watch(run, t, k)
	clients.Wait()
	t.Logf("%d cells by 4 clients in %v, %d of them aborted by another one's error or interrupt; seed %d", done.Load(), *soakTime, disturbed.Load(), *soakSeed)
	if len(samples) < 6 {
		t.Fatalf("%d samples", len(samples))
	}
	// The first third is warm-up.
	third := len(samples) / 3
	for _, q := range []struct {
		name    string
		of      func(sample) float64
		allowed float64 // growth
	}{
		{"goroutines", func(s sample) float64 { return s.goroutines }, 8},
		{"file descriptors", func(s sample) float64 { return s.fds }, 8},
		{"threads", func(s sample) float64 { return s.threads }, 8},
		{"RSS MiB", func(s sample) float64 { return s.rssMiB }, 24},
	} {
		before, after := medianOf(samples[third:2*third], q.of), medianOf(samples[2*third:], q.of)
		t.Logf("%-16s %8.1f after warm-up, %8.1f at the end", q.name, before, after)
		if after > before+q.allowed {
			t.Errorf("%s grow from %.1f to %.1f", q.name, before, after)
		}
	}
}

// do runs one deed and, now and then, asks for something beside it. A reply or
// an idle that does not come in a minute is lost.
func do(c *client.Client, d deed) (status string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := c.Submit(client.Cell{Code: d.code})
	if err != nil {
		return "", err
	}
	ended := make(chan struct{})
	var beside sync.WaitGroup
	if d.interrupt > 0 {
		beside.Go(func() {
			// Again and again: the cell may still wait behind others.
			for {
				select {
				case <-ended:
					return
				case <-time.After(d.interrupt):
				}
				if ierr := c.Interrupt(ctx); ierr != nil {
					err = ierr
					return
				}
			}
		})
	}
	reply, werr := r.Wait(ctx)
	close(ended)
	beside.Wait()
	switch {
	case werr != nil:
		return "", werr
	case err != nil:
		return "", err
	case reply.Status == "ok" && d.want != "" && !strings.Contains(client.Text(r.Outputs()), d.want):
		return "", fmt.Errorf("shows %.200q", client.Text(r.Outputs()))
	}
	if _, err := c.Request(ctx, "complete_request", map[string]any{"code": "fmt.Pr", "cursor_pos": 6}); err != nil {
		return "", err
	}
	return reply.Status, c.Heartbeat(ctx)
}

// sample is what the kernel process holds at one time.
type sample struct{ goroutines, fds, threads, rssMiB float64 }

func watch(ctx context.Context, t *testing.T, k *client.Kernel) []sample {
	var samples []sample
	for every := *soakTime / 60; ctx.Err() == nil; {
		var s sample
		asking, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		b, err := k.Control(asking, "usage_request", struct{}{})
		cancel()
		var usage struct {
			Goroutines float64 `json:"kernel_goroutines"`
		}
		if err != nil || json.Unmarshal(b, &usage) != nil {
			t.Errorf("usage: %s %v", b, err)
			return samples
		}
		s.goroutines = usage.Goroutines
		if p, err := process.Stat(k.PID()); err == nil {
			s.threads, s.rssMiB = float64(p.Threads), float64(p.RSSBytes)/(1<<20)
		}
		if fds, err := os.ReadDir(filepath.Join("/proc", fmt.Sprint(k.PID()), "fd")); err == nil {
			s.fds = float64(len(fds))
		}
		samples = append(samples, s)
		select {
		case <-ctx.Done():
		case <-time.After(every):
		}
	}
	return samples
}

func medianOf(samples []sample, of func(sample) float64) float64 {
	var all []float64
	for _, s := range samples {
		all = append(all, of(s))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// TestStreams: 20,000 lines come in at most 20 messages, all of them, and
// nothing that is printed comes later than 100 ms after.
func TestStreams(t *testing.T) {
	k := startKernel(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var text strings.Builder
	n := 0
	reply, err := k.Execute(ctx, client.Cell{
		Code: "import \"fmt\"\nfor i := 0; i < 20000; i++ { fmt.Println(\"line\", i) }",
		On: func(m client.Message) {
			if m.Type == "stream" {
				n++
				s, _ := m.Content["text"].(string)
				text.WriteString(s)
			}
		},
	})
	if err != nil || reply.Status != "ok" {
		t.Fatalf("%+v %v", reply, err)
	}
	if lines := strings.Count(text.String(), "\n"); lines != 20_000 || !strings.HasSuffix(text.String(), "line 19999\n") {
		t.Errorf("%d lines", lines)
	}
	t.Logf("20,000 lines in %d messages", n)
	if n > 20 {
		t.Errorf("%d messages", n)
	}
	// Each line is the time of its print. The best of some rounds counts: it is
	// the kernel that is measured, not what else the machine does.
	best := time.Hour
	for range 5 {
		var worst time.Duration
		_, err := k.Execute(ctx, client.Cell{
			Code: "import \"time\"\nfor i := 0; i < 200; i++ { fmt.Println(time.Now().UnixNano()); time.Sleep(2 * time.Millisecond) }",
			On: func(m client.Message) {
				s, _ := m.Content["text"].(string)
				for line := range strings.Lines(s) {
					var at int64
					if _, err := fmt.Sscan(line, &at); err == nil && m.Type == "stream" {
						worst = max(worst, time.Since(time.Unix(0, at)))
					}
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if worst > 0 {
			best = min(best, worst)
		}
	}
	t.Logf("no line later than %v after its print", best.Round(time.Millisecond))
	if best > 100*time.Millisecond {
		t.Errorf("a line comes %v after its print", best)
	}
}

// BenchmarkCell is the round trip of a cell through the real kernel, by a
// client in Go, whose own share BenchmarkCell of package client is.
func BenchmarkCell(b *testing.B) {
	k := startKernel(b)
	for b.Loop() {
		reply, err := k.Execute(context.Background(), client.Cell{Code: "1 + 1"})
		if err != nil || reply.Status != "ok" {
			b.Fatal(reply, err)
		}
	}
}
