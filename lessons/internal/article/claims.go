// Package article holds the claims of the article that the course puts to the
// test: their ids, sections and words.
package article

// Claim is one statement of the article "Tools: Process, Threads and
// Goroutines" (2026-02-19) that the course puts to the test.
type Claim struct {
	ID      string // "P3"
	Section string
	Text    string
}

// Claims lists the article's claims in its own order.
func Claims() []Claim {
	var all []Claim
	for _, s := range article {
		for _, c := range s.claims {
			all = append(all, Claim{ID: c[0], Section: s.title, Text: c[1]})
		}
	}
	return all
}

// IsClaim tells whether id is a claim's.
func IsClaim(id string) bool {
	for _, c := range Claims() {
		if c.ID == id {
			return true
		}
	}
	return false
}

var article = []struct {
	title  string
	claims [][2]string
}{
	{"What is a process?", [][2]string{
		{"P1", "A program is an executable file on disk; loaded into memory and started, it becomes a process."},
		{"P2", "A process has its own memory addresses, program counter, stack and heap, I/O and system resources."},
		{"P3", "Isolation: one process cannot reach into another directly."},
		{"P4", "Processes can talk by IPC and pipes, but those must be set up on purpose."},
		{"P5", "Crash containment: one process crashes, the others go on."},
		{"P6", "Context switches are costly: registers, memory mappings and kernel structures are saved on every switch."},
		{"P7", "Heavyweight: a process uses more memory than a thread."},
	}},
	{"What is a thread?", [][2]string{
		{"T1", "A thread is the unit of execution inside a process; every process has at least one, many run several."},
		{"T2", "Threads of one process share memory addresses, heap and globals."},
		{"T3", "Each thread has its own stack and registers."},
		{"T4", "Communication between threads is fast, for memory is shared: no IPC."},
		{"T5", "One faulty thread can take the whole process down."},
		{"T6", "Switching threads is faster than switching processes, but the kernel is still involved."},
	}},
	{"The problem with heavy threads", [][2]string{
		{"H1", "A thread's stack is large, mostly around 1 MB."},
		{"H2", "Threads are kernel managed; expensive to create and destroy."},
		{"H3", "A blocking system call blocks the entire thread."},
		{"H4", "Spawn thousands of threads and memory use explodes."},
	}},
	{"What is a goroutine?", [][2]string{
		{"G1", "A goroutine is a lightweight unit of execution managed by the Go runtime, not the OS."},
		{"G2", "It is started with the go keyword before a call."},
		{"G3", "main itself runs as a goroutine."},
		{"G4", "The example: speak prints its message; main starts it with go, then sleeps one second."},
	}},
	{"How goroutines work", [][2]string{
		{"M1", "M:N scheduling: M goroutines on N OS threads, M usually much larger than N."},
		{"M2", "One goroutine executes on a thread at a time; many runnable ones wait in a local queue."},
		{"M3", "When a goroutine blocks on I/O the runtime parks it (the article: \"parks the thread\"), moves the other runnable goroutines to another thread, and keeps the cores busy."},
	}},
	{"Why goroutines are lightweight", [][2]string{
		{"L1", "The initial stack is around 2 KB."},
		{"L2", "The stack grows dynamically."},
		{"L3", "Switching happens in user space."},
		{"L4", "There is no full kernel switch."},
		{"L5", "Very many goroutines fit in one program with modest memory."},
	}},
	{"Work stealing scheduler", [][2]string{
		{"W1", "A logical CPU out of work steals runnable goroutines from another's queue."},
		{"W2", "Stealing balances load across cores."},
		{"W3", "With no local work, the global queue is checked."},
		{"W4", "CPUs stay busy with no manual tuning."},
	}},
	{"Blocking and system calls", [][2]string{
		{"B1", "On a blocking system call the OS blocks the thread."},
		{"B2", "The runtime detaches the other goroutines from the blocked thread."},
		{"B3", "Another thread takes over."},
		{"B4", "Some operations, such as network polling, use dedicated threads."},
		{"B5", "Those reduce needless parking."},
		{"B6", "You write code that looks synchronous; the runtime does the rest."},
	}},
	{"Fork join model in Go", [][2]string{
		{"F1", "A parent spawns children."},
		{"F2", "The children run concurrently."},
		{"F3", "Each child joins back by WaitGroup or channels."},
		{"F4", "If main exits early the program ends before the child finishes."},
		{"F5", "You must coordinate."},
		{"F6", "Goroutines share memory and must synchronise: channels, mutex, atomic operations."},
		{"F7", "Ignoring that leads to race conditions."},
	}},
	{"When to use what", [][2]string{
		{"U1", "Processes: strong isolation, security boundaries, crash containment."},
		{"U2", "Threads: shared memory, outside Go, OS-level primitives."},
		{"U3", "Goroutines: concurrent services in Go, high concurrency at low overhead, simple syntax."},
	}},
	{"Final takeaway", [][2]string{
		{"E1", "A process isolates. A thread executes inside a process. A goroutine executes inside a thread but is managed by the Go runtime."},
		{"E2", "Going down, isolation decreases and efficiency increases."},
	}},
}
