// Package trace reads the tracebacks of Go's runtime and keeps of them what is
// the learner's: goroutines of cells, and the places in cells where they stand.
// It is pure.
package trace

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The pprof labels that package core puts on the goroutines of a cell;
// goroutines that they start inherit them, and with
// GODEBUG=tracebacklabels=1 tracebacks show them.
const (
	labelCell = "spindle_cell" // the cell's number
	labelSite = "spindle_site" // "cell 3, line 4, main.worker": where it was started
)

// Goroutine is one goroutine of a traceback.
type Goroutine struct {
	ID      uint64  `json:"id"`
	State   string  `json:"state"`             // "running", "chan receive", …
	Minutes int     `json:"minutes,omitempty"` // that it has been waiting
	Cell    int     `json:"cell,omitempty"`    // 0: none, it is not the learner's
	Site    string  `json:"site,omitempty"`    // where it was started; "" for a cell's own
	Places  []Place `json:"places,omitempty"`  // where it stands, innermost first
	// SeenFor is how long it has been seen in this state and place, whenever
	// somebody looked. The reader of a traceback can't know it.
	SeenFor time.Duration `json:"seen_for,omitempty"`
	// Functions are compiled functions, innermost first, above the first place.
	Functions []string `json:"functions,omitempty"`
}

// Place is a line of a cell.
type Place struct {
	Cell int `json:"cell"`
	Line int `json:"line"`
	// Elided is how many frames the runtime left out before this one.
	Elided int `json:"elided,omitempty"`
}

func (p Place) String() string { return fmt.Sprintf("cell %d, line %d", p.Cell, p.Line) }

var (
	headerLine = regexp.MustCompile(`^goroutine (\d+) .*?\[(.*)\]:$`)
	labelsPart = regexp.MustCompile(` labels:\{(.*)\}$`)
	cellLabel  = regexp.MustCompile(`"` + labelCell + `": "(\d+)"`)
	siteLabel  = regexp.MustCompile(`"` + labelSite + `": ("(?:[^"\\]|\\.)*")`)
	// Package interp runs each node that can fail under this function.
	atLine     = regexp.MustCompile(`^spindle/kernel/internal/interp\.(?:at|enter)\(0x([0-9a-f]+)`)
	elidedLine = regexp.MustCompile(`^\.\.\.(\d+) frames elided\.\.\.$`)
)

// Parse reads the goroutines of a traceback, as runtime.Stack and a dying
// process write it (runtime/traceback.go).
func Parse(text string) []Goroutine {
	var all []Goroutine
	elided := 0
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if m := headerLine.FindStringSubmatch(line); m != nil {
			if g, ok := header(m[1], m[2]); ok {
				all = append(all, g)
				elided = 0
			}
			continue
		}
		if len(all) == 0 || line == "" || line[0] == '\t' {
			continue
		}
		g := &all[len(all)-1]
		if m := elidedLine.FindStringSubmatch(line); m != nil {
			elided, _ = strconv.Atoi(m[1])
			continue
		}
		if m := atLine.FindStringSubmatch(line); m != nil {
			p, ok := unpack(m[1])
			if !ok {
				continue
			}
			// Nested nodes of one line are one place, but a line that calls
			// itself is as many as there are calls: nodes between two calls of
			// one function can't be told from those, so keep one.
			if n := len(g.Places); n > 0 && g.Places[n-1].Cell == p.Cell && g.Places[n-1].Line == p.Line && elided == 0 {
				continue
			}
			p.Elided, elided = elided, 0
			g.Places = append(g.Places, p)
			continue
		}
		if len(g.Places) == 0 && !strings.HasPrefix(line, "created by ") {
			if i := strings.LastIndexByte(line, '('); i > 0 {
				line = line[:i]
			}
			g.Functions = append(g.Functions, line)
		}
	}
	return all
}

func header(id, state string) (Goroutine, bool) {
	n, err := strconv.ParseUint(id, 10, 64)
	if err != nil {
		return Goroutine{}, false
	}
	g := Goroutine{ID: n}
	if l := labelsPart.FindStringSubmatch(state); l != nil {
		if c := cellLabel.FindStringSubmatch(l[1]); c != nil {
			g.Cell, _ = strconv.Atoi(c[1])
		}
		if c := siteLabel.FindStringSubmatch(l[1]); c != nil {
			g.Site, _ = strconv.Unquote(c[1])
		}
		state = strings.TrimSuffix(state, l[0])
	}
	parts := strings.Split(state, ", ")
	g.State = strings.TrimSuffix(parts[0], " (scan)")
	for _, p := range parts[1:] {
		if n, ok := strings.CutSuffix(p, " minutes"); ok {
			g.Minutes, _ = strconv.Atoi(n)
		}
	}
	return g, true
}

// unpack is the inverse of interp's packed.
func unpack(hex string) (Place, bool) {
	n, err := strconv.ParseUint(hex, 16, 64)
	if err != nil || n>>63 == 0 {
		return Place{}, false
	}
	p := Place{Cell: int(n >> 32 & 0x7fffffff), Line: int(uint32(n))}
	return p, p.Cell > 0 && p.Line > 0
}

// Namer tells the function that a place is in, "" where it can't.
type Namer func(Place) string

// Lines shows a goroutine as the runtime does, with cells' lines in the place
// of files'.
func (g Goroutine) Lines(name Namer) []string {
	state := g.State
	if g.Minutes > 0 {
		state += fmt.Sprintf(", %d minutes", g.Minutes)
	}
	lines := []string{fmt.Sprintf("goroutine %d [%s]:", g.ID, state)}
	for _, p := range g.Places {
		if p.Elided > 0 {
			lines = append(lines, fmt.Sprintf("...%d frames elided...", p.Elided))
		}
		f := ""
		if name != nil {
			f = name(p)
		}
		if f == "" {
			f = "main"
		}
		lines = append(lines, f+"(...)", "\t"+p.String())
	}
	switch {
	case g.Site != "":
		where, by := g.Site, "main"
		if i := strings.LastIndex(where, ", "); strings.Count(where, ", ") >= 2 {
			where, by = where[:i], where[i+2:]
		}
		lines = append(lines, "created by "+by, "\t"+where)
	case len(g.Places) == 0 && g.Cell != 0:
		lines = append(lines, "main(...)", fmt.Sprintf("\tcell %d", g.Cell))
	}
	return lines
}
