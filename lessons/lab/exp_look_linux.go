package lab

import (
	"fmt"
	"os"
	"runtime"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// seen is what a process says of itself, to set beside what /proc says.
type seen struct {
	PID   int    `json:"pid"`
	Stack uint64 `json:"stack"` // address of a local variable of a goroutine
	Heap  uint64 `json:"heap"`  // address of something allocated
	FD    int    `json:"fd"`    // a file that it opened
	TID   int    `json:"tid"`   // of the thread that is blocked in a system call
}

// runLook is P2: several processes of one program, each read in /proc.
func runLook(b *bench, p LookParams) error {
	n := p.Processes
	if n == 0 {
		n = 2
	}
	if n < 2 || n > 20 {
		return fmt.Errorf("processes: %d is not in 2…20", n)
	}
	complete, own := 0, map[string]map[string]bool{}
	note := func(what, value string) {
		if own[what] == nil {
			own[what] = map[string]bool{}
		}
		own[what][value] = true
	}
	for i := range n {
		b.progress(i, n, "process %d", i+1)
		s, err := launch("look", nil, launchOptions{})
		if err != nil {
			return err
		}
		defer s.kill()
		var c seen
		if err := s.recv(&c); err != nil {
			return err
		}
		proc, err := procfs.NewProc(c.PID)
		if err != nil {
			return err
		}
		maps, err := proc.ProcMaps()
		if err != nil {
			return err
		}
		fds, err := proc.FileDescriptors()
		if err != nil {
			return err
		}
		var sp, pc uint64
		var readable bool
		eventually(1e9, func() bool { // the thread needs a moment to block
			_, sp, pc, readable = registers(c.PID, c.TID)
			return readable
		})
		mainStack := ""
		for _, m := range maps {
			if m.Pathname == "[stack]" {
				mainStack = fmt.Sprintf("%#x–%#x", m.StartAddr, m.EndAddr)
			}
		}
		as, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", c.PID))
		if err != nil {
			as = "unknown"
		}
		name := fmt.Sprintf("process %d: ", i+1)
		b.fact(name+"PID", "%d (parent %d, namespace %s)", c.PID, os.Getpid(), as)
		b.fact(name+"memory addresses", "%d mappings, lowest at %#x", len(maps), maps[0].StartAddr)
		if readable {
			b.fact(name+"program counter", "%#x, in %s", pc, holder(maps, pc))
			b.fact(name+"stack pointer", "%#x, in %s", sp, holder(maps, sp))
		} else {
			b.fact(name+"program counter", "the kernel does not let us read it (needs the right to trace)")
		}
		b.fact(name+"stack", "main thread's %s; a local variable at %#x", mainStack, c.Stack)
		b.fact(name+"heap", "something allocated at %#x, in %s", c.Heap, holder(maps, c.Heap))
		b.fact(name+"I/O", "%d open files, one of its own: %d", len(fds), c.FD)
		note("PID", fmt.Sprint(c.PID))
		note("stack", mainStack)
		has := len(maps) > 0 && mainStack != "" && holder(maps, c.Heap) != "nothing" && holder(maps, c.Stack) != "nothing" && len(fds) > 0
		if has && (!readable || holder(maps, pc) != "nothing") {
			complete++
		}
	}
	// Files: one that this process opens is not in theirs.
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	defer w.Close()
	b.fact("processes", "%d", n)
	b.fact("processes with all of their own", "%d", complete)
	b.fact("different ids", "%d", len(own["PID"]))
	b.fact("different addresses of the main stack", "%d", len(own["stack"]))
	if len(own["stack"]) < n {
		b.note("The main stack is at the same address in several processes: address randomisation is off here. The addresses are equal, the memory is not (P3).")
	}
	return nil
}

// holder names the mapping that holds an address.
func holder(maps []*procfs.ProcMap, addr uint64) string {
	for _, m := range maps {
		if addr >= uint64(m.StartAddr) && addr < uint64(m.EndAddr) {
			perms := ""
			for _, p := range []struct {
				on bool
				c  string
			}{{m.Perms.Read, "r"}, {m.Perms.Write, "w"}, {m.Perms.Execute, "x"}} {
				if p.on {
					perms += p.c
				} else {
					perms += "-"
				}
			}
			if m.Pathname == "" {
				return "anonymous memory " + perms
			}
			return shorten(m.Pathname) + " " + perms
		}
	}
	return "nothing"
}

// playLook opens a file, allocates, and blocks one thread in a system call.
func playLook(p *peer) error {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return err
	}
	defer f.Close()
	r, _, err := os.Pipe()
	if err != nil {
		return err
	}
	tid := make(chan int)
	go func() { // blocked until the process ends
		runtime.LockOSThread()
		tid <- unix.Gettid()
		var one [1]byte
		_, _ = unix.Read(int(r.Fd()), one[:])
	}()
	local := 0
	heap := make([]byte, 1<<20)
	heap[0] = 1
	if err := p.send(seen{PID: os.Getpid(), Stack: addressOf(&local), Heap: addressOf(&heap[0]), FD: int(f.Fd()), TID: <-tid}); err != nil {
		return err
	}
	err = p.recv(nil)
	runtime.KeepAlive(heap)
	return err
}
