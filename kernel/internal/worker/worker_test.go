package worker

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"spindle/kernel/display"
	"spindle/kernel/internal/core"
	"spindle/kernel/internal/frames"
	"spindle/kernel/internal/interp"
	"spindle/kernel/internal/process"
)

// The test binary is the worker, too: with the evaluator below.
func TestMain(m *testing.M) {
	if Is(os.Args) {
		os.Exit(Main(os.Args, Config{New: newDeeds}))
	}
	os.Exit(m.Run())
}

// deeds is an evaluator whose cells are the names of deeds. It stands where
// package interp does, so that what package worker makes of a cell is seen
// without a language.
type deeds struct {
	cfg   interp.Config
	asked atomic.Bool
	said  []interp.Declaration
}

// deaf is what an endless loop looks at, or it would be none to a compiler.
var deaf atomic.Bool

func newDeeds(cfg interp.Config) (interp.Evaluator, error) {
	deaf.Store(true)
	core.Connect(core.Host{Output: cfg.Output, Started: cfg.Started})
	return &deeds{cfg: cfg}, nil
}

func (d *deeds) Eval(c interp.Cell) interp.Outcome {
	d.asked.Store(false)
	leave := core.Enter(c.Count)
	defer leave()
	name, arg, _ := strings.Cut(c.Source, " ")
	switch name {
	case "print":
		d.cfg.Output(c.Count, false, []byte(arg))
	case "late":
		core.Go(func() {
			time.Sleep(100 * time.Millisecond)
			d.cfg.Output(c.Count, true, []byte(arg))
		}, c.Count, 1, "main")
	case "display":
		display.HTML(arg)
	case "declare":
		d.said = append(d.said, interp.Declaration{Source: arg})
	case "fail":
		return interp.Outcome{Err: &interp.Error{Name: "panic", Value: arg}}
	case "large":
		return interp.Outcome{Value: &display.Bundle{Data: map[string]any{"text/plain": strings.Repeat("x", frames.MaxBody)}}}
	case "exit":
		code, _ := strconv.Atoi(arg)
		os.Exit(code)
	case "goexit":
		runtime.Goexit()
	case "child":
		cmd := exec.Command("sleep", "1000")
		if err := cmd.Start(); err != nil {
			panic(err)
		}
		d.cfg.Output(c.Count, false, []byte(strconv.Itoa(cmd.Process.Pid)))
	case "deaf":
		for deaf.Load() {
		}
	case "wait":
		<-make(chan int)
	case "timer":
		<-core.TimerSymbols()["time"]["After"].Interface().(func(time.Duration) <-chan time.Time)(time.Second)
	case "asleep":
		display.HTML("on")
		time.Sleep(time.Hour)
	case "sleep":
		time.Sleep(time.Hour)
	case "listen": // as interpreted loops do
		for !d.asked.Load() {
			time.Sleep(time.Microsecond)
		}
		return interp.Outcome{Err: &interp.Error{Name: "interrupted", Value: "interrupted"}}
	}
	return interp.Outcome{}
}

func (d *deeds) Interrupt()                         { d.asked.Store(true) }
func (d *deeds) In(int, func()) *interp.Error       { panic("no callbacks") }
func (d *deeds) TimersPending() bool                { return core.TimersPending() }
func (d *deeds) CellOf() int                        { return core.CellOf() }
func (d *deeds) Declarations() []interp.Declaration { return d.said }
func (d *deeds) Locked() []string                   { return nil }
func (d *deeds) Program() (string, error)           { panic("no program") }

// child is a worker process and what it says.
type child struct {
	cmd      *exec.Cmd
	in       *os.File
	send     *frames.Writer
	received chan frames.Frame // closed at its end
	stdout   *strings.Builder  // to be read when the process has ended
	stderr   *strings.Builder
}

func start(t *testing.T) *child {
	t.Helper()
	in, down, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	up, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{
		cmd: exec.Command(os.Args[0], Argument, "{}"), in: down, send: frames.NewWriter(down),
		received: make(chan frames.Frame, 100), stdout: new(strings.Builder), stderr: new(strings.Builder),
	}
	c.cmd.Env = append(os.Environ(), "GODEBUG=tracebacklabels=1")
	c.cmd.ExtraFiles = []*os.File{in, out}
	c.cmd.Stdout, c.cmd.Stderr = c.stdout, c.stderr
	c.cmd.WaitDelay = 5 * time.Second
	if err := process.Start(c.cmd, 9); err != nil {
		t.Fatal(err)
	}
	in.Close()
	out.Close()
	go func() { // ends with the process
		defer close(c.received)
		defer up.Close()
		for r := frames.NewReader(up); ; {
			f, err := r.Read()
			if err != nil {
				return
			}
			c.received <- f
		}
	}()
	t.Cleanup(func() {
		down.Close()
		_ = process.KillGroup(c.cmd.Process.Pid, 9)
		_ = process.Wait(c.cmd)
	})
	if f := c.next(t); f.Kind != frames.Ready {
		t.Fatalf("the first frame is of kind %d", f.Kind)
	}
	return c
}

