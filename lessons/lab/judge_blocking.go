package lab

import "fmt"

// goesOn is the share of its work that a goroutine must get done beside others
// that wait, to be called unhindered: if their P were blocked it would be 0,
// and other programs on the machine take their part.
const goesOn = 0.25

func judgeBlocking(r *Result) {
	raw, poll := r.Sweep("blocking/threads-raw"), r.Sweep("blocking/threads-poll")
	if len(raw) == 0 || len(poll) == 0 {
		return
	}
	n := raw[len(raw)-1].X
	tr, tp := raw[len(raw)-1].Summary().Median, poll[len(poll)-1].Summary().Median
	slack := float64(6 + 2*r.Env.GOMAXPROCS)
	asleep, cpu := r.Median("blocking/asleep"), r.Median("blocking/cpu")
	each := fmt.Sprintf("%s goroutines in raw read(2) had %s threads asleep in it", figures(n), figures(asleep*n))
	r.verdict("H3", grade(asleep >= 0.9, asleep >= 0.5), "%s, which ran for %s together in 20 ms: nothing else runs on a thread that waits", each, format(cpu, "ns"))
	r.verdict("B1", grade(asleep >= 0.9 && tr >= 0.9*n, tr >= 0.5*n), "%s; the process had %s threads", each, figures(tr))
	work, pwork := r.Median("blocking/work-raw"), r.Median("blocking/work-poll")
	r.verdict("B2", grade(work > goesOn, work > 0), "on one P, a goroutine beside 20 in raw system calls did %s of the work it does alone", percent(work))
	sameRaw, samePoll := r.Median("blocking/same-thread-raw"), r.Median("blocking/same-thread-poll")
	hand := r.Median("blocking/handoff-raw")
	r.verdict("B3", grade(sameRaw < 0.2, sameRaw < 0.7), "after one goroutine blocked its thread in a system call, the next ran on another thread in %s of cases, %s later; where it waited in the poller, on another in %s, %s later",
		percent(1-sameRaw), format(hand, "ns"), percent(1-samePoll), format(r.Median("blocking/handoff-poll"), "ns"))
	r.verdict("M3", grade(work > goesOn && pwork > goesOn && sameRaw < 0.2 && samePoll < 0.2, work > goesOn && pwork > goesOn),
		"the cores are kept busy (%s and %s of the work went on), but how differs: in a raw system call the thread waits and another takes over (%s of cases), in the poller the goroutine alone is parked and its thread goes on with the next (the same thread in %s)",
		percent(work), percent(pwork), percent(1-sameRaw), percent(samePoll))
	if p := r.Get("blocking/pollers"); len(p.Values) > 0 {
		ever, both := r.Median("blocking/pollers-ever"), r.Median("blocking/pollers-carry")
		r.verdict("B4", grade(both == 0 && ever >= 1, false), "no thread is dedicated to the network here: at most %s at a time were in epoll_pwait, %s different ones over time, and %s of them also carried goroutines: whichever has nothing to run polls",
			figures(p.Values[0]), figures(ever), figures(both))
	}
	r.verdict("B5", grade(tp <= slack && tr > 3*tp, tp < tr/2), "%s waiting goroutines took %s threads in raw system calls, %s in the poller", figures(n), figures(tr), figures(tp))
	b1, b2 := r.Fact("bytes that arrived, in raw system calls"), r.Fact("bytes that arrived, in the runtime's poller")
	r.verdict("B6", grade(allOf(b1) && allOf(b2) && tp < tr, allOf(b1) || allOf(b2)), "the same function, one plain Read, waited both ways: %s and %s bytes arrived, on %s and %s threads", b1, b2, figures(tr), figures(tp))
}

func percent(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }

// allOf reads "n of n".
func allOf(s string) bool {
	var a, b int
	_, err := fmt.Sscanf(s, "%d of %d", &a, &b)
	return err == nil && a == b && a > 0
}
