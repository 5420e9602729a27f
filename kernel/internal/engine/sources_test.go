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
	for cell := range 2 * sourcesCells {
		s.put(1000+cell, "x")
	}
	if len(s.text) != sourcesCells || len(s.order) != sourcesCells || s.of(1000+2*sourcesCells-1) != "x" {
		t.Errorf("%d sources, %d in order", len(s.text), len(s.order))
	}
	s.put(101, strings.Repeat("x", 2*sourcesBytes)) // larger than all room: the last is kept
	if s.of(101) == "" || len(s.order) != 1 {
		t.Errorf("%d bytes", s.bytes)
	}
}
