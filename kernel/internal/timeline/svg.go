package timeline

import (
	"fmt"
	"html"
	"sort"
	"strings"
	"time"
)

// Measures of the picture, in pixels.
const (
	width   = 960
	left    = 190 // of the lanes: room for their names
	lane    = 18
	bar     = 13
	right   = 12
	mostOwn = 48 // goroutines with a lane each; more are put together by where they were started
	buckets = 256
)

// The colours are told apart by people who see red and green alike, on the
// white that the picture brings with it for dark themes (Okabe and Ito).
var (
	stateColours = [states]string{"#009e73", "#e69f00", "#c8ccd0", "#0072b2"}
	goColours    = []string{"#009e73", "#56b4e9", "#cc79a7", "#d55e00", "#0072b2", "#8c6d1f", "#7b68c8", "#3d8b8b"}
)

const (
	otherColour = "#e3e5e8" // goroutines that are none of the learner's
	gcColour    = "#f0e442"
	moveColour  = "#000000"
)

type canvas struct {
	b strings.Builder
	t *Timeline
	y int
}

// SVG draws the timeline.
func (t *Timeline) SVG() string {
	c := &canvas{t: t, y: 22}
	c.axis()
	c.procs()
	c.y += 8
	if len(t.Goroutines) <= mostOwn {
		c.goroutines()
	} else {
		c.groups()
	}
	c.legend()
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" role="img" font-family="system-ui,sans-serif" font-size="11" fill="#222"><title>%s</title><rect width="100%%" height="100%%" fill="#fff"/>`,
		width, c.y, width, html.EscapeString(t.Summary())) + c.b.String() + `</svg>`
}

func (c *canvas) x(nanos int64) float64 {
	return left + float64(nanos)/float64(c.t.EndNanos)*(width-left-right)
}

func (c *canvas) text(x float64, y int, anchor, s string) {
	fmt.Fprintf(&c.b, `<text x="%.1f" y="%d" text-anchor="%s">%s</text>`, x, y, anchor, html.EscapeString(s))
}

func (c *canvas) rect(x, y, w, h float64, fill, title string) {
	fmt.Fprintf(&c.b, `<rect x="%.2f" y="%.1f" width="%.2f" height="%.1f" fill="%s">`, x, y, max(w, 0.4), h, fill)
	if title != "" {
		fmt.Fprintf(&c.b, `<title>%s</title>`, html.EscapeString(title))
	}
	c.b.WriteString(`</rect>`)
}

func (c *canvas) axis() {
	for i := range 6 {
		at := c.t.EndNanos * int64(i) / 5
		anchor := "middle"
		if i == 5 {
			anchor = "end"
		}
		c.text(c.x(at), 14, anchor, span(at))
	}
}

// procs draws a lane for each P: who runs on it.
func (c *canvas) procs() {
	ids := make([]int64, 0, len(c.t.Procs))
	for id := range c.t.Procs {
		ids = append(ids, id)
	}
	sort.Slice(ids, func(i, j int) bool { return ids[i] < ids[j] })
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
			colour, who := otherColour, "the runtime or the kernel"
			if o.Goroutine != 0 {
				colour, who = goColours[int(o.Goroutine)%len(goColours)], fmt.Sprintf("goroutine %d", o.Goroutine)
			}
			title := fmt.Sprintf("%s on P%d, thread M%d: %s from %s on", who, id, o.Thread, span(o.To-o.From), span(o.From))
			if o.Moved {
				title += "; it was made runnable on another P: stolen or handed over"
			}
			c.rect(x, float64(c.y), w, bar, colour, title)
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
		c.rect(c.x(g[0]), float64(c.y-2), c.x(g[1])-c.x(g[0]), lane, gcColour, "the garbage collector marks")
	}
	for _, g := range c.t.Pauses {
		c.rect(c.x(g[0]), float64(c.y-2), c.x(g[1])-c.x(g[0]), lane, "#b00020", "the world is stopped: "+span(g[1]-g[0]))
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
	fmt.Fprintf(&c.b, `<g><title>%s, started at %s</title>`, html.EscapeString(short), html.EscapeString(site))
	if colour != "" {
		fmt.Fprintf(&c.b, `<rect x="%d" y="%d" width="4" height="%d" fill="%s"/>`, left-8, c.y, bar, colour)
	}
	c.text(left-14, c.y+11, "end", strings.TrimSpace(short+" "+shown))
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
			// From the bottom up: running first.
			for s := range states {
				part := n[s] / float64(len(gs)) * h
				if part < 0.05 {
					continue
				}
				y -= part
				at := c.t.EndNanos * int64(i) / buckets
				c.rect(left+float64(i)*w, y, w+0.05, part, stateColours[s],
					fmt.Sprintf("%.1f of %d %s at %s", n[s], len(gs), stateNames[s], span(at)))
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

func (c *canvas) legend() {
	c.y += 14
	x := 12.0
	item := func(colour, name string) {
		fmt.Fprintf(&c.b, `<rect x="%.1f" y="%d" width="11" height="11" fill="%s" stroke="#888" stroke-width=".4"/>`, x, c.y-10, colour)
		c.text(x+15, c.y, "start", name)
		x += 15 + 6.1*float64(len(name)) + 14
	}
	for s := range states {
		item(stateColours[s], stateNames[s])
	}
	item(gcColour, "GC marks")
	item(otherColour, "not the cell's")
	fmt.Fprintf(&c.b, `<path d="M%.1f %d l4 -6 h-8 z" fill="%s"/>`, x+5, c.y-1, moveColour)
	c.text(x+15, c.y, "start", "moved to this P")
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
