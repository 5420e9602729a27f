package complete

import (
	"bytes"
	"go/scanner"
	"go/token"
	"strings"
	"unicode/utf8"
)

// lexeme is one token of a cell: code[pos:end].
type lexeme struct {
	tok      token.Token
	lit      string
	pos, end int
}

// lexed is a cell in tokens, comments apart.
type lexed struct {
	toks     []lexeme
	comments []lexeme
	// What is wrong first, in the scanner's words; open is its kind where the
	// text ends inside a raw string or a comment.
	err  string
	open string // "", "raw string" or "comment"
}

func lex(code string) lexed {
	var l lexed
	fset := token.NewFileSet()
	file := fset.AddFile("", -1, len(code))
	var s scanner.Scanner
	s.Init(file, []byte(code), func(_ token.Position, msg string) {
		if l.err == "" {
			l.err = msg
		}
		switch {
		case strings.HasPrefix(msg, "raw string literal not terminated"):
			l.open = "raw string"
		case strings.HasPrefix(msg, "comment not terminated"):
			l.open = "comment"
		}
	}, scanner.ScanComments)
	for {
		pos, tok, lit := s.Scan()
		at := file.Offset(pos)
		if tok == token.EOF {
			return l
		}
		// The text may be longer than lit, which has no carriage returns, and
		// shorter, where it isn't UTF-8.
		t := lexeme{tok: tok, lit: lit, pos: at, end: at + len(lit)}
		switch {
		case tok == token.COMMENT:
			t.end = commentEnd(code, at)
			l.comments = append(l.comments, t)
			continue
		case tok == token.ILLEGAL:
			_, size := utf8.DecodeRuneInString(code[min(at, len(code)):])
			t.end = at + size
		case tok == token.SEMICOLON && lit == "\n":
			t.end = at // it isn't written
		case lit == "":
			t.end = at + len(tok.String())
		case tok == token.STRING && code[at] == '`':
			if i := strings.IndexByte(code[min(at+1, len(code)):], '`'); i >= 0 {
				t.end = at + i + 2
			} else {
				t.end = len(code)
			}
		}
		t.end = min(t.end, len(code))
		l.toks = append(l.toks, t)
	}
}

func commentEnd(code string, at int) int {
	mark, end := "\n", 0
	if strings.HasPrefix(code[at:], "/*") {
		mark, end = "*/", 2
	}
	if i := strings.Index(code[min(at+2, len(code)):], mark); i >= 0 {
		return at + 2 + i + end
	}
	return len(code)
}

// The kinds of chunks.
const (
	chunkStmt   = "statement"
	chunkDefine = "define" // x, y := …
	chunkDecl   = "declaration"
	chunkFunc   = "function"
	chunkImport = "import"
	chunkFile   = "package" // package clause
)

// chunk is one top-level piece of a cell: code[start:end], its tokens without
// the semicolon that ends it.
type chunk struct {
	kind       string
	start, end int
	toks       []lexeme
}

// split cuts a cell into its top-level pieces. Where brackets don't balance, a
// declaration keyword at the start of a line begins a new piece all the same,
// so that one broken function doesn't swallow the rest of the cell.
func split(code string, l lexed) []chunk {
	cs, balanced := splitAt(code, l, false)
	if !balanced {
		cs, _ = splitAt(code, l, true)
	}
	return cs
}

