package progress

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// screen is a writer that keeps what a terminal line would show.
type screen struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.String()
}

// lines is what stays on a terminal: of each line what was drawn last.
func (s *screen) lines() []string {
	var out []string
	for line := range strings.SplitSeq(s.String(), "\n") {
		parts := strings.Split(line, "\r\x1b[K")
		out = append(out, parts[len(parts)-1])
	}
	return out
}

func TestPlainLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s screen
		b := New(&s)
		b.Start("01-one", 3)
		b.Step(1, "01-one: cell 2 of 3")
		time.Sleep(25 * time.Second)
		b.Finish("01-one ok")
		time.Sleep(25 * time.Second) // nothing is under way: nothing is said
		b.Close()
		want := "01-one …\n  01-one: cell 2 of 3 1/3, 10s\n  01-one: cell 2 of 3 1/3, 20s\n01-one ok\n"
		if got := s.String(); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

func TestBarOnATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s screen
		b := newBar(&s, func() int { return 60 })
		b.Start("01-one", 4)
		b.Step(2, "01-one: a cell with a name that is far too long for any terminal of this width")
		time.Sleep(3 * time.Second)
		last := s.lines()[0]
		if !strings.HasPrefix(last, "████████████░░░░░░░░░░░░ 2/4 01-one") || !strings.HasSuffix(last, "…") {
			t.Errorf("drawn: %q", last)
		}
		for part := range strings.SplitSeq(s.String(), "\r\x1b[K") {
			if n := utf8.RuneCountInString(part); n > 59 {
				t.Errorf("%d cells on a terminal of 60: %q", n, part)
			}
		}
		b.Step(4, "x")
		b.Of(50, 100, "half")
		if last := s.lines()[0]; !strings.HasPrefix(last, "████████████░") || !strings.Contains(last, "50/100 half") {
			t.Errorf("drawn: %q", last)
		}
		b.Finish("01-one ok")
		b.Start("unknown", 0)
		time.Sleep(time.Second)
		b.Close()
		if got := s.lines(); len(got) != 2 || got[0] != "01-one ok" || got[1] != "" {
			t.Errorf("what stays is %q", got)
		}
	})
}

func TestConcurrentUse(t *testing.T) {
	var s screen
	b := newBar(&s, func() int { return 80 })
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 100 {
				b.Step(j, strings.Repeat("x", i))
			}
		})
	}
	b.Start("all", 100)
	wg.Wait()
	b.Finish("done")
	b.Close()
}
