package lab

// ManagedParams of Managed.
type ManagedParams struct {
	// Goroutines are the numbers to start; nil means 1, 10, 100, 1,000, 10,000.
	Goroutines []int `json:"goroutines,omitempty"`
	// Samples at each number; 0 means 10.
	Samples int `json:"samples,omitempty"`
}

// Managed starts ever more goroutines and counts the OS threads under them:
// who manages them, the runtime or the OS? (G1, M1)
func Managed(p ...ManagedParams) *Result { return inCell("managed", optional(p)) }

// GoParams of Go.
type GoParams struct {
	// Samples is how many go statements are timed, one by one; 0 means 200.
	Samples int `json:"samples,omitempty"`
}

// Go times the go statement against a plain call of the same function, and
// sees when the function runs (G2).
func Go(p ...GoParams) *Result { return inCell("go", optional(p)) }

// MainParams of Main.
type MainParams struct{}

// Main asks the runtime what main runs as: its goroutine, its stack trace,
// and the threads that carried it (G3).
func Main(p ...MainParams) *Result { return inCell("main", optional(p)) }

// SpeakParams of Speak.
type SpeakParams struct {
	// Runs of each of the three programs; 0 means 10.
	Runs int `json:"runs,omitempty"`
	// SleepMS is how long main sleeps where it does; 0 means 100. The article
	// sleeps 1,000.
	SleepMS int `json:"sleep_ms,omitempty"`
}

// Speak runs the article's example in whole processes: main starts speak with
// go, then sleeps, or ends at once, or waits for it; and counts in how many
// runs speak was heard (G4, F4, F5).
func Speak(p ...SpeakParams) *Result { return inCell("speak", optional(p)) }