func splitAt(code string, l lexed, resync bool) (cs []chunk, balanced bool) {
	depth := 0
	header := false // of an if, for or switch, whose semicolons end nothing
	balanced = true
	var cur []lexeme
	flush := func() {
		if len(cur) > 0 {
			cs = append(cs, chunk{kind: kindOf(cur), start: cur[0].pos, end: cur[len(cur)-1].end, toks: cur})
			cur = nil
		}
	}
	for _, t := range l.toks {
		if resync && depth > 0 && (t.pos == 0 || code[t.pos-1] == '\n') {
			switch t.tok {
			case token.FUNC, token.TYPE, token.IMPORT, token.VAR, token.CONST, token.PACKAGE:
				depth = 0
				flush()
			}
		}
		switch t.tok {
		case token.IF, token.FOR, token.SWITCH:
			header = header || depth == 0
		case token.LPAREN, token.LBRACK, token.LBRACE:
			if t.tok == token.LBRACE && depth == 0 {
				header = false
			}
			depth++
		case token.RPAREN, token.RBRACK, token.RBRACE:
			depth--
			if depth < 0 {
				depth, balanced = 0, false
			}
		case token.SEMICOLON:
			if depth == 0 && (!header || t.lit == "\n") {
				header = false
				flush()
				continue
			}
		}
		cur = append(cur, t)
	}
	flush()
	return cs, balanced && depth == 0
}

func kindOf(toks []lexeme) string {
	switch toks[0].tok {
	case token.PACKAGE:
		return chunkFile
	case token.IMPORT:
		return chunkImport
	case token.TYPE, token.VAR, token.CONST:
		return chunkDecl
	case token.FUNC:
		if isFuncDecl(toks) {
			return chunkFunc
		}
	case token.IDENT:
		for i, t := range toks {
			switch t.tok {
			case token.IDENT, token.COMMA:
				continue
			case token.DEFINE:
				if i > 0 {
					return chunkDefine
				}
			}
			break
		}
	}
	return chunkStmt
}

// isFuncDecl tells `func name` and `func (r T) name` from a function literal.
func isFuncDecl(toks []lexeme) bool {
	if len(toks) == 1 || toks[1].tok == token.IDENT {
		return true
	}
	if toks[1].tok != token.LPAREN {
		return false
	}
	depth := 0
	for i, t := range toks[1:] {
		switch t.tok {
		case token.LPAREN:
			depth++
		case token.RPAREN:
			depth--
		}
		if depth == 0 {
			rest := toks[1+i+1:]
			// func (r T) name(…) or name[…]; func (a int) string {…} has a
			// brace after the name, and a literal's parameters come with it.
			return len(rest) >= 1 && rest[0].tok == token.IDENT &&
				(len(rest) == 1 || rest[1].tok == token.LPAREN || rest[1].tok == token.LBRACK)
		}
	}
	return true // func (r T|
}

// closers are the brackets that close what toks leave open, innermost first.
func closers(toks []lexeme) string {
	var open []byte
	for _, t := range toks {
		switch t.tok {
		case token.LPAREN:
			open = append(open, ')')
		case token.LBRACK:
			open = append(open, ']')
		case token.LBRACE:
			open = append(open, '}')
		case token.RPAREN, token.RBRACK, token.RBRACE:
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		}
	}
	for i, j := 0, len(open)-1; i < j; i, j = i+1, j-1 {
		open[i], open[j] = open[j], open[i]
	}
	return string(open)
}

// ending is what makes a tree of toks and an operand: block follows the
// operand (a header's braces, the call that go and defer want, case's colon),
// closing closes what is open, with the same behind it where it is wanted.
func ending(toks []lexeme) (block, closing string) {
	type level struct {
		close string
		// What the statement on this level wants behind its next operand: "{}"
		// for a header, "()" for go and defer, ":" for case.
		wants string
		loop  bool
	}
	levels := []level{{}}
	for _, t := range toks {
		top := &levels[len(levels)-1]
		switch t.tok {
		case token.IF, token.FOR, token.SWITCH:
			top.wants, top.loop = "{}", t.tok == token.FOR
		case token.GO, token.DEFER:
			top.wants = "()"
		case token.CASE:
			top.wants = ":"
		case token.COLON:
			if top.wants == ":" {
				top.wants = ""
			}
		case token.SEMICOLON:
			switch {
			case t.lit == "\n" || top.wants == "()":
				top.wants = ""
			case top.wants == "{}" && top.loop:
				top.wants, top.loop = ";{}", false // of three clauses the second
			case top.wants == ";{}":
				top.wants = "{}"
			}
		case token.LPAREN:
			levels = append(levels, level{close: ")"})
		case token.LBRACK:
			levels = append(levels, level{close: "]"})
		case token.LBRACE:
			l := level{close: "}"}
			if strings.HasSuffix(top.wants, "{}") {
				top.wants = ""
			}
			levels = append(levels, l)
		case token.RPAREN, token.RBRACK, token.RBRACE:
			if len(levels) > 1 {
				levels = levels[:len(levels)-1]
			}
		}
	}
	for i := len(levels) - 1; i > 0; i-- {
		closing += levels[i].close
		if below := levels[i-1].wants; below != "()" || levels[i].close != ")" {
			closing += below
		}
	}
	return levels[len(levels)-1].wants, closing
}

