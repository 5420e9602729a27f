package lab

import "fmt"

func judgeGrowth(r *Result) {
	sweep, moves := r.Sweep("growth/stack"), r.Sweep("growth/moves")
	if len(sweep) == 0 || len(moves) == 0 {
		return
	}
	first, last := sweep[0].Summary().Median, sweep[len(sweep)-1].Summary().Median
	m := moves[len(moves)-1].Summary().Median
	deep := sweep[len(sweep)-1].X
	r.verdict("L1", grade(first >= 1800 && first <= 4300, first <= 9000), "a goroutine that calls nothing deep has %s of stack", format(first, "B"))
	r.verdict("L2", grade(last > 4*first && m >= 1 || deep < 100 && first == last, last > first), "%s calls deep its stack had grown to %s and moved %s times; once the calls had returned, collections shrank one from %s to %s",
		figures(deep), format(last, "B"), figures(m), format(r.Median("growth/before-gc"), "B"), format(r.Median("growth/after-gc"), "B"))
}

func judgeOneAtATime(r *Result) {
	most := r.At("oneatatime/most", 1)
	if len(most.Values) == 0 {
		return
	}
	one := r.Get("oneatatime/p1-1").Summary().Median
	queue := r.At("oneatatime/local", 1).Summary()
	glob := r.At("oneatatime/global", 1).Summary()
	reason := fmt.Sprintf("with P = 1, one goroutine at a time was executing in %s of looks; of %s that wanted to run, up to %s waited in the local queue and %s in the global one",
		percent(one), r.Fact("goroutines that wanted to run"), figures(queue.Max), figures(glob.Max))
	if two := r.At("oneatatime/most", 2); len(two.Values) > 0 {
		reason += fmt.Sprintf("; with P = 2, %s at a time", figures(two.Values[0]))
	}
	r.verdict("M2", grade(one > 0.99 && queue.Max >= 2, one > 0.8), "%s", reason)
}

func judgeStealing(r *Result) {
	sweep := r.Sweep("stealing/away")
	if len(sweep) == 0 {
		return
	}
	P := sweep[len(sweep)-1].X
	if P < 2 {
		return
	}
	// The best of the samples: on a busy machine the OS now and then has no CPU
	// for the thief, and that says nothing of the scheduler in question.
	away, busiest := sweep[len(sweep)-1].Summary().Max, r.At("stealing/busiest", P).Summary().Min
	r.verdict("W1", grade(away > 0.25, away > 0.02), "with P = %s, up to %s of the tasks ran on another thread than the one whose goroutine started them all, and whose queue had room for all; in %s looks more than one local queue had work, though only one was ever filled",
		figures(P), percent(away), r.Fact(fmt.Sprintf("P = %s, looks with work in more than one local queue", figures(P))))
	fair := 1 / P
	r.verdict("W2", grade(busiest < fair+(1-fair)*0.7, busiest < 0.98), "the busiest thread ran %s of the tasks at best, where an even share of %s is %s", percent(busiest), figures(P), percent(fair))
	global := r.At("stealing/spilled", P).Summary()
	ran := r.Fact("of more tasks than the local queue holds ran")
	r.verdict("W3", grade(global.Max > 0 && allOf(ran), allOf(ran)), "of more tasks than a local queue holds up to %s were seen to wait in the global one, and %s ran: it was looked at and emptied", figures(global.Max), ran)
	took, hand := r.At("stealing/time", P).Summary().Min, r.At("stealing/hand", P).Summary().Min
	slow := ratio(took, hand)
	r.verdict("W4", grade(slow < 1.5, slow < 2.5), "left to the scheduler all tasks took at best %s, dealt out by hand %s: %s times as long", format(took, "ns"), format(hand, "ns"), figures(slow))
}

// judgePreemption has no claim of the article's: its figures speak in M2's lesson.
func judgePreemption(*Result) {}
