package display_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"spindle/kernel/display"
)

func TestProgressMovesInPlace(t *testing.T) {
	p := connect(t)
	bar := display.Progress("hashing <files>", 1000)
	for range 1000 {
		bar.Add(1)
	}
	bar.Done()
	bar.Set(3) // after its end it stays
	first, last := p.shown[0], p.shown[len(p.shown)-1]
	for i, b := range p.shown {
		if b.ID == "" || b.ID != first.ID || b.Update != (i > 0) {
			t.Fatalf("output %d has id %q, update %v", i, b.ID, b.Update)
		}
	}
	if len(p.shown) > 100 {
		t.Errorf("%d updates for 1000 quick steps: nothing holds them back", len(p.shown))
	}
	if !strings.Contains(text(first), "0/1000   0%") || !strings.Contains(text(last), "1000/1000 100%") {
		t.Errorf("from %q to %q", text(first), text(last))
	}
	if page, _ := last.Data["text/html"].(string); !strings.Contains(page, "width:100.0%") || !strings.Contains(page, "&lt;files&gt;") {
		t.Errorf("HTML is %s", page)
	}
}

func TestProgressIsSeenWhileItMoves(t *testing.T) {
	p := connect(t)
	bar := display.Progress("slow", 4)
	time.Sleep(150 * time.Millisecond)
	bar.Set(2)
	if len(p.shown) != 2 || !strings.Contains(text(p.shown[1]), "2/4  50%") {
		t.Fatalf("after half of it: %d outputs", len(p.shown))
	}
}

func TestProgressThatEndsEarlyOrHasNoTotal(t *testing.T) {
	p := connect(t)
	bar := display.Progress("", 10)
	bar.Set(-5)
	bar.Done()
	bar.Done()
	if got := text(p.shown[len(p.shown)-1]); !strings.HasPrefix(got, "[····") || !strings.Contains(got, "0/10") {
		t.Errorf("ended early: %q", got)
	}
	n := len(p.shown)
	count := display.Progress("n", 0)
	count.Add(7)
	count.Done()
	if got := text(p.shown[len(p.shown)-1]); !strings.HasPrefix(got, "n [████") || !strings.Contains(got, "] 7 ") {
		t.Errorf("without a total: %q", got)
	}
	if len(p.shown) != n+2 {
		t.Errorf("%d outputs, want first and last", len(p.shown)-n)
	}
}

func TestProgressFromManyGoroutines(t *testing.T) {
	p := connect(t)
	bar := display.Progress("many", 100)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			for range 10 {
				bar.Add(1)
			}
		})
	}
	wg.Wait()
	if got := text(p.shown[len(p.shown)-1]); !strings.Contains(got, "100/100") {
		t.Errorf("ended at %q", got)
	}
}
