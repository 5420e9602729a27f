package process

import (
	"bytes"
	"os"
	"sort"
	"strconv"
	"strings"
)

// Status reads the fields of /proc/PID/status (proc_pid_status(5)); none where
// the process is gone.
func Status(pid int) map[string]string { return statusFile("/proc/" + strconv.Itoa(pid) + "/status") }

func statusFile(path string) map[string]string {
	fields := map[string]string{}
	data, err := os.ReadFile(path)
	if err != nil {
		return fields
	}
	for line := range bytes.Lines(data) {
		name, value, ok := strings.Cut(string(line), ":")
		if ok {
			fields[name] = strings.Join(strings.Fields(value), " ")
		}
	}
	return fields
}

// Thread is one thread of a process.
type Thread struct {
	TID               int
	State             byte
	Waited, Preempted int    // context switches, by its own will and against it
	Where             string // kernel function it waits in, "" where that can't be read
}

// Threads lists the threads of a process, none where it is gone.
func Threads(pid int) []Thread {
	dir := "/proc/" + strconv.Itoa(pid) + "/task"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var threads []Thread
	for _, e := range entries {
		tid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		path := dir + "/" + e.Name()
		status := statusFile(path + "/status")
		if status["State"] == "" {
			continue
		}
		t := Thread{TID: tid, State: status["State"][0]}
		t.Waited, _ = strconv.Atoi(status["voluntary_ctxt_switches"])
		t.Preempted, _ = strconv.Atoi(status["nonvoluntary_ctxt_switches"])
		if where, err := os.ReadFile(path + "/wchan"); err == nil && string(where) != "0" {
			t.Where = string(where)
		}
		threads = append(threads, t)
	}
	sort.Slice(threads, func(i, j int) bool { return threads[i].TID < threads[j].TID })
	return threads
}
