package lab

func judgePthread(r *Result) {
	p, g, t := r.best("creation/pthread"), r.best("creation/goroutine"), r.best("creation/thread")
	r.verdict("H2", grade(p > 5*g, p > 2*g), "in C a thread takes at best %s to create, Go's own %s, a goroutine %s: %s times as long as a goroutine, without any Go in it",
		format(p, "ns"), format(t, "ns"), format(g, "ns"), figures(ratio(p, g)))
}

func judgeStack(r *Result) {
	who, res, rss := "POSIX thread (in C)", r.Median("stack/pthread-reserved"), r.Median("stack/pthread-resident")
	if res == 0 {
		who, res, rss = "main thread", r.Median("stack/main-reserved"), r.Median("stack/main-resident")
	}
	if res == 0 {
		return
	}
	near := func(v float64) bool { return v > 512<<10 && v < 2<<20 }
	r.verdict("H1", grade(near(res) && near(rss), near(res) || near(rss)), "the stack of a %s has %s reserved, of which %s are resident: neither is the article's 1 MB, and what is reserved is addresses, not memory. A goroutine's has %s",
		who, format(res, "B"), format(rss, "B"), format(r.Median("memory/goroutine-stack"), "B"))
}
