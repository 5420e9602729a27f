package timeline

import (
	"encoding/base64"
	"fmt"
	"html"
	"slices"
	"sort"
	"strings"
	"time"
)

// Measures of the picture, in pixels.
const (
	width    = 960
	left     = 190 // of the lanes: room for their names
	lane     = 18
	bar      = 13
	right    = 16
	top      = 22 // of the first lane
	mostOwn  = 48 // goroutines with a lane each; more are put together by where they were started
	buckets  = 256
	mostTips = 4000 // titles under the pointer; the widest spans keep theirs
)

// The colours are told apart by people who see red and green alike, on the
// white that the picture brings with it for dark themes (Okabe and Ito). What
// stands for a goroutine is paler than what stands for a state, so that
// nobody takes one for the other.
var (
	stateColours = [states]string{"#009e73", "#e69f00", "#c8ccd0", "#0072b2"}
	goColours    = []string{"#cfe3f7", "#f7d6e6", "#d9ead3", "#fbe5c8", "#dcd6f2", "#c9ecec", "#efe6b8", "#e8d3c6"}
)

const (
	otherColour = "#eceef0" // goroutines that are none of the learner's
	gcColour    = "#f0e442"
	stopColour  = "#b00020"
	moveColour  = "#000000"
	handColour  = "#d55e00"
)

// tip is a title for a part of the picture.
type tip struct {
	x, y, w, h float64
	text       string
}

type canvas struct {
	b    strings.Builder
	t    *Timeline
	y    int
	tips []tip
}

func (t *Timeline) draw() *canvas {
	c := &canvas{t: t, y: top}
	c.procs()
	c.y += 8
	if len(t.Goroutines) <= mostOwn {
		c.goroutines()
	} else {
		c.groups()
	}
	c.axis()
	c.legend()
	return c
}

// SVG draws the timeline.
func (t *Timeline) SVG() string { return t.draw().svg() }

func (c *canvas) svg() string {
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" font-family="system-ui,'Liberation Sans',Arial,sans-serif" font-size="11" fill="#222"><title>%s</title><rect width="100%%" height="100%%" fill="#fff"/>`,
		width, c.y, width, c.y, html.EscapeString(c.t.Summary())) + c.b.String() + `</svg>`
}

