// Package progress tells a person what a long command is doing: on a terminal
// in one line that changes in place, elsewhere in lines of a log.
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

// Reporter writes to one stream. Its methods are safe for concurrent use.
type Reporter struct {
	out   io.Writer
	width func() int // of the terminal; nil where out is none

	mu   sync.Mutex
	step *Step // the one under way; guarded by mu
}

// New reports to out, in place where it is a terminal.
func New(out io.Writer) *Reporter {
	r := &Reporter{out: out}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		r.width = func() int {
			w, _, err := term.GetSize(int(f.Fd()))
			if err != nil || w < 20 {
				return 80
			}
			return w
		}
	}
	return r
}

// Printf writes a line of its own.
func (r *Reporter) Printf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wipe()
	fmt.Fprintf(r.out, format+"\n", args...)
	if r.step != nil && r.width != nil {
		r.paint()
	}
}

// Step begins a step that takes a while. The caller ends it with Done or Fail.
func (r *Reporter) Step(format string, args ...any) *Step {
	s := &Step{r: r, name: fmt.Sprintf(format, args...), start: time.Now(), stop: make(chan struct{})}
	r.mu.Lock()
	r.step = s
	if r.width != nil {
		r.paint()
	} else {
		fmt.Fprintf(r.out, "%s …\n", s.name)
	}
	r.mu.Unlock()
	s.ticking.Add(1)
	go s.tick()
	return s
}

// Step is one step under way.
type Step struct {
	r       *Reporter
	name    string
	start   time.Time
	stop    chan struct{}
	ticking sync.WaitGroup // the goroutine that keeps the line alive
	once    sync.Once

	detail string // guarded by r.mu
}

// Detail says what the step is at.
func (s *Step) Detail(format string, args ...any) {
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	s.detail = fmt.Sprintf(format, args...)
	if s.r.width != nil {
		s.r.paint()
	}
}

// Done ends the step well.
func (s *Step) Done() { s.end("") }

// Fail ends the step badly; what the reason is, the error says.
func (s *Step) Fail() { s.end("failed ") }

func (s *Step) end(how string) {
	s.once.Do(func() {
		close(s.stop)
		s.ticking.Wait()
		s.r.mu.Lock()
		defer s.r.mu.Unlock()
		s.r.wipe()
		s.r.step = nil
		fmt.Fprintf(s.r.out, "%s: %s(%s)\n", s.name, how, seconds(time.Since(s.start)))
	})
}

// logEvery is how often a step says, in a log, that it is still alive.
const logEvery = 10 * time.Second

// tick is the step's goroutine; end waits for it.
func (s *Step) tick() {
	defer s.ticking.Done()
	every := 200 * time.Millisecond
	if s.r.width == nil {
		every = logEvery
	}
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-t.C:
			s.r.mu.Lock()
			if s.r.width != nil {
				s.r.paint()
			} else {
				fmt.Fprintln(s.r.out, strings.TrimSpace("… "+seconds(time.Since(s.start))+" "+s.detail))
			}
			s.r.mu.Unlock()
		}
	}
}

// paint draws the step's line anew. r.mu is held.
func (r *Reporter) paint() {
	s := r.step
	line := fmt.Sprintf("%s … %s", s.name, seconds(time.Since(s.start)))
	if s.detail != "" {
		line += "  " + s.detail
	}
	fmt.Fprintf(r.out, "\r\x1b[K%s", cut(line, r.width()-1))
}

// wipe clears the step's line. r.mu is held.
func (r *Reporter) wipe() {
	if r.step != nil && r.width != nil {
		fmt.Fprint(r.out, "\r\x1b[K")
	}
}

func seconds(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}

// cut shortens a line to n characters.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
