package engine

import (
	"fmt"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"spindle/kernel/display"
	"spindle/kernel/internal/session"
)

// Output reaches the front end in batches: a message for each line would
// drown it, and a long wait would feel dead.
const (
	firstWait  = 2 * time.Millisecond  // after a pause: lets a burst gather
	nextWait   = 40 * time.Millisecond // between messages
	batchBytes = 256 << 10             // sent at once, whatever the time
	tailBytes  = 64 << 10              // of a cell's output past its limit: its last lines
)

// sink is where one cell's output goes. It batches streams, makes them valid
// UTF-8, keeps their order against everything else, and bounds their size.
type sink struct {
	cell  int
	out   session.Output
	limit int64 // bytes of output shown in full

	mu      sync.Mutex // guards the following, and is held while out is called
	pending []chunk
	bytes   int // in pending
	last    time.Time
	timer   *time.Timer
	total   int64
	past    []chunk // beyond the limit: the last of it
	pastLen int64
}

// chunk is adjacent output of one stream.
type chunk struct {
	name string
	text []byte
}

func newSink(cell int, out session.Output, limitBytes int64) *sink {
	return &sink{cell: cell, out: out, limit: limitBytes}
}

// write adds output of a stream, "stdout" or "stderr".
func (s *sink) write(name string, p []byte) {
	if len(p) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.total+int64(len(p)) <= s.limit {
		s.total += int64(len(p))
		s.add(name, p)
		return
	}
	if n := s.limit - s.total; n > 0 {
		s.add(name, p[:n])
		p = p[n:]
		s.total = s.limit
	}
	if s.pastLen == 0 {
		s.flushLocked(true)
		s.note(fmt.Sprintf("\n[output is past %s: its last lines will be shown when the cell ends]\n", size(s.limit)))
	}
	s.pastLen += int64(len(p))
	p = p[max(0, len(p)-tailBytes):]
	s.past = appendChunk(s.past, name, p)
	for n := chunksLen(s.past); n > 2*tailBytes; n = chunksLen(s.past) {
		drop := min(n-tailBytes, len(s.past[0].text))
		s.past[0].text = slices.Clone(s.past[0].text[drop:])
		if len(s.past[0].text) == 0 {
			s.past = s.past[1:]
		}
	}
}

func chunksLen(cs []chunk) (n int) {
	for _, c := range cs {
		n += len(c.text)
	}
	return n
}

func appendChunk(cs []chunk, name string, p []byte) []chunk {
	if n := len(cs); n > 0 && cs[n-1].name == name {
		cs[n-1].text = append(cs[n-1].text, p...)
		return cs
	}
	return append(cs, chunk{name, slices.Clone(p)})
}

func (s *sink) add(name string, p []byte) {
	s.pending = appendChunk(s.pending, name, p)
	s.bytes += len(p)
	if s.bytes >= batchBytes {
		s.flushLocked(false)
		return
	}
	if s.timer == nil {
		wait := max(firstWait, nextWait-time.Since(s.last))
		s.timer = time.AfterFunc(wait, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.flushLocked(false)
		})
	}
}

// flushLocked hands out what is pending. A character that is not whole yet
// waits for its rest unless all is asked for.
func (s *sink) flushLocked(all bool) {
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	pending := s.pending
	s.pending, s.bytes = nil, 0
	for i, c := range pending {
		text := c.text
		if keep := incomplete(text); keep > 0 && !all && i == len(pending)-1 {
			rest := slices.Clone(text[len(text)-keep:])
			text = text[:len(text)-keep]
			s.pending, s.bytes = []chunk{{c.name, rest}}, keep
		}
		if len(text) > 0 {
			s.out.Stream(c.name, valid(text))
			s.last = time.Now()
		}
	}
}

// incomplete returns how many bytes at the end of p begin a character that is
// not whole.
func incomplete(p []byte) int {
	for n := 1; n <= min(utf8.UTFMax-1, len(p)); n++ {
		if c := p[len(p)-n]; utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(p[len(p)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}

// valid makes text valid UTF-8, each wrong byte U+FFFD, as Go's range does.
func valid(p []byte) string {
	if utf8.Valid(p) {
		return string(p)
	}
	return string([]rune(string(p)))
}

// flush hands out everything.
func (s *sink) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flushLocked(true)
}

// finish hands out everything at the cell's end, with the last lines of what
// was over the limit.
func (s *sink) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flushLocked(true)
	if s.pastLen == 0 {
		return
	}
	if left := s.pastLen - int64(chunksLen(s.past)); left > 0 {
		s.note(fmt.Sprintf("[%s of output left out; the last lines:]\n", size(left)))
		// Begin with a whole line.
		first := s.past[0].text
		if i := slices.Index(first, '\n'); i >= 0 && i < len(first)-1 {
			s.past[0].text = first[i+1:]
		}
	}
	s.pending, s.past, s.pastLen = s.past, nil, 0
	s.flushLocked(true)
}

// note tells the learner something of the kernel's own. Callers hold mu.
func (s *sink) note(text string) { s.out.Stream("stderr", text) }

// show hands out one thing in its place among the output.
func (s *sink) show(do func(session.Output)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flushLocked(true)
	do(s.out)
}

// remark shows a quiet line of the kernel's own, which is none of the
// program's output.
func (s *sink) remark(text string) {
	s.show(func(o session.Output) { o.Display(quiet(text)) })
}

// quiet is a line in the muted style of the kernel's remarks.
func quiet(text string) display.Bundle {
	return display.Bundle{Data: map[string]any{
		"text/plain": text,
		"text/html":  `<div style="opacity:.65;font-size:.9em;white-space:pre-wrap">` + escape(text) + `</div>`,
	}}
}

func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}
