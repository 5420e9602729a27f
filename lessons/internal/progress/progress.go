// Package progress shows how far a long command has come: a bar that is drawn
// over on a terminal, plain lines now and then anywhere else.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// Bar shows one activity at a time. Its methods are safe for concurrent use.
type Bar struct {
	w     io.Writer
	width func() int // of the terminal, in cells; nil where it is none

	mu      sync.Mutex
	label   string
	done    int
	total   int // 0 where it isn't known
	began   time.Time
	active  bool
	drawn   bool      // a line of ours is on the screen
	printed time.Time // of the last plain line

	stop chan struct{} // closed by Close
	tick sync.WaitGroup
}

const (
	redrawEvery = 200 * time.Millisecond
	plainEvery  = 10 * time.Second
)

// New makes a bar on w, which shows one where it is a terminal. Close ends it.
func New(w io.Writer) *Bar {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return newBar(w, nil)
	}
	return newBar(w, func() int {
		columns, _, err := term.GetSize(int(f.Fd()))
		if err != nil || columns < 20 {
			return 80
		}
		return columns
	})
}

func newBar(w io.Writer, width func() int) *Bar {
	b := &Bar{w: w, width: width, stop: make(chan struct{})}
	b.tick.Go(b.run)
	return b
}

// run redraws until Close, so that the seconds go on while nothing else does.
func (b *Bar) run() {
	every := redrawEvery
	if b.width == nil {
		every = plainEvery
	}
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-b.stop:
			return
		case <-t.C:
			b.mu.Lock()
			b.show()
			b.mu.Unlock()
		}
	}
}

// Start begins an activity of total steps; 0 is an unknown number.
func (b *Bar) Start(label string, total int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.label, b.done, b.total, b.began, b.active = label, 0, total, time.Now(), true
	b.printed = b.began
	if b.width == nil {
		fmt.Fprintf(b.w, "%s …\n", label)
	}
	b.show()
}

// Step tells that done steps are over, and what the next is about.
func (b *Bar) Step(done int, label string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done, b.label = done, label
	b.show()
}

// Of is Step for an activity whose total is known, or changes, on the way.
func (b *Bar) Of(done, total int, label string) {
	b.mu.Lock()
	b.total = total
	b.mu.Unlock()
	b.Step(done, label)
}

// Finish ends the activity with a line that stays.
func (b *Bar) Finish(line string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.active = false
	b.wipe()
	fmt.Fprintln(b.w, line)
}

// Close ends the bar and waits for its goroutine. It leaves no half line.
func (b *Bar) Close() {
	b.mu.Lock()
	b.active = false
	b.wipe()
	b.mu.Unlock()
	close(b.stop)
	b.tick.Wait()
}

func (b *Bar) wipe() {
	if b.drawn {
		fmt.Fprint(b.w, "\r\x1b[K")
		b.drawn = false
	}
}

// show draws the bar, or prints a plain line where the last is old enough.
func (b *Bar) show() {
	if !b.active {
		return
	}
	elapsed := time.Since(b.began).Round(time.Second)
	if b.width == nil {
		if time.Since(b.printed) >= plainEvery {
			b.printed = time.Now()
			fmt.Fprintf(b.w, "  %s%s, %v\n", b.label, b.count(" "), elapsed)
		}
		return
	}
	fmt.Fprint(b.w, "\r\x1b[K"+fit(b.bar()+b.count("")+" "+b.label+" "+elapsed.String(), b.width()-1))
	b.drawn = true
}

func (b *Bar) count(space string) string {
	if b.total == 0 {
		return ""
	}
	return fmt.Sprintf("%s%d/%d", space, b.done, b.total)
}

const barCells = 24

func (b *Bar) bar() string {
	if b.total == 0 {
		return ""
	}
	full := min(barCells, barCells*b.done/b.total)
	return strings.Repeat("█", full) + strings.Repeat("░", barCells-full) + " "
}

// fit cuts s to n cells.
func fit(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	r := []rune(s)
	return string(r[:max(n-1, 0)]) + "…"
}
