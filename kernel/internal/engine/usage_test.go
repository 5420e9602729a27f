package engine

import (
	"testing"
	"time"

	"spindle/kernel/internal/process"
)

func TestCPUClock(t *testing.T) {
	var c cpuClock
	begun := time.Now()
	p := func(pid int, ticks uint64) process.Info { return process.Info{PID: pid, CPUTicks: ticks} }
	for _, s := range []struct {
		after time.Duration
		all   []process.Info
		want  float64
	}{
		{0, []process.Info{p(1, 500), p(2, 0)}, 0},
		{2 * time.Second, []process.Info{p(1, 550), p(2, 200)}, 125},
		{4 * time.Second, []process.Info{p(1, 550), p(3, 20)}, 10}, // 2 ended, 3 began
		{5 * time.Second, []process.Info{p(1, 550), p(3, 5)}, 0},   // 3 is another one
		{5 * time.Second, []process.Info{p(1, 900)}, 0},            // no time has passed
	} {
		if got := c.percent(s.all, begun.Add(s.after)); got != s.want {
			t.Errorf("after %v: %v, want %v", s.after, got, s.want)
		}
	}
}

func TestHostMemory(t *testing.T) {
	m, err := hostMemory()
	if err != nil {
		t.Skip("SKIP no /proc/meminfo: ", err)
	}
	total, _ := m["total"].(uint64)
	available, _ := m["available"].(uint64)
	if total < 1<<20 || available > total {
		t.Errorf("%v", m)
	}
}
