package lab

import (
	"fmt"
	"slices"
	"strings"
)

func judgeForkJoin(r *Result) {
	children := r.Fact("children forked")
	most := r.Fact("children started and not yet ended, at most")
	both := r.Fact("children that had ended when the parent went on")
	r.verdict("F1", grade(most != "" && most != "0" && most != "1", children != ""), "one parent forked %s children; up to %s were under way at a time", children, most)
	over := r.Fact("children that ran at the same time as another")
	two := r.At("forkjoin/speedup-0", 2).Summary().Median
	speed := ""
	if two > 0 {
		speed = fmt.Sprintf("; work without a serial part was %s times as fast with P = 2 as with 1", figures(two))
	}
	r.verdict("F2", grade(allOf(over), over != ""), "%s children ran at the same time as another%s", over, speed)
	plain := r.Fact("sum without children")
	joined := r.Fact("sum joined by WaitGroup") == plain && r.Fact("sum joined by channel") == plain && allOf(r.Fact("right sums"))
	r.verdict("F3", grade(joined && strings.HasPrefix(both, children+" by WaitGroup, "+children), joined), "joined by WaitGroup and by channel, the children's results made the same sum as without children (%s), and %s split sums were right; ended when the parent went on: %s of %s",
		plain, r.Fact("right sums"), both, children)
}

func judgeContention(r *Result) {
	right := r.Fact("right totals")
	at := func(id string) (float64, float64) {
		s := r.Sweep("contention/" + id)
		if len(s) == 0 {
			return 0, 0
		}
		return s[len(s)-1].Summary().Median, s[len(s)-1].X
	}
	a, n := at("atomic")
	m, _ := at("mutex")
	c, _ := at("channel")
	r.verdict("F6", grade(allOf(right), false), "%s totals were right; with %s goroutines at one counter an addition takes %s by atomic operation, %s under a mutex, %s through a channel",
		right, figures(n), format(a, "ns"), format(m, "ns"), format(c, "ns"))
}

func judgeLostUpdates(r *Result) {
	none := r.Get("lost/none")
	if len(none.Values) == 0 {
		return
	}
	s := none.Summary()
	worst := 0.0
	for _, id := range []string{"lost/atomic", "lost/mutex", "lost/channel"} {
		worst = max(worst, slices.Max(r.Get(id).Values))
	}
	r.verdict("F7", grade(s.Max > 0.001, s.Max > 0), "without synchronisation %s of the additions got lost (least %s, most %s of %s samples)", percent(s.Median), percent(s.Min), percent(s.Max), figures(float64(s.N)))
	r.verdict("F6", grade(worst == 0 && s.Max > 0, worst == 0), "with atomic operation, mutex and channel %s got lost; without any, up to %s", percent(worst), percent(s.Max))
}

func judgeRace(r *Result) {
	racy, mended := r.Get("race/racy"), r.Get("race/mended")
	if len(racy.Values) == 0 || len(mended.Values) == 0 {
		return
	}
	found := 0
	for _, v := range racy.Values {
		if v > 0 {
			found++
		}
	}
	r.verdict("F7", grade(found > 0 && slices.Max(mended.Values) == 0, found > 0), "the race detector reported the race in %s of %s runs, and %s times in the mended program", figures(float64(found)), figures(float64(len(racy.Values))), figures(slices.Max(mended.Values)))
}
