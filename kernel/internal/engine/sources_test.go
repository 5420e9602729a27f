package engine

import (
	"strings"
	"testing"
)

func TestSourcesAreBounded(t *testing.T) {
	var s sources
	for cell := 1; cell <= 100; cell++ {
		s.put(cell, strings.Repeat("x", sourcesBytes/10))
	}
	s.put(100, "again")
	kept := 0
	for cell := 1; cell <= 100; cell++ {
		if s.of(cell) != "" {
			kept++
		}
	}
	if s.of(100) != "again" || s.of(99) == "" || s.of(1) != "" || kept != 10 || len(s.order) != 10 {
		t.Errorf("%d sources kept, %d in order", kept, len(s.order))
	}
	s.put(101, strings.Repeat("x", 2*sourcesBytes)) // larger than all room: the last is kept
	if s.of(101) == "" || s.bytes != 2*sourcesBytes {
		t.Errorf("%d bytes", s.bytes)
	}
}
