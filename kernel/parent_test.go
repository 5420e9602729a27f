package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"spindle/kernel/client"
	"spindle/kernel/internal/process"
	"spindle/kernel/internal/wire"
)

// A kernel whose notebook server was killed ends by itself, and its worker.
func TestKernelEndsWithItsServer(t *testing.T) {
	path, err := buildKernel()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "c.json")
	conn := wire.Connection{
		Transport: "ipc", IP: filepath.Join(dir, "k"), Key: wire.NewKey(),
		ShellPort: 1, IOPubPort: 2, StdinPort: 3, ControlPort: 4, HBPort: 5,
	}
	if err := wire.WriteConnection(file, conn); err != nil {
		t.Fatal(err)
	}
	// The shell stands for the server: it starts the kernel, says its number,
	// and waits.
	server := exec.Command("sh", "-c", `"$0" "$1" >/dev/null 2>&1 & echo $!; wait`, path, file)
	server.Env = append(os.Environ(), parentEnv+"=1", "XDG_DATA_HOME="+dir)
	stdout, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	var b [32]byte
	n, err := stdout.Read(b[:])
	pid, perr := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	if err != nil || perr != nil {
		t.Fatalf("%q %v %v", b[:n], err, perr)
	}
	defer func() { _ = syscall.Kill(pid, syscall.SIGKILL) }() // if it is still there
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c, err := client.Connect(ctx, file)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	below, err := process.Descendants(pid)
	if err != nil || len(below) == 0 {
		t.Fatalf("the kernel has no worker: %v %v", below, err)
	}
	if err := server.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = server.Wait() // killed
	for _, p := range append(below, process.Info{PID: pid}) {
		for {
			now, err := process.Stat(p.PID)
			if err != nil || now.State == 'Z' || p.StartTicks != 0 && now.StartTicks != p.StartTicks {
				break
			}
			if ctx.Err() != nil {
				t.Fatalf("process %d outlives the server", p.PID)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}
