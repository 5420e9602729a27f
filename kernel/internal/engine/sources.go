package engine

import "sync"

// What is kept of cells that have run: enough for a session that a person
// types, and no leak for one that a program does.
const (
	sourcesBytes = 8 << 20
	sourcesCells = 10_000
)

// sources are the latest cells' sources.
type sources struct {
	mu    sync.Mutex // guards the following
	text  map[int]string
	order []int // cells, oldest first
	bytes int
}

// put keeps cell's source, and drops the oldest where there is no room.
func (s *sources) put(cell int, source string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.text == nil {
		s.text = map[int]string{}
	}
	if old, again := s.text[cell]; again {
		s.bytes -= len(old)
	} else {
		s.order = append(s.order, cell)
	}
	s.text[cell] = source
	s.bytes += len(source)
	for len(s.order) > sourcesCells || s.bytes > sourcesBytes && len(s.order) > 1 {
		s.bytes -= len(s.text[s.order[0]])
		delete(s.text, s.order[0])
		s.order = s.order[1:]
	}
}

// of is what a cell was; "" where that is not known.
func (s *sources) of(cell int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text[cell]
}