// next is the next frame; of kind 0 where the process has ended.
func (c *child) next(t *testing.T) frames.Frame {
	t.Helper()
	select {
	case f := <-c.received:
		return f
	case <-time.After(20 * time.Second):
		t.Fatal("the worker says nothing")
		return frames.Frame{}
	}
}

func (c *child) execute(t *testing.T, cell int, source string, mode frames.Mode) {
	t.Helper()
	if err := c.send.WriteJSON(frames.Execute, uint32(cell), frames.ExecuteBody{Source: source, Mode: mode}); err != nil {
		t.Fatal(err)
	}
}

// done is the cell's end, which has to be the next that comes.
func (c *child) done(t *testing.T, cell int) (d frames.DoneBody) {
	t.Helper()
	f := c.next(t)
	if f.Kind != frames.Done || int(f.Number) != cell {
		t.Fatalf("frame of kind %d and number %d: %.200s", f.Kind, f.Number, f.Body)
	}
	if err := json.Unmarshal(f.Body, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// ended is how the process ends, after its stream has.
func (c *child) ended(t *testing.T) string {
	t.Helper()
	if f := c.next(t); f.Kind != 0 {
		t.Fatalf("frame of kind %d: %.200s", f.Kind, f.Body)
	}
	_ = process.Wait(c.cmd)
	return c.cmd.ProcessState.String()
}

// What happens to a cell is told by its end, and the worker answers the next.
func TestCells(t *testing.T) {
	c := start(t)
	for i, tt := range []struct {
		deed      string
		mode      frames.Mode
		interrupt bool
		want      string // regexp of the error's name, value and trace; "" is none
	}{
		{deed: "nothing"},
		{deed: "fail boom", want: "^panic: boom"},
		{deed: "goexit", want: "^goroutine exited: .*runtime.Goexit"},
		{deed: "wait", want: `^fatal error: all goroutines are asleep - deadlock!.*goroutine \d+ \[chan receive\]`},
		{deed: "timer"},
		{deed: "wait", want: "^fatal error: all goroutines are asleep"}, // it has fired
		{deed: "wait", interrupt: true, want: `^interrupted: .*left where it waits \[chan receive\]`},
		{deed: "sleep", interrupt: true, want: `^interrupted: .*left where it waits \[sleep\]`},
		{deed: "listen", interrupt: true, want: "^interrupted: interrupted"},
		{deed: "true", mode: frames.ModeShell},
		{deed: "sleep 1000", mode: frames.ModeShell, interrupt: true, want: "^interrupted: sleep 1000"},
		{deed: "trap '' INT; while :; do sleep 0.01; done", mode: frames.ModeShell, interrupt: true, want: "^interrupted: "},
	} {
		t.Run(tt.deed, func(t *testing.T) {
			c.execute(t, i+1, tt.deed, tt.mode)
			if tt.interrupt {
				time.Sleep(50 * time.Millisecond)
				if err := c.send.Write(frames.Interrupt, uint32(i+1), nil); err != nil {
					t.Fatal(err)
				}
			}
			d := c.done(t, i+1)
			if d.Err == nil {
				if tt.want != "" {
					t.Errorf("no error, want %s", tt.want)
				}
				return
			}
			said := d.Err.Name + ": " + d.Err.Value + "\n" + strings.Join(d.Err.Traceback, "\n")
			if tt.want == "" || !regexp.MustCompile("(?s)"+tt.want).MatchString(said) {
				t.Errorf("want %q in\n%s", tt.want, said)
			}
		})
	}
}

// A cell that does not listen is reported, and the engine ends the process.
func TestStuck(t *testing.T) {
	c := start(t)
	c.execute(t, 1, "deaf", frames.ModeCell)
	if err := c.send.Write(frames.Interrupt, 1, nil); err != nil {
		t.Fatal(err)
	}
	if f := c.next(t); f.Kind != frames.Stuck || f.Number != 1 {
		t.Errorf("frame of kind %d and number %d", f.Kind, f.Number)
	}
}

// An interrupt that comes late, or for another cell, hits none.
func TestInterruptOfAnotherCell(t *testing.T) {
	c := start(t)
	c.execute(t, 1, "nothing", frames.ModeCell)
	c.done(t, 1)
	c.execute(t, 2, "shell", frames.ModeCell)
	if err := c.send.Write(frames.Interrupt, 1, nil); err != nil {
		t.Fatal(err)
	}
	if d := c.done(t, 2); d.Err != nil {
		t.Errorf("%+v", d.Err)
	}
}

// What a cell prints comes by the descriptors before its end, and after its end
// as a frame that names the cell.
func TestOutput(t *testing.T) {
	c := start(t)
	c.execute(t, 1, "print early", frames.ModeCell)
	c.done(t, 1)
	c.execute(t, 2, "late words", frames.ModeCell)
	var d frames.DoneBody
	f := c.next(t)
	if f.Kind == frames.Show { // the note of the goroutine that goes on
		if err := c.send.Write(frames.Ack, f.Number, nil); err != nil {
			t.Fatal(err)
		}
		f = c.next(t)
	}
	if err := json.Unmarshal(f.Body, &d); err != nil || f.Kind != frames.Done || len(d.Live) != 1 || d.Live[0] != 2 {
		t.Errorf("kind %d, %+v, %v", f.Kind, d, err)
	}
	if f := c.next(t); f.Kind != frames.Output || f.Number != 2 || string(f.Body) != "\x01words" {
		t.Errorf("kind %d, number %d, %q", f.Kind, f.Number, f.Body)
	}
	c.in.Close()
	// It ends its process group, itself last.
	if how := c.ended(t); how != "signal: killed" || c.stdout.String() != "early" {
		t.Errorf("%s, %q, %s", how, c.stdout, c.stderr)
	}
}

// A display waits for its acknowledgment: what comes next comes after it.
func TestDisplay(t *testing.T) {
	c := start(t)
	c.execute(t, 1, "display <b>bold</b>", frames.ModeCell)
	f := c.next(t)
	var body frames.ShowBody
	if err := json.Unmarshal(f.Body, &body); err != nil || f.Kind != frames.Show || body.Cell != 1 || body.Bundle.Data["text/html"] != "<b>bold</b>" {
		t.Fatalf("kind %d: %s, %v", f.Kind, f.Body, err)
	}
	select {
	case f := <-c.received:
		t.Fatalf("frame of kind %d before the acknowledgment", f.Kind)
	case <-time.After(50 * time.Millisecond):
	}
	if err := c.send.Write(frames.Ack, f.Number, nil); err != nil {
		t.Fatal(err)
	}
	c.done(t, 1)
}

func TestValueTooLarge(t *testing.T) {
	c := start(t)
	c.execute(t, 1, "large", frames.ModeCell)
	if d := c.done(t, 1); d.Err != nil || !strings.Contains(fmt.Sprint(d.Value.Data["text/plain"]), "frame too large") {
		t.Errorf("%+v", d)
	}
}

func TestDeclared(t *testing.T) {
	c := start(t)
	for i, want := range []string{"&{0 [{x := 1 }]}", "<nil>", "&{1 [{y := 2 }]}"} {
		c.execute(t, i+1, []string{"declare x := 1", "nothing", "declare y := 2"}[i], frames.ModeCell)
		if d := c.done(t, i+1); fmt.Sprint(d.Declared) != want {
			t.Errorf("%v, want %s", d.Declared, want)
		}
	}
}

// Calls are answered beside a cell; a panic in one is an error of the call.
func TestCalls(t *testing.T) {
	c := start(t)
	c.execute(t, 1, "asleep", frames.ModeCell)
	if f := c.next(t); f.Kind != frames.Show { // it is under way
		t.Fatalf("frame of kind %d", f.Kind)
	} else if err := c.send.Write(frames.Ack, f.Number, nil); err != nil {
		t.Fatal(err)
	}
	for i, tt := range []struct{ method, params, want string }{
		{MethodEvaluate, `{"source":"1"}`, `"name":"busy"`},
		{MethodProgram, "null", "panic: no program"},
		{"nonsense", "null", `unknown method`},
		{MethodChdir, `"/nowhere"`, "no such file"},
		{MethodSetenv, `["SPINDLE_TEST","here"]`, `"result":null`},
		{MethodEnviron, "null", "SPINDLE_TEST=here"},
		{MethodGoroutines, "null", `"cell":1`},
		{MethodUsage, "null", `"pid":` + strconv.Itoa(c.cmd.Process.Pid)},
	} {
		if err := c.send.WriteJSON(frames.Call, uint32(i), frames.CallBody{Method: tt.method, Params: json.RawMessage(tt.params)}); err != nil {
			t.Fatal(err)
		}
		if f := c.next(t); f.Kind != frames.Reply || int(f.Number) != i || !strings.Contains(string(f.Body), tt.want) {
			t.Errorf("%s: kind %d, number %d, %.300s; want %s", tt.method, f.Kind, f.Number, f.Body, tt.want)
		}
	}
}

// How the process ends, and that it takes its children along.
func TestEnds(t *testing.T) {
	t.Run("as its cell does", func(t *testing.T) {
		c := start(t)
		c.execute(t, 1, "exit 3", frames.ModeCell)
		if how := c.ended(t); how != "exit status 3" {
			t.Error(how)
		}
	})
	t.Run("of a stream that is broken", func(t *testing.T) {
		c := start(t)
		if err := c.send.Write(200, 0, nil); err != nil {
			t.Fatal(err)
		}
		_ = c.ended(t)
		if !strings.Contains(c.stderr.String(), "frame of unknown kind 200") {
			t.Errorf("%q", c.stderr)
		}
	})
	t.Run("with the engine", func(t *testing.T) {
		c := start(t)
		c.execute(t, 1, "child", frames.ModeCell)
		c.done(t, 1)
		c.in.Close()
		_ = c.ended(t)
		pid, err := strconv.Atoi(c.stdout.String())
		if err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			if i, err := process.Stat(pid); err != nil || i.State == 'Z' {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("its child is still running")
			}
		}
	})
}
