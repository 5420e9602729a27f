package lab

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// usableCPUs lists the CPUs that this thread may run on.
func usableCPUs() []int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return []int{0}
	}
	var cpus []int
	for i := range 1024 {
		if set.IsSet(i) {
			cpus = append(cpus, i)
		}
	}
	return cpus
}

func cpuSet(cpus []int) *unix.CPUSet {
	var set unix.CPUSet
	for _, c := range cpus {
		set.Set(c)
	}
	return &set
}

// startOn runs start, which forks, on a thread bound to cpus, so that the new
// process inherits them. nil means no change.
func startOn(cpus []int, start func() error) error {
	if cpus == nil {
		return start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var old unix.CPUSet
	if err := unix.SchedGetaffinity(0, &old); err != nil {
		return fmt.Errorf("reading the CPU affinity: %w", err)
	}
	if err := unix.SchedSetaffinity(0, cpuSet(cpus)); err != nil {
		return fmt.Errorf("binding to CPUs %v: %w", cpus, err)
	}
	defer unix.SchedSetaffinity(0, &old) //nolint:errcheck // the old set was allowed before
	return start()
}

// pinThread binds the calling thread, which the caller has locked.
func pinThread(cpus ...int) error {
	if err := unix.SchedSetaffinity(0, cpuSet(cpus)); err != nil {
		return fmt.Errorf("binding a thread to CPUs %v: %w", cpus, err)
	}
	return nil
}

// pinProcess binds every thread of this process. New ones inherit it from the
// thread that makes them, so a second look catches those made meanwhile.
func pinProcess(cpus ...int) error {
	for range 2 {
		for _, tid := range threadIDs(os.Getpid()) {
			if err := unix.SchedSetaffinity(tid, cpuSet(cpus)); err != nil && err != unix.ESRCH {
				return fmt.Errorf("binding thread %d to CPUs %v: %w", tid, cpus, err)
			}
		}
	}
	return nil
}

// threadIDs lists the threads of a process (/proc/PID/task).
func threadIDs(pid int) []int {
	es, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return nil
	}
	var ids []int
	for _, e := range es {
		if id, err := strconv.Atoi(e.Name()); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// eventually polls until ok or the time is up.
func eventually(limit time.Duration, ok func() bool) bool {
	for end := time.Now().Add(limit); ; time.Sleep(200 * time.Microsecond) {
		if ok() {
			return true
		}
		if time.Now().After(end) {
			return ok()
		}
	}
}
