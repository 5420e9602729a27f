package lab

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// runWorkingSet is the other half of P6: what caches have to do with it.
func runWorkingSet(b *bench, p WorkingSetParams) error {
	for _, k := range p.KiB {
		if k < 0 || k > 64<<10 {
			return fmt.Errorf("working set: %d KiB is not in 0…65,536", k)
		}
	}
	return forward(b, "measure workingset", p)
}

func measureWorkingSet(b *bench, p WorkingSetParams) error {
	sizes, samples := p.KiB, max(10, defaulted(p.Samples, 10))
	l2 := cacheKiB("2")
	if sizes == nil {
		sizes = []int{0, 8, 32, 128, 512}
		if l2 > 512 {
			sizes = append(sizes, l2)
		}
		sizes = append(sizes, 2*max(l2, 512))
	}
	quiet()
	runtime.GOMAXPROCS(max(4, runtime.GOMAXPROCS(0)))
	cpu := usableCPUs()[0]
	total, done := len(sizes)*(samples+1), 0
	for _, kib := range sizes {
		pr := pair{by: "pipe", leadOn: cpu, other: cpu, bytes: kib << 10}
		rounds := 200
		if kib > 256 {
			rounds = 40
		}
		partner, err := newTurnPartner(pr)
		if err != nil {
			return err
		}
		var proc, thread, base []float64
		for round := range samples + 1 {
			b0, err := noSwitch("pipe", cpu, pr.bytes, rounds)
			if err != nil {
				partner.stop()
				return err
			}
			tp, err := processTurns(partner, pr, rounds)
			if err != nil {
				partner.stop()
				return err
			}
			tt, err := threadTurns(pr, rounds)
			if err != nil {
				partner.stop()
				return err
			}
			done++
			b.progress(done, total, "%d KiB each", kib)
			if round == 0 {
				continue
			}
			// Half a round trip is one switch, one give and take, and one pass
			// over a working set; the base has the last two.
			base = append(base, float64(b0.Nanoseconds()))
			mid := Samples{Values: base}.Summary().Median
			proc = append(proc, perUnit(tp.elapsed, 2*tp.rounds)-mid)
			thread = append(thread, perUnit(tt.elapsed, 2*tt.rounds)-mid)
		}
		partner.stop()
		const x = "KiB that each side reads in its turn"
		b.addAt("workingset/process", "one switch, with calls and reading subtracted", "process", "ns", x, float64(kib), proc...)
		b.addAt("workingset/thread", "one switch, with calls and reading subtracted", "thread", "ns", x, float64(kib), thread...)
		b.addAt("workingset/reading", "calls and reading without a switch", "one thread", "ns", x, float64(kib), base...)
	}
	b.fact("caches of CPU 0", "%s", caches())
	b.note("As lat_ctx of lmbench does: the same reading of both working sets by one thread is subtracted, so what is left is the switch and what the caches lost by it. Where both sets don't fit a cache the base misses too, and the difference drowns in noise.")
	b.note("Both sides are bound to CPU %d.", cpu)
	return nil
}

// cacheKiB is the size of CPU 0's unified or data cache of a level; 0 if unknown.
func cacheKiB(level string) int {
	for i := range 5 {
		dir := fmt.Sprintf("/sys/devices/system/cpu/cpu0/cache/index%d/", i)
		l, err := os.ReadFile(dir + "level")
		if err != nil || strings.TrimSpace(string(l)) != level {
			continue
		}
		if t, err := os.ReadFile(dir + "type"); err != nil || strings.HasPrefix(string(t), "Instruction") {
			continue
		}
		s, err := os.ReadFile(dir + "size")
		if err != nil {
			continue
		}
		var n int
		var unit string
		fmt.Sscanf(string(s), "%d%s", &n, &unit)
		if unit == "M" {
			n <<= 10
		}
		return n
	}
	return 0
}

func caches() string {
	var out []string
	for _, l := range []string{"1", "2", "3"} {
		if k := cacheKiB(l); k > 0 {
			out = append(out, fmt.Sprintf("L%s %s", l, format(float64(k<<10), "B")))
		}
	}
	if out == nil {
		return "unknown"
	}
	return strings.Join(out, ", ")
}
