package lab

func judgeMany(r *Result) {
	ts, gs, ps := r.Sweep("many/thread"), r.Sweep("many/goroutine"), r.Sweep("many/process")
	if len(ts) == 0 || len(gs) == 0 || len(ps) == 0 {
		return
	}
	each := func(s []Samples) (n, bytes float64) {
		last := s[len(s)-1]
		return last.X, last.Summary().Median / last.X
	}
	tn, t := each(ts)
	gn, g := each(gs)
	pn, p := each(ps)
	r.verdict("H4", grade(t > 256<<10, t > 4*g), "%s threads took %s, %s each: it grows with each one and a thread takes %s times what a goroutine does, but 1 MB each it is not; %s processes took %s each. Threads %s",
		figures(tn), format(t*tn, "B"), format(t, "B"), figures(ratio(t, g)), figures(pn), format(p, "B"), r.Fact("threads"))
	// What each takes decides, and not how many a busy machine had time for.
	r.verdict("L5", grade(gn >= 1000 && g < 8<<10, g < 32<<10), "%s goroutines at a time took %s, %s each; in a small memory they %s",
		figures(gn), format(g*gn, "B"), format(g, "B"), r.Fact("goroutines"))
}
