package lab

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// Env is where and when a result was measured.
type Env struct {
	Go          string    `json:"go"`          // "go1.26.8"
	OS          string    `json:"os"`          // GOOS/GOARCH
	Kernel      string    `json:"kernel"`      // "Linux 6.18.4"
	CPU         string    `json:"cpu"`         // model name
	CPUs        int       `json:"cpus"`        // usable by the process
	GOMAXPROCS  int       `json:"gomaxprocs"`  // P
	MemoryB     int64     `json:"memory_b"`    // of the machine
	Cgo         bool      `json:"cgo"`         // whether threads may come from C's library
	Race        bool      `json:"race"`        // built with the race detector: figures are inflated
	Virtual     bool      `json:"virtual"`     // a hypervisor is underneath
	Load1       float64   `json:"load1"`       // load average of the last minute, before the experiment
	Involuntary int64     `json:"involuntary"` // times that the experiment's process lost a CPU unasked
	StealPct    float64   `json:"steal_pct"`   // of CPU time that the hypervisor gave to others meanwhile
	OthersCPU   float64   `json:"others_cpu"`  // CPUs that other processes kept busy meanwhile, on average
	Date        time.Time `json:"date"`
}

// String is the stamp that goes below tables and plots.
func (e Env) String() string {
	cgo := "cgo off"
	if e.Cgo {
		cgo = "cgo on"
	}
	s := fmt.Sprintf("%s %s · %s · %s, %d CPUs, P %d · %s · %s", e.Go, e.OS, e.Kernel, e.CPU, e.CPUs, e.GOMAXPROCS, cgo, e.Date.Format("2006-01-02 15:04 MST"))
	if e.Virtual {
		s += " · virtual machine"
	}
	if e.Race {
		s += " · race detector on"
	}
	return s
}

// Noise says what disturbed the run, or "" where nothing known did.
func (e Env) Noise() string {
	var why []string
	// Not the load average: the experiments before this one are in it.
	if e.OthersCPU > 0.1*float64(e.CPUs) {
		why = append(why, fmt.Sprintf("other processes kept %.1f of %d CPUs busy", e.OthersCPU, e.CPUs))
	}
	if e.StealPct > 2 {
		why = append(why, fmt.Sprintf("the hypervisor took %.0f%% of the CPU time", e.StealPct))
	}
	return strings.Join(why, "; ")
}

// here describes this process and machine.
func here() Env {
	e := Env{
		Go: runtime.Version(), OS: runtime.GOOS + "/" + runtime.GOARCH,
		CPU: "unknown CPU", CPUs: runtime.NumCPU(), GOMAXPROCS: runtime.GOMAXPROCS(0),
		Cgo: cgoEnabled, Race: raceEnabled, Date: time.Now(),
	}
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			k, v, _ := strings.Cut(line, ":")
			switch strings.TrimSpace(k) {
			case "model name":
				e.CPU = strings.TrimSpace(v)
			case "flags":
				e.Virtual = e.Virtual || strings.Contains(v, " hypervisor")
			}
		}
	}
	if b, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		e.Kernel = "Linux " + strings.TrimSpace(string(b))
	} else {
		e.Kernel = runtime.GOOS
	}
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		fmt.Sscan(string(b), &e.Load1)
	}
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kb int64
		if _, err := fmt.Sscanf(string(b), "MemTotal: %d kB", &kb); err == nil {
			e.MemoryB = kb << 10
		}
	}
	return e
}

// cpuTimes is what the machine's CPUs have done so far, in clock ticks.
type cpuTimes struct{ total, busy, steal float64 }

// readCPUTimes reads it (proc(5), /proc/stat); zero where that can't be had.
func readCPUTimes() (t cpuTimes) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return t
	}
	line, _, _ := strings.Cut(string(b), "\n")
	for i, f := range strings.Fields(line) {
		var v float64
		if i == 0 || i > 8 { // guest time is counted in user time already
			continue
		}
		fmt.Sscan(f, &v)
		t.total += v
		switch i {
		case 4, 5: // idle, and idle with a disk under way
		case 8:
			t.steal = v
		default:
			t.busy += v
		}
	}
	return t
}

// meanwhile is what happened on the machine since before, while this process
// and the children that it waited for used own of its CPU time.
func (e *Env) meanwhile(before cpuTimes, own, elapsed time.Duration) {
	now := readCPUTimes()
	if now.total <= before.total || elapsed <= 0 {
		return
	}
	e.StealPct = 100 * (now.steal - before.steal) / (now.total - before.total)
	const ticksPerSecond = 100 // USER_HZ, which is part of the kernel's interface
	e.OthersCPU = max(0, (now.busy-before.busy)/ticksPerSecond-own.Seconds()) / elapsed.Seconds()
}

// Here describes this process and machine, now.
func Here() Env { return here() }
