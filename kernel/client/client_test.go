package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
	"go.uber.org/goleak"

	"spindle/kernel/client"
	"spindle/kernel/internal/process"
	"spindle/kernel/internal/session/sessiontest"
	"spindle/kernel/internal/sockets"
	"spindle/kernel/internal/wire"
)

// This test binary is its own kernel: with kernelEnv set it serves the
// connection file that is its last argument.
const kernelEnv = "SPINDLE_TEST_KERNEL"

func TestMain(m *testing.M) {
	switch os.Getenv(kernelEnv) {
	case "":
		goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("spindle/kernel/internal/process.init.func1.1"))
		return
	case "dies":
		fmt.Fprintln(os.Stderr, "panic: at the start")
		os.Exit(3)
	case "deaf":
		select {}
	case "unlucky": // the first two times another process has a port
		if err := unlucky(os.Getenv("SPINDLE_TEST_COUNT"), os.Args[len(os.Args)-1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	err := sessiontest.Serve(os.Args[len(os.Args)-1], func(c wire.Connection) (sessiontest.Sockets, error) {
		return sockets.Listen(c, sockets.Options{})
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// unlucky takes the control port of the connection file away from the kernel
// that this process is about to be, until the file count has two letters.
func unlucky(count, file string) error {
	c, err := wire.ReadConnection(file)
	if err != nil {
		return err
	}
	b, err := os.ReadFile(count)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if len(b) == 2 {
		return nil
	}
	if _, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", c.ControlPort)); err != nil {
		return err
	}
	return os.WriteFile(count, append(b, 'x'), 0o600)
}

func TestPortThatIsTaken(t *testing.T) {
	count := filepath.Join(t.TempDir(), "count")
	t.Setenv("SPINDLE_TEST_COUNT", count)
	if _, err := startKernel(t, "tcp", "unlucky"); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(count); err != nil || len(b) != 2 {
		t.Errorf("%d kernels found a port taken, %v", len(b), err)
	}
}

func within(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func startKernel(t testing.TB, transport, mode string) (*client.Kernel, error) {
	t.Helper()
	k, err := client.Start(within(t, 20*time.Second), client.Options{
		Argv: []string{os.Args[0], "{connection_file}"}, Env: append(os.Environ(), kernelEnv+"="+mode), Transport: transport,
	})
	if err == nil {
		t.Cleanup(k.Close)
	}
	return k, err
}

func TestKernelLife(t *testing.T) {
	for _, transport := range []string{"tcp", "ipc"} {
		t.Run(transport, func(t *testing.T) {
			k, err := startKernel(t, transport, "serve")
			if err != nil {
				t.Fatal(err)
			}
			ctx := within(t, 20*time.Second)
			var types []string
			reply, err := k.Execute(ctx, client.Cell{
				Code: "print a\nstderr b\nshow p 1\nupdate p 2\nvalue v", ID: "cell-1",
				Expressions: map[string]string{"x": "one"},
				On:          func(m client.Message) { types = append(types, m.Type) },
			})
			if err != nil {
				t.Fatal(err)
			}
			if reply.Status != "ok" || reply.Count != 1 || reply.Expressions["x"] == nil {
				t.Errorf("reply: %+v", reply)
			}
			want := "status execute_input stream stream display_data update_display_data execute_result status"
			if got := strings.Join(types, " "); got != want {
				t.Errorf("messages: %s", got)
			}
			if err := k.Heartbeat(ctx); err != nil {
				t.Error("heartbeat:", err)
			}
			if b, err := k.Request(ctx, "complete_request", map[string]any{"code": "pri", "cursor_pos": 3}); err != nil || !strings.Contains(string(b), `"print"`) {
				t.Errorf("complete: %s %v", b, err)
			}
			pid := k.PID()
			begun := time.Now()
			if err := k.Shutdown(ctx); err != nil {
				t.Error("shutdown:", err)
			}
			if d := time.Since(begun); d > 2*time.Second {
				t.Errorf("shutdown took %v", d)
			}
			k.Close()
			if p, err := process.Stat(pid); err == nil && p.State != 'Z' {
				t.Errorf("process %d is still there: %c", pid, p.State)
			}
			if _, err := k.Execute(ctx, client.Cell{Code: "print x"}); !errors.Is(err, client.ErrGone) {
				t.Errorf("execute after the end: %v", err)
			}
		})
	}
}

func TestOutputs(t *testing.T) {
	k, err := startKernel(t, "ipc", "serve")
	if err != nil {
		t.Fatal(err)
	}
	ctx := within(t, 20*time.Second)
	r, err := k.Submit(client.Cell{Code: "print gone\nclear wait\nprint a\nprint b\nshow p 1\nlate 100ms late\nfail boom"})
	if err != nil {
		t.Fatal(err)
	}
	reply, err := r.Wait(ctx)
	if err != nil || reply.Status != "error" || reply.EValue != "boom" || len(reply.Traceback) != 1 {
		t.Errorf("reply: %+v %v", reply, err)
	}
	if _, err := k.Execute(ctx, client.Cell{Code: "update p 2"}); err != nil {
		t.Fatal(err)
	}
	for len(r.Outputs()) < 4 { // late output comes while other cells run
		if _, err := k.Execute(ctx, client.Cell{Code: "sleep 50ms"}); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, o := range r.Outputs() {
		got = append(got, fmt.Sprintf("%s %s %q %v %s", o.Type, o.Name, o.Text, o.Data["text/plain"], o.EValue))
	}
	want := `stream stdout "a\nb\n" <nil> |display_data  "" 2 |error  "" <nil> boom|stream stdout "late\n" <nil> `
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("outputs\n%s\nwant\n%s", s, want)
	}
}

func TestInputAndInterrupt(t *testing.T) {
	k, err := startKernel(t, "tcp", "serve")
	if err != nil {
		t.Fatal(err)
	}
	ctx := within(t, 20*time.Second)
	r, err := k.Submit(client.Cell{Code: "password who?", Input: func(prompt string, password bool) (string, error) {
		return fmt.Sprintf("%s %v", prompt, password), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Wait(ctx); err != nil || client.Text(r.Outputs()) != "got who? true\n" {
		t.Errorf("input: %q %v", client.Text(r.Outputs()), err)
	}
	started := make(chan struct{})
	var once sync.Once
	r, err = k.Submit(client.Cell{Code: "print on\nblock", On: func(m client.Message) {
		if m.Type == "stream" {
			once.Do(func() { close(started) })
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	behind, err := k.Submit(client.Cell{Code: "print never"})
	if err != nil {
		t.Fatal(err)
	}
	var interrupting sync.WaitGroup
	defer interrupting.Wait()
	interrupting.Go(func() {
		<-started
		if err := k.Interrupt(ctx); err != nil {
			t.Error(err)
		}
	})
	if reply, err := r.Wait(ctx); err != nil || reply.EName != "interrupted" {
		t.Errorf("interrupted cell: %+v %v", reply, err)
	}
	if reply, err := behind.Wait(ctx); err != nil || reply.Status != "aborted" {
		t.Errorf("cell behind: %+v %v", reply, err)
	}
}

func TestKernelThatFails(t *testing.T) {
	_, err := startKernel(t, "tcp", "dies")
	if err == nil || !strings.Contains(err.Error(), "panic: at the start") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("a kernel that dies: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	_, err = client.Start(ctx, client.Options{Argv: []string{os.Args[0]}, Env: append(os.Environ(), kernelEnv+"=deaf")})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a kernel that says nothing: %v", err)
	}
	if _, err = client.Start(ctx, client.Options{Argv: []string{"/no/such/kernel"}}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no kernel: %v", err)
	}
	if _, err = client.Start(ctx, client.Options{}); err == nil {
		t.Error("no command line: no error")
	}
	k, err := startKernel(t, "tcp", "serve")
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, func() { _ = syscall.Kill(k.PID(), syscall.SIGKILL) })
	if _, err := k.Execute(within(t, 20*time.Second), client.Cell{Code: "block"}); !errors.Is(err, client.ErrGone) || !strings.Contains(err.Error(), "killed") {
		t.Errorf("a kernel that is killed: %v", err)
	}
}

func TestTwoFrontEnds(t *testing.T) {
	dir := t.TempDir()
	c := wire.Connection{Transport: "ipc", IP: filepath.Join(dir, "k"), ShellPort: 1, IOPubPort: 2, StdinPort: 3, ControlPort: 4, HBPort: 5, Key: wire.NewKey()}
	file := filepath.Join(dir, "c.json")
	if err := wire.WriteConnection(file, c); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() {
		served <- sessiontest.Serve(file, func(c wire.Connection) (sessiontest.Sockets, error) {
			return sockets.Listen(c, sockets.Options{})
		})
	}()
	var fronts []*client.Client
	for range 4 {
		f, err := client.Connect(within(t, 10*time.Second), file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		fronts = append(fronts, f)
	}
	ctx := within(t, 30*time.Second)
	var wg sync.WaitGroup
	for i, f := range fronts {
		wg.Go(func() {
			for n := range 50 {
				r, err := f.Submit(client.Cell{Code: fmt.Sprintf("print %d %d\nvalue v", i, n)})
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := r.Wait(ctx); err != nil {
					t.Errorf("front %d cell %d: %v", i, n, err)
					return
				}
				if got := client.Text(r.Outputs()); got != fmt.Sprintf("%d %d\nv", i, n) {
					t.Errorf("front %d cell %d: %q", i, n, got)
				}
			}
		})
	}
	wg.Wait()
	b, err := fronts[0].Control(ctx, "shutdown_request", map[string]bool{"restart": true})
	var reply struct {
		Status  string
		Restart bool
	}
	if jerr := json.Unmarshal(b, &reply); err != nil || jerr != nil || reply.Status != "ok" || !reply.Restart {
		t.Errorf("shutdown: %s %v", b, err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// One front end that has the key sends requests as fast as it can and reads no
// reply: another one is served as before, and it is dropped in the end.
func TestFloodOfRequests(t *testing.T) {
	k, err := startKernel(t, "tcp", "serve")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := wire.ReadConnection(k.ConnectionFile())
	if err != nil {
		t.Fatal(err)
	}
	codec, err := wire.NewCodec(conn)
	if err != nil {
		t.Fatal(err)
	}
	ctx := within(t, time.Minute)
	flood, err := sockets.Dial(ctx, conn.Endpoint(conn.ShellPort), zmq4.Dealer, "flood")
	if err != nil {
		t.Fatal(err)
	}
	defer flood.Close()
	var sent atomic.Int64
	stop := make(chan struct{})
	var flooder sync.WaitGroup
	flooder.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			msgType := []string{"kernel_info_request", "execute_request", "history_request", "nonsense_request"}[i%4]
			content := json.RawMessage(`{"code":"print x","hist_access_type":"tail","n":10}`)
			frames, err := codec.Encode(wire.Message{Header: wire.NewHeader("flood", msgType), Content: content})
			if err != nil {
				t.Error(err)
				return
			}
			if flood.Send(frames) == nil {
				sent.Add(1)
			} else {
				time.Sleep(time.Millisecond) // our own queue is full, or the kernel has had enough
			}
		}
	})
	for sent.Load() < 2000 {
		time.Sleep(time.Millisecond)
	}
	var slowest time.Duration
	for range 30 {
		begun := time.Now()
		if _, err := k.Control(ctx, "kernel_info_request", struct{}{}); err != nil {
			t.Fatal(err)
		}
		if err := k.Heartbeat(ctx); err != nil {
			t.Fatal(err)
		}
		slowest = max(slowest, time.Since(begun))
	}
	begun := time.Now()
	reply, err := k.Execute(ctx, client.Cell{Code: "print mine", KeepQueue: true})
	if err != nil || reply.Status != "ok" {
		t.Errorf("a cell beside the flood: %+v %v", reply, err)
	}
	t.Logf("beside a flood of %d requests: control and heartbeat in at most %v, a cell behind its share of the queue in %v", sent.Load(), slowest, time.Since(begun))
	if slowest > 2*time.Second {
		t.Errorf("control and heartbeat took %v", slowest)
	}
	close(stop)
	flooder.Wait()
}

// BenchmarkCell is the round trip of a cell through client, sockets and session,
// with an engine that does next to nothing.
func BenchmarkCell(b *testing.B) {
	k, err := startKernel(b, "tcp", "serve")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := k.Execute(context.Background(), client.Cell{Code: "value 2"}); err != nil {
			b.Fatal(err)
		}
	}
}