// blankMagics replaces every line that is a command, not Go, by blanks of the
// same length: a line of % or ! where a statement may begin, and the first
// line of a %% cell. It leaves all offsets as they are.
func blankMagics(code string) string {
	if !strings.ContainsAny(code, "%!") {
		return code
	}
	text, out := []byte(code), []byte(code)
	if first, end := cellMagic(code); first != "" {
		for i := range end {
			if out[i] != '\n' {
				out[i] = ' '
			}
		}
		return string(out)
	}
	for at := 0; at < len(code); {
		start, end, ok := nextMagic(text[at:])
		if !ok {
			break
		}
		for i := at + start; i < at+end; i++ {
			out[i] = ' '
		}
		at += end
	}
	return string(out)
}

// cellMagic is the first line of a cell that a %% command takes whole, and
// where that line ends; "" where the cell is none.
func cellMagic(code string) (line string, end int) {
	trimmed := strings.TrimLeft(code, " \t\r\n")
	if !strings.HasPrefix(trimmed, "%%") {
		return "", 0
	}
	line, _, _ = strings.Cut(trimmed, "\n")
	return strings.TrimSpace(line), len(code) - len(trimmed) + len(line)
}

// nextMagic finds the first command line of code, which begins a statement.
// Where one is, what follows its line begins a statement again, so that the
// quotes of a shell command confuse nothing.
func nextMagic(code []byte) (start, end int, ok bool) {
	var s scanner.Scanner
	file := token.NewFileSet().AddFile("", -1, len(code))
	s.Init(file, code, nil, 0)
	depth, last := 0, token.SEMICOLON
	for {
		pos, tok, _ := s.Scan()
		at := file.Offset(pos)
		switch tok {
		case token.EOF:
			return 0, 0, false
		case token.REM, token.NOT:
			if depth > 0 || last != token.SEMICOLON {
				break
			}
			start = bytes.LastIndexByte(code[:at], '\n') + 1
			end = len(code)
			if i := bytes.IndexByte(code[at:], '\n'); i >= 0 {
				end = at + i
			}
			if isMagicLine(string(code[start:end])) {
				return start, end, true
			}
		case token.LPAREN, token.LBRACK, token.LBRACE:
			depth++
		case token.RPAREN, token.RBRACK, token.RBRACE:
			depth = max(0, depth-1)
		}
		last = tok
	}
}

// isMagicLine says that line is a command wherever a statement may begin. Go
// has no statement that begins with %, and none of use with !.
func isMagicLine(line string) bool {
	trimmed := strings.TrimLeft(line, " \t")
	return strings.HasPrefix(trimmed, "%") || strings.HasPrefix(trimmed, "!")
}

// statementBegins says that a new statement may begin after before: brackets
// are closed and the last token ends one.
func statementBegins(before string) bool {
	l := lex(blankMagics(before))
	if l.open != "" {
		return false
	}
	if len(l.toks) == 0 {
		return true
	}
	return closers(l.toks) == "" && l.toks[len(l.toks)-1].tok == token.SEMICOLON
}
