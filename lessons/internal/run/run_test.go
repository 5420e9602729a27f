package run

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"spindle/lessons/internal/notebook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func stream(name, text string) Message {
	return Message{Type: "stream", Content: map[string]any{"name": name, "text": text}}
}

func show(kind, id, text string) Message {
	c := map[string]any{"data": map[string]any{"text/plain": text}, "metadata": map[string]any{}}
	if id != "" {
		c["transient"] = map[string]any{"display_id": id}
	}
	return Message{Type: kind, Content: c}
}

func clearing(wait bool) Message {
	return Message{Type: "clear_output", Content: map[string]any{"wait": wait}}
}

// brief writes outputs as "stdout:text" or "=text", for tables.
func brief(c *notebook.Cell) []string {
	var out []string
	for _, o := range c.Outputs {
		switch o.Type {
		case notebook.Stream:
			out = append(out, o.Name+":"+o.Text)
		case notebook.Error:
			out = append(out, "!"+o.EName+": "+o.EValue)
		default:
			out = append(out, "="+o.MIME("text/plain"))
		}
	}
	return out
}

func TestCollect(t *testing.T) {
	tests := []struct {
		name string
		in   []Message
		want []string
	}{
		{"one stream is one output", []Message{stream("stdout", "a"), stream("stdout", "b\n")}, []string{"stdout:ab\n"}},
		{"order between streams is kept", []Message{stream("stdout", "a"), stream("stderr", "b"), stream("stdout", "c")}, []string{"stdout:a", "stderr:b", "stdout:c"}},
		{"a display parts a stream", []Message{stream("stdout", "a"), show("display_data", "", "x"), stream("stdout", "b")}, []string{"stdout:a", "=x", "stdout:b"}},
		{"a carriage return rewrites the line", []Message{stream("stdout", "1%\r50%\r"), stream("stdout", "100%\nend\r\n")}, []string{"stdout:100%\nend\r\n"}},
		{"a backspace takes one back", []Message{stream("stdout", "abc\b\bx\n\b")}, []string{"stdout:ax\n\b"}},
		{"nothing written is no output", []Message{stream("stdout", "")}, nil},
		{"an update replaces every output under its id", []Message{
			show("display_data", "p", "1"), show("display_data", "q", "q"), show("display_data", "p", "1"), show("update_display_data", "p", "2"),
		}, []string{"=2", "=q", "=2"}},
		{"an update of nothing shows nothing", []Message{show("update_display_data", "p", "2")}, nil},
		{"clear at once", []Message{stream("stdout", "a"), clearing(false)}, nil},
		{"clear when the next comes", []Message{stream("stdout", "a"), clearing(true), stream("stdout", "b")}, []string{"stdout:b"}},
		{"clear that nothing follows leaves it", []Message{stream("stdout", "a"), clearing(true)}, []string{"stdout:a"}},
		{"what was cleared isn't updated", []Message{
			show("display_data", "p", "1"), clearing(false), show("update_display_data", "p", "2"), stream("stdout", "x"),
		}, []string{"stdout:x"}},
		{"status and comms are no outputs", []Message{{Type: "status", Content: map[string]any{"execution_state": "busy"}}, {Type: "comm_open"}}, nil},
		{"malformed messages do no harm", []Message{
			{Type: "stream", Content: map[string]any{"name": 3, "text": nil}},
			{Type: "display_data", Content: nil},
			{Type: "error", Content: map[string]any{"traceback": "x"}},
		}, []string{"=", "!: "}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, cell := newCollector(), &notebook.Cell{Type: notebook.Code}
			for _, m := range tt.in {
				c.add(cell, m)
			}
			settle(cell)
			if d := cmp.Diff(tt.want, brief(cell)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestUpdateReachesAnEarlierCell(t *testing.T) {
	c, first, second := newCollector(), &notebook.Cell{}, &notebook.Cell{}
	c.add(first, show("display_data", "p", "old"))
	c.add(second, show("update_display_data", "p", "new"))
	if got := brief(first); len(got) != 1 || got[0] != "=new" {
		t.Errorf("got %v", got)
	}
	if len(second.Outputs) != 0 {
		t.Errorf("the updating cell shows %v", brief(second))
	}
}

// scripted is a kernel whose cells are commands: "print x", "fail", "hang"
// (until interrupted), "stuck" (for ever), "die".
type scripted struct {
	count       int
	interrupted chan struct{}
	ran         []string
}

func (k *scripted) Execute(ctx context.Context, code, _ string, on func(Message)) (Reply, error) {
	k.count++
	k.ran = append(k.ran, code)
	on(Message{Type: "execute_input", Content: map[string]any{"execution_count": json.Number("1")}})
	word, rest, _ := strings.Cut(code, " ")
	switch word {
	case "print":
		on(stream("stdout", rest))
	case "fail":
		on(Message{Type: "error", Content: map[string]any{"ename": "panic", "evalue": "boom", "traceback": []any{"boom"}}})
		return Reply{Status: "error", Count: k.count, EName: "panic", EValue: "boom"}, nil
	case "hang":
		on(stream("stdout", "before"))
		<-k.interrupted
		on(stream("stdout", ", after"))
		return Reply{Status: "error", Count: k.count, EName: "interrupted"}, nil
	case "stuck":
		<-ctx.Done()
		return Reply{}, ctx.Err()
	case "die":
		return Reply{}, errors.New("the kernel process ended: exit status 2")
	}
	return Reply{Status: "ok", Count: k.count}, nil
}

func (k *scripted) Interrupt(context.Context) error {
	select {
	case k.interrupted <- struct{}{}:
	default: // nobody listens: a cell that is stuck
	}
	return nil
}

func book(sources ...string) *notebook.Notebook {
	n := &notebook.Notebook{Cells: []*notebook.Cell{{Type: notebook.Markdown, ID: "title", Source: "# T"}}}
	for i, s := range sources {
		n.Cells = append(n.Cells, &notebook.Cell{Type: notebook.Code, ID: string(rune('a' + i)), Source: s})
	}
	return n
}

func TestNotebook(t *testing.T) {
	tests := []struct {
		name    string
		cells   []string
		options Options
		want    string // error, "" for none
		ran     int
		outputs [][]string
	}{
		{"all well, blank cells left out", []string{"print a", " \n", "print b"}, Options{}, "", 2, [][]string{{"stdout:a"}, nil, {"stdout:b"}}},
		{"stops at the first failure", []string{"print a", "fail", "print b"}, Options{}, "cell 3 (b): panic: boom", 2, [][]string{{"stdout:a"}, {"!panic: boom"}, nil}},
		{"keeps going", []string{"fail", "print b", "fail"}, Options{KeepGoing: true}, "cell 2 (a): panic: boom\ncell 4 (c): panic: boom", 3, [][]string{{"!panic: boom"}, {"stdout:b"}, {"!panic: boom"}}},
		{"a cell that takes too long", []string{"hang", "print b"}, Options{Timeout: time.Minute}, "cell 2 (a) ran longer than 1m0s; it was interrupted", 1, [][]string{{"stdout:before, after"}, nil}},
		{"a timeout and on", []string{"hang", "print b"}, Options{Timeout: time.Minute, KeepGoing: true}, "cell 2 (a) ran longer", 2, [][]string{{"stdout:before, after"}, {"stdout:b"}}},
		{"a cell that never stops", []string{"stuck", "print b"}, Options{Timeout: time.Minute, KeepGoing: true}, "it didn't stop when interrupted", 1, [][]string{nil, nil}},
		{"a kernel that dies", []string{"print a", "die", "print b"}, Options{KeepGoing: true}, "cell 3 (b): the kernel failed: the kernel process ended: exit status 2", 2, [][]string{{"stdout:a"}, nil, nil}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := &scripted{interrupted: make(chan struct{}, 1)}
				n := book(tt.cells...)
				err := Notebook(t.Context(), k, n, tt.options)
				if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got error %v, want %q", err, tt.want)
				}
				if len(k.ran) != tt.ran {
					t.Errorf("ran %q, want %d cells", k.ran, tt.ran)
				}
				for i, want := range tt.outputs {
					if d := cmp.Diff(want, brief(n.Cells[i+1])); d != "" {
						t.Errorf("cell %d: %s", i, d)
					}
				}
				if _, err := n.Encode(); err != nil {
					t.Errorf("what was executed is no notebook: %v", err)
				}
			})
		})
	}
}

