package lab

// LoadParams of Load.
type LoadParams struct {
	// Path is the executable to load; "" is the lab's own binary. Another must
	// wait for its input, as cat does, so that there is time to look.
	Path string `json:"path,omitempty"`
}

// Load reads an executable file, starts it twice, and finds the file's
// segments in the memory of both processes (P1).
func Load(p ...LoadParams) *Result { return inCell("load", optional(p)) }

// LookParams of Look.
type LookParams struct {
	// Processes is how many to start and compare; 0 means 2.
	Processes int `json:"processes,omitempty"`
}

// Look reads in /proc what each of several processes of one program has for
// itself: memory addresses, program counter, stack, heap, open files (P2).
func Look(p ...LookParams) *Result { return inCell("look", optional(p)) }

// IsolationParams of Isolation.
type IsolationParams struct {
	// Values are what the two processes write to the same address; nil means 1 and 2.
	Values []int `json:"values,omitempty"`
}

// Isolation lets two processes write different values to the same virtual
// address, then lets each try to reach the other's memory (P3).
func Isolation(p ...IsolationParams) *Result { return inCell("isolation", optional(p)) }

// PipeParams of Pipe.
type PipeParams struct {
	// Message is what is sent; "" means a greeting.
	Message string `json:"message,omitempty"`
}

// Pipe sends a message from one process to another, first with nothing set
// up between them, then through a pipe that both were given (P4).
func Pipe(p ...PipeParams) *Result { return inCell("pipe", optional(p)) }

// CrashParams of Crash.
type CrashParams struct {
	// Ways are how to die: "SIGKILL", "nil dereference", "panic", "exit 3",
	// "stack overflow", "concurrent map writes"; nil means all.
	Ways []string `json:"ways,omitempty"`
}

// Crash makes the same faults in a child process, in a thread and in a
// goroutine, and counts who survives; it decodes the exit status (P5, T5).
func Crash(p ...CrashParams) *Result { return inCell("crash", optional(p)) }
