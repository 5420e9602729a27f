package comm

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// host is a Host that keeps what is sent and says which cell asks.
type host struct {
	cell int

	mu   sync.Mutex // guards the following
	sent []Message
	ran  []int // cells of the handlers
}

func (h *host) Cell() int { return h.cell }

func (h *host) Send(m Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent = append(h.sent, m)
}

func (h *host) Run(cell int, handler func()) {
	h.mu.Lock()
	h.ran = append(h.ran, cell)
	h.mu.Unlock()
	handler()
}

func connect(t *testing.T) (*host, *Hub) {
	t.Helper()
	host := &host{cell: 3}
	hub := NewHub(host)
	Connect(hub)
	t.Cleanup(func() { Connect(nil) })
	return host, hub
}

// deliver sends m from the front end and waits for its handler.
func deliver(t *testing.T, hub *Hub, m Message) bool {
	t.Helper()
	done, taken := hub.Deliver(m)
	if taken {
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Fatalf("the handler of %v does not return", m)
		}
	}
	return taken
}

func TestTargetsOfCells(t *testing.T) {
	host, hub := connect(t)
	if deliver(t, hub, Message{Type: "comm_open", ID: "1", Target: "adder"}) {
		t.Error("a target that nobody has registered was opened")
	}
	var heard []string
	Register("adder", func(c *Comm, data map[string]any) {
		heard = append(heard, fmt.Sprint("open ", data["k"]))
		c.OnMsg(func(data map[string]any) {
			heard = append(heard, fmt.Sprint("msg ", data["k"]))
			if err := c.Send(map[string]any{"got": data["k"]}); err != nil {
				t.Error(err)
			}
		})
		c.OnClose(func(map[string]any) { heard = append(heard, "close") })
	})
	host.cell = 9 // others run meanwhile; the handlers stay cell 3's
	for _, m := range []Message{
		{Type: "comm_open", ID: "1", Target: "adder", Data: map[string]any{"k": 0}},
		{Type: "comm_msg", ID: "1", Data: map[string]any{"k": 1}},
	} {
		if !deliver(t, hub, m) {
			t.Errorf("%v was not taken", m)
		}
	}
	if d := cmp.Diff(map[string]string{"1": "adder"}, hub.Open()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]int{3}, hub.Cells()); d != "" {
		t.Error(d)
	}
	if deliver(t, hub, Message{Type: "comm_open", ID: "1", Target: "adder"}) {
		t.Error("an id that is taken was opened again")
	}
	deliver(t, hub, Message{Type: "comm_close", ID: "1"})
	if deliver(t, hub, Message{Type: "comm_msg", ID: "1"}) || len(hub.Open()) != 0 {
		t.Error("it is open after its close")
	}
	if d := cmp.Diff([]string{"open 0", "msg 1", "close"}, heard); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]Message{{Type: "comm_msg", ID: "1", Data: map[string]any{"got": 1}}}, host.sent); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]int{3, 3, 3}, host.ran); d != "" {
		t.Error(d)
	}
	Register("adder", nil)
	if deliver(t, hub, Message{Type: "comm_open", ID: "2", Target: "adder"}) {
		t.Error("a target that was taken away was opened")
	}
}

func TestCommsOfCells(t *testing.T) {
	host, hub := connect(t)
	c := OpenWithMetadata("widget", map[string]any{"x": 1}, map[string]any{"version": "2"})
	if d := cmp.Diff(map[string]string{c.ID(): "widget"}, hub.Open()); d != "" {
		t.Error(d)
	}
	if err := c.Send(map[string]any{"bad": make(chan int)}); err == nil || !strings.Contains(err.Error(), "chan int") {
		t.Errorf("a channel was sent: %v", err)
	}
	if err := c.Close(map[string]any{"last": true}); err != nil {
		t.Error(err)
	}
	if err := c.Send(nil); !errors.Is(err, ErrClosed) {
		t.Errorf("after its close: %v", err)
	}
	want := []Message{
		{Type: "comm_open", ID: c.ID(), Target: "widget", Data: map[string]any{"x": 1}, Metadata: map[string]any{"version": "2"}},
		{Type: "comm_close", ID: c.ID(), Data: map[string]any{"last": true}},
	}
	if d := cmp.Diff(want, host.sent); d != "" {
		t.Error(d)
	}
	if n := len(hub.Open()); n != 0 {
		t.Errorf("%d are open", n)
	}
}

// The messages of one comm are handled one after the other and in order, also
// where they arrive faster than they are handled.
func TestOrder(t *testing.T) {
	_, hub := connect(t)
	const n = 200
	var got []int // of the one handler at a time: the race detector would tell
	Register("t", func(c *Comm, _ map[string]any) {
		time.Sleep(time.Millisecond)
		c.OnMsg(func(data map[string]any) { got = append(got, data["n"].(int)) })
	})
	if _, ok := hub.Deliver(Message{Type: "comm_open", ID: "1", Target: "t"}); !ok {
		t.Fatal("not taken")
	}
	for i := range n - 1 {
		hub.Deliver(Message{Type: "comm_msg", ID: "1", Data: map[string]any{"n": i}})
	}
	deliver(t, hub, Message{Type: "comm_msg", ID: "1", Data: map[string]any{"n": n - 1}})
	for i := range n {
		if i >= len(got) || got[i] != i {
			t.Fatalf("handled as %v", got)
		}
	}
}

// Without a front end a program runs on, and is told.
func TestWithoutFrontEnd(t *testing.T) {
	Register("t", func(*Comm, map[string]any) {})
	if err := Open("t", nil).Send(nil); !errors.Is(err, ErrClosed) {
		t.Errorf("%v", err)
	}
}