func TestRaisesExceptionIsNoFailure(t *testing.T) {
	n := book("fail", "print b")
	n.Cells[1].Metadata = map[string]any{"tags": []any{"raises-exception"}}
	k := &scripted{}
	if err := Notebook(t.Context(), k, n, Options{}); err != nil {
		t.Error(err)
	}
	if got := brief(n.Cells[2]); len(got) != 1 {
		t.Errorf("the next cell shows %v", got)
	}
}

func TestInterruptedRunKeepsWhatRan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		k := &scripted{interrupted: make(chan struct{}, 1)}
		n := book("print a", "hang", "print c")
		n.Cells[3].Outputs = []*notebook.Output{{Type: notebook.Stream, Name: "stdout", Text: "of an earlier run"}}
		time.AfterFunc(time.Second, cancel)
		if err := Notebook(ctx, k, n, Options{}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		want := [][]string{{"stdout:a"}, {"stdout:before, after"}, nil}
		for i, w := range want {
			if d := cmp.Diff(w, brief(n.Cells[i+1])); d != "" {
				t.Errorf("cell %d: %s", i, d)
			}
		}
	})
}

func TestOldOutputsGoAndHashesCome(t *testing.T) {
	n := book("print a")
	n.Cells[1].Outputs = []*notebook.Output{{Type: notebook.Stream, Name: "stdout", Text: "old"}}
	if err := Notebook(t.Context(), &scripted{}, n, Options{}); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"stdout:a"}, brief(n.Cells[1])); d != "" {
		t.Error(d)
	}
	if got := n.Cells[1].Spindle()["source_sha256"]; got != n.Cells[1].SourceHash() {
		t.Errorf("stamped %v", got)
	}
	if n.Cells[1].ExecutionCount != 1 {
		t.Errorf("execution count %d", n.Cells[1].ExecutionCount)
	}
}
