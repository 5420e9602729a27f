package lab

// CreationParams of Creation.
type CreationParams struct {
	// Samples of each kind; 0 means 15. At least 10 are taken.
	Samples int `json:"samples,omitempty"`
	// Goroutines, Threads and Processes are how many one sample makes; its
	// value is the time divided by that. 0 means 5,000, 50 and 4.
	Goroutines int `json:"goroutines,omitempty"`
	Threads    int `json:"threads,omitempty"`
	Processes  int `json:"processes,omitempty"`
}

// Creation measures what it takes to create and to end a goroutine, an OS
// thread and a process (P7, H2, G1).
func Creation(p ...CreationParams) *Result { return inCell("creation", optional(p)) }

// MemoryParams of Memory.
type MemoryParams struct {
	// Samples of each kind; 0 means 10.
	Samples int `json:"samples,omitempty"`
	// Goroutines and Threads are how many one sample holds at a time; 0 means
	// 10,000 and 200. Of processes each one is a sample.
	Goroutines int `json:"goroutines,omitempty"`
	Threads    int `json:"threads,omitempty"`
}

// Memory measures the memory that one more process, thread and goroutine
// takes: resident, reserved, page tables, kernel stack (P7, L1, L5, H1).
func Memory(p ...MemoryParams) *Result { return inCell("memory", optional(p)) }

// SwitchParams of Switch.
type SwitchParams struct {
	// Samples of each kind; 0 means 12.
	Samples int `json:"samples,omitempty"`
	// Rounds is how many round trips one sample is made of on one CPU; 0 means
	// 1,000. Across CPUs it is a fifth of that.
	Rounds int `json:"rounds,omitempty"`
	// Kinds are those to measure, of "process", "thread" and "goroutine"; nil
	// means all.
	Kinds []string `json:"kinds,omitempty"`
}

// Switch measures what it takes to go from one process, thread or goroutine
// to another: by pipe and futex on one CPU and across two, by channel, mutex
// and runtime.Gosched, with the kernel's own count of switches beside the
// time (P6, T6, L3, L4).
func Switch(p ...SwitchParams) *Result { return inCell("switch", optional(p)) }
