package lab

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// pthreadSource is the C witness. With "time SAMPLES N" it prints the time in
// ns to create and to join N threads, SAMPLES times; with "hold N" it prints
// the default stack size, holds N threads, and waits for its input to end.
const pthreadSource = `
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int up, go_on;
static void *wait_for_it(void *p) {
	pthread_mutex_lock(&mu);
	up++;
	pthread_cond_broadcast(&cond);
	while (!go_on) pthread_cond_wait(&cond, &mu);
	pthread_mutex_unlock(&mu);
	return p;
}
static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}
int main(int argc, char **argv) {
	if (argc == 4 && strcmp(argv[1], "time") == 0) {
		int samples = atoi(argv[2]), n = atoi(argv[3]);
		pthread_t *t = calloc(n, sizeof *t);
		for (int s = 0; s < samples; s++) {
			up = go_on = 0;
			double t0 = now();
			for (int i = 0; i < n; i++)
				if (pthread_create(&t[i], NULL, wait_for_it, NULL)) { perror("pthread_create"); return 1; }
			pthread_mutex_lock(&mu);
			while (up < n) pthread_cond_wait(&cond, &mu);
			double t1 = now();
			go_on = 1;
			pthread_cond_broadcast(&cond);
			pthread_mutex_unlock(&mu);
			for (int i = 0; i < n; i++) pthread_join(t[i], NULL);
			double t2 = now();
			printf("%f %f\n", (t1 - t0) / n, (t2 - t1) / n);
		}
		return 0;
	}
	int n = atoi(argv[2]);
	pthread_attr_t a;
	size_t size;
	pthread_attr_init(&a);
	pthread_attr_getstacksize(&a, &size);
	for (int i = 0; i < n; i++) {
		pthread_t t;
		if (pthread_create(&t, NULL, wait_for_it, NULL)) { perror("pthread_create"); return 1; }
	}
	pthread_mutex_lock(&mu);
	while (up < n) pthread_cond_wait(&cond, &mu);
	pthread_mutex_unlock(&mu);
	printf("%zu\n", size);
	fflush(stdout);
	char c;
	while (read(0, &c, 1) > 0) {}
	return 0;
}
`

// compilePthread builds the witness in a folder that the caller removes. An
// error of type skip means that there is no compiler.
func compilePthread(dir string) (string, error) {
	cc := ""
	for _, name := range []string{os.Getenv("CC"), "cc", "gcc", "clang"} {
		if name == "" {
			continue
		}
		if p, err := exec.LookPath(name); err == nil {
			cc = p
			break
		}
	}
	if cc == "" {
		return "", skipf("no C compiler (cc, gcc or clang) on this machine, so there is no C witness")
	}
	src, bin := filepath.Join(dir, "witness.c"), filepath.Join(dir, "witness")
	if err := os.WriteFile(src, []byte(pthreadSource), 0o600); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, cc, "-O1", "-pthread", "-o", bin, src).CombinedOutput(); err != nil {
		return "", skipf("the C compiler %s cannot build the witness: %v: %s", cc, err, strings.TrimSpace(string(out)))
	}
	return bin, nil
}

// runPthread measures H2 without Go.
func runPthread(b *bench, p PthreadParams) error {
	samples, n := max(10, defaulted(p.Samples, 15)), defaulted(p.Threads, 50)
	if n < 1 || n > 2000 || samples > 10_000 {
		return fmt.Errorf("threads: %d is not in 1…2,000, or samples: %d above 10,000", n, samples)
	}
	dir, err := os.MkdirTemp("", "spindle-witness-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b.progress(0, 3, "compiling the C witness")
	bin, err := compilePthread(dir)
	if err != nil {
		return err
	}
	b.progress(1, 3, "threads in C")
	out, err := exec.Command(bin, "time", fmt.Sprint(samples+1), fmt.Sprint(n)).Output()
	if err != nil {
		return fmt.Errorf("running the C witness: %w", err)
	}
	var create, end []float64
	for i, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		var c, e float64
		if _, err := fmt.Sscan(line, &c, &e); err != nil {
			return fmt.Errorf("reading the C witness's %q: %w", line, err)
		}
		if i > 0 {
			create, end = append(create, c), append(end, e)
		}
	}
	b.add("creation/pthread", "time to create one, started", "POSIX thread, in C", "ns", create...).Warmup = 1
	b.progress(2, 3, "threads and goroutines in Go")
	var thread, goroutine []float64
	quiet()
	for round := range samples + 1 {
		t, err := makeThreads(n)
		if err != nil {
			return err
		}
		g, err := makeGoroutines(100 * n)
		if err != nil {
			return err
		}
		if round > 0 {
			thread, goroutine = append(thread, t.create), append(goroutine, g.create)
		}
	}
	b.add("creation/thread", "time to create one, started", "thread, by Go", "ns", thread...).Warmup = 1
	b.add("creation/goroutine", "time to create one, started", "goroutine", "ns", goroutine...).Warmup = 1
	b.add("destruction/pthread", "time to end one, joined", "POSIX thread, in C", "ns", end...).Warmup = 1
	return nil
}

