package lab

// ThreadsParams of Threads.
type ThreadsParams struct {
	// Threads is how many to start beside those there are; 0 means 3.
	Threads int `json:"threads,omitempty"`
}

// Threads looks at the threads of a process: the main one, what all share,
// and what each has for itself (T1, T2, T3).
func Threads(p ...ThreadsParams) *Result { return inCell("threads", optional(p)) }

// IPCParams of IPC.
type IPCParams struct {
	// Samples of each way; 0 means 12.
	Samples int `json:"samples,omitempty"`
	// Rounds is how many round trips a sample is made of; 0 means 500.
	Rounds int `json:"rounds,omitempty"`
	// Bytes is the size of the message whose transfer is measured; 0 means 65,536.
	Bytes int `json:"bytes,omitempty"`
}

// IPC sends the same message between processes by pipe, socket pair and
// shared memory, and between goroutines by channel and shared variable (T4, P4).
func IPC(p ...IPCParams) *Result { return inCell("ipc", optional(p)) }

// StackParams of Stack.
type StackParams struct {
	// Threads is how many stacks are looked at; 0 means 50.
	Threads int `json:"threads,omitempty"`
}

// Stack sets the memory that a thread's stack reserves beside what of it is
// ever resident: C's threads where there is a compiler, Go's, and the main
// thread (H1).
func Stack(p ...StackParams) *Result { return inCell("stack", optional(p)) }

// PthreadParams of Pthread.
type PthreadParams struct {
	// Samples is how many times Threads threads are created; 0 means 15.
	Samples int `json:"samples,omitempty"`
	Threads int `json:"threads,omitempty"` // 0 means 50
}

// Pthread is the C witness: it compiles a small C program and measures what
// a POSIX thread takes without any Go in it (H2, T6). Without a C compiler it
// is skipped.
func Pthread(p ...PthreadParams) *Result { return inCell("pthread", optional(p)) }

// ManyParams of Many.
type ManyParams struct {
	// Goroutines, Threads and Processes are the numbers to hold at a time; nil
	// means 10 … 100,000 (1,000,000 where there is memory), 10 … 2,000 and 10 … 300.
	Goroutines []int `json:"goroutines,omitempty"`
	Threads    []int `json:"threads,omitempty"`
	Processes  []int `json:"processes,omitempty"`
	// ThreadLimit is where the runtime is told to stop making threads; 0 means
	// 1,000. Go's own default is 10,000.
	ThreadLimit int `json:"thread_limit,omitempty"`
	// ProcessLimit is how many processes the system is told to allow; 0 means 50.
	ProcessLimit int `json:"process_limit,omitempty"`
	// MemoryLimitMB is what the process that piles up goroutines may take; 0 means 128.
	MemoryLimitMB int `json:"memory_limit_mb,omitempty"`
}

// Many holds ever more processes, threads and goroutines, and finds under a
// safe limit where it ends (H4, L5).
func Many(p ...ManyParams) *Result { return inCell("many", optional(p)) }

// WorkingSetParams of WorkingSet.
type WorkingSetParams struct {
	// KiB are the working sets of each side; nil means 0 … twice the second-level cache.
	KiB []int `json:"kib,omitempty"`
	// Samples of each size; 0 means 10.
	Samples int `json:"samples,omitempty"`
}

// WorkingSet measures a switch whose sides have memory to go back to, as
// lmbench does: what the caches lost is part of the price (P6).
func WorkingSet(p ...WorkingSetParams) *Result { return inCell("workingset", optional(p)) }

// ThreadOnlyParams of ThreadOnly.
type ThreadOnlyParams struct{}

// ThreadOnly does to one thread what the OS offers for threads alone, CPU
// binding, priority, a root directory and file mask of its own, and looks whether the
// others are left as they were (U2).
func ThreadOnly(p ...ThreadOnlyParams) *Result { return inCell("threadonly", optional(p)) }