// HTML is the timeline for a page: the picture as an image, which every front
// end shows, also where it takes SVG out of pages (GitHub) or does not trust
// it (a notebook from elsewhere), and over it what the pointer is told. Where
// styles are taken out, the image remains.
func (t *Timeline) HTML() string {
	c := t.draw()
	if len(c.tips) > mostTips {
		slices.SortStableFunc(c.tips, func(a, b tip) int { return int(b.w*1000) - int(a.w*1000) })
		c.tips = c.tips[:mostTips]
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<div style="position:relative;max-width:%dpx;line-height:0"><img src="data:image/svg+xml;base64,%s" alt="%s" width="%d" style="max-width:100%%;height:auto">`,
		width, base64.StdEncoding.EncodeToString([]byte(c.svg())), html.EscapeString(t.Summary()), width)
	for _, p := range c.tips {
		fmt.Fprintf(&b, `<i title="%s" style="position:absolute;left:%.2f%%;top:%.2f%%;width:%.2f%%;height:%.2f%%"></i>`,
			html.EscapeString(p.text), 100*p.x/width, 100*p.y/float64(c.y), 100*p.w/width, 100*p.h/float64(c.y))
	}
	b.WriteString(`</div>`)
	return b.String()
}

func (c *canvas) x(nanos int64) float64 {
	return left + float64(nanos)/float64(c.t.EndNanos)*(width-left-right)
}

func (c *canvas) text(x float64, y int, anchor, s string) {
	fmt.Fprintf(&c.b, `<text x="%.1f" y="%d" text-anchor="%s">%s</text>`, x, y, anchor, html.EscapeString(s))
}

// rect draws a span. Its title goes where a pointer can hit it.
func (c *canvas) rect(x, y, w, h float64, fill, title string) {
	fmt.Fprintf(&c.b, `<rect x="%.2f" y="%.1f" width="%.2f" height="%.1f" fill="%s">`, x, y, max(w, 0.4), h, fill)
	if title != "" {
		fmt.Fprintf(&c.b, `<title>%s</title>`, html.EscapeString(title))
		if w >= 2 {
			c.tips = append(c.tips, tip{x, y, w, h, title})
		}
	}
	c.b.WriteString(`</rect>`)
}

// inside writes s in a span that has room for it.
func (c *canvas) inside(x, w float64, s string) {
	if w > 6.4*float64(len(s))+4 {
		c.text(x+w/2, c.y+10, "middle", s)
	}
}

// axis marks round times, with a faint line down the lanes.
func (c *canvas) axis() {
	step := int64(1)
	for grow := []int64{2, 5, 10}; c.t.EndNanos/step > 6; {
		base := step
		for _, g := range grow {
			if step = base * g; c.t.EndNanos/step <= 6 {
				break
			}
		}
	}
	for at := int64(0); at <= c.t.EndNanos; at += step {
		x := c.x(at)
		fmt.Fprintf(&c.b, `<path d="M%.1f %d V%d" stroke="#000" stroke-opacity=".13" stroke-width=".6"/>`, x, top-4, c.y-4)
		anchor := "middle"
		if x > width-right-20 {
			anchor = "end"
		}
		c.text(x, 14, anchor, span(at))
	}
}

// procs draws a lane for each P: which goroutine runs on it, by which thread.
func (c *canvas) procs() {
	ids := make([]int64, 0, len(c.t.Procs))
	for id := range c.t.Procs {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		c.text(left-8, c.y+11, "end", fmt.Sprintf("P%d", id))
		c.background()
		last := -1.0
		for _, o := range c.t.Procs[id] {
			x, w := c.x(o.From), c.x(o.To)-c.x(o.From)
			// What falls on a pixel that is drawn already would not be seen.
			if x+w < last+0.3 {
				continue
			}
			last = x + w
			colour, who, short := otherColour, "the runtime or the kernel", ""
			if o.Goroutine != 0 {
				colour, who = goColours[int(o.Goroutine)%len(goColours)], fmt.Sprintf("goroutine %d", o.Goroutine)
				short = fmt.Sprintf("G%d", o.Goroutine)
			}
			title := fmt.Sprintf("%s on P%d, thread M%d: %s from %s on", who, id, o.Thread, span(o.To-o.From), span(o.From))
			if o.Moved {
				title += "; it was made runnable on another P: stolen, or taken from the global queue"
			}
			if o.HandedOn {
				title += "; another thread than before runs this P: it was handed on"
			}
			c.rect(x, float64(c.y), w, bar, colour, title)
			if named := fmt.Sprintf("%s on M%d", short, o.Thread); short != "" && w > 6.4*float64(len(named))+4 {
				c.inside(x, w, named)
			} else {
				c.inside(x, w, short)
			}
			if o.HandedOn {
				fmt.Fprintf(&c.b, `<path d="M%.1f %d v%d" stroke="%s" stroke-width="1.6"/>`, x, c.y-2, bar+3, handColour)
			}
			if o.Moved {
				fmt.Fprintf(&c.b, `<path d="M%.1f %d l3 -4 h-6 z" fill="%s"/>`, x, c.y+1, moveColour)
			}
		}
		c.y += lane
	}
}

// background shows the collector's times behind a lane.
func (c *canvas) background() {
	for _, g := range c.t.GC {
		c.rect(c.x(g[0]), float64(c.y-2), c.x(g[1])-c.x(g[0]), lane, gcColour, "the garbage collector marks: "+span(g[1]-g[0]))
	}
	for _, g := range c.t.Pauses {
		c.rect(c.x(g[0]), float64(c.y-2), c.x(g[1])-c.x(g[0]), lane, stopColour, "the world is stopped: "+span(g[1]-g[0]))
	}
}

// goroutines draws a lane for each goroutine.
func (c *canvas) goroutines() {
	for _, g := range c.t.Goroutines {
		c.name(fmt.Sprintf("G%d", g.ID), g.Site, goColours[int(g.ID)%len(goColours)])
		last := -1.0
		for _, s := range g.Spans {
			x, w := c.x(s.From), c.x(s.To)-c.x(s.From)
			if x+w < last+0.3 {
				continue
			}
			last = x + w
			title := fmt.Sprintf("G%d %s: %s from %s on", g.ID, stateNames[s.State], span(s.To-s.From), span(s.From))
			switch {
			case s.Proc >= 0:
				title += fmt.Sprintf(", P%d, M%d", s.Proc, s.Thread)
			case s.State == Waiting && s.Reason != "":
				title += ", for: " + s.Reason
			}
			h := float64(bar)
			y := float64(c.y)
			if s.State == Waiting { // thin, so that work stands out
				y, h = y+4, 5
			}
			c.rect(x, y, w, h, stateColours[s.State], title)
		}
		c.y += lane
	}
}

// name writes a lane's name, with where its goroutine was started below the
// pointer, and beside it as far as there is room.
func (c *canvas) name(short, site, colour string) {
	shown := site
	if r := []rune(shown); len(r) > 24 {
		shown = string(r[:23]) + "…"
	}
	title := short + ", started at " + site
	c.tips = append(c.tips, tip{0, float64(c.y), left - 10, bar, title})
	fmt.Fprintf(&c.b, `<g><title>%s</title>`, html.EscapeString(title))
	if colour != "" {
		fmt.Fprintf(&c.b, `<rect x="%d" y="%d" width="6" height="%d" fill="%s" stroke="#888" stroke-width=".4"/>`, left-10, c.y, bar, colour)
	}
	c.text(left-15, c.y+11, "end", strings.TrimSpace(short+" "+shown))
	c.b.WriteString(`</g>`)
}

// groups draws, for each place where goroutines were started, how many of them
// are in which state.
func (c *canvas) groups() {
	bySite := map[string][]Goroutine{}
	var sites []string
	for _, g := range c.t.Goroutines {
		if bySite[g.Site] == nil {
			sites = append(sites, g.Site)
		}
		bySite[g.Site] = append(bySite[g.Site], g)
	}
	sort.SliceStable(sites, func(i, j int) bool { return len(bySite[sites[i]]) > len(bySite[sites[j]]) })
	const high = 64
	for _, site := range sites {
		gs := bySite[site]
		c.name(fmt.Sprintf("%d ×", len(gs)), site, "")
		counts := c.t.density(gs)
		h := float64(high)
		if len(gs) == 1 {
			h = bar
		}
		w := (width - left - right) / float64(buckets)
		for i, n := range counts {
			y := float64(c.y) + h
			at := span(c.t.EndNanos * int64(i) / buckets)
			var parts []string
			// From the bottom up: running first.
			for s := range states {
				part := n[s] / float64(len(gs)) * h
				if n[s] >= 0.05 {
					parts = append(parts, fmt.Sprintf("%.1f %s", n[s], stateNames[s]))
				}
				if part < 0.05 {
					continue
				}
				y -= part
				c.rect(left+float64(i)*w, y, w+0.05, part, stateColours[s], "")
			}
			if len(parts) > 0 {
				c.tips = append(c.tips, tip{
					left + float64(i)*w, float64(c.y), w, h,
					fmt.Sprintf("at %s, of %d: %s", at, len(gs), strings.Join(parts, "; ")),
				})
			}
		}
		c.y += int(h) + 6
	}
}

// density is how many goroutines, on average, are in each state in each of
// the buckets of the time.
func (t *Timeline) density(gs []Goroutine) [buckets][states]float64 {
	var d [buckets][states]float64
	each := float64(t.EndNanos) / buckets
	for _, g := range gs {
		for _, s := range g.Spans {
			first, last := int(float64(s.From)/each), int(float64(s.To)/each)
			for i := max(first, 0); i <= min(last, buckets-1); i++ {
				from, to := max(float64(s.From), float64(i)*each), min(float64(s.To), float64(i+1)*each)
				if to > from {
					d[i][s.State] += (to - from) / each
				}
			}
		}
	}
	return d
}

// legend explains the colours and marks, in two lines: states, then events.
func (c *canvas) legend() {
	c.y += 14
	x := 12.0
	next := func(name string) {
		c.text(x+15, c.y, "start", name)
		x += 15 + 6.1*float64(len(name)) + 14
	}
	item := func(colour, name string) {
		fmt.Fprintf(&c.b, `<rect x="%.1f" y="%d" width="11" height="11" fill="%s" stroke="#888" stroke-width=".4"/>`, x, c.y-10, colour)
		next(name)
	}
	for s := range states {
		item(stateColours[s], stateNames[s])
	}
	item(otherColour, "on a P: not the cell's")
	c.y += 17
	x = 12
	item(gcColour, "GC marks")
	item(stopColour, "the world is stopped")
	fmt.Fprintf(&c.b, `<path d="M%.1f %d l4 -6 h-8 z" fill="%s"/>`, x+5, c.y-1, moveColour)
	next("made runnable on another P: stolen, or from the global queue")
	fmt.Fprintf(&c.b, `<path d="M%.1f %d v-11" stroke="%s" stroke-width="1.6"/>`, x+5, c.y, handColour)
	next("P handed on to another thread (M)")
	c.y += 8
}

// span is a time with three significant digits.
func span(nanos int64) string {
	d := time.Duration(nanos)
	for unit := time.Duration(1); unit < time.Hour; unit *= 10 {
		if d < 1000*unit {
			return d.Round(unit).String()
		}
	}
	return d.String()
}
