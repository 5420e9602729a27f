package procs

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func alive(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	rest := string(b[strings.LastIndexByte(string(b), ')')+1:])
	return !strings.HasPrefix(strings.TrimSpace(rest), "Z")
}

// A grandchild in a session of its own, deaf to SIGTERM, whose parent is
// gone: as bad as a Jupyter kernel that is left behind.
func TestEndLeavesNothing(t *testing.T) {
	cmd := exec.Command("sh", "-c",
		`setsid sh -c 'trap "" TERM; echo $$; exec sleep 300' & setsid sh -c '(sleep 301 & echo $!) ' & trap "" TERM; echo $$; sleep 302`)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	f, err := Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for lines := bufio.NewScanner(out); len(pids) < 3 && lines.Scan(); {
		pid, err := strconv.Atoi(strings.TrimSpace(lines.Text()))
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	for _, pid := range pids {
		if !alive(pid) {
			t.Fatalf("%d isn't running before the end", pid)
		}
	}
	begin := time.Now()
	f.End(200 * time.Millisecond)
	if d := time.Since(begin); d > 5*time.Second {
		t.Errorf("the end took %v", d)
	}
	for _, pid := range pids {
		if alive(pid) {
			t.Errorf("%d is still running", pid)
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
}

func TestRunCancelled(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := Run(ctx, exec.Command("sleep", "300")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("err = %v", err)
	}
	if err := Run(t.Context(), exec.Command("false")); err == nil {
		t.Error("the exit status is lost")
	}
}
