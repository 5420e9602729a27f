package session

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// historyKeep is how many entries of earlier sessions are read, and kept when
// the file has grown to twice as many.
const historyKeep = 10_000

// HistoryEntry is one cell that ran.
type HistoryEntry struct {
	Session int    `json:"session"` // counts the kernel's sessions, from 1
	Line    int    `json:"line"`    // the execution count
	Source  string `json:"source"`
	Output  string `json:"output,omitempty"` // text/plain of the value shown
}

// HistoryQuery is the content of a history_request.
type HistoryQuery struct {
	Output     bool   `json:"output"`
	AccessType string `json:"hist_access_type"` // "tail", "range" or "search"
	Session    int    `json:"session"`          // range: 0 is this one, -1 the one before
	Start      int    `json:"start"`
	Stop       *int   `json:"stop"` // range: first line left out; nil is the end
	N          *int   `json:"n"`    // tail, search: at most so many, the last ones
	Pattern    string `json:"pattern"`
	Unique     bool   `json:"unique"`
}

// History is the inputs of this session and earlier ones: JSON lines in a file
// that several kernels may append to, or memory alone.
type History struct {
	mu      sync.Mutex // guards all below
	entries []HistoryEntry
	session int
	file    *os.File // nil: memory alone
}

// NewHistory makes a history that is not kept.
func NewHistory() *History { return &History{session: 1} }

// OpenHistory opens the history at path, makes it where it is missing, and
// begins a new session in it. Lines that are damaged are skipped. The file is
// readable by its owner alone: cells may hold secrets.
//
// It does not wait until all of the file is read, for a kernel should answer
// before that; what is then asked of the history does. A file that cannot be
// read is logged, and the history is kept in memory alone.
func OpenHistory(path string, log *slog.Logger) (*History, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("open history: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open history: %w", err)
	}
	h := &History{session: 1, file: f}
	h.mu.Lock()
	go func() { // ends soon; Close waits for it
		defer h.mu.Unlock()
		if err := h.begin(); err != nil {
			log.Warn("the history is kept in memory only", "err", err)
			f.Close()
			h.file, h.session = nil, max(h.session, 1)
		}
	}()
	return h, nil
}

// begin reads what there is and begins a session. Called with mu held.
func (h *History) begin() error {
	// The lock lasts while the number of the session is found and taken.
	if err := unix.Flock(int(h.file.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("lock history: %w", err)
	}
	defer unix.Flock(int(h.file.Fd()), unix.LOCK_UN)
	h.session = 0
	if err := h.load(); err != nil {
		return fmt.Errorf("read history %s: %w", h.file.Name(), err)
	}
	h.session++
	// A line of its own takes the number: a session may run no cell for long.
	if err := h.write(HistoryEntry{Session: h.session}); err != nil {
		return fmt.Errorf("write history %s: %w", h.file.Name(), err)
	}
	return nil
}

// load reads all entries, and shortens a file that has grown too long.
func (h *History) load() error {
	r := bufio.NewReader(h.file)
	lines := 0
	for {
		line, err := r.ReadBytes('\n')
		if len(line) > 0 {
			lines++
			var e HistoryEntry
			if json.Unmarshal(line, &e) == nil {
				h.session = max(h.session, e.Session)
				if e.Line > 0 {
					h.entries = append(h.entries, e)
				}
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	if len(h.entries) > historyKeep {
		h.entries = append([]HistoryEntry(nil), h.entries[len(h.entries)-historyKeep:]...)
	}
	if lines < 2*historyKeep {
		return nil
	}
	// In place: other kernels have the file open, and append to what is there.
	if err := h.file.Truncate(0); err != nil {
		return err
	}
	for _, e := range h.entries {
		if err := h.write(e); err != nil {
			return err
		}
	}
	return nil
}

// write appends one line; O_APPEND keeps lines of several kernels whole.
func (h *History) write(e HistoryEntry) error {
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = h.file.Write(append(b, '\n'))
	return err
}

// Add enters a cell. A file that cannot be written does not fail the cell: the
// session keeps its own history.
func (h *History) Add(line int, source, output string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := HistoryEntry{Session: h.session, Line: line, Source: source, Output: output}
	h.entries = append(h.entries, e)
	if len(h.entries) >= 2*historyKeep {
		h.entries = append([]HistoryEntry(nil), h.entries[historyKeep:]...)
	}
	if h.file != nil {
		if err := h.write(e); err != nil {
			h.file.Close()
			h.file = nil
		}
	}
}

// Query finds entries, oldest first.
func (h *History) Query(q HistoryQuery) ([]HistoryEntry, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch q.AccessType {
	case "tail":
		return last(h.entries, q.N), nil
	case "range":
		session := q.Session
		if session <= 0 {
			session += h.session
		}
		var found []HistoryEntry
		for _, e := range h.entries {
			if e.Session == session && e.Line >= q.Start && (q.Stop == nil || e.Line < *q.Stop) {
				found = append(found, e)
			}
		}
		return found, nil
	case "search":
		pattern := q.Pattern
		if pattern == "" {
			pattern = "*"
		}
		re, err := globRegexp(pattern)
		if err != nil {
			return nil, err
		}
		return last(h.search(re, q.Unique), q.N), nil
	}
	return nil, fmt.Errorf("hist_access_type %.40q is not known (tail, range and search are)", q.AccessType)
}

func (h *History) search(re *regexp.Regexp, unique bool) []HistoryEntry {
	var found []HistoryEntry
	for _, e := range h.entries {
		if re.MatchString(e.Source) {
			found = append(found, e)
		}
	}
	if !unique {
		return found
	}
	latest := make(map[string]int, len(found)) // the last of equal sources stays
	for i, e := range found {
		latest[e.Source] = i
	}
	var once []HistoryEntry
	for i, e := range found {
		if latest[e.Source] == i {
			once = append(once, e)
		}
	}
	return once
}

func last(entries []HistoryEntry, n *int) []HistoryEntry {
	if n == nil || *n < 0 || *n > len(entries) {
		return entries
	}
	return entries[len(entries)-*n:]
}

// globRegexp reads a glob as IPython's history does (SQLite's GLOB): * ? [set].
func globRegexp(glob string) (*regexp.Regexp, error) {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; c {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteString(".")
		case '[':
			if end := strings.IndexByte(glob[i+1:], ']'); end > 0 {
				set := glob[i+1 : i+1+end]
				b.WriteByte('[')
				if set[0] == '^' {
					b.WriteByte('^')
					set = set[1:]
				}
				b.WriteString(strings.NewReplacer(`\`, `\\`, `[`, `\[`, `^`, `\^`).Replace(set))
				b.WriteByte(']')
				i += end + 1
				continue
			}
			b.WriteString(`\[`)
		default:
			j := i
			for j+1 < len(glob) && !strings.ContainsRune("*?[", rune(glob[j+1])) {
				j++
			}
			b.WriteString(regexp.QuoteMeta(glob[i : j+1]))
			i = j
		}
	}
	b.WriteString(`\z`)
	re, err := regexp.Compile(b.String())
	if err != nil {
		return nil, fmt.Errorf("pattern %.80q: %w", glob, err)
	}
	return re, nil
}

// Close ends writing. What is in memory can still be asked for.
func (h *History) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.file == nil {
		return nil
	}
	err := h.file.Close()
	h.file = nil
	return err
}
