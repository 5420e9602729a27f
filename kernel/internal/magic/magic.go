// Package magic knows the commands that a cell may hold beside Go: it takes a
// cell apart into Go and commands, lists the commands for help and completion,
// and finds the nearest name for one that is unknown. Running them is the
// engine's.
package magic

import (
	"go/scanner"
	"go/token"
	"strings"
)

// Info describes one command.
type Info struct {
	Name string // with its mark: "%time", "%%go", "!"
	Args string // "[run|test|bench] [-race] [flags]"
	Doc  string // a sentence or two
	Go   bool   // Go of the session follows on the line
}

// All lists the commands, as %help shows them.
var All = []Info{
	{"%help", "", "Lists these commands.", false},
	{"%doc", "NAME", "Shows the documentation of a package, function, type or method, in the pager.", true},
	{"%time", "STATEMENT", "Runs a statement and says how long it took.", true},
	{"%timeit", "STATEMENT", "Runs a statement many times and says how long one run takes.", true},
	{"%who", "", "Lists what the session has declared.", false},
	{"%reset", "", "Forgets everything: a fresh process runs the next cell.", false},
	{"%restore", "", "Declares again what was lost with a process: types, functions, and variables as they were declared.", false},
	{"%go-version", "", "Says which Go runs cells, and which compiles programs.", false},
	{"%cd", "[FOLDER]", "Changes the session's working folder, or says which it is.", false},
	{"%env", "[NAME[=VALUE]]", "Shows or sets environment variables of the session.", false},
	{"%goroutines", "[SECONDS]", "Shows the goroutines of the session's cells: what they wait for, who started them and where they stand. With SECONDS, in motion.", false},
	{"%ps", "", "Shows the processes and threads under the session.", false},
	{"%trace", "STATEMENT", "Runs a statement and draws when its goroutines ran, and where.", true},
	{"!", "COMMAND", "Runs a shell command in the session's folder.", false},
	{"%%go", "[run|test|bench] [-race] [-with-state] [FLAGS]", "Builds and runs the cell by the Go toolchain: a program, tests or benchmarks. Third-party imports work. -with-state brings in the session's types and functions.", true},
	{"%%interp", "", "Runs a whole program by the interpreter, in a process of its own.", true},
	{"%%time", "", "Runs the cell and says how long it took.", true},
	{"%%trace", "", "Runs the cell and draws when its goroutines ran, and where.", true},
	{"%%verify", "", "Runs a whole program by the toolchain and by the interpreter and shows where they differ.", true},
	{"%%writefile", "[-a] FILE", "Writes the rest of the cell to a file, or appends it.", false},
}

// Part is a piece of a cell: Go, or one command.
type Part struct {
	Go   string // Go source, with every line where it stands in the cell
	Name string // of the command, with its mark; "" for Go
	Args string // what follows the name on its line
	Body string // the rest of the cell, lines in place; of %% commands only
	Line int    // 1-based: where the command stands
}

// Split takes a cell apart. A %% command stands on the cell's first line and
// takes the rest of it; a line that begins with % or ! where a statement could
// begin is a command; everything else is Go.
func Split(source string) []Part {
	lines := strings.SplitAfter(source, "\n")
	first := 0
	for first < len(lines) && strings.TrimSpace(lines[first]) == "" {
		first++
	}
	if first < len(lines) && strings.HasPrefix(strings.TrimSpace(lines[first]), "%%") {
		name, args := cut(lines[first])
		body := strings.Repeat("\n", first+1) + strings.Join(lines[first+1:], "")
		return []Part{{Name: name, Args: args, Body: body, Line: first + 1}}
	}
	var parts []Part
	var code strings.Builder // Go since the last command
	begin := 0               // its first line
	flush := func() {
		if text := code.String(); strings.TrimSpace(text) != "" {
			parts = append(parts, Part{Go: strings.Repeat("\n", begin) + text})
		}
		code.Reset()
	}
	for i, line := range lines {
		trimmed := strings.TrimSpace(line)
		if len(trimmed) > 1 && (trimmed[0] == '%' || trimmed[0] == '!') && statementMayBegin(code.String()) {
			flush()
			begin = i + 1
			name, args := cut(line)
			parts = append(parts, Part{Name: name, Args: args, Line: i + 1})
			continue
		}
		code.WriteString(line)
	}
	flush()
	if len(parts) == 0 {
		parts = []Part{{Go: source}}
	}
	return parts
}

// cut takes a command's line apart.
func cut(line string) (name, args string) {
	line = strings.TrimSpace(line)
	if rest, ok := strings.CutPrefix(line, "!"); ok {
		return "!", strings.TrimSpace(rest)
	}
	name, args, _ = strings.Cut(line, " ")
	return name, strings.TrimSpace(args)
}

// statementMayBegin tells whether code ends between two statements: not in a
// string, a comment, brackets or an expression that goes on.
func statementMayBegin(code string) bool {
	var s scanner.Scanner
	failed := false
	f := token.NewFileSet().AddFile("", -1, len(code))
	s.Init(f, []byte(code), func(token.Position, string) { failed = true }, 0)
	depth := 0
	last := token.SEMICOLON
	for {
		_, tok, _ := s.Scan()
		switch tok {
		case token.EOF:
			return !failed && depth == 0 && last == token.SEMICOLON
		case token.LPAREN, token.LBRACK, token.LBRACE:
			depth++
		case token.RPAREN, token.RBRACK, token.RBRACE:
			depth--
		}
		last = tok
	}
}

// Nearest returns the known command whose name is most like name.
func Nearest(name string) Info {
	best, distance := All[0], 1<<30
	for _, m := range All {
		if d := edits(strings.ToLower(name), m.Name); d < distance {
			best, distance = m, d
		}
	}
	return best
}

// Known finds a command by its name.
func Known(name string) (Info, bool) {
	for _, m := range All {
		if m.Name == name {
			return m, true
		}
	}
	return Info{}, false
}

// edits is the Levenshtein distance of two short strings, in bytes.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
