package engine

import (
	"math"
	"sync"
	"time"

	"github.com/prometheus/procfs"

	"spindle/kernel/internal/process"
)

// cpuClock tells what share of a CPU the session's processes used since the
// last time it was asked, as psutil's cpu_percent does for ipykernel.
type cpuClock struct {
	mu    sync.Mutex // guards all below
	at    time.Time
	ticks map[int]uint64 // by process
}

// percent is 100 for one CPU wholly used, and more for several; 0 the first
// time. What processes used that came and went meanwhile is not in it.
func (c *cpuClock) percent(processes []process.Info, now time.Time) float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	used, ticks := uint64(0), make(map[int]uint64, len(processes))
	for _, p := range processes {
		ticks[p.PID] = p.CPUTicks
		if before := c.ticks[p.PID]; p.CPUTicks >= before {
			used += p.CPUTicks - before
		}
	}
	first, since := c.at.IsZero(), now.Sub(c.at)
	c.at, c.ticks = now, ticks
	if first || since <= 0 {
		return 0
	}
	return math.Round(float64(used)/since.Seconds()*10) / 10 // a tick is a hundredth of a second, so percent
}

// hostMemory is the machine's memory under psutil's names, in bytes.
func hostMemory() (map[string]any, error) {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return nil, err
	}
	m, err := fs.Meminfo()
	if err != nil {
		return nil, err
	}
	bytes := func(v *uint64) uint64 {
		if v == nil {
			return 0
		}
		return *v
	}
	total, available := bytes(m.MemTotalBytes), bytes(m.MemAvailableBytes)
	percent := 0.0
	if total > 0 {
		percent = math.Round(1000*float64(total-available)/float64(total)) / 10
	}
	return map[string]any{
		"total": total, "available": available, "free": bytes(m.MemFreeBytes),
		"used": total - available, "percent": percent,
	}, nil
}
