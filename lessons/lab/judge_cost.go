package lab

import "fmt"

// ratio is a/b, or 0 without b.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func judgeCreation(r *Result) {
	g, t := r.best("creation/goroutine"), r.best("creation/thread")
	f, p := r.best("creation/fork"), r.best("creation/process")
	r.verdict("H2", grade(t > 5*g, t > 2*g),
		"a thread takes at best %s to create and %s to end, a goroutine %s and %s: %s times as long to create",
		format(t, "ns"), format(r.best("destruction/thread"), "ns"), format(g, "ns"), format(r.best("destruction/goroutine"), "ns"), figures(ratio(t, g)))
	r.verdict("P7", grade(f > 1.5*t && p > 5*t, p > 2*t),
		"a process takes at best %s by fork alone and %s as a Go program brought up, a thread %s: %s and %s times as long",
		format(f, "ns"), format(p, "ns"), format(t, "ns"), figures(ratio(f, t)), figures(ratio(p, t)))
}

func judgeMemory(r *Result) {
	g, gs, t := r.Median("memory/goroutine"), r.Median("memory/goroutine-stack"), r.Median("memory/thread")
	p, c, pte := r.Median("memory/process"), r.Median("memory/cat"), r.Median("pagetables/process")
	kt := r.Median("kernelstack/thread")
	small := ""
	if c > 0 {
		small = fmt.Sprintf(", the small C program cat %s", format(c, "B"))
	}
	least := p
	if c > 0 {
		least = min(p, c)
	}
	r.verdict("P7", grade(least > 2*(t+kt), p > 2*(t+kt)),
		"a Go program's process has %s of private memory and %s of page tables%s; one more thread has %s and %s of kernel stack",
		format(p, "B"), format(pte, "B"), small, format(t, "B"), format(kt, "B"))
	r.verdict("L1", grade(gs >= 1800 && gs <= 2600, gs >= 1000 && gs <= 5000),
		"the runtime's own books have %s of stack for each parked goroutine; with all that belongs to it, %s are resident", format(gs, "B"), format(g, "B"))
	r.verdict("L5", grade(g > 0 && g < 8<<10, g < 32<<10),
		"at %s each, a million parked goroutines take %s; a thread takes %s times as much, with its kernel stack", format(g, "B"), format(1e6*g, "B"), figures(ratio(t+kt, g)))
}

// clearly is by how many times one switch must take longer than another, in the
// best sample and in the median, for the lab to call it clear. Most of what a
// busy machine does to two kinds of switch stays below that.
const clearly = 1.5

// more tells whether a is clearly more than b.
func more(a, b Samples) bool {
	x, y := a.Summary(), b.Summary()
	return x.Median > clearly*y.Median && x.Min > clearly*y.Min
}

func judgeSwitch(r *Result) {
	p, t, g := r.best("switch/process-pipe-same"), r.best("switch/thread-pipe-same"), r.best("switch/goroutine-channel")
	pk, tk, gk := r.Median("kernelswitches/process-pipe-same"), r.Median("kernelswitches/thread-pipe-same"), r.Median("kernelswitches/goroutine-channel")-r.Median("unasked/goroutine-channel")
	cross := ""
	if x := r.best("switch/process-pipe-cross"); x > 0 {
		cross = fmt.Sprintf(", across CPUs %s", format(x, "ns"))
	}
	if p > 0 && g > 0 {
		r.verdict("P6", grade(p > 5*g && pk > 0.5, p > 2*g), "a process switch takes at best %s on one CPU%s, a goroutine switch %s: %s times as much on one CPU; the kernel counted %s switches a round trip",
			format(p, "ns"), cross, format(g, "ns"), figures(ratio(p, g)), figures(pk))
	}
	if p > 0 && t > 0 {
		kernel := tk > 0.5
		faster, slower := false, false
		how := "no clear difference: what both share, the way into the kernel and its scheduler, costs more than the change of address space"
		switch {
		case more(r.Get("switch/process-pipe-same"), r.Get("switch/thread-pipe-same")):
			how, faster = "clearly more", true
		case more(r.Get("switch/thread-pipe-same"), r.Get("switch/process-pipe-same")):
			how, slower = "less, against the claim", true
		}
		r.verdict("T6", grade(kernel && faster, kernel && !slower), "a thread switch takes at best %s, a process switch on the same CPU %s: %s times as much, %s; the kernel is in each of them (%s counted a round trip)",
			format(t, "ns"), format(p, "ns"), figures(ratio(p, t)), how, figures(tk))
	}
	if g > 0 && t > 0 {
		r.verdict("L3", grade(gk < 0.05, gk < 0.5), "%s kernel switches a round trip of goroutines, %s of threads", figures(gk), figures(tk))
		r.verdict("L4", grade(gk < 0.05 && t > 5*g, t > 2*g), "a goroutine switch takes at best %s, a thread switch %s: %s times as much", format(g, "ns"), format(t, "ns"), figures(ratio(t, g)))
	}
}
