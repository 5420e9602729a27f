package complete

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
)

// The answers of IsComplete.
const (
	Complete   = "complete"   // run it
	Incomplete = "incomplete" // more lines are to come
	Invalid    = "invalid"    // no further line makes it Go
)

// IsComplete tells whether code is a whole cell and, where more is to come,
// the indentation of the next line. Its judgement is of syntax alone.
func (c *Completer) IsComplete(code string) (status, indent string) {
	if name, end := cellMagic(code); name != "" {
		rest, more := strings.CutPrefix(code[end:], "\n")
		return wholeCellMagic(name, rest, more)
	}
	text := blankMagics(code)
	if last := code[strings.LastIndexByte(code, '\n')+1:]; isMagicLine(last) && strings.HasSuffix(last, `\`) {
		return Incomplete, ""
	}
	return whole(text)
}

// wholeCellMagic judges a cell that a %% line begins. As in IPython an empty
// line ends it, for its text need not be Go; %%go's is.
func wholeCellMagic(name, rest string, more bool) (status, indent string) {
	command, _, _ := strings.Cut(name, " ")
	switch {
	case !more:
		return Incomplete, ""
	case command == "%%writefile":
	case strings.TrimSpace(rest) != "":
		return whole(rest)
	}
	if strings.HasSuffix(rest, "\n\n") || strings.TrimSpace(rest) != "" && strings.HasSuffix(rest, "\n") {
		return Complete, ""
	}
	return Incomplete, ""
}

func whole(text string) (status, indent string) {
	l := lex(text)
	switch {
	case l.open == "raw string":
		return Incomplete, "" // blanks would get into the string
	case l.open == "comment":
		return Incomplete, indentOf(l.toks, text)
	case l.err != "":
		return Invalid, ""
	case len(l.toks) == 0:
		return Complete, ""
	}
	if unmatched(l.toks) {
		return Invalid, ""
	}
	last := l.toks[len(l.toks)-1].tok
	open := closers(l.toks) != ""
	if !open && last != token.SEMICOLON && !endsStatement(last) {
		return Incomplete, indentOf(l.toks, text) + "\t" // x := | or f(a).|
	}
	chunks := split(text, l)
	for i, ch := range chunks {
		if i == len(chunks)-1 {
			if open {
				break // judged below
			}
			if ch.toks[len(ch.toks)-1].tok == token.SEMICOLON {
				return Incomplete, "\t" // for i := 0;|
			}
		}
		if !parses(text, ch) {
			return Invalid, ""
		}
	}
	if !open {
		return Complete, ""
	}
	if brokenInside(text, chunks[len(chunks)-1]) {
		return Invalid, ""
	}
	indent = indentOf(l.toks, text)
	switch last {
	case token.LPAREN, token.LBRACK, token.LBRACE, token.COMMA, token.COLON, token.SEMICOLON:
	default:
		if !endsStatement(last) {
			indent += "\t"
		}
	}
	return Incomplete, indent
}

// unmatched says that a closing bracket closes nothing, or another kind.
func unmatched(toks []lexeme) bool {
	var open []token.Token
	for _, t := range toks {
		switch t.tok {
		case token.LPAREN, token.LBRACK, token.LBRACE:
			open = append(open, t.tok)
		case token.RPAREN, token.RBRACK, token.RBRACE:
			want := map[token.Token]token.Token{token.RPAREN: token.LPAREN, token.RBRACK: token.LBRACK, token.RBRACE: token.LBRACE}[t.tok]
			if len(open) == 0 || open[len(open)-1] != want {
				return true
			}
			open = open[:len(open)-1]
		}
	}
	return false
}

// parses says that one chunk is syntactically right.
func parses(text string, ch chunk) bool {
	_, err := parseChunk(text[ch.start:ch.end], ch.kind)
	return err == nil
}

func parseChunk(src, kind string) (*ast.File, error) {
	switch kind {
	case chunkFile:
	case chunkStmt, chunkDefine:
		src = "package p;func _(){" + src + "\n}"
	default:
		src = "package p;" + src + "\n"
	}
	return parser.ParseFile(token.NewFileSet(), "", src, parser.SkipObjectResolution)
}

// brokenInside says that a line within an open chunk is wrong whatever
// follows: the chunk, closed after its last whole line, has an error before
// that line's end.
func brokenInside(text string, ch chunk) bool {
	last := len(ch.toks)
	for last > 0 && ch.toks[last-1].tok != token.SEMICOLON && ch.toks[last-1].tok != token.LBRACE {
		last--
	}
	if last == 0 {
		return false
	}
	toks := ch.toks[:last]
	end := toks[last-1].end
	close := closers(toks)
	if strings.Trim(close, "}") != "" {
		return false // within parens or brackets a new line may still change what is meant
	}
	src := text[ch.start:end] + "\n" + close
	_, err := parseChunk(src, ch.kind)
	return err != nil && !strings.Contains(err.Error(), "EOF")
}

// indentOf is a tab for each line whose brackets are still open. As gofmt has
// it, case and default stand at their switch's own level, their statements one
// further in.
func indentOf(toks []lexeme, text string) string {
	type bracket struct {
		line   int
		choice bool // of a switch or select
		inCase bool // behind a case's colon
	}
	var open []bracket
	line, at := 0, 0
	switchAt := -1 // brackets open at a switch or select whose brace is to come
	caseAt := -1   // brackets open at a case whose colon is to come
	for _, t := range toks {
		line += strings.Count(text[at:t.pos], "\n")
		at = t.pos
		switch t.tok {
		case token.SWITCH, token.SELECT:
			switchAt = len(open)
		case token.CASE, token.DEFAULT:
			caseAt = len(open)
		case token.COLON:
			if caseAt == len(open) && caseAt > 0 {
				open[caseAt-1].inCase = true
				caseAt = -1
			}
		case token.LPAREN, token.LBRACK:
			open = append(open, bracket{line: line})
		case token.LBRACE:
			choice := switchAt == len(open)
			if choice {
				switchAt = -1
			}
			open = append(open, bracket{line: line, choice: choice})
		case token.RPAREN, token.RBRACK, token.RBRACE:
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		}
	}
	depth, before := 0, -1
	for i, b := range open {
		if b.line != before {
			depth++
		}
		before = b.line
		if b.choice && !b.inCase && i == len(open)-1 {
			depth--
		}
	}
	return strings.Repeat("\t", depth)
}
