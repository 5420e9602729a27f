package lab

// BlockingParams of Blocking.
type BlockingParams struct {
	// Goroutines are the numbers that wait at a time; nil means 1, 10, 50, 100.
	Goroutines []int `json:"goroutines,omitempty"`
	// Samples at each number; 0 means 10.
	Samples int `json:"samples,omitempty"`
}

// Blocking lets many goroutines wait in raw system calls, then as many in
// the runtime's poller, and counts threads over time; it sees who goes on
// meanwhile, and on which thread (M3, H3, B1–B6).
func Blocking(p ...BlockingParams) *Result { return inCell("blocking", optional(p)) }

// GrowthParams of Growth.
type GrowthParams struct {
	// Depths of recursion; nil means 1 … 100,000.
	Depths []int `json:"depths,omitempty"`
	// Samples at each depth; 0 means 10.
	Samples int `json:"samples,omitempty"`
}

// Growth lets a goroutine recurse ever deeper and watches its stack grow,
// move, and shrink again (L1, L2).
func Growth(p ...GrowthParams) *Result { return inCell("growth", optional(p)) }

// OneAtATimeParams of OneAtATime.
type OneAtATimeParams struct {
	// Goroutines that want to run; 0 means 16.
	Goroutines int `json:"goroutines,omitempty"`
	// Procs are the values of GOMAXPROCS; nil means 1 and 2.
	Procs []int `json:"procs,omitempty"`
}

// OneAtATime counts how many goroutines execute at the same moment for each
// value of GOMAXPROCS, and how many wait in the queues meanwhile (M2).
func OneAtATime(p ...OneAtATimeParams) *Result { return inCell("oneatatime", optional(p)) }

// StealingParams of Stealing.
type StealingParams struct {
	// Procs are the values of GOMAXPROCS; nil means 1 … the number of CPUs.
	Procs []int `json:"procs,omitempty"`
	// Tasks that one goroutine starts; 0 means 200, for which its P's queue of
	// 256 has room.
	Tasks int `json:"tasks,omitempty"`
	// TaskMicros is how long one task computes; 0 means 300.
	TaskMicros int `json:"task_micros,omitempty"`
	// Samples of each; 0 means 10.
	Samples int `json:"samples,omitempty"`
}

// Stealing lets one goroutine start all the tasks and sees which threads run
// them, reads the queues by GODEBUG=schedtrace, and compares with the same
// work dealt out by hand; then it starts more tasks than the queue holds
// (W1–W4).
func Stealing(p ...StealingParams) *Result { return inCell("stealing", optional(p)) }

// PreemptionParams of Preemption.
type PreemptionParams struct {
	// Samples of each; 0 means 10.
	Samples int `json:"samples,omitempty"`
	// SpinMS is how long the loop that never yields runs; 0 means 60.
	SpinMS int `json:"spin_ms,omitempty"`
}

// Preemption measures how long a goroutine waits for a loop that never
// yields, on one P, with and without asynchronous preemption.
func Preemption(p ...PreemptionParams) *Result { return inCell("preemption", optional(p)) }

// ForkJoinParams of ForkJoin.
type ForkJoinParams struct {
	// Procs are the values of GOMAXPROCS; nil means 1, 2 … the number of CPUs,
	// and twice that.
	Procs []int `json:"procs,omitempty"`
	// Cutoffs are the sizes below which a part is not split again; nil means
	// 16 … 262,144.
	Cutoffs []int `json:"cutoffs,omitempty"`
	// Serial are the shares of the work that can't be split; nil means 0, ¼, ½.
	Serial []float64 `json:"serial,omitempty"`
	// Samples of each; 0 means 10.
	Samples int `json:"samples,omitempty"`
}

// ForkJoin splits a sum among children and joins them by WaitGroup and by
// channel; sweeps GOMAXPROCS beside Amdahl's law, and the size below which
// splitting stops paying (F1, F2, F3).
func ForkJoin(p ...ForkJoinParams) *Result { return inCell("forkjoin", optional(p)) }

// ContentionParams of Contention.
type ContentionParams struct {
	// Goroutines that share one counter; nil means 1, 2, 4, 8, 16.
	Goroutines []int `json:"goroutines,omitempty"`
	// Samples of each; 0 means 10.
	Samples int `json:"samples,omitempty"`
	// Operations in a sample, over all goroutines; 0 means 40,000.
	Operations int `json:"operations,omitempty"`
}

// Contention lets goroutines share a counter by channel, mutex and atomic
// operation, and buffers by sync.Pool: time of one operation, and whether
// every one counted (F6).
func Contention(p ...ContentionParams) *Result { return inCell("contention", optional(p)) }

// LostUpdatesParams of LostUpdates.
type LostUpdatesParams struct {
	// Goroutines that add to one variable; 0 means 4.
	Goroutines int `json:"goroutines,omitempty"`
	// Additions of each; 0 means 300,000.
	Additions int `json:"additions,omitempty"`
	// Samples of each way; 0 means 10.
	Samples int `json:"samples,omitempty"`
}

// LostUpdates adds to one variable from several goroutines with and without
// synchronisation and counts what got lost (F6, F7).
func LostUpdates(p ...LostUpdatesParams) *Result { return inCell("lostupdates", optional(p)) }

// RaceParams of Race.
type RaceParams struct{}

// Race builds a program with a race, and the same program mended, with the
// race detector and says what it finds (F7). It needs the Go toolchain and a
// C compiler and is skipped without them.
func Race(p ...RaceParams) *Result { return inCell("race", optional(p)) }

// ThreeWaysParams of ThreeWays.
type ThreeWaysParams struct {
	// Tasks of the computing and the waiting job; 0 means 8 and 24.
	CPUTasks int `json:"cpu_tasks,omitempty"`
	IOTasks  int `json:"io_tasks,omitempty"`
	// Samples of each; 0 means 10.
	Samples int `json:"samples,omitempty"`
}

// ThreeWays does three jobs, one that computes, one that waits and one in
// which a task crashes, as processes, as threads and as goroutines (U1, U3).
func ThreeWays(p ...ThreeWaysParams) *Result { return inCell("threeways", optional(p)) }

// LadderParams of Ladder.
type LadderParams struct {
	// Samples of each; 0 means 10.
	Samples int `json:"samples,omitempty"`
}

// Ladder sets process, thread and goroutine side by side: what executes
// inside what, what one more takes, and who survives a crash (E1, E2).
func Ladder(p ...LadderParams) *Result { return inCell("ladder", optional(p)) }