// runStack is H1.
func runStack(b *bench, p StackParams) error {
	n := defaulted(p.Threads, 50)
	if n < 1 || n > 2000 {
		return fmt.Errorf("threads: %d is not in 1…2,000", n)
	}
	reserved, resident := "reserved for one stack", "resident of one stack"
	dir, err := os.MkdirTemp("", "spindle-witness-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b.progress(0, 3, "C's threads")
	bin, err := compilePthread(dir)
	var why skip
	switch {
	case err == nil:
		size, rss, err := stacksOfWitness(bin, n)
		if err != nil {
			return err
		}
		b.add("stack/pthread-reserved", reserved, "POSIX thread, in C", "B", size)
		b.add("stack/pthread-resident", resident, "POSIX thread, in C", "B", rss...)
	case isSkip(err, &why):
		b.note("The C witness is left out: %s.", string(why))
	default:
		return err
	}
	b.progress(1, 3, "the main thread")
	var lim syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_STACK, &lim); err != nil {
		return err
	}
	var mains []float64
	for range 10 {
		pid, stop, err := startWaiting("", true)
		if err != nil {
			return err
		}
		for _, s := range smaps(pid) {
			if s.path == "[stack]" {
				mains = append(mains, s.rss)
			}
		}
		stop()
	}
	if lim.Cur < 1<<40 {
		b.add("stack/main-reserved", reserved, "main thread (its limit)", "B", float64(lim.Cur))
	} else {
		b.note("The main thread's stack has no limit here.")
	}
	b.add("stack/main-resident", resident, "main thread", "B", mains...)
	b.progress(2, 3, "Go's threads and goroutines")
	var thread, goroutine []float64
	for range 10 {
		var h held
		if err := ask("hold", holdOrder{inThread, 2 * n}, &h, nil); err != nil {
			return err
		}
		thread = append(thread, h.RSS)
		if err := ask("hold", holdOrder{inGoroutine, 5000}, &h, nil); err != nil {
			return err
		}
		goroutine = append(goroutine, h.Stack)
	}
	b.add("memory/thread", resident, "thread, by Go (all that it adds)", "B", thread...)
	b.add("memory/goroutine-stack", resident, "goroutine", "B", goroutine...)
	b.add("stack/goroutine-reserved", reserved, "goroutine", "B", Samples{Values: goroutine}.Summary().Median)
	b.note("With cgo off the runtime makes its threads by clone(2) with a small stack of its own from the heap: goroutines run on theirs.")
	return nil
}

func isSkip(err error, why *skip) bool {
	s, ok := err.(skip)
	*why = s
	return ok
}

// stacksOfWitness holds n C threads and finds their stacks in smaps by size.
func stacksOfWitness(bin string, n int) (size float64, rss []float64, err error) {
	cmd := exec.Command(bin, "hold", fmt.Sprint(n))
	in, err := cmd.StdinPipe()
	if err != nil {
		return 0, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, nil, err
	}
	if err := cmd.Start(); err != nil {
		return 0, nil, fmt.Errorf("running the C witness: %w", err)
	}
	defer func() {
		in.Close()
		_, _ = io.Copy(io.Discard, out)
		if e := cmd.Wait(); e != nil && err == nil {
			err = e
		}
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return 0, nil, fmt.Errorf("reading from the C witness: %w", err)
	}
	if _, err := fmt.Sscan(line, &size); err != nil {
		return 0, nil, fmt.Errorf("reading the C witness's %q: %w", line, err)
	}
	for _, s := range smaps(cmd.Process.Pid) {
		if s.size() == size && s.path == "" {
			rss = append(rss, s.rss)
		}
	}
	if len(rss) == 0 {
		return 0, nil, fmt.Errorf("no mapping of %s in the C witness", format(size, "B"))
	}
	return size, rss, nil
}
