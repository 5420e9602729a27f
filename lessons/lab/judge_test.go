package lab

import (
	"strings"
	"testing"
)

// data makes a result of medians: "id=value", with the unit left out.
func data(pairs ...any) *Result {
	r := &Result{Env: Env{GOMAXPROCS: 2, CPUs: 2}}
	for i := 0; i < len(pairs); i += 2 {
		switch v := pairs[i+1].(type) {
		case float64:
			r.add(pairs[i].(string), "of", pairs[i].(string), "ns", v)
		case string:
			r.fact(pairs[i].(string), "%s", v)
		}
	}
	return r
}

func TestVerdictsFollowTheData(t *testing.T) {
	for _, c := range []struct {
		name  string
		judge func(*Result)
		r     *Result
		claim string
		want  Holding
		says  string
	}{
		{"threads much quicker", judgeSwitch, data("switch/process-pipe-same", 4000., "switch/thread-pipe-same", 2000., "kernelswitches/thread-pipe-same", 1.), "T6", Holds, "clearly more"},
		{"no difference", judgeSwitch, data("switch/process-pipe-same", 2500., "switch/thread-pipe-same", 2400., "kernelswitches/thread-pipe-same", 1.), "T6", InPart, "no clear difference"},
		{"threads slower", judgeSwitch, data("switch/process-pipe-same", 2000., "switch/thread-pipe-same", 4000., "kernelswitches/thread-pipe-same", 1.), "T6", Fails, "against the claim"},
		{"kernel not involved", judgeSwitch, data("switch/process-pipe-same", 4000., "switch/thread-pipe-same", 2000., "kernelswitches/thread-pipe-same", 0.), "T6", Fails, ""},
		{"goroutines in user space", judgeSwitch, data("switch/goroutine-channel", 100., "switch/thread-pipe-same", 2000., "kernelswitches/goroutine-channel", 0.), "L3", Holds, ""},
		{"goroutines in the kernel", judgeSwitch, data("switch/goroutine-channel", 100., "switch/thread-pipe-same", 2000., "kernelswitches/goroutine-channel", 1.), "L3", Fails, ""},
		{"1 MB stacks, all used", judgeStack, data("stack/pthread-reserved", float64(1<<20), "stack/pthread-resident", float64(1<<20)), "H1", Holds, ""},
		{"1 MB reserved", judgeStack, data("stack/pthread-reserved", float64(1<<20), "stack/pthread-resident", float64(8<<10)), "H1", InPart, ""},
		{"8 MB reserved", judgeStack, data("stack/pthread-reserved", float64(8<<20), "stack/pthread-resident", float64(8<<10)), "H1", Fails, "8 MiB"},
		{"cheap threads", judgeCreation, data("creation/thread", 400., "creation/goroutine", 300., "creation/fork", 500., "creation/process", 900.), "H2", Fails, ""},
		{"dear threads", judgeCreation, data("creation/thread", 40e3, "creation/goroutine", 300., "creation/fork", 400e3, "creation/process", 3e6), "H2", Holds, "times as long"},
		{"main not first", judgeMain, data("stack trace begins", "goroutine 7 [running]:", "stack trace ends in", "main.work()"), "G3", InPart, ""},
		{"no goroutine", judgeMain, data("stack trace begins", "thread 1", "stack trace ends in", ""), "G3", Fails, ""},
		{"updates lost", judgeLostUpdates, data("lost/none", .3, "lost/atomic", 0., "lost/mutex", 0., "lost/channel", 0.), "F7", Holds, ""},
		{"none lost", judgeLostUpdates, data("lost/none", 0., "lost/atomic", 0., "lost/mutex", 0., "lost/channel", 0.), "F7", Fails, ""},
		{"lost under a mutex", judgeLostUpdates, data("lost/none", .3, "lost/atomic", 0., "lost/mutex", .1, "lost/channel", 0.), "F6", Fails, ""},
		{"race found", judgeRace, data("race/racy", 1., "race/mended", 0.), "F7", Holds, ""},
		{"race found everywhere", judgeRace, data("race/racy", 1., "race/mended", 1.), "F7", InPart, ""},
		{"wall kept", judgeIsolation, data("same address", "true", "each kept its value", "true", "values differ", "true", "direct touch faulted", "true"), "P3", Holds, ""},
		{"wall broken", judgeIsolation, data("same address", "true", "each kept its value", "false", "values differ", "true", "direct touch faulted", "false"), "P3", Fails, ""},
		{"same values tell nothing", judgeIsolation, data("same address", "true", "each kept its value", "true", "values differ", "false", "direct touch faulted", "true"), "P3", Skip, "two different values"},
		{"speak unheard", judgeSpeak, data("runs", "10", "speak/heard-none", 0., "speak/heard-sleep", 10., "speak/heard-wait", 10.), "G4", Holds, ""},
		{"speak heard anyway", judgeSpeak, data("runs", "10", "speak/heard-none", 10., "speak/heard-sleep", 10., "speak/heard-wait", 10.), "F4", Fails, ""},
		{"dedicated poller", judgeBlocking, blockingData(1, 0), "B4", Holds, ""},
		{"whoever is free polls", judgeBlocking, blockingData(3, 2), "B4", Fails, "no thread is dedicated"},
		{"threads die together with goroutines", judgeLadder, ladderData(2, 0, 0), "E2", InPart, "once only"},
		{"isolation falls at each step", judgeLadder, ladderData(2, 1, 0), "E2", Holds, "at each step"},
		{"no isolation at all", judgeLadder, ladderData(0, 0, 0), "E2", Fails, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.judge(c.r)
			v := c.r.Verdict(c.claim)
			if v.Verdict != c.want || !strings.Contains(v.Reason, c.says) || strings.Contains(v.Reason, "%!") {
				t.Errorf("want %s with %q: %s", c.want, c.says, v)
			}
		})
	}
}

