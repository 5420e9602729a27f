package check

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Every exercise has hints, which come one step at a time and end at the last.
func TestHints(t *testing.T) {
	perLesson := map[string]int{}
	for _, e := range exercises() {
		perLesson[e.id[:2]]++
		if len(e.hints) < 2 || e.title == "" || e.praise == "" {
			t.Errorf("%s has %d hints, title %q, praise %q", e.id, len(e.hints), e.title, e.praise)
		}
		seen := map[string]bool{}
		for i := range e.hints {
			h, line := Exercise(e.id).nextHint()
			seen[h] = true
			if ends := strings.Contains(line, "solutions/"+e.id[:2]+".md"); ends != (i == len(e.hints)-1) {
				t.Errorf("%s, hint %d: %s", e.id, i+1, line)
			}
		}
		if last, line := Exercise(e.id).nextHint(); len(seen) != len(e.hints) || last != e.hints[len(e.hints)-1] || !strings.Contains(line, last) {
			t.Errorf("%s gave %d different hints of %d, and then %s", e.id, len(seen), len(e.hints), line)
		}
	}
	for n := range 14 {
		if id := fmt.Sprintf("%02d", n); perLesson[id] < 2 {
			t.Errorf("lesson %s has %d exercises", id, perLesson[id])
		}
	}
}

func TestGuardPutsTheEndInWords(t *testing.T) {
	for want, f := range map[string]func(){
		"it panicked: runtime error: index out of range [3] with length 0": func() { var xs []int; i := 3; _ = xs[i] },
		"it had not come back after 30ms":                                  func() { select {} },
		"it ended its goroutine instead of returning":                      func() { runtime.Goexit() },
		"": func() {},
	} {
		got := call(30*time.Millisecond, f)
		if !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%q; want %q", got, want)
		}
	}
}

func TestWrongTypeIsSaid(t *testing.T) {
	_, problem := take[func(int) int](answer{[]any{func() int { return 1 }}}, 0)
	if want := "the answer should be a func(int) int, and is a func() int"; problem != want {
		t.Errorf("%q; want %q", problem, want)
	}
}

