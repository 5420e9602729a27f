package lab

func judgeThreeWays(r *Result) {
	p, t, g := r.Median("threeways/done-process"), r.Median("threeways/done-thread"), r.Median("threeways/done-goroutine")
	r.verdict("U1", grade(p >= 5 && t < p && g < p, p > t), "one of six tasks had a bug: as processes %s brought their result home, as threads %s, as goroutines %s", figures(p), figures(t), figures(g))
	wp, wt, wg := r.best("threeways/wait-process"), r.best("threeways/wait-thread"), r.best("threeways/wait-goroutine")
	mp, mt, mg := r.Median("threeways/memory-process"), r.Median("threeways/memory-thread"), r.Median("threeways/memory-goroutine")
	least := mg < mt && mg < mp
	r.verdict("U3", grade(least && wg < wp && wg < 1.5*wt, least), "the waiting job took at best %s as goroutines, %s as threads, %s as processes, and %s, %s and %s of memory",
		format(wg, "ns"), format(wt, "ns"), format(wp, "ns"), format(mg, "B"), format(mt, "B"), format(mp, "B"))
}

func judgeLadder(r *Result) {
	r.verdict("E1", grade(r.Fact("goroutine inside thread inside process") == "true", false), "a goroutine ran on thread %s, which belongs to process %s; this process is %s. That the runtime moves it is seen in G3, that the OS does not know it in G1",
		r.Fact("a goroutine ran on thread"), r.Fact("which is a thread of process"), r.Fact("this process"))
	cp, ct, cg := r.best("creation/fork"), r.best("creation/thread"), r.best("creation/goroutine")
	mp, mt, mg := r.Median("memory/process"), r.Median("memory/thread"), r.Median("memory/goroutine")
	sp, st, sg := r.Median("crash/survivors/process"), r.Median("crash/survivors/thread"), r.Median("crash/survivors/goroutine")
	cheaper := cp > ct && ct > cg && mp > mt && mt > mg
	every := sp > st && st > sg
	once := sp > st && st >= sg
	how := "and isolation falls at each step"
	if !every && once {
		how = "but isolation falls once only, from process to thread: threads and goroutines die together"
	}
	r.verdict("E2", grade(cheaper && every, cheaper && once || every), "going down, creating one takes at best %s, %s, %s, and its memory is %s, %s, %s, %s (siblings that outlive a crash: %s, %s, %s of 2)",
		format(cp, "ns"), format(ct, "ns"), format(cg, "ns"), format(mp, "B"), format(mt, "B"), format(mg, "B"), how, figures(sp), figures(st), figures(sg))
}
