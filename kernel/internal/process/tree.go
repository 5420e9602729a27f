package process

import (
	"bytes"
	"os"
	"strconv"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// Info is what /proc/PID/stat says of one process (proc_pid_stat(5)).
type Info struct {
	PID, PPID, Group int
	Command          string // as the kernel has it: at most 15 bytes
	State            byte   // 'R', 'S', 'D', 'T', 'Z', …
	Threads          int
	StartTicks       uint64 // since boot
	RSSBytes         int64
	CPUTicks         uint64 // user and system, in hundredths of a second
}

// All lists every process that can be seen. One that ends meanwhile is left out.
func All() ([]Info, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	all := make([]Info, 0, len(names))
	buf := make([]byte, statBytes)
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if p, err := stat(pid, buf); err == nil {
			all = append(all, p)
		}
	}
	return all, nil
}

// Stat reads one process.
func Stat(pid int) (Info, error) { return stat(pid, make([]byte, statBytes)) }

// statBytes is more than /proc/PID/stat has: 52 numbers and a short name.
const statBytes = 2 << 10

// stat and parseStat do by hand what procfs does with os.ReadFile and
// fmt.Sscan. The watch for memory and fork bombs lists all processes many times
// a second, and a shutdown lists them until none of the session's is left: at
// 50 µs each that is most of its time.
func stat(pid int, buf []byte) (Info, error) {
	path := "/proc/" + strconv.Itoa(pid) + "/stat"
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return Info{}, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	n, err := unix.Read(fd, buf)
	if err != nil {
		return Info{}, &os.PathError{Op: "read", Path: path, Err: err}
	}
	return parseStat(buf[:n])
}

func parseStat(data []byte) (Info, error) {
	bad := &os.PathError{Op: "parse", Path: "/proc/PID/stat", Err: os.ErrInvalid}
	// The command may hold anything, blanks and parentheses too.
	open, end := bytes.IndexByte(data, '('), bytes.LastIndexByte(data, ')')
	if open < 1 || end < open {
		return Info{}, bad
	}
	pid, err := strconv.Atoi(string(bytes.TrimSpace(data[:open])))
	f := bytes.Fields(data[end+1:])
	if err != nil || len(f) < 22 || len(f[0]) != 1 {
		return Info{}, bad
	}
	num := func(i int) int64 { n, _ := strconv.ParseInt(string(f[i]), 10, 64); return n }
	return Info{
		PID: pid, PPID: int(num(1)), Group: int(num(2)),
		Command: string(data[open+1 : end]), State: f[0][0],
		Threads: int(num(17)), StartTicks: uint64(num(19)),
		RSSBytes: num(21) * int64(os.Getpagesize()), CPUTicks: uint64(num(11) + num(12)),
	}, nil
}

// ShareBytes is a process's proportional share of memory (PSS): pages of its
// own, and of those that it shares the part that falls to it. The kernel walks
// through all of them for it: some milliseconds for each GB.
func ShareBytes(pid int) (int64, error) {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return 0, err
	}
	m, err := p.ProcSMapsRollup()
	if err != nil {
		return 0, err
	}
	return int64(m.Pss), nil
}

// Descendants lists the children of root, their children and so on, zombies
// included, root not.
func Descendants(root int) ([]Info, error) {
	all, err := All()
	if err != nil {
		return nil, err
	}
	return descendants(all, root), nil
}

func descendants(all []Info, root int) []Info {
	children := map[int][]Info{}
	for _, p := range all {
		children[p.PPID] = append(children[p.PPID], p)
	}
	var found []Info
	for queue := []int{root}; len(queue) > 0; queue = queue[1:] {
		for _, c := range children[queue[0]] {
			found = append(found, c)
			queue = append(queue, c.PID)
		}
	}
	return found
}

// Reap takes the exit status of each zombie child of this process that nobody
// waits for: an adopted orphan.
func Reap(children []Info) {
	self := os.Getpid()
	awaited.Lock()
	defer awaited.Unlock()
	for _, p := range children {
		if p.State == 'Z' && p.PPID == self && !awaited.pids[p.PID] {
			_, _ = unix.Wait4(p.PID, nil, unix.WNOHANG, nil)
		}
	}
}

// Load is how many processes and threads the machine has, and its memory, as
// one cheap system call tells (sysinfo(2)).
type Load struct {
	Tasks      int
	TotalBytes int64
}

// ReadLoad asks the kernel.
func ReadLoad() (Load, error) {
	var s unix.Sysinfo_t
	if err := unix.Sysinfo(&s); err != nil {
		return Load{}, err
	}
	return Load{Tasks: int(s.Procs), TotalBytes: int64(s.Totalram) * int64(s.Unit)}, nil
}

// MemoryLimitBytes is what this process may use: the machine's memory or its
// control group's limit, whichever is less (cgroup v2 and v1).
func MemoryLimitBytes() int64 {
	var limit int64
	if l, err := ReadLoad(); err == nil {
		limit = l.TotalBytes
	}
	for _, path := range cgroupMemoryFiles() {
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		n, err := strconv.ParseInt(string(bytes.TrimSpace(data)), 10, 64)
		if err == nil && n > 0 && (limit == 0 || n < limit) {
			limit = n
		}
	}
	return limit
}

func cgroupMemoryFiles() []string {
	files := []string{
		"/sys/fs/cgroup/memory.max",
		"/sys/fs/cgroup/memory/memory.limit_in_bytes",
	}
	data, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return files
	}
	for line := range bytes.Lines(data) {
		parts := bytes.SplitN(bytes.TrimSpace(line), []byte(":"), 3)
		if len(parts) != 3 {
			continue
		}
		if len(parts[1]) == 0 {
			files = append(files, "/sys/fs/cgroup"+string(parts[2])+"/memory.max")
		} else if string(parts[1]) == "memory" {
			files = append(files, "/sys/fs/cgroup/memory"+string(parts[2])+"/memory.limit_in_bytes")
		}
	}
	return files
}
