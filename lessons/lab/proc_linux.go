package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/prometheus/procfs"
)

// memory of a process, in bytes.
type memory struct {
	Size, RSS, PSS, Private, PTE float64
	Mappings, Threads            int
}

// memoryOf reads /proc/PID/{status,smaps_rollup,maps,task}.
func memoryOf(pid int) (memory, error) {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return memory{}, err
	}
	st, err := p.NewStatus()
	if err != nil {
		return memory{}, err
	}
	m := memory{Size: float64(st.VmSize), RSS: float64(st.VmRSS), PTE: float64(st.VmPTE), Threads: len(threadIDs(pid))}
	roll, err := p.ProcSMapsRollup()
	if err != nil {
		return m, fmt.Errorf("reading smaps_rollup of %d: %w", pid, err)
	}
	m.PSS = float64(roll.Pss)
	m.Private = float64(roll.PrivateClean + roll.PrivateDirty)
	maps, err := p.ProcMaps()
	if err != nil {
		return m, err
	}
	m.Mappings = len(maps)
	return m, nil
}

// kernelStacks is the memory of all kernel stacks of the machine, in bytes
// (/proc/meminfo, KernelStack).
func kernelStacks() float64 {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return 0
	}
	mi, err := fs.Meminfo()
	if err != nil || mi.KernelStackBytes == nil {
		return 0
	}
	return float64(*mi.KernelStackBytes)
}

// available is the memory that can be had without swapping, in bytes.
func available() float64 {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return 0
	}
	mi, err := fs.Meminfo()
	if err != nil || mi.MemAvailableBytes == nil {
		return 0
	}
	return float64(*mi.MemAvailableBytes)
}

// fileSize is the size in bytes of a file such as the binary; 0 if unknown.
func fileSize(path string) float64 {
	fi, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return float64(fi.Size())
}

// threads is the number of OS threads of this process.
func threads() int { return len(threadIDs(os.Getpid())) }

// quiet collects garbage, then turns the collector off, so that none of its
// work falls into what is measured next.
func quiet() {
	runtime.GC()
	debug.SetGCPercent(-1)
}

// registers reads where a blocked thread is: its system call, stack pointer
// and program counter (/proc/PID/task/TID/syscall). ok is false while it
// runs, or where the kernel does not let us look.
func registers(pid, tid int) (call int, sp, pc uint64, ok bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/syscall", pid, tid))
	if err != nil {
		return 0, 0, 0, false
	}
	f := strings.Fields(string(b))
	if len(f) < 3 {
		return 0, 0, 0, false
	}
	_, e1 := fmt.Sscan(f[0], &call)
	_, e2 := fmt.Sscan(f[len(f)-2], &sp)
	_, e3 := fmt.Sscan(f[len(f)-1], &pc)
	return call, sp, pc, e1 == nil && e2 == nil && e3 == nil
}

// stateOf is a thread's state letter: R running, S sleeping, D, T, Z.
func stateOf(pid, tid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/stat", pid, tid))
	if err != nil {
		return ""
	}
	// pid (comm) S …: comm may hold anything, so look behind its last bracket.
	_, rest, ok := strings.Cut(string(b)[strings.LastIndexByte(string(b), ')'):], " ")
	if !ok || rest == "" {
		return ""
	}
	return rest[:1]
}

// shorten leaves of a path what a learner wants to see.
func shorten(path string) string {
	for _, system := range []string{"/bin/", "/usr/", "/lib/", "/lib64/", "["} {
		if strings.HasPrefix(path, system) && len(path) <= 48 {
			return path
		}
	}
	return "…/" + filepath.Base(path)
}