// On a busy machine all samples but one take much longer, of one side or of
// both: no verdict on times moves by it.
func TestABusyMachineMovesNoVerdict(t *testing.T) {
	quiet := map[string]float64{
		"switch/process-pipe-same": 1700, "switch/thread-pipe-same": 1600, "switch/goroutine-channel": 120,
		"kernelswitches/process-pipe-same": 1, "kernelswitches/thread-pipe-same": 1, "kernelswitches/goroutine-channel": 0,
		"creation/fork": 5e5, "creation/thread": 35e3, "creation/goroutine": 1000, "creation/process": 5e6,
		"ipc/pipe": 8000, "ipc/thread": 4500, "ipc/channel": 210, "ipc/socketpair": 13e3, "ipc/shm": 4700,
		"transfer/pipe": 24e3, "transfer/pointer": 220,
		"threeways/done-process": 5, "threeways/done-thread": 0, "threeways/done-goroutine": 0,
		"threeways/wait-process": 12e7, "threeways/wait-thread": 13e6, "threeways/wait-goroutine": 105e5,
		"threeways/memory-process": 66e6, "threeways/memory-thread": 1e6, "threeways/memory-goroutine": 2e5,
	}
	made := func(slow func(id string) float64) *Result {
		r := &Result{Env: Env{GOMAXPROCS: 2, CPUs: 2}}
		for id, v := range quiet {
			values := []float64{v}
			for range 9 {
				if by := slow(id); strings.Contains(id, "kernelswitches") || strings.Contains(id, "done") || strings.Contains(id, "memory") {
					values = append(values, v)
				} else {
					values = append(values, v*by)
				}
			}
			r.add(id, "of", id, "ns", values...)
		}
		r.addAt("stealing/away", "of", "away", "", "P", 2, .5, slow("stealing/away")/100)
		r.addAt("stealing/busiest", "of", "busiest", "", "P", 2, .5, 1)
		r.addAt("stealing/time", "of", "time", "ns", "P", 2, 3e7, 3e7*slow("stealing/time"), 3e7*slow("stealing/time"))
		r.addAt("stealing/hand", "of", "hand", "ns", "P", 2, 3e7, 3e7*slow("stealing/hand"), 3e7*slow("stealing/hand"))
		r.addAt("stealing/spilled", "of", "spilled", "", "P", 2, 500)
		r.fact("of more tasks than the local queue holds ran", "100 of 100")
		for _, judge := range []func(*Result){judgeSwitch, judgeCreation, judgeIPC, judgeThreeWays, judgeStealing} {
			judge(r)
		}
		return r
	}
	want := made(func(string) float64 { return 1 })
	for name, slow := range map[string]func(string) float64{
		"all":        func(string) float64 { return 9 },
		"processes":  func(id string) float64 { return map[bool]float64{true: 9, false: 1}[strings.Contains(id, "process")] },
		"threads":    func(id string) float64 { return map[bool]float64{true: 9, false: 1}[strings.Contains(id, "thread")] },
		"goroutines": func(id string) float64 { return map[bool]float64{true: 9, false: 1}[strings.Contains(id, "goroutine")] },
		"scheduled":  func(id string) float64 { return map[bool]float64{true: 9, false: 1}[strings.Contains(id, "time")] },
	} {
		got := made(slow)
		for i, v := range got.Verdicts {
			if w := want.Verdicts[i]; v.Verdict != w.Verdict {
				t.Errorf("%s slowed down: %s; undisturbed %s", name, v, w)
			}
		}
	}
	if len(want.Verdicts) < 12 {
		t.Errorf("%d verdicts", len(want.Verdicts))
	}
}

func blockingData(ever, carry float64) *Result {
	r := data("blocking/asleep", 1., "blocking/pollers", 1., "blocking/pollers-ever", ever, "blocking/pollers-carry", carry,
		"bytes that arrived, in raw system calls", "10 of 10", "bytes that arrived, in the runtime's poller", "10 of 10")
	r.addAt("blocking/threads-raw", "threads", "raw", "threads", "waiting", 100, 105)
	r.addAt("blocking/threads-poll", "threads", "poll", "threads", "waiting", 100, 5)
	return r
}

func ladderData(process, thread, goroutine float64) *Result {
	return data("goroutine inside thread inside process", "true",
		"creation/fork", 4e5, "creation/thread", 3e4, "creation/goroutine", 300.,
		"memory/process", 1e6, "memory/thread", 3e4, "memory/goroutine", 2700.,
		"crash/survivors/process", process, "crash/survivors/thread", thread, "crash/survivors/goroutine", goroutine)
}

func TestConcludeJudgesEveryClaim(t *testing.T) {
	for _, e := range Experiments() {
		for _, r := range []*Result{{Name: e.Name}, {Name: e.Name, Skipped: "no such thing here"}} {
			e.conclude(r)
			if len(r.Verdicts) < len(e.Claims) {
				t.Errorf("%s: %d verdicts on %d claims", e.Name, len(r.Verdicts), len(e.Claims))
			}
			for _, v := range r.Verdicts {
				if strings.Contains(v.Reason, "%!") {
					t.Errorf("%s: %s", e.Name, v)
				}
				if r.Skipped != "" && (v.Verdict != Skip || v.Reason != r.Skipped) {
					t.Errorf("%s skipped: %s", e.Name, v)
				}
			}
		}
	}
}
