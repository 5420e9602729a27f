package lab

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseSchedTrace(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     []schedLine
	}{
		{"Go 1.26", "SCHED 4ms: gomaxprocs=2 idleprocs=0 threads=5 spinningthreads=1 needspinning=0 idlethreads=2 runqueue=3 [ 4 0 ] schedticks=[ 10 20 ]\n", []schedLine{{4, 2, 0, 5, 1, 3, []int{4, 0}}}},
		{"older", "SCHED 0ms: gomaxprocs=1 idleprocs=1 threads=3 spinningthreads=0 idlethreads=0 runqueue=0 [7]\n", []schedLine{{0, 1, 1, 3, 0, 0, []int{7}}}},
		{"among others", "panic: x\nSCHED broken\n\nSCHED 2ms: gomaxprocs=1 runqueue=1 [0]\n", []schedLine{{2, 1, 0, 0, 0, 1, []int{0}}}},
		{"nothing", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, parseSchedTrace([]byte(c.in))); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestSmapsHasTheStack(t *testing.T) {
	pid, stop, err := startWaiting("", true)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	for _, s := range smaps(pid) {
		if s.path == "[stack]" {
			if s.rss <= 0 || s.rss > s.size() {
				t.Errorf("%v of %v resident", s.rss, s.size())
			}
			return
		}
	}
	t.Error("no main stack")
}
