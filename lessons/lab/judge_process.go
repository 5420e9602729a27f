package lab

import "fmt"

func judgeLoad(r *Result) {
	found, entry := r.Fact("processes whose segments are all mapped"), r.Fact("processes with the entry point in executable memory")
	ok := found == "2" && entry == "2" && r.Fact("process ids differ") == "true"
	mapped, resident := r.Median("load/mapped"), r.Median("load/resident")
	r.verdict("P1", grade(ok, found == "2"),
		"one file of %s became two processes with ids of their own; all segments of the file were found mapped in %s of 2, the entry point in executable memory in %s. Loading is lazy: of %s mapped, %s were resident",
		format(r.Median("load/file"), "B"), found, entry, format(mapped, "B"), format(resident, "B"))
}

func judgeLook(r *Result) {
	n, all := r.Fact("processes"), r.Fact("processes with all of their own")
	r.verdict("P2", grade(n == all && r.Fact("different ids") == n, all != "0"),
		"of %s processes of one program, %s had mappings, a program counter, a main stack, a heap and open files of their own; %s different main stack addresses",
		n, all, r.Fact("different addresses of the main stack"))
}

func judgeIsolation(r *Result) {
	apart := r.Fact("same address") == "true" && r.Fact("each kept its value") == "true" && r.Fact("values differ") == "true"
	fault := r.Fact("direct touch faulted") == "true"
	reason := fmt.Sprintf("the same address held %s in one process and %s in the other; touching a page that only the other has: %s",
		r.Fact("value at the address, process 1"), r.Fact("value at the address, process 2"), r.Fact("process 2 touches a page that only process 1 has"))
	if s := r.Fact("asking the kernel for it, same user"); s != "" {
		reason += ". By way of the kernel, with the right to trace: " + s
	}
	if s := r.Fact("asking the kernel for it, another user"); s != "" {
		reason += "; as another user: " + s
	}
	if r.Fact("values differ") == "false" {
		// Shared memory would look the same.
		r.verdict("P3", Skip, "%s. Give the two different values to tell them apart", reason)
		return
	}
	r.verdict("P3", grade(apart && fault, apart), "%s", reason)
}

func judgePipe(r *Result) {
	without, with := r.Fact("arrived without a pipe") == "true", r.Fact("arrived with a pipe") == "true"
	r.verdict("P4", grade(with && !without, with),
		"without a pipe given to both: %s; with one set up: %s", r.Fact("reader without a shared pipe"), r.Fact("reader with a pipe"))
}

func judgeCrash(r *Result) {
	proc, thr, gor := r.Get("crash/survivors/process"), r.Get("crash/survivors/thread"), r.Get("crash/survivors/goroutine")
	sum := func(s Samples) (n, of float64) {
		for _, v := range s.Values {
			n += v
		}
		return n, siblings * float64(len(s.Values))
	}
	pn, pof := sum(proc)
	tn, tof := sum(thr)
	gn, gof := sum(gor)
	if pof == 0 {
		return
	}
	r.verdict("P5", grade(pn == pof, pn > 0), "%s ways to die, each in one process of three: %s of %s siblings went on, and so did the parent (%s)",
		figures(float64(len(proc.Values))), figures(pn), figures(pof), r.Fact("this process afterwards"))
	recovered := r.Fact("panic with recover in a thread")
	r.verdict("T5", grade(tn == 0 && tof > 0, tn < tof), "the same faults in one thread of three left %s of %s siblings, in one goroutine %s of %s: the whole process went each time. The exception is a panic that its own goroutine recovers: %s",
		figures(tn), figures(tof), figures(gn), figures(gof), recovered)
}

// siblings live beside the one that crashes, in runCrash.
const siblings = 2
