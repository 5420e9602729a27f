package timeline

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/trace"
	"strings"
	"sync"
	"testing"
	"time"
)

func goroutineID() (id int64) {
	var buf [64]byte
	_, _ = fmt.Sscanf(string(buf[:runtime.Stack(buf[:], false)]), "goroutine %d ", &id)
	return id
}

// record traces f on the calling goroutine.
func record(t *testing.T, f func()) *Timeline {
	t.Helper()
	if trace.IsEnabled() {
		t.Skip("SKIP: the test binary is being traced itself")
	}
	var buf bytes.Buffer
	if err := trace.Start(&buf); err != nil {
		t.Fatal(err)
	}
	f()
	trace.Stop()
	tl, err := Parse(&buf, goroutineID())
	if err != nil {
		t.Fatal(err)
	}
	return tl
}

// wellFormed fails the test where svg is no XML.
func wellFormed(t *testing.T, svg string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("the SVG is no XML: %v", err)
		}
	}
}

func TestTimelineOfAFew(t *testing.T) {
	tl := record(t, func() {
		var wg sync.WaitGroup
		c := make(chan int)
		for i := range 3 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				trace.Log(context.Background(), SiteCategory, fmt.Sprintf("cell 1, line %d, main", i+1))
				c <- i
				time.Sleep(5 * time.Millisecond)
			}()
		}
		for range 3 {
			<-c
		}
		wg.Wait()
	})
	if len(tl.Goroutines) != 4 {
		t.Errorf("%d goroutines, want 3 and the root", len(tl.Goroutines))
	}
	sites := map[string]bool{}
	for _, g := range tl.Goroutines {
		sites[g.Site] = true
		for i, s := range g.Spans {
			if s.To <= s.From || i > 0 && s.From < g.Spans[i-1].To-1 {
				t.Errorf("G%d: span %d is %d–%d", g.ID, i, s.From, s.To)
			}
		}
	}
	for _, want := range []string{"the cell itself", "cell 1, line 1, main", "cell 1, line 3, main"} {
		if !sites[want] {
			t.Errorf("no goroutine from %q in %v", want, sites)
		}
	}
	// Three slept for 5 ms each, and the root waited for them.
	if waiting := time.Duration(tl.Times()[Waiting]); waiting < 15*time.Millisecond {
		t.Errorf("they waited %v", waiting)
	}
	first := tl.EndNanos
	for _, g := range tl.Goroutines {
		first = min(first, g.Spans[0].From)
	}
	if first != 0 {
		t.Errorf("nothing happens for the first %d ns", first)
	}
	if tl.EndNanos < (5 * time.Millisecond).Nanoseconds() {
		t.Errorf("it took %d ns", tl.EndNanos)
	}
	svg := tl.SVG()
	wellFormed(t, svg)
	for _, want := range []string{"cell 1, line 2, main", "started at the cell itself", ">P0<", "runnable, waiting for a P"} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %q in the picture", want)
		}
	}
	page := tl.HTML()
	if !strings.HasPrefix(page, `<div style="position:relative`) || !strings.Contains(page, `<img src="data:image/svg+xml;base64,`) ||
		!strings.Contains(page, `<i title="G`) || strings.Contains(page, "<svg") {
		t.Errorf("the page is %.300s", page)
	}
	if s := tl.Summary(); !strings.Contains(s, "of 4 goroutines") {
		t.Errorf("summary: %s", s)
	}
}

func TestTimelineOfThousandsIsBounded(t *testing.T) {
	tl := record(t, func() {
		var wg sync.WaitGroup
		for range 10_000 {
			wg.Go(func() { runtime.Gosched() })
		}
		wg.Wait()
	})
	if len(tl.Goroutines) < 10_000 {
		t.Errorf("%d goroutines", len(tl.Goroutines))
	}
	svg := tl.SVG()
	wellFormed(t, svg)
	if len(svg) > 2<<20 {
		t.Errorf("the picture has %d bytes", len(svg))
	}
	if page := tl.HTML(); len(page) > 4<<20 || !strings.Contains(page, "of 10000:") {
		t.Errorf("the page has %d bytes, or no titles", len(page))
	}
	if !strings.Contains(svg, "10000 ×") {
		t.Error("they are not put together")
	}
}

func TestParseRefusesWhatIsNoTrace(t *testing.T) {
	for _, in := range []string{"", "not a trace", "go 1.22 trace\x00\x00\x00"} {
		if tl, err := Parse(strings.NewReader(in), 1); err == nil && len(tl.Goroutines) > 0 {
			t.Errorf("%q: %+v", in, tl)
		}
	}
}