// The answers of lessons/solutions, compiled: each right one passes, each wrong
// one is told what is wrong. lessons verify runs the same through the kernel.
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		id, reason string
		answer     any
	}{
		{"00-1", "", func() any {
			double := func(n int) int {
				return 2 * n
			}
			return double
		}()},
		{"00-1", `double(1) gave 1`, func() any {
			double := func(n int) int {
				return n * n
			}
			return double
		}()},
		{"00-2", "", func() any {
			median := func(xs []float64) float64 {
				s := slices.Clone(xs)
				slices.Sort(s)
				n := len(s)
				if n%2 == 1 {
					return s[n/2]
				}
				return (s[n/2-1] + s[n/2]) / 2
			}
			return median
		}()},
		{"00-2", `that is the mean`, func() any {
			median := func(xs []float64) float64 {
				total := 0.0
				for _, x := range xs {
					total += x
				}
				return total / float64(len(xs))
			}
			return median
		}()},
		{"00-2", `changed the caller's samples`, func() any {
			median := func(xs []float64) float64 {
				slices.Sort(xs)
				n := len(xs)
				return (xs[(n-1)/2] + xs[n/2]) / 2
			}
			return median
		}()},
		{"01-1", "", func() any {
			ended := func(status int) (signalled bool, n int) {
				if signal := status & 0x7f; signal != 0 {
					return true, signal
				}
				return false, (status >> 8) & 0xff
			}
			return ended
		}()},
		{"01-1", `core dump`, func() any {
			ended := func(status int) (signalled bool, n int) {
				if signal := status & 0xff; signal != 0 {
					return true, signal
				}
				return false, status >> 8
			}
			return ended
		}()},
		{"01-1", `os.Exit(3)`, func() any {
			ended := func(status int) (signalled bool, n int) {
				return status != 0, status
			}
			return ended
		}()},
		{"01-2", "", func() any {
			through := func(name string, args []string, in string) (string, error) {
				cmd := exec.Command(name, args...)
				cmd.Stdin = strings.NewReader(in)
				out, err := cmd.Output()
				return string(out), err
			}
			return through
		}()},
		{"01-2", `had not come back`, func() any {
			through := func(name string, args []string, in string) (string, error) {
				cmd := exec.Command(name, args...)
				stdin, _ := cmd.StdinPipe()
				stdout, _ := cmd.StdoutPipe()
				if err := cmd.Start(); err != nil {
					return "", err
				}
				io.WriteString(stdin, in)
				stdin.Close()
				out, _ := io.ReadAll(stdout)
				return string(out), cmd.Wait()
			}
			return through
		}()},
		{"01-2", `returned no error`, func() any {
			through := func(name string, args []string, in string) (string, error) {
				cmd := exec.Command(name, args...)
				cmd.Stdin = strings.NewReader(in)
				out, _ := cmd.Output()
				return string(out), nil
			}
			return through
		}()},
		{"01-3", "", func() any {
			parentOf := func(pid int) (int, error) {
				text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
				if err != nil {
					return 0, err
				}
				for line := range strings.Lines(string(text)) {
					if rest, ok := strings.CutPrefix(line, "PPid:"); ok {
						return strconv.Atoi(strings.TrimSpace(rest))
					}
				}
				return 0, fmt.Errorf("no PPid in the status of %d", pid)
			}
			return parentOf
		}()},
		{"01-3", `a child of this process has the parent`, func() any {
			parentOf := func(pid int) (int, error) {
				return os.Getppid(), nil
			}
			return parentOf
		}()},
		{"02-1", "", func() any {
			threads := func(pid int) ([]int, error) {
				entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
				if err != nil {
					return nil, err
				}
				var ids []int
				for _, e := range entries {
					id, err := strconv.Atoi(e.Name())
					if err != nil {
						return nil, err
					}
					ids = append(ids, id)
				}
				return ids, nil
			}
			return threads
		}()},
		{"02-1", `threads found 1`, func() any {
			threads := func(pid int) ([]int, error) {
				return []int{pid}, nil
			}
			return threads
		}()},
		{"02-2", "", func() any {
			sum := func(xs []int, workers int) int {
				parts := make([]int, workers)
				var wg sync.WaitGroup
				for i := range workers {
					wg.Go(func() {
						for _, x := range xs[i*len(xs)/workers : (i+1)*len(xs)/workers] {
							parts[i] += x
						}
					})
				}
				wg.Wait()
				total := 0
				for _, p := range parts {
					total += p
				}
				return total
			}
			return sum
		}()},
		{"02-2", `too small`, func() any {
			sum := func(xs []int, workers int) int {
				parts := make([]int, workers)
				size := len(xs) / workers
				var wg sync.WaitGroup
				for i := range workers {
					wg.Go(func() {
						for _, x := range xs[i*size : (i+1)*size] {
							parts[i] += x
						}
					})
				}
				wg.Wait()
				total := 0
				for _, p := range parts {
					total += p
				}
				return total
			}
			return sum
		}()},
		{"03-1", "", func() any {
			stack := func(entry string) (reserved, resident int) {
				for line := range strings.Lines(entry) {
					f := strings.Fields(line)
					if len(f) < 2 {
						continue
					}
					switch f[0] {
					case "Size:":
						reserved, _ = strconv.Atoi(f[1])
					case "Rss:":
						resident, _ = strconv.Atoi(f[1])
					}
				}
				return reserved, resident
			}
			return stack
		}()},
		{"03-1", `page size`, func() any {
			stack := func(entry string) (reserved, resident int) {
				for line := range strings.Lines(entry) {
					f := strings.Fields(line)
					if strings.Contains(line, "Size:") {
						reserved, _ = strconv.Atoi(f[1])
					}
					if strings.Contains(line, "Rss:") {
						resident, _ = strconv.Atoi(f[1])
					}
				}
				return reserved, resident
			}
			return stack
		}()},
		{"03-1", `which is what is reserved`, func() any {
			stack := func(entry string) (reserved, resident int) {
				_, rest, _ := strings.Cut(entry, "Size:")
				fmt.Sscan(rest, &reserved)
				return reserved, reserved
			}
			return stack
		}()},
		{"03-2", "", func() any {
			fit := func(memory, addresses, reserved, resident, kernel int) int {
				return min(memory/(resident+kernel), addresses/reserved)
			}
			return fit
		}()},
		{"03-2", `Reserved is a range of addresses`, func() any {
			fit := func(memory, addresses, reserved, resident, kernel int) int {
				return memory / reserved
			}
			return fit
		}()},
		{"03-2", `addresses for`, func() any {
			fit := func(memory, addresses, reserved, resident, kernel int) int {
				return memory / (resident + kernel)
			}
			return fit
		}()},
		{"04-1", "", func() any {
			greet := func(names []string, speak func(string)) {
				var wg sync.WaitGroup
				for _, name := range names {
					wg.Go(func() { speak(name) })
				}
				wg.Wait()
			}
			return greet
		}()},
		{"04-1", `returned before everybody had spoken`, func() any {
			greet := func(names []string, speak func(string)) {
				for _, name := range names {
					go speak(name)
				}
				time.Sleep(10 * time.Millisecond)
			}
			return greet
		}()},
		{"04-1", `one after the other`, func() any {
			greet := func(names []string, speak func(string)) {
				for _, name := range names {
					var wg sync.WaitGroup
					wg.Go(func() { speak(name) })
					wg.Wait()
				}
			}
			return greet
		}()},
		{"04-2", "", func() any {
			each := func(ns []int, f func(int) int) []int {
				results := make([]int, len(ns))
				var wg sync.WaitGroup
				for i, n := range ns {
					wg.Go(func() { results[i] = f(n) })
				}
				wg.Wait()
				return results
			}
			return each
		}()},
		{"04-2", `order of arrival`, func() any {
			each := func(ns []int, f func(int) int) []int {
				out := make(chan int)
				for _, n := range ns {
					go func() { out <- f(n) }()
				}
				var results []int
				for range ns {
					results = append(results, <-out)
				}
				return results
			}
			return each
		}()},
		{"04-2", `no two calls`, func() any {
			each := func(ns []int, f func(int) int) []int {
				var results []int
				for _, n := range ns {
					results = append(results, f(n))
				}
				return results
			}
			return each
		}()},
		{"05-1", "", func() any {
			atMost := func(n int, jobs []func()) {
				places := make(chan struct{}, n)
				var wg sync.WaitGroup
				for _, job := range jobs {
					places <- struct{}{}
					wg.Go(func() {
						defer func() { <-places }()
						job()
					})
				}
				wg.Wait()
			}
			return atMost
		}()},
		{"05-1", `running at one moment`, func() any {
			atMost := func(n int, jobs []func()) {
				var wg sync.WaitGroup
				for _, job := range jobs {
					wg.Go(job)
				}
				wg.Wait()
			}
			return atMost
		}()},
		{"05-1", `never more than 1`, func() any {
			atMost := func(n int, jobs []func()) {
				for _, job := range jobs {
					job()
				}
			}
			return atMost
		}()},
		{"05-2", "", func() any {
			readTrace := func(line string) (p, busy, queue int) {
				value := map[string]int{}
				for _, field := range strings.Fields(line) {
					name, v, ok := strings.Cut(field, "=")
					if !ok {
						continue
					}
					value[name], _ = strconv.Atoi(v)
				}
				return value["gomaxprocs"], value["threads"] - value["idlethreads"], value["runqueue"]
			}
			return readTrace
		}()},
		{"05-2", `idle ones`, func() any {
			readTrace := func(line string) (p, busy, queue int) {
				value := map[string]int{}
				for _, field := range strings.Fields(line) {
					name, v, ok := strings.Cut(field, "=")
					if !ok {
						continue
					}
					value[name], _ = strconv.Atoi(v)
				}
				return value["gomaxprocs"], value["threads"], value["runqueue"]
			}
			return readTrace
		}()},
		{"06-1", "", func() any {
			stackFor := func(need int) int {
				size := 2048
				for size < need {
					size *= 2
				}
				return size
			}
			return stackFor
		}()},
		{"06-1", `you add pieces`, func() any {
			stackFor := func(need int) int {
				return (need + 2047) / 2048 * 2048
			}
			return stackFor
		}()},
		{"06-2", "", func() any {
			numbers := func(stop <-chan struct{}) <-chan int {
				out := make(chan int)
				go func() {
					defer close(out)
					for n := 0; ; n++ {
						select {
						case out <- n:
						case <-stop:
							return
						}
					}
				}()
				return out
			}
			return numbers
		}()},
		{"06-2", `left one behind`, func() any {
			numbers := func(stop <-chan struct{}) <-chan int {
				out := make(chan int)
				go func() {
					for n := 0; ; n++ {
						out <- n
					}
				}()
				return out
			}
			return numbers
		}()},
		{"07-1", "", func() any {
			steal := func(victim []int) (left, loot []int) {
				k := len(victim) - len(victim)/2
				return victim[k:], victim[:k]
			}
			return steal
		}()},
		{"07-1", `rounded up`, func() any {
			steal := func(victim []int) (left, loot []int) {
				k := len(victim) / 2
				return victim[k:], victim[:k]
			}
			return steal
		}()},
		{"07-1", `at the head`, func() any {
			steal := func(victim []int) (left, loot []int) {
				k := len(victim) / 2
				return victim[:k], victim[k:]
			}
			return steal
		}()},
		{"07-2", "", func() any {
			next := func(tick, local, global, others int) string {
				switch {
				case tick%61 == 0 && global > 0:
					return "global"
				case local > 0:
					return "local"
				case global > 0:
					return "global"
				case others > 0:
					return "steal"
				}
				return "idle"
			}
			return next
		}()},
		{"07-2", `before a neighbour`, func() any {
			next := func(tick, local, global, others int) string {
				switch {
				case local > 0:
					return "local"
				case others > 0:
					return "steal"
				case global > 0:
					return "global"
				}
				return "idle"
			}
			return next
		}()},
		{"07-2", `61st`, func() any {
			next := func(tick, local, global, others int) string {
				switch {
				case local > 0:
					return "local"
				case global > 0:
					return "global"
				case others > 0:
					return "steal"
				}
				return "idle"
			}
			return next
		}()},
		{"08-1", "", func() any {
			within := func(d time.Duration, f func() int) (int, bool) {
				result := make(chan int, 1)
				go func() { result <- f() }()
				select {
				case v := <-result:
					return v, true
				case <-time.After(d):
					return 0, false
				}
			}
			return within
		}()},
		{"08-1", `left behind`, func() any {
			within := func(d time.Duration, f func() int) (int, bool) {
				result := make(chan int)
				go func() { result <- f() }()
				select {
				case v := <-result:
					return v, true
				case <-time.After(d):
					return 0, false
				}
			}
			return within
		}()},
		{"08-1", `waited for f anyway`, func() any {
			within := func(d time.Duration, f func() int) (int, bool) {
				began := time.Now()
				v := f()
				return v, time.Since(began) < d
			}
			return within
		}()},
		{"08-2", "", func() any {
			fetchAll := func(names []string, get func(string) string) map[string]string {
				results := map[string]string{}
				var mu sync.Mutex
				var wg sync.WaitGroup
				for _, name := range names {
					wg.Go(func() {
						v := get(name)
						mu.Lock()
						defer mu.Unlock()
						results[name] = v
					})
				}
				wg.Wait()
				return results
			}
			return fetchAll
		}()},
		{"08-2", `the waits add up`, func() any {
			fetchAll := func(names []string, get func(string) string) map[string]string {
				results := map[string]string{}
				for _, name := range names {
					results[name] = get(name)
				}
				return results
			}
			return fetchAll
		}()},
		{"08-2", `the waits add up`, func() any {
			fetchAll := func(names []string, get func(string) string) map[string]string {
				results := map[string]string{}
				var mu sync.Mutex
				var wg sync.WaitGroup
				for _, name := range names {
					wg.Go(func() {
						mu.Lock()
						defer mu.Unlock()
						results[name] = get(name)
					})
				}
				wg.Wait()
				return results
			}
			return fetchAll
		}()},
		{"09-1", "", func() any {
			all := func(tasks []func() error) error {
				errs := make([]error, len(tasks))
				var wg sync.WaitGroup
				for i, task := range tasks {
					wg.Go(func() { errs[i] = task() })
				}
				wg.Wait()
				return errors.Join(errs...)
			}
			return all
		}()},
		{"09-1", `returned at once`, func() any {
			all := func(tasks []func() error) error {
				errs := make(chan error, len(tasks))
				for _, task := range tasks {
					go func() { errs <- task() }()
				}
				for range tasks {
					if err := <-errs; err != nil {
						return err
					}
				}
				return nil
			}
			return all
		}()},
		{"09-1", `says only`, func() any {
			all := func(tasks []func() error) error {
				errs := make([]error, len(tasks))
				var wg sync.WaitGroup
				for i, task := range tasks {
					wg.Go(func() { errs[i] = task() })
				}
				wg.Wait()
				for _, err := range errs {
					if err != nil {
						return err
					}
				}
				return nil
			}
			return all
		}()},
		{"09-2", "", func() any {
			speedup := func(f float64, p int) float64 {
				return 1 / ((1 - f) + f/float64(p))
			}
			return speedup
		}()},
		{"09-2", `you added up speeds`, func() any {
			speedup := func(f float64, p int) float64 {
				return (1 - f) + f*float64(p)
			}
			return speedup
		}()},
		{"10-1", "", func() any {
			deposit := func(lock sync.Locker, read func() int, write func(int), amount int) {
				lock.Lock()
				defer lock.Unlock()
				write(read() + amount)
			}
			return deposit
		}()},
		{"10-1", `began while another`, func() any {
			deposit := func(lock sync.Locker, read func() int, write func(int), amount int) {
				write(read() + amount)
			}
			return deposit
		}()},
		{"10-1", `began while another`, func() any {
			deposit := func(lock sync.Locker, read func() int, write func(int), amount int) {
				lock.Lock()
				balance := read()
				lock.Unlock()
				lock.Lock()
				write(balance + amount)
				lock.Unlock()
			}
			return deposit
		}()},
		{"10-2", "", func() any {
			once := func(f func()) func() {
				var o sync.Once
				return func() { o.Do(f) }
			}
			return once
		}()},
		{"10-2", `went on before it was done`, func() any {
			once := func(f func()) func() {
				var begun atomic.Bool
				return func() {
					if begun.CompareAndSwap(false, true) {
						f()
					}
				}
			}
			return once
		}()},
		{"10-2", `f ran 10 times`, func() any {
			once := func(f func()) func() {
				var done atomic.Bool
				return func() {
					if !done.Load() {
						f()
						done.Store(true)
					}
				}
			}
			return once
		}()},
		{"11-1", "", func() any {
			pays := func(work, start time.Duration, workers int) bool {
				return work/time.Duration(workers)+start*time.Duration(workers) < work
			}
			return pays
		}()},
		{"11-1", `worth it is false`, func() any {
			pays := func(work, start time.Duration, workers int) bool {
				return work/time.Duration(workers) < work
			}
			return pays
		}()},
		{"11-2", "", func() any {
			memory := func(perSecond float64, stay time.Duration, bytesEach int) int {
				return int(perSecond * stay.Seconds() * float64(bytesEach))
			}
			return memory
		}()},
		{"11-2", `a second's arrivals`, func() any {
			memory := func(perSecond float64, stay time.Duration, bytesEach int) int {
				return int(perSecond) * bytesEach
			}
			return memory
		}()},
		{"12-1", "", func() any {
			choose := func(mayCrash, untrusted, needsOneThread bool) string {
				switch {
				case mayCrash || untrusted:
					return "process"
				case needsOneThread:
					return "thread"
				}
				return "goroutine"
			}
			return choose
		}()},
		{"12-1", `A process it is`, func() any {
			choose := func(mayCrash, untrusted, needsOneThread bool) string {
				return "goroutine"
			}
			return choose
		}()},
		{"12-1", `a plugin`, func() any {
			choose := func(mayCrash, untrusted, needsOneThread bool) string {
				switch {
				case needsOneThread:
					return "thread"
				case mayCrash || untrusted:
					return "process"
				}
				return "goroutine"
			}
			return choose
		}()},
		{"12-2", "", func() any {
			supervise := func(start func() error, attempts int) error {
				var err error
				for range attempts {
					if err = start(); err == nil {
						return nil
					}
				}
				return err
			}
			return supervise
		}()},
		{"12-2", `started 1 times`, func() any {
			supervise := func(start func() error, attempts int) error {
				return start()
			}
			return supervise
		}()},
		{"12-2", `9 times`, func() any {
			supervise := func(start func() error, attempts int) error {
				for {
					if err := start(); err == nil {
						return nil
					}
				}
			}
			return supervise
		}()},
		{"13-1", "", func() any {
			order := []string{"process", "thread", "goroutine"}
			return order
		}()},
		{"13-1", `the other way round`, func() any {
			order := []string{"goroutine", "thread", "process"}
			return order
		}()},
		{"13-2", "", func() any {
			survives := func(crashed string, sameProcess bool) bool {
				return !sameProcess
			}
			return survives
		}()},
		{"13-2", `the bystander is in`, func() any {
			survives := func(crashed string, sameProcess bool) bool {
				return crashed != "process"
			}
			return survives
		}()},
	} {
		t.Run(c.id+" "+c.reason, func(t *testing.T) {
			if c.id != "06-2" && c.id != "08-1" { // these count the process' goroutines
				t.Parallel()
			}
			got := guard(30*time.Second, func() string { return Exercise(c.id).exercise.check(answer{[]any{c.answer}}) })
			switch {
			case c.reason == "" && got != "":
				t.Errorf("the solution is turned down: %s", got)
			case c.reason != "" && !strings.Contains(strings.ToLower(got), strings.ToLower(c.reason)):
				t.Errorf("a wrong answer gets %q; it should say %q", got, c.reason)
			}
		})
	}
}
