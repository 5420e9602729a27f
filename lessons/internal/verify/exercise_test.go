package verify

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"spindle/lessons/internal/run"
)

// marker is a kernel that remembers the exercise's cell and, at the check,
// answers by what stands in it: "right", "wrong: REASON" or "panic".
type marker struct {
	answer string
	ran    []string
	hints  string
}

func (k *marker) Interrupt(context.Context) error { return nil }

func (k *marker) Execute(_ context.Context, code, cellID string, on func(run.Message)) (run.Reply, error) {
	k.ran = append(k.ran, cellID)
	if strings.HasPrefix(cellID, "stub") {
		k.answer = code
	}
	if !strings.HasPrefix(cellID, "check") || k.answer == "silent" {
		return run.Reply{Status: "ok"}, nil
	}
	if k.answer == "panic" {
		return run.Reply{Status: "error", EName: "panic", EValue: "boom"}, nil
	}
	reason, _ := strings.CutPrefix(k.answer, "wrong: ")
	on(run.Message{Type: "display_data", Content: map[string]any{"data": map[string]any{
		"text/plain": "x",
		CheckMIME: map[string]any{
			"exercise": "01-1", "pass": k.answer == "right", "reason": reason, "hint": "look again", "hints": json.Number(k.hints),
		},
	}}})
	return run.Reply{Status: "ok"}, nil
}

func TestExercise(t *testing.T) {
	right := Exercise{ID: "01-1", Solution: "right", Wrong: []Wrong{{"w", "wrong: it slept on the job", "it SLEPT"}}}
	tests := []struct {
		name, stub, hints string
		change            func(*Exercise)
		want              string // of the only problem; "" for none
	}{
		{"all well", "wrong: nothing was returned", "3", func(*Exercise) {}, ""},
		{"the stub passes", "right", "3", func(*Exercise) {}, "the stub: it passes"},
		{"the stub panics", "panic", "3", func(*Exercise) {}, "the stub: cell 3 (check-1): panic: boom"},
		{"no reason", "wrong: no", "3", func(*Exercise) {}, "the check's reason is no help"},
		{"too few hints", "wrong: nothing was returned", "1", func(*Exercise) {}, "there are 1 hints"},
		{"the check is silent", "silent", "3", func(*Exercise) {}, "the check says nothing"},
		{"the solution fails", "wrong: nothing was returned", "3", func(e *Exercise) { e.Solution = "wrong: not quite it" }, "the solution: it doesn't pass: not quite it"},
		{"a wrong answer passes", "wrong: nothing was returned", "3", func(e *Exercise) { e.Wrong[0].Source = "right" }, `wrong answer "w": it passes`},
		{"a wrong answer fails for another reason", "wrong: nothing was returned", "3", func(e *Exercise) { e.Wrong[0].Source = "wrong: no such file here" }, `doesn't say "it SLEPT": no such file here`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := good()
			n.Cells[3].Source = tt.stub
			e := right
			e.Wrong = append([]Wrong(nil), right.Wrong...)
			tt.change(&e)
			kernels := 0
			r := Runner{Start: func(_ context.Context, use func(run.Kernel) error) error {
				kernels++
				k := &marker{hints: tt.hints}
				err := use(k)
				if got := strings.Join(k.ran, " "); got != "imports stub-1 check-1" {
					t.Errorf("ran %s", got)
				}
				return err
			}}
			a, err := r.Exercise(t.Context(), &Lesson{Notebook: n}, &e)
			if err != nil {
				t.Fatal(err)
			}
			if kernels != 3 {
				t.Errorf("%d kernels for 3 answers", kernels)
			}
			got := a.Problems("01-one")
			if tt.want == "" && len(got) > 0 || tt.want != "" && (len(got) != 1 || !strings.Contains(got[0].Text, tt.want)) {
				t.Errorf("got %v, want %q", got, tt.want)
			}
			if n.Cells[3].Source != tt.stub {
				t.Error("the notebook itself was changed")
			}
		})
	}
}

func TestExerciseWithoutAKernel(t *testing.T) {
	r := Runner{Start: func(context.Context, func(run.Kernel) error) error { return errors.New("no such file") }}
	_, err := r.Exercise(t.Context(), &Lesson{Notebook: good()}, &Exercise{ID: "01-1"})
	if err == nil || !strings.Contains(err.Error(), "start a kernel: no such file") {
		t.Errorf("got %v", err)
	}
}
