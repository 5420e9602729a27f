package lab

import "fmt"

func judgeThreads(r *Result) {
	n := r.Fact("threads")
	r.verdict("T1", grade(r.Fact("one thread has the process's own id: the main thread") == "true" && r.Fact("threads in this process") == n, false),
		"process %s has a thread with its own id, and %s more were started in it; a small C program that waits has %s", r.Fact("process id"), n, r.Fact("threads of a small C program that waits"))
	r.verdict("T2", grade(r.Fact("addresses of the global variable") == "1" && r.Fact("threads that saw what all had written, in a global and on the heap") == n, false),
		"one global variable, %s; %s of %s threads saw what all had written to it and to the heap", r.Fact("the global variable"), r.Fact("threads that saw what all had written, in a global and on the heap"), n)
	sps := r.Fact("different stack pointers")
	var got, of int
	if _, err := fmt.Sscanf(sps, "%d of %d", &got, &of); err != nil {
		return
	}
	locals := r.Fact("different addresses of the same local variable") == n
	r.verdict("T3", grade(locals && got == of, locals), "the same local variable was at %s different addresses in %s threads; different stack pointers: %s", r.Fact("different addresses of the same local variable"), n, sps)
}

func judgeThreadOnly(r *Result) {
	changed, kept := r.Fact("the changed thread changed") == "true", r.Fact("the other thread is as before") == "true"
	r.verdict("U2", grade(changed && kept, changed), "one thread (%s) was changed alone, another of the same process (%s) was not; in Go that takes runtime.LockOSThread, for a goroutine has none of these. That threads are what to use outside Go can only be reasoned about here",
		r.Fact("changed thread"), r.Fact("another thread of the process"))
}

func judgeIPC(r *Result) {
	pipe, thread, channel := r.best("ipc/pipe"), r.best("ipc/thread"), r.best("ipc/channel")
	tp, tr := r.best("transfer/pipe"), r.best("transfer/pointer")
	fast := tp > 5*tr && tr > 0
	r.verdict("T4", grade(fast && thread < pipe/3, fast), "within one process a large message is at best handed over as a pointer in %s, by pipe it is copied in %s: %s times as long. But to wake the other side costs what it costs: a small message there and back takes %s between threads that sleep on a shared variable, %s by pipe between processes, %s between goroutines",
		format(tr, "ns"), format(tp, "ns"), figures(ratio(tp, tr)), format(thread, "ns"), format(pipe, "ns"), format(channel, "ns"))
	arrived := pipe > 0 && r.Median("ipc/socketpair") > 0 && r.Median("ipc/shm") > 0
	r.verdict("P4", grade(arrived, false), "processes talked by pipe (at best %s there and back), socket pair (%s) and shared memory (%s), each of which was set up before the second one started",
		format(pipe, "ns"), format(r.best("ipc/socketpair"), "ns"), format(r.best("ipc/shm"), "ns"))
}

func judgeWorkingSet(r *Result) {
	sweep := r.Sweep("workingset/process")
	if len(sweep) < 2 {
		return
	}
	none := sweep[0].Summary().Min
	most, at := 0.0, 0.0
	for _, s := range sweep[1:] {
		if m := s.Summary().Median; m > most {
			most, at = m, s.X
		}
	}
	r.verdict("P6", grade(none > 500, none > 0), "with nothing to read a process switch takes at best %s; the dearest here, with %s KiB to read on each side, has a median of %s", format(none, "ns"), figures(at), format(most, "ns"))
}
