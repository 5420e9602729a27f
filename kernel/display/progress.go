package display

import (
	"fmt"
	"html"
	"strings"
	"sync"
	"time"
)

// refreshInterval keeps a Bar in a tight loop from flooding the front end;
// ten updates a second look smooth.
const refreshInterval = 100 * time.Millisecond

// Bar is a progress bar that moves in place. It is safe for concurrent use:
//
//	bar := display.Progress("hashing", len(files))
//	for _, f := range files {
//		hash(f)
//		bar.Add(1)
//	}
//	bar.Done()
type Bar struct {
	handle *Handle
	label  string
	total  int
	start  time.Time

	mu    sync.Mutex // guards what follows, and keeps updates in order
	done  int
	note  string
	ended bool
	drawn time.Time // last time it was sent
	tenth int       // last tenth printed where no Sink is connected
}

// Progress shows a progress bar of total steps. A total of 0 or less is
// unknown: the bar counts.
func Progress(label string, total int) *Bar {
	b := &Bar{handle: NewHandle(), label: label, total: total, start: time.Now(), tenth: -1}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.draw(true)
	return b
}

// Add moves the bar by n steps. The last step ends it.
func (b *Bar) Add(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.move(b.done + n)
}

// Set moves the bar to n steps. The last step ends it.
func (b *Bar) Set(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.move(n)
}

// Note sets a remark beside the bar: what is being worked on.
func (b *Bar) Note(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.note = text
	b.draw(false)
}

// Done ends the bar where it stands, with the time it took.
func (b *Bar) Done() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.ended {
		b.ended = true
		b.draw(true)
	}
}

func (b *Bar) move(n int) {
	if b.ended && n <= b.done {
		return
	}
	b.done = max(0, n)
	if b.total > 0 && b.done >= b.total {
		b.done = b.total
		if b.ended {
			return
		}
		b.ended = true
	}
	b.draw(b.ended)
}

// draw sends the bar; b.mu is held.
func (b *Bar) draw(always bool) {
	now := time.Now()
	if !always && now.Sub(b.drawn) < refreshInterval {
		return
	}
	if connected.Load() == nil && !always {
		// Printed lines can't be taken back: one for each tenth.
		if b.total <= 0 || b.done*10/b.total == b.tenth {
			return
		}
		b.tenth = b.done * 10 / b.total
	}
	b.drawn = now
	b.handle.send(b.bundle(now.Sub(b.start)))
}

// fraction is in 0…1, and 1 for an unknown total that has ended.
func (b *Bar) fraction() float64 {
	switch {
	case b.total > 0:
		return min(1, float64(b.done)/float64(b.total))
	case b.ended:
		return 1
	}
	return 0
}

func (b *Bar) bundle(elapsed time.Duration) Bundle {
	count := fmt.Sprintf("%d", b.done)
	if b.total > 0 {
		count = fmt.Sprintf("%d/%d %3.0f%%", b.done, b.total, 100*b.fraction())
	}
	clock := shortDuration(elapsed.Round(100 * time.Millisecond))
	if f := b.fraction(); !b.ended && f > 0 && elapsed > time.Second {
		clock += ", about " + shortDuration(time.Duration(float64(elapsed)*(1-f)/f).Round(time.Second)) + " left"
	}
	words := count + "  " + clock
	if b.note != "" {
		words += "  " + b.note
	}

	const cells = 24
	full := int(b.fraction() * cells)
	text := "[" + strings.Repeat("█", full) + strings.Repeat("·", cells-full) + "] " + words
	if b.label != "" {
		text = b.label + " " + text
	}

	colour := "#2F7ED8"
	if b.ended {
		colour = "#2E9E5B"
		if b.fraction() < 1 {
			colour = "#C77700"
		}
	}
	page := fmt.Sprintf(`<div style="display:flex;align-items:center;gap:.7em;flex-wrap:wrap">`+
		`<span>%s</span>`+
		`<span role="progressbar" aria-label="%s" aria-valuemin="0" aria-valuemax="100" aria-valuenow="%.0f" `+
		`style="display:inline-block;width:16em;height:.8em;border-radius:.4em;background:rgba(128,128,128,.3);overflow:hidden">`+
		`<span style="display:block;height:100%%;width:%.1f%%;background:%s"></span></span>`+
		`<span style="font-variant-numeric:tabular-nums;opacity:.8">%s</span></div>`,
		html.EscapeString(b.label), html.EscapeString(b.label), 100*b.fraction(), 100*b.fraction(), colour, html.EscapeString(words))
	return Bundle{Data: map[string]any{mimeHTML: page, mimeText: text}}
}
