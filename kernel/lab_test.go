package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"spindle/kernel/client"
	"spindle/kernel/internal/process"
)

// An experiment in a cell shows its progress, and an interrupt ends it with
// all its processes while the session's state stays.
func TestExperimentInACellEndsWhenInterrupted(t *testing.T) {
	k := startKernel(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if r, err := k.Execute(ctx, client.Cell{Code: "import \"spindle/lab\"\nkept := 41"}); err != nil || r.Status != "ok" {
		t.Fatalf("%+v %v", r, err)
	}
	before, err := process.Descendants(k.PID())
	if err != nil {
		t.Skip("SKIP: no /proc to look for processes in: ", err)
	}
	progress := make(chan struct{}, 1000)
	run, err := k.Submit(client.Cell{
		Code: "lab.Switch(lab.SwitchParams{Samples: 100000})",
		On: func(m client.Message) {
			data, _ := m.Content["data"].(map[string]any)
			if s, _ := data["text/html"].(string); strings.Contains(s, "<progress") {
				select {
				case progress <- struct{}{}:
				default:
				}
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan client.Reply, 1)
	go func() {
		r, _ := run.Wait(ctx)
		over <- r
	}()
	select {
	case <-progress:
	case r := <-over:
		t.Fatalf("over before any progress: %+v", r)
	}
	began := time.Now()
	if err := k.Interrupt(ctx); err != nil {
		t.Fatal(err)
	}
	r := <-over
	if r.Status != "error" {
		t.Errorf("%+v", r)
	}
	if d := time.Since(began); d > 10*time.Second {
		t.Errorf("the interrupt took %v", d)
	}
	left := before
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if left, err = process.Descendants(k.PID()); err != nil || len(left) <= len(before) {
			break
		}
	}
	if len(left) > len(before) {
		t.Errorf("%d processes before, %d after: %+v", len(before), len(left), left)
	}
	if r, err := k.Execute(ctx, client.Cell{Code: "kept + 1", Expressions: map[string]string{"v": "kept + 1"}}); err != nil || r.Status != "ok" {
		t.Errorf("the session's state is gone: %+v %v", r, err)
	}
	t.Logf("interrupted after %v with %s: %s", time.Since(began), r.EName, r.EValue)
}
