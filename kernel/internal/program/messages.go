package program

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// CellFile is the file that the toolchain believes a cell's lines to be in.
// Its name says the same in every cell, so that one program in two cells is
// built once.
const CellFile = "/spindle/cell.go"

var position = regexp.MustCompile(`/spindle/cell\.go:(\d+)(?::(\d+))?( \+0x[0-9a-f]+)?`)

// Positions puts the cell's own lines in the place of CellFile's:
// "cell 3, line 2".
func Positions(text string, cell int) string {
	return position.ReplaceAllString(text, fmt.Sprintf("cell %d, line $1", cell))
}

// Mapper is Positions for a stream that comes in pieces. It holds back no more
// than what may be the beginning of a position.
type Mapper struct {
	Cell  int
	Tests bool // the stream is of package testing, which names files without their folders
	rest  []byte
}

// What a position begins with: a traceback's, and that of package testing.
var (
	mark     = []byte(CellFile)
	testMark = []byte("    cell.go:")
)

// longest is more than a position can have bytes.
const longest = len(CellFile) + 48

// testing's own form (testing.go, frameSkip and decorate).
var testPosition = regexp.MustCompile(`(?m)^((?:    )+)cell\.go:(\d+): `)

func (m *Mapper) positions(text []byte) []byte {
	if m.Tests {
		text = testPosition.ReplaceAll(text, fmt.Appendf(nil, "${1}cell %d, line $2: ", m.Cell))
	}
	return []byte(Positions(string(text), m.Cell))
}

// Feed takes bytes and returns those that are ready.
func (m *Mapper) Feed(p []byte) []byte {
	m.rest = append(m.rest, p...)
	cut := len(m.rest)
	// A position ends with its line; one that may still grow waits.
	for i := max(0, len(m.rest)-longest); i < len(m.rest); i++ {
		tail := m.rest[i:]
		if begins(tail, mark) || m.Tests && begins(tail, testMark) {
			cut = i
			break
		}
	}
	ready := m.positions(m.rest[:cut])
	m.rest = append(m.rest[:0], m.rest[cut:]...)
	return ready
}

// begins tells whether tail may be the beginning of a position that is not
// whole yet.
func begins(tail, mark []byte) bool {
	return bytes.HasPrefix(mark, tail) || bytes.HasPrefix(tail, mark) && bytes.IndexByte(tail, '\n') < 0
}

// Rest returns what was held back, at the stream's end.
func (m *Mapper) Rest() []byte {
	p := m.positions(m.rest)
	m.rest = nil
	return p
}

// Failure is what the toolchain found wrong with a cell.
type Failure struct {
	Name  string   // "compile error", or "error" where the toolchain itself failed
	Lines []string // the toolchain's words, with the cell's lines
}

func (f *Failure) Error() string {
	if len(f.Lines) == 0 {
		return f.Name
	}
	return f.Lines[0]
}

// failure reads the output of a failed build.
func failure(out string, cell int, dir string) *Failure {
	f := &Failure{Name: "error"}
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "# ") || line == "" {
			continue
		}
		if position.MatchString(line) {
			f.Name = "compile error"
		}
		line = strings.ReplaceAll(Positions(line, cell), dir+"/", "")
		f.Lines = append(f.Lines, line)
	}
	return f
}
