package worker

import (
	"bufio"
	"bytes"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

// The pprof labels that package core puts on the goroutines of a cell;
// goroutines that they start inherit them.
const (
	labelCell = "spindle_cell" // the cell's number
	labelSite = "spindle_site" // "cell 3, line 4, main.worker": where it was started
)

// Goroutine is one goroutine as the runtime's traceback shows it.
type Goroutine struct {
	ID      uint64   `json:"id"`
	State   string   `json:"state"`             // "running", "chan receive", …
	Minutes int      `json:"minutes,omitempty"` // that it has been waiting
	Cell    int      `json:"cell,omitempty"`    // 0: none, it is not the learner's
	Site    string   `json:"site,omitempty"`    // where it was started; "" for a cell's own
	At      string   `json:"at,omitempty"`      // where it stands: "cell 3, line 5"; "" where unknown
	Frames  []string `json:"frames,omitempty"`  // function names, innermost first
}

// tracebacks lists every goroutine, or none where there are more than most.
// It stops the world for as long as that takes.
func tracebacks(most int) []Goroutine {
	if runtime.NumGoroutine() > most {
		return nil
	}
	for size := 64 << 10; ; size *= 2 {
		buf := make([]byte, size)
		if n := runtime.Stack(buf, true); n < size || size >= 256<<20 {
			return parseTracebacks(buf[:n])
		}
	}
}

var (
	headerLine = regexp.MustCompile(`^goroutine (\d+) .*?\[(.*)\]:$`)
	labelsPart = regexp.MustCompile(` labels:\{(.*)\}$`)
	cellLabel  = regexp.MustCompile(`"` + labelCell + `": "(\d+)"`)
	siteLabel  = regexp.MustCompile(`"` + labelSite + `": ("(?:[^"\\]|\\.)*")`)
)

// parseTracebacks reads what runtime.Stack writes (runtime/traceback.go,
// goroutineheader; GODEBUG=tracebacklabels=1 adds the labels).
func parseTracebacks(text []byte) []Goroutine {
	var all []Goroutine
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if m := headerLine.FindStringSubmatch(line); m != nil {
			id, err := strconv.ParseUint(m[1], 10, 64)
			if err != nil {
				continue
			}
			g := Goroutine{ID: id}
			state := m[2]
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
			all = append(all, g)
			continue
		}
		if len(all) == 0 || line == "" || line[0] == '\t' {
			continue
		}
		if i := strings.LastIndexByte(line, '('); i > 0 && !strings.HasPrefix(line, "created by ") {
			line = line[:i]
		}
		g := &all[len(all)-1]
		g.Frames = append(g.Frames, line)
	}
	return all
}

// asleep tells whether only another goroutine can wake one in this state.
func asleep(state string) bool {
	switch state {
	case "chan receive", "chan send", "chan receive (nil chan)", "chan send (nil chan)",
		"select", "select (no cases)", "semacquire", "sync.Cond.Wait", "sync.Mutex.Lock",
		"sync.RWMutex.Lock", "sync.RWMutex.RLock", "sync.WaitGroup.Wait":
		return true
	}
	return false
}
