package lab

import (
	"slices"
	"strconv"
	"strings"
)

func judgeManaged(r *Result) {
	sweep := r.Sweep("managed/threads")
	if len(sweep) == 0 {
		return
	}
	last := sweep[len(sweep)-1]
	most := slices.Max(last.Values)
	limit := float64(8 + 4*r.Env.GOMAXPROCS)
	reason := []any{figures(last.X), figures(most), r.Env.GOMAXPROCS}
	few := most <= limit
	r.verdict("G1", grade(few && last.X >= 10*most, few), "under %s goroutines the OS had at most %s threads, with P %d: the OS does not see goroutines, the runtime runs them", reason...)
	r.verdict("M1", grade(few && last.X >= 10*most, few), "%s goroutines were carried by at most %s OS threads, with P %d", reason...)
}

func judgeGo(r *Result) {
	n, ran := r.Fact("go statements"), r.Fact("functions that ran")
	ok := n == ran && n != "" && r.Fact("runs in a goroutine of its own") == "true"
	r.verdict("G2", grade(ok, n == ran), "%s go statements, %s functions ran, each in a goroutine of its own (%s, not %s); the statement returns after %s, the function runs after %s, in %s after the statement had returned",
		n, ran, r.Fact("goroutine of the function"), r.Fact("goroutine of the caller"),
		format(r.Median("go/statement"), "ns"), format(r.Median("go/ran"), "ns"), r.Fact("functions that ran after the go statement had returned"))
}

func judgeMain(r *Result) {
	head, bottom := r.Fact("stack trace begins"), r.Fact("stack trace ends in")
	ok := strings.HasPrefix(head, "goroutine 1 ") && strings.HasPrefix(bottom, "main.main")
	r.verdict("G3", grade(ok, strings.HasPrefix(head, "goroutine ")), "the runtime calls it %q, at the bottom of its stack is %s; OS threads that carried it meanwhile: %s",
		head, strings.TrimSpace(bottom), r.Fact("threads that carried main"))
}

func judgeSpeak(r *Result) {
	runs, err := strconv.ParseFloat(r.Fact("runs"), 64)
	if err != nil {
		return
	}
	none, sleep, wait := r.Median("speak/heard-none"), r.Median("speak/heard-sleep"), r.Median("speak/heard-wait")
	r.verdict("G4", grade(sleep == runs && none < runs, sleep > none), "with the sleep, speak was heard in %s of %s runs, without it in %s", figures(sleep), figures(runs), figures(none))
	r.verdict("F4", grade(none <= runs/2 && sleep == runs, none < runs), "where main ended at once, speak was heard in %s of %s runs: the program ended before its child", figures(none), figures(runs))
	r.verdict("F5", grade(wait == runs && none < runs, wait > none), "where main waited for it, speak was heard in %s of %s runs, at %s a run against %s with a sleep",
		figures(wait), figures(runs), format(r.Median("speak/time-wait"), "ns"), format(r.Median("speak/time-sleep"), "ns"))
}
